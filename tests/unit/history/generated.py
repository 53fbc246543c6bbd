"""Histories with known truth: components, scenarios that depend on them, faults that come and are mended.

Each scenario depends on one component, and all cells of a CPU on the scenarios' own way to fail: a fault breaks a
scenario in some cells. A run changes a few files, of which each may break what depends on its component. Some items
are flaky. What is drawn is drawn from one seed.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from pytest_nextrust.history.past import Observation
from pytest_nextrust.project.matrix import Matrix
from pytest_nextrust.status.records import ItemKey

COMPONENTS = ("toolchain/codegen", "toolchain/linker", "runtime/atomics", "runtime/std", "emu/kernel", "docs")


@dataclass(frozen=True)
class Truth:
    """Which component each scenario depends on; ``docs`` breaks nothing."""

    needs: dict[str, str]
    flaky: frozenset[ItemKey]


def generate(seed: int, runs: int = 120, scenarios: int = 12) -> tuple[list[Observation], Truth]:
    """A history, oldest first, and what is behind it."""
    lot = random.Random(seed)
    names = [f"s{n:02}" for n in range(scenarios)]
    needs = {name: lot.choice(COMPONENTS[:-1]) for name in names}
    keys = [ItemKey("phase-1", name, cell.id) for name in names for cell in Matrix().cells]
    flaky = frozenset(lot.sample(keys, 3))
    broken: dict[ItemKey, int] = {}
    past = []
    for number in range(runs):
        touched = lot.sample(COMPONENTS, lot.choice((1, 1, 1, 2)))
        changed = {f"{part}/file{lot.randrange(6)}.rs" for part in touched}
        broken = {key: left - 1 for key, left in broken.items() if left > 1}
        for part in touched:
            if lot.random() < 0.3:
                hit = [name for name in names if needs[name] == part]
                cpu = lot.choice(("m68030", "m68040", "m680"))
                victims = [key for key in keys if key.scenario in hit and cpu in key.cell and lot.random() < 0.8]
                broken.update(dict.fromkeys(victims, lot.choice((1, 2, 3))))
        bad = {key: key in broken or (key in flaky and lot.random() < 0.15) for key in keys}
        seconds = {key: lot.choice((0.5, 1.0, 4.0)) for key in keys}
        past.append(Observation(f"run-{number}", f"{number:040x}", frozenset(changed), bad, seconds))
    return past, Truth(needs, flaky)
