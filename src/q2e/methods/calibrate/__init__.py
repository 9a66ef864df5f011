"""How scores of different channels are made comparable."""
