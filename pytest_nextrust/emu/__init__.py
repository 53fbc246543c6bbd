"""The machine: a 68030 or 68040 with a small NeXT kernel, in a child process of its own.

Boundary: ``sandbox`` and ``records`` are the parent's side, and never import the emulator; what runs only in the child
process is ``child``, and the kernel, which the child alone starts.
"""
