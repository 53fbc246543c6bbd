"""Compiling many functions when a compiler cannot take all of them: halves, and halves of those, until it is known
which.

Boundary: knows no compiler; what is tried is handed in.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TypeVar

from pytest_nextrust.errors import BuildFailed

__all__ = ["CRASHES", "crashed", "reason", "split"]

Item = TypeVar("Item")
Made = TypeVar("Made")

CRASHES = (
    "internal compiler error",
    "PLEASE submit a bug report",
    "LLVM ERROR",
    "Stack dump:",
    "was killed by",
    "signal: ",
    "took longer than",
    "panicked at",
)
"""What a compiler's end, or its output, holds where it fell over instead of refusing."""
UNSELECTED = "error in backend: Cannot select:"
"""What LLVM says, with all that it says of a crash, where it has no instruction for what it was given: it refuses."""
_NODE = re.compile(re.escape(UNSELECTED) + r" \w+: .*? = (\w+)")


def split(
    items: Sequence[Item], attempt: Callable[[Sequence[Item]], Made]
) -> tuple[list[Made], list[tuple[Item, BuildFailed]]]:
    """What ``attempt`` made of as many items as it takes at once, and each item that it fails on alone.

    Where it fails on no items at all, the fault is none of theirs: raises that BuildFailed.
    """
    made: list[Made] = []
    failed: list[tuple[Item, BuildFailed]] = []
    pending = [items]
    judged = False
    while pending:
        part = pending.pop()
        try:
            made.append(attempt(part))
        except BuildFailed as error:
            if not judged:
                attempt(())
                judged = True
            if len(part) == 1:
                failed.append((part[0], error))
            else:
                middle = len(part) // 2
                pending += [part[middle:], part[:middle]]
    return made, failed


def crashed(error: BuildFailed) -> bool:
    """Whether the compiler fell over, as opposed to refusing what it was given."""
    text = f"{error.fault}\n{error.output}"
    return UNSELECTED not in text and any(sign in text for sign in CRASHES)


def reason(error: BuildFailed) -> str:
    """The line of the output that says why, else how the tool ended."""
    lines = [line.strip() for line in error.output.splitlines() if line.strip()]
    unselected = _NODE.search(error.output)
    if unselected is not None:
        # The rest of the line has addresses of this run.
        return f"{UNSELECTED} {unselected[1]}"
    for sign in (*CRASHES[:3], "error:", "error[", "undefined reference", "relocation truncated"):
        found = next((line for line in lines if sign in line), None)
        if found and sign != "PLEASE submit a bug report":
            return found
    return error.fault
