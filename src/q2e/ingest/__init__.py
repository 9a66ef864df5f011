"""Index time: from files to stored evidence, resumable at every step."""
