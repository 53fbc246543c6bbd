"""The m68k instruction set: decoding, disassembly, where control can go, and what a CPU lacks."""
