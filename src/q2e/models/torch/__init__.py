"""Architectures of the hub, through PyTorch or an export of theirs."""
