"""The HTTP API and the page's host: `q2e serve`, one process over one index."""
