"""Recipes of training, a file each."""
