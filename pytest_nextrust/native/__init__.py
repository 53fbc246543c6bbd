"""The compiled part: optional, built where a C compiler is, with the plain way beside it (see docs/machine.md)."""
