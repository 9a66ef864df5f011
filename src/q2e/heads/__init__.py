"""Trainable parts over cached features: blocks, losses, recipes, and one trainer for all."""
