"""What cargo and rustc say when a crate cannot be built for the NeXT, and what to do about it.

Boundary: text in, the same error with a cause and a remedy out. The texts are those of rustc and cargo 1.95 and 1.96.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from pytest_nextrust.errors import BuildFailed

__all__ = ["explained"]


@dataclass(frozen=True, slots=True)
class Cause:
    """A cause, by a pattern over the output; ``{1}`` in ``fault`` is what its first group matched."""

    pattern: str
    fault: str
    remedy: str


_STD = "leave #![no_std] out of the program's root, so that it is built with std; or take dependencies without their "
_STD += "std feature (default-features = false)"
_OFFLINE = "vendor it (cargo vendor, with the [source] tables that it prints in .cargo/config.toml), or name it by path"

CAUSES = (
    Cause(r"can't find crate for `std`", "needs std, which a program with #![no_std] does not have", _STD),
    Cause(
        r"using `fn main` requires the standard library",
        "needs std, which a program with #![no_std] does not have",
        _STD,
    ),
    Cause(r"can't find crate for `test`", "its tests need std, which this target does not have", _STD),
    Cause(
        r"no global memory allocator found",
        "uses alloc and has no global allocator",
        "write `extern crate next;`, whose allocator is then taken, or a #[global_allocator] of your own",
    ),
    Cause(r"no matching package named `([^`]*)` found", "depends on {1}, which is not on this machine", _OFFLINE),
    Cause(r"failed to download `([^`]*)`", "depends on {1}, which is not on this machine", _OFFLINE),
    Cause(r"failed to get `([^`]*)` as a dependency", "its dependency {1} cannot be read", _OFFLINE),
)


def explained(error: BuildFailed, output: str) -> BuildFailed:
    """The error with ``output`` in place of its own, and with a cause and remedy where the output tells one."""
    for cause in CAUSES:
        match = re.search(cause.pattern, output)
        if match is not None:
            fault = cause.fault.replace("{1}", match[1] if match.groups() else "")
            return BuildFailed(
                error.subject, fault, command=error.command, output=output, place=error.place, remedy=cause.remedy
            )
    return BuildFailed(
        error.subject, error.fault, command=error.command, output=output, place=error.place, remedy=error.remedy
    )
