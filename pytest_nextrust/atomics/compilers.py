"""What compilers make of atomic operations: one function per operation, width and ordering, checked like a runtime.

The functions are compiled at every level, and for every CPU whose code the chosen one runs: a 68000 or 68010 has no
cas, so their code calls the routines of a runtime, the shipped lock-free one (proved by itself); from the 68020
on code is inline. Values are passed in whole slots and cut down inside, so that how a compiler extends narrow arguments
is not what is judged.

Boundary: sources and builds; nothing is executed here. Sources: GCC manual, "Built-in Functions for Memory Model Aware
Atomic Operations" and "Legacy __sync Built-in Functions"; clang implements both.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from pytest_nextrust.atomics import RUNTIMES
from pytest_nextrust.atomics.build import Runtime, Unit, build
from pytest_nextrust.atomics.campaign import Function, Target
from pytest_nextrust.atomics.table import OPERATIONS, SIZES
from pytest_nextrust.errors import UsageFault

__all__ = ["CLASSES", "Operation", "operations", "source", "targets"]

CLASSES = {"m68030": ("68000", "68010", "68020", "68030"), "m68040": ("68000", "68020", "68040")}
"""The CPUs whose code is made, by the CPU that runs it."""

_LOADS = ("relaxed", "consume", "acquire", "seq_cst")
_STORES = ("relaxed", "release", "seq_cst")
_UPDATES = ("relaxed", "acquire", "release", "acq_rel", "seq_cst")
_FAILURES = {"release": "relaxed", "acq_rel": "acquire"}
"""A failed comparison is only a load: the ordering that goes with one that a load cannot have."""

_TYPES = {1: "unsigned char", 2: "unsigned short", 4: "unsigned int", 8: "unsigned long long"}
_WORD = "unsigned long"
_PREFIX = "nextrust_"


@dataclass(frozen=True, slots=True)
class Operation:
    """One function: its name, the routine of the table that it must be, and its C definition."""

    name: str
    routine: str
    text: str


def operations() -> Iterator[Operation]:
    """Every atomic operation of the two families of builtins, in every width and every ordering that it may have."""
    for size in SIZES:
        yield from _accesses(size)
        yield from _swaps(size)
        for operation in OPERATIONS:
            for order in _UPDATES:
                memory = f"__ATOMIC_{order.upper()}"
                for routine, call in (
                    (
                        f"__atomic_fetch_{operation}",
                        f"__atomic_fetch_{operation}(object, ({_TYPES[size]})value, {memory})",
                    ),
                    (
                        f"__atomic_{operation}_fetch",
                        f"__atomic_{operation}_fetch(object, ({_TYPES[size]})value, {memory})",
                    ),
                ):
                    yield _function(routine, size, order, ("value",), f"return {call};")
            for routine in (f"__sync_fetch_and_{operation}", f"__sync_{operation}_and_fetch"):
                body = f"return {routine}(object, ({_TYPES[size]})value);"
                yield _function(routine, size, "full", ("value",), body)


def _accesses(size: int) -> Iterator[Operation]:
    for order in _LOADS:
        body = f"return __atomic_load_n(object, __ATOMIC_{order.upper()});"
        yield _function("__atomic_load", size, order, (), body)
    for order in _STORES:
        body = f"__atomic_store_n(object, ({_TYPES[size]})value, __ATOMIC_{order.upper()});"
        yield _function("__atomic_store", size, order, ("value",), body)
    yield _function("__sync_lock_release", size, "release", (), "__sync_lock_release(object);")


def _swaps(size: int) -> Iterator[Operation]:
    kind = _TYPES[size]
    for order in _UPDATES:
        memory, failure = f"__ATOMIC_{order.upper()}", f"__ATOMIC_{_FAILURES.get(order, order).upper()}"
        body = f"return __atomic_exchange_n(object, ({kind})value, {memory});"
        yield _function("__atomic_exchange", size, order, ("value",), body)
        body = f"return __atomic_compare_exchange_n(object, expected, ({kind})value, 0, {memory}, {failure});"
        yield _function("__atomic_compare_exchange", size, order, ("expected", "value"), body)
    body = f"return __sync_lock_test_and_set(object, ({kind})value);"
    yield _function("__sync_lock_test_and_set", size, "acquire", ("value",), body)
    for name in ("val", "bool"):
        body = f"return __sync_{name}_compare_and_swap(object, ({kind})old, ({kind})value);"
        yield _function(f"__sync_{name}_compare_and_swap", size, "full", ("old", "value"), body)


def _function(family: str, size: int, order: str, arguments: tuple[str, ...], body: str) -> Operation:
    kind = _TYPES[size]
    slot = kind if size == 8 else _WORD
    # The object is aligned to 2 bytes at least; an access that this CPU cannot make at odd addresses is not asked for.
    types = {"value": f"{slot} value", "old": f"{slot} old", "expected": f"{kind} *expected"}
    listed = ", ".join([f"{kind} *object", *(types[argument] for argument in arguments)])
    result = slot if body.startswith("return") else "void"
    if "compare_exchange" in family or "bool_compare" in family:
        result = "int"
    name = f"{_PREFIX}{family.lstrip('_')}_{size}_{order}"
    return Operation(name, f"{family}_{size}", f"{result} {name}({listed})\n{{\n\t{body}\n}}\n")


def source() -> str:
    """The C source of all functions."""
    return "\n".join(["/* One function per atomic operation, width and ordering. */", *(o.text for o in operations())])


def targets(compiler: str, cpu: str, levels: tuple[str, ...]) -> list[Target]:
    """What ``compiler`` makes at each level for each CPU class; the same code is checked once.

    Raises what building raises, and UsageFault for a compiler whose functions are not made here.
    """
    if compiler not in ("gnu", "clang"):
        raise UsageFault("--compiler", "cannot be checked yet", place=compiler, remedy="use gnu or clang")
    found: list[Target] = []
    seen: set[bytes] = set()
    with tempfile.TemporaryDirectory(prefix="nextrust-atomics-") as folder:
        path = Path(folder) / "operations.c"
        path.write_text(source(), encoding="utf-8")
        for level in levels:
            for model in CLASSES[cpu]:
                flag = f"-m{model}" if compiler == "gnu" else f"-mcpu=M{model}"
                units = [Unit(path, (flag,)), Unit(RUNTIMES["cas"], ("-O2",), "gnu")]
                runtime = replace(build(units, cpu, level, toolchain=compiler), model=f"m{model}")
                code = b"".join(section.data or b"" for section in runtime.image.sections)
                if code in seen:
                    continue
                seen.add(code)
                found.append(Target(runtime, _functions(runtime)))
    return found


def _functions(runtime: Runtime) -> tuple[Function, ...]:
    """The functions made, of each routine only those whose code differs."""
    text = next(section for section in runtime.image.sections if section.name == "__text")
    starts = sorted({symbol.address for symbol in runtime.image.symbols} | {text.address + text.size})
    after = dict(pairwise(starts))
    kept: dict[tuple[str, bytes], Function] = {}
    for operation in operations():
        address = runtime.symbols[operation.name]
        code = (text.data or b"")[address - text.address : after[address] - text.address]
        kept.setdefault((operation.routine, code), Function(operation.name, address, operation.routine, plain=True))
    return tuple(kept.values())
