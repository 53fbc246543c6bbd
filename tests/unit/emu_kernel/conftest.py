"""A fresh guest over a fresh root, whose host files are closed afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pytest_nextrust.emu.records import RunRequest
from tests.unit.emu_kernel.guest import Guest


@pytest.fixture
def make_guest(tmp_path: Path) -> Iterator[Callable[..., Guest]]:
    made: list[Guest] = []

    def make(**request: object) -> Guest:
        root = tmp_path / "root"
        root.mkdir(exist_ok=True)
        guest = Guest(root, RunRequest(b"", **request))  # type: ignore[arg-type]
        made.append(guest)
        return guest

    yield make
    for guest in made:
        guest.kernel.close()


@pytest.fixture
def guest(make_guest: Callable[..., Guest]) -> Guest:
    return make_guest()
