"""What runs the reading of videos: this machine, or others by way of a plugin."""
