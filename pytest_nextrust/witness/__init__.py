"""Other emulators as witnesses: the same program, instruction by instruction, and the first step where they part.

Boundary: ``records`` is what goes into a comparison and what comes out; ``child`` compares, in the sandbox's child
process; ``musashi`` and ``qemu`` are the engines, ``known`` what they are known to do wrong.
"""
