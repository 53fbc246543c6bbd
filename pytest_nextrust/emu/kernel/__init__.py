"""A small NeXT kernel for one guest process: UNIX calls, Mach traps and messages, files, signals, time.

Boundary: plain Python over an ``AddressSpace``; no emulator in here. ``dispatch`` is the way in. See docs/kernel.md for
every call and its limits.
"""
