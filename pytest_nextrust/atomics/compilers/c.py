"""The C functions: every builtin of the two families, ``__sync_*`` and ``__atomic_*``, as gcc and clang have them.

Boundary: text. Sources: GCC manual, "Built-in Functions for Memory Model Aware Atomic Operations" and "Legacy __sync
Built-in Functions"; clang implements both.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pytest_nextrust.atomics.compilers.functions import FAILURES, FENCES, LOADS, PREFIX, STORES, UPDATES, Operation
from pytest_nextrust.atomics.compilers.shapes import PREAMBLE, shapes, source_of
from pytest_nextrust.atomics.table import OPERATIONS, SIZES

__all__ = ["operations", "source"]

_TYPES = {1: "unsigned char", 2: "unsigned short", 4: "unsigned int", 8: "unsigned long long"}
_WORD = "unsigned long"
_ALIGNMENT = 2
"""What m68k compilers align objects of more than a byte to."""


def operations() -> Iterator[Operation]:
    """Every atomic operation of the two families of builtins, in every width and every ordering that it may have; and
    those of other shapes (see ``shapes``)."""
    for size in SIZES:
        yield from _accesses(size)
        yield from _swaps(size)
        for operation in OPERATIONS:
            for order in UPDATES:
                for routine in (f"__atomic_fetch_{operation}", f"__atomic_{operation}_fetch"):
                    call = f"{routine}(object, ({_TYPES[size]})value, __ATOMIC_{order.upper()})"
                    yield _function(routine, size, order, ("value",), f"return {call};")
            for routine in (f"__sync_fetch_and_{operation}", f"__sync_{operation}_and_fetch"):
                body = f"return {routine}(object, ({_TYPES[size]})value);"
                yield _function(routine, size, "full", ("value",), body)
    yield from _fences()
    yield from map(source_of, shapes())


def _accesses(size: int) -> Iterator[Operation]:
    for order in (*LOADS, "consume"):
        body = f"return __atomic_load_n(object, __ATOMIC_{order.upper()});"
        yield _function("__atomic_load", size, order, (), body)
    for order in STORES:
        body = f"__atomic_store_n(object, ({_TYPES[size]})value, __ATOMIC_{order.upper()});"
        yield _function("__atomic_store", size, order, ("value",), body)
    yield _function("__sync_lock_release", size, "release", (), "__sync_lock_release(object);")


def _swaps(size: int) -> Iterator[Operation]:
    kind = _TYPES[size]
    for order in UPDATES:
        memory, failure = f"__ATOMIC_{order.upper()}", f"__ATOMIC_{FAILURES.get(order, order).upper()}"
        body = f"return __atomic_exchange_n(object, ({kind})value, {memory});"
        yield _function("__atomic_exchange", size, order, ("value",), body)
        body = f"return __atomic_compare_exchange_n(object, expected, ({kind})value, 0, {memory}, {failure});"
        yield _function("__atomic_compare_exchange", size, order, ("expected", "value"), body)
        yield _weak(size, order, f"({kind})value, 1, {memory}, {failure}")
    body = f"return __sync_lock_test_and_set(object, ({kind})value);"
    yield _function("__sync_lock_test_and_set", size, "acquire", ("value",), body)
    for name in ("val", "bool"):
        body = f"return __sync_{name}_compare_and_swap(object, ({kind})old, ({kind})value);"
        yield _function(f"__sync_{name}_compare_and_swap", size, "full", ("old", "value"), body)


def _weak(size: int, order: str, rest: str) -> Operation:
    """The weak form in the loop that it is for: a spurious failure, which is allowed, makes no difference there."""
    body = (
        f"{_TYPES[size]} wanted = *expected, found;\n\tint done;\n"
        f"\tdo {{\n\t\tfound = wanted;\n\t\tdone = __atomic_compare_exchange_n(object, &found, {rest});\n"
        "\t} while (!done && found == wanted);\n"
        "\tif (!done)\n\t\t*expected = found;\n\treturn done;"
    )
    return _function("__atomic_compare_exchange", size, f"weak_{order}", ("expected", "value"), body)


def _fences() -> Iterator[Operation]:
    calls = [("atomic_thread_fence_" + order, f"__atomic_thread_fence(__ATOMIC_{order.upper()})") for order in FENCES]
    for name, call in (*calls, ("sync_synchronize_full", "__sync_synchronize()")):
        text = f"void {PREFIX}{name}(void)\n{{\n\t{call};\n}}\n"
        yield Operation(PREFIX + name, "__sync_synchronize", text, 0)


def _function(family: str, size: int, order: str, arguments: tuple[str, ...], body: str) -> Operation:
    kind = _TYPES[size]
    slot = kind if size == 8 else _WORD
    types = {"value": f"{slot} value", "old": f"{slot} old", "expected": f"{kind} *expected"}
    listed = ", ".join([f"{kind} *object", *(types[argument] for argument in arguments)])
    result = slot if body.startswith("return") else "void"
    if "compare_exchange" in family or "bool_compare" in family:
        result = "int"
    name = f"{PREFIX}{family.lstrip('_')}_{size}_{order}"
    text = f"{result} {name}({listed})\n{{\n\t{body}\n}}\n"
    return Operation(name, f"{family}_{size}", text, size, min(size, _ALIGNMENT))


def source(made: Iterable[Operation]) -> str:
    """The C source of these functions."""
    head = "/* One function per atomic operation, width and ordering, or shape. */"
    return "\n".join([head, PREAMBLE, *(o.text for o in made)])
