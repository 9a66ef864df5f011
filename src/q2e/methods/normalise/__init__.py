"""Transforms that make score matrices comparable, and corrections of hubness; pure functions."""
