"""Strategies that rank the best videos of a search again."""
