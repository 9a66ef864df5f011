"""The only package that opens media: identity, probe, shots, frames and sound by time."""
