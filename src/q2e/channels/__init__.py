"""One module a channel: a stretch of media in, evidence out."""
