"""Import paths of 0.1."""
