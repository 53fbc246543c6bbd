"""What is generated for every compiler: one function per atomic operation, width and ordering, each with its meaning.

Values are passed in whole 32-bit slots and cut down inside, so that how a compiler extends narrow arguments is not what
is judged.

Boundary: data; the languages' own modules write the text. Sources: C11 7.17.3 and the Rust documentation of
core::sync::atomic for the orderings that an operation may have.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["FAILURES", "FENCES", "LOADS", "PREFIX", "STORES", "UPDATES", "Operation"]

LOADS = ("relaxed", "acquire", "seq_cst")
STORES = ("relaxed", "release", "seq_cst")
UPDATES = ("relaxed", "acquire", "release", "acq_rel", "seq_cst")
FENCES = ("acquire", "release", "acq_rel", "seq_cst")
"""The orderings that each kind of operation may have in C and in Rust."""

FAILURES = {"release": "relaxed", "acq_rel": "acquire"}
"""A failed comparison is only a load: the ordering that goes with one that a load cannot have."""

PREFIX = "nextrust_"


@dataclass(frozen=True, slots=True)
class Operation:
    """One function: its name, the routine of the table that it must be, and its definition in its language.

    ``size`` is the object's in bytes, 0 for a fence; ``alignment`` what the language promises of its address.
    ``alone``: other threads would see how it is made to be its routine; it is called alone only.
    """

    name: str
    routine: str
    text: str
    size: int
    alignment: int = 1
    alone: bool = False
