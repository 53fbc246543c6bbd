"""Histories as machine code: what a thread executes makes the calls that the history says, and says when."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from pytest_nextrust import macho
from pytest_nextrust.atomics.build import RUNTIMES, Runtime, Unit, build
from pytest_nextrust.atomics.campaign import Target, _payload, _wire
from pytest_nextrust.atomics.driver import Call, History, assemble
from pytest_nextrust.atomics.findings import request_of
from pytest_nextrust.atomics.table import Args
from pytest_nextrust.emu.sandbox import Sandbox

pytestmark = pytest.mark.needs_compiler("gnu")

ADD = Call("__sync_fetch_and_add_4", 0, 4, Args(bytes((0, 0, 0, 1))))
START = ((0, bytes((0, 0, 0, 7))),)


@pytest.fixture(scope="module")
def runtime() -> Runtime:
    return build([Unit(RUNTIMES["cas"])], "m68030", "2")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as machine:
        yield machine


def test_marks_stand_around_the_call(runtime: Runtime) -> None:
    """A call mark stands at the jsr to the routine, its return mark six bytes behind it."""
    driven = assemble(History("one", ((ADD,),), START), runtime)
    call, back = driven.marks
    assert (call.returns, back.returns) == (False, True)
    assert back.address == call.address + 6
    at = call.address - runtime.code
    assert driven.code[at : at + 2] == b"\x4e\xb9"
    assert int.from_bytes(driven.code[at + 2 : at + 6], "big") == runtime.routines["__sync_fetch_and_add_4"]


def test_covered_bytes_are_the_union(runtime: Runtime) -> None:
    """Overlapping objects are one run of bytes, distant ones two."""
    wide = Call("__atomic_load_8", 2, 8)
    far = Call("__atomic_load_1", 100, 1)
    driven = assemble(History("three", ((ADD, wide), (far,)), START), runtime)
    base = driven.covered[0][0]
    assert driven.covered == [(base, 10), (base + 100, 1)]
    assert driven.model["initial"] == bytes((0, 0, 0, 7)) + bytes(7)


def test_what_does_not_fit_is_refused(runtime: Runtime) -> None:
    """Values or calls that are too many for the room raise ValueError; an unknown routine KeyError."""
    large = Call("__atomic_exchange", 0, 1024, Args(bytes(1024)))
    with pytest.raises(ValueError, match="values do not fit"):
        assemble(History("large", ((large,) * 8,), START), runtime)
    with pytest.raises(ValueError, match="bytes of code"):
        assemble(History("long", ((ADD,) * 1000,), START), runtime)
    with pytest.raises(KeyError):
        assemble(History("unknown", ((replace(ADD, function="nobody"),),), START), runtime)


def test_a_wrong_meaning_is_noticed(runtime: Runtime, sandbox: Sandbox) -> None:
    """Twins: an addition judged as one passes; judged as a subtraction it has no explanation."""
    history = History("judged", ((ADD,), (ADD,)), START)
    for routine, verdict in (("__sync_fetch_and_add_4", "passed"), ("__sync_fetch_and_sub_4", "failed")):
        driven = assemble(history, runtime)
        for operation in driven.model["operations"]:
            operation["routine"] = routine
        limits = {"histories": [_wire(driven)], "states": 10_000, "seconds": 20.0, "total": 20.0}
        payload = {**_payload(runtime), **limits}
        (answer,) = sandbox.call("pytest_nextrust.atomics.child.worker:explore", payload, 40.0)
        assert answer["verdict"] == verdict


def test_a_history_is_a_program(runtime: Runtime) -> None:
    """As a program of its own it is a sound Mach-O whose symbols are the threads, marks and objects."""
    history = History("program", ((ADD,), (ADD,)), START)
    request = request_of(Target.of(runtime), history, assemble(history, runtime))
    file = macho.read(request.program)
    assert isinstance(file, macho.MachFile)
    assert [defect for defect in macho.check(file, cpu="m68030") if defect.severity == "error"] == []
    names = ["nextrust_thread_0", "nextrust_thread_1", "nextrust_call_0", "nextrust_return_1", "nextrust_object_0"]
    assert all(file.lookup("_" + name) is not None for name in names)
