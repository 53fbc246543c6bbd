"""Atomic operations in other shapes than behind a plain pointer: which are made, and what is found by them."""

from __future__ import annotations

from dataclasses import fields, replace
from itertools import combinations

import pytest

from pytest_nextrust.atomics.compilers.checking import Checked, check_compiler
from pytest_nextrust.atomics.compilers.makers import maker
from pytest_nextrust.atomics.compilers.making import batches, native
from pytest_nextrust.atomics.compilers.shapes import FORMS, NAMES, USES, Shape, shapes, source_of
from pytest_nextrust.atomics.plan import CampaignPlan
from pytest_nextrust.emu.sandbox import Sandbox

MADE = tuple(shapes())
QUICK = (
    "__atomic_load at index",
    "__atomic_compare_exchange at field",
    "__atomic_fetch_add at global",
    "__atomic_sub_fetch at local",
    "__atomic_exchange at argument",
    "__sync_bool_compare_and_swap at pointer",
)


def checked(made: tuple[Shape, ...], compiler: str = "gnu", change: tuple[str, str] = ("", "")) -> Checked:
    """What becomes of these shapes, with a text in their sources replaced by another."""
    operations = [source_of(shape) for shape in made]
    operations = [replace(o, text=o.text.replace(*change) if change[0] else o.text) for o in operations]
    with Sandbox() as sandbox:
        some = replace(maker(compiler, "m68030"), operations=tuple(operations))
        return check_compiler(some, "m68030", ("2",), CampaignPlan(), sandbox)


def quick() -> tuple[Shape, ...]:
    return tuple(shape for shape in MADE if f"{shape.family} at {shape.form}" in QUICK)


def test_every_operation_is_in_every_place() -> None:
    """Of 4 bytes, and of the other sizes in turn; but for what is made without a shape already."""
    for family in NAMES:
        for form in FORMS:
            sizes = {shape.size for shape in MADE if (shape.family, shape.form) == (family, form)}
            assert (4 in sizes and len(sizes) == 2) or form == "pointer", (family, form)
    assert len({shape.name for shape in MADE}) == len(MADE)
    assert 200 <= len(MADE) <= 216


def test_any_two_choices_come_together() -> None:
    """Operation, size, place, use and constant by pairs: a load has no operand, a store no result."""
    for one, other in combinations([field.name for field in fields(Shape)], 2):
        have = {(getattr(shape, one), getattr(shape, other)) for shape in MADE}
        every = {(a, b) for a in {pair[0] for pair in have} for b in {pair[1] for pair in have}}
        allowed = {("__atomic_load", True), *(("__atomic_store", word) for word in ("pointer", *USES))}
        assert every - have <= allowed, (one, other)


@pytest.mark.needs_compiler("gnu")
def test_they_are_called_alone_and_pass() -> None:
    """For the oldest CPU and the one that runs them; the run is passed, though no history could show them."""
    found = checked(quick())
    assert found.findings == []
    assert found.verdict == "passed"
    assert {cell["cpu"] for cell in found.cells} == {"m68000", "m68030"}
    assert {cell["verdict"] for cell in found.cells} == {"passed"}
    assert not any(result.explorations for result in found.results)
    assert sum(result.calls for result in found.results) > 200


@pytest.mark.needs_compiler("gnu")
@pytest.mark.parametrize(
    "change",
    [
        ("first + index", "first + index - 1"),
        ("((char *)object - ", "((char *)object - 2 - "),
        ("result = wanted;", "result = found + 1;"),
        ("\tresult = right;", "\tresult = right + 1;"),
        ("(&local, 1", "(&local, 2"),
        ("*back = moved;", "*back = moved + 1;"),
        ("*object = nextrust_global_4;", ";"),
    ],
    ids=["element", "field", "compared", "branched", "constant", "argument", "global"],
)
def test_what_is_wrong_in_a_shape_is_found(change: tuple[str, str]) -> None:
    """As if the compiler had taken another address, answer or operand."""
    # A load shows no place that nothing is written back from.
    some = [s for s in MADE if change[0] in source_of(s).text and s.size == 4 and s.family != "__atomic_load"][:3]
    assert some
    found = checked(tuple(some), change=change)
    assert {finding["routine"] for finding in found.findings} == {shape.name for shape in some}
    assert {finding["kind"] for finding in found.findings} <= {"result", "neighbour", "outside"}


@pytest.mark.needs_compiler("clang")
def test_clang_cannot_select_accesses_to_elements() -> None:
    """clang 19 refuses atomic loads and stores at p + i: each is a finding, and the others are made."""
    names = ("__atomic_load", "__atomic_store")
    some = [s for s in MADE if s.family in names and s.size == 4 and s.form in ("index", "global")]
    clang = maker("clang", "m68030")
    if " 19." not in clang.version:
        pytest.skip("about clang 19")
    clang = replace(clang, operations=tuple(map(source_of, some)))
    (batch,) = batches(clang, "m68030", ("2",), models=("m68030",))
    refused = {finding["routine"] for finding in batch.findings if finding["kind"] == "refused"}
    assert refused == {shape.name for shape in some if shape.form == "index"}
    assert all("Cannot select" in finding["message"] for finding in batch.findings)
    assert batch.target is not None
    assert {function.symbol for function in batch.target.functions} == {s.name for s in some if s.form == "global"}


@pytest.mark.needs_compiler("gnu")
def test_programs_for_scenarios_have_no_shapes() -> None:
    """They hold what takes part in histories."""
    assert not any(function.alone for function in native("gnu", "m68030", "2").functions)
