"""What compilers make of atomic operations: one function per operation, width and ordering, checked like a runtime.

The functions are compiled at every level, and for every CPU whose code the chosen one runs. A 68000 or 68010 has no
cas, so its code calls routines; they are those of the shipped lock-free runtime, which is proved by itself. From the
68020 on code for 1, 2 and 4 bytes is inline. A function that the compiler does not take, or that holds instructions
which the CPU it is for does not have, is a finding; the others are checked all the same.
"""
