"""Ways of cutting a video into titled chapters from the evidence that the index holds of it."""
