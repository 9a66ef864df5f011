"""Measurements of models of the hub on a device, with random weights: speed and memory only."""
