"""Verify, from pytest, what a Rust-to-NeXTSTEP toolchain emits for the Motorola 68030 and 68040.

The package is used through ``pytest --nextrust-phase``, the ``nextrust`` command, and its fixtures; importing it
does nothing and loads nothing.
"""

__all__ = ["__version__"]

__version__ = "0.1.0"
