"""Both linkers make the same program: GNU ld through the ELF writer, and our own from Mach-O objects.

The ordinary run takes a sample; NEXTRUST_CAMPAIGN=full takes every program at every level for both CPUs.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_nextrust.emu.records import RunRequest
from pytest_nextrust.emu.sandbox import Sandbox
from pytest_nextrust.toolchain import BuildRequest, Toolchain, toolchains

from .pairs import FLAGS, Answer, Pair, nextstep, pairs

FULL = os.environ.get("NEXTRUST_CAMPAIGN") == "full"
SAMPLE = 7
"""Of the small plan every so manieth program is taken: a dozen, of every level and both CPUs."""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as one:
        yield one


@pytest.fixture(scope="module")
def gnu() -> Toolchain:
    return toolchains()["gnu"]


def own(pair: Pair, folder: Path, toolchain: Toolchain, sandbox: Sandbox, *, strip: bool) -> Answer:
    """Compile to an MH_OBJECT, link that with our own linker, run."""
    part, out = folder / "part.o", folder / "own.macho"
    request = BuildRequest(
        (pair.source,), part, cpu=pair.cpu, profile="release", flags=FLAGS, optimise=pair.level, link="object"
    )
    toolchain.build(request)
    toolchain.build(BuildRequest((part,), out, cpu=pair.cpu, linker="own", dead_strip=strip))
    record = sandbox.run(RunRequest(out.read_bytes(), cpu=pair.cpu, budget=300_000_000))
    message = f" {record.end.message}" if record.end.message else ""
    return Answer(f"{record.end.kind} {record.end.value}{message}", record.stdout)


@pytest.mark.campaign
@pytest.mark.needs_compiler("gnu")
@pytest.mark.parametrize("pair", [pytest.param(p, id=p.id) for p in pairs(full=FULL)[:: 1 if FULL else SAMPLE]])
def test_both_linkers_agree(pair: Pair, tmp_path: Path, gnu: Toolchain, sandbox: Sandbox) -> None:
    """A program ends and prints the same whichever linker made it, stripped or not."""
    want = nextstep(pair, tmp_path, gnu, sandbox)
    assert want.end.startswith("exit"), want
    assert own(pair, tmp_path, gnu, sandbox, strip=False) == want
    if not FULL:
        assert own(pair, tmp_path, gnu, sandbox, strip=True) == want
