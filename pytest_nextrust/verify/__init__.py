"""Verifying one scenario in one cell: build or take the program, check its Mach-O, run or explore it, compare."""
