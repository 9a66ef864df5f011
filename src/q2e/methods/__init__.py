"""Methods: a folder a kind with its `base`, then one file a method, its prompt beside it."""
