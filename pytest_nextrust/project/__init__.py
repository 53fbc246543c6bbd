"""A project's documents: phases and their criteria, the matrix, known compiler issues, options and run settings."""
