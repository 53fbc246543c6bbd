"""The parent's side of a comparison: which witnesses there are, and one request to the sandbox.

Boundary: nothing here imports an emulator; a witness is looked for by its name.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from contextlib import ExitStack
from importlib.util import find_spec

from pytest_nextrust.base.convert import from_plain, to_plain
from pytest_nextrust.emu.records import RunRequest
from pytest_nextrust.emu.sandbox import Sandbox, guest_root
from pytest_nextrust.errors import ConfigError, HarnessFault
from pytest_nextrust.witness.records import ENGINES, WitnessRecord, WitnessRequest

__all__ = ["MEMORY", "REMEDIES", "compare", "missing", "qemu_program"]

MEMORY = 16 << 30
"""Bytes of address space for the child: qemu reserves the guest's 4 GiB in its own, whose limit it inherits."""

REMEDIES = {
    "musashi": "pip install 'pytest-nextrust[witness]', which builds machine68k with a C compiler",
    "qemu": "install qemu-m68k; on Debian: apt-get install qemu-user",
}

_CHILD = "pytest_nextrust.witness.child.compare:compare"

START, STEP = 60.0, 0.002
"""Seconds for all the rest, and for a step."""


def missing(engines: Sequence[str] = ENGINES) -> dict[str, str]:
    """Those of the witnesses that are not installed, and what to do about each."""
    found = {"musashi": find_spec("machine68k") is not None, "qemu": qemu_program() is not None}
    return {engine: REMEDIES[engine] for engine in engines if not found[engine]}


def qemu_program() -> str | None:
    """Where qemu-m68k is."""
    return shutil.which("qemu-m68k")


def compare(sandbox: Sandbox, runs: Sequence[RunRequest], engines: Sequence[str]) -> list[WitnessRecord]:
    """Run these programs, each up to its budget, and hold the witnesses against the machine.

    The sandbox needs ``MEMORY``. Raises NotRunnable, HarnessFault.
    """
    seconds = START * len({run.cpu for run in runs}) + STEP * sum(run.budget for run in runs)
    with ExitStack() as stack:
        roots = tuple(stack.enter_context(guest_root(run)) for run in runs)
        request = WitnessRequest(tuple(runs), roots, tuple(engines))
        answer = sandbox.call(_CHILD, to_plain(request), seconds)
    try:
        return [from_plain(WitnessRecord, one, subject="its answer") for one in answer]
    except (ConfigError, TypeError) as error:
        raise HarnessFault("emulator process", f"gave an answer that is no comparison: {error}") from None
