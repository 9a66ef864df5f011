"""Language and lexical tokens of text in any script."""
