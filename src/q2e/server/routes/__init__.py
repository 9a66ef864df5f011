"""What the API answers, one file a theme; each has a `router` that the application mounts."""
