"""Import paths of 0.1 that the documentation named; each module here is a face of the one that it imports."""
