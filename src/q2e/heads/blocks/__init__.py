"""Parts of heads in PyTorch, a file each; what a recipe puts together."""
