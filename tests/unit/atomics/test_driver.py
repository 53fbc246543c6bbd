"""Histories as machine code: what a thread executes makes the calls that the history says, and says when."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from pytest_nextrust import macho
from pytest_nextrust.atomics.build import RUNTIMES, Runtime, Unit, build
from pytest_nextrust.atomics.calls import Call, History, HistoryModel
from pytest_nextrust.atomics.driver import assemble
from pytest_nextrust.atomics.findings import standalone
from pytest_nextrust.atomics.table import Args
from pytest_nextrust.base.convert import from_plain, to_plain
from pytest_nextrust.emu.sandbox import Sandbox
from pytest_nextrust.explore.client import explore

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
    variant = assemble(History("one", ((ADD,),), START), runtime)
    (marks,) = variant.request.operations
    places = dict(variant.symbols)
    assert places[marks.returned] == places[marks.call] + 6
    (start, code), _ = variant.patches
    assert start == runtime.code
    at = places[marks.call] - start
    assert code[at : at + 2] == b"\x4e\xb9"
    assert int.from_bytes(code[at + 2 : at + 6], "big") == runtime.routines["__sync_fetch_and_add_4"]


def test_covered_bytes_are_the_union(runtime: Runtime) -> None:
    """Overlapping objects are one run of bytes, distant ones two."""
    wide = Call("__atomic_load_8", 2, 8)
    far = Call("__atomic_load_1", 100, 1)
    request = assemble(History("three", ((ADD, wide), (far,)), START), runtime).request
    model = from_plain(HistoryModel, request.history)
    base = model.covered[0][0]
    assert model.covered == ((base, 10), (base + 100, 1))
    assert [size for _, size in request.objects] == [10, 1]
    assert model.initial == bytes((0, 0, 0, 7)) + bytes(7)


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
        request = standalone(runtime, assemble(history, runtime))
        model = from_plain(HistoryModel, request.history)
        operations = tuple(replace(operation, routine=routine) for operation in model.operations)
        request = replace(request, history=to_plain(replace(model, operations=operations)))
        assert explore(sandbox, request).verdict == verdict


def test_a_history_is_a_program(runtime: Runtime) -> None:
    """As a program of its own it is a sound Mach-O whose symbols are the threads, marks and objects."""
    history = History("program", ((ADD,), (ADD,)), START)
    request = standalone(runtime, assemble(history, runtime))
    file = macho.read(request.program)
    assert isinstance(file, macho.MachFile)
    assert [defect for defect in macho.check(file, cpu="m68030") if defect.severity == "error"] == []
    names = ["nextrust_thread_0", "nextrust_thread_1", "nextrust_call_0", "nextrust_return_1", "nextrust_object_0"]
    assert all(file.lookup("_" + name) is not None for name in names)
