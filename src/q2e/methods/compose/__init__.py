"""How a text changes the picture that is searched with."""
