"""Ways from the scored evidence of one video to the moments that answer."""
