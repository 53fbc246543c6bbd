"""The compiled part's functions of a search, with their types, and the codes by which it says why it stopped.

Boundary: ``native/search.c``, whose numbers these are.
"""

from __future__ import annotations

import ctypes
from functools import cache

from pytest_nextrust.native.loading import core

__all__ = [
    "ASKS",
    "COMPLETE",
    "EXCHANGE",
    "FOLLOW",
    "JUDGE",
    "MONITOR",
    "NONE",
    "NO_MEMORY",
    "NO_WAY_ON",
    "PAUSE",
    "RENAME",
    "STEP",
    "THREADS",
    "library",
]

COMPLETE, STEP, MONITOR, FOLLOW, RENAME, JUDGE, PAUSE, VIOLATED, NO_MEMORY, EXCHANGE, NO_WAY_ON = range(11)
ASKS = frozenset({STEP, MONITOR, FOLLOW, RENAME, EXCHANGE})
"""Something is to be told before it can go on."""

THREADS = 16
NONE = 0xFFFF_FFFF


@cache
def library() -> ctypes.CDLL:
    """The library, its functions with the types that are not int."""
    loaded = core()
    assert loaded is not None
    pointer, number = ctypes.c_void_p, ctypes.c_uint32
    loaded.nextrust_search_new.restype = pointer
    for name in ("state", "row", "final", "way_states", "wanted_of", "log", "sending", "unjudged", "whole"):
        getattr(loaded, f"nextrust_search_{name}").restype = pointer
    numbers = "count", "done", "finals", "depth", "way_length", "log_count", "owner", "to_send", "unjudged_count"
    for name in (*numbers, "parent", "move"):
        getattr(loaded, f"nextrust_search_{name}").restype = number
    loaded.nextrust_search_transitions.restype = ctypes.c_uint64
    return loaded
