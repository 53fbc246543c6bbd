"""Questions about compilers under test: which pass broke a program, and what changed from one compiler to another."""
