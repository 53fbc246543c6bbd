"""One routine as C source: exported alone, or beside a writer and a reader of the same runtime; right and wrong.

A right routine does its work under one global lock. A wrong one is not atomic: a read-modify-write without the lock, a
load in two halves (of one byte: one that writes back what it read), a store or release without the lock or in two
halves, ``__sync_synchronize`` and ``__atomic_is_lock_free`` that drop a lock that they do not hold. Called alone each
answers as the table says, so that nothing but another thread can show the fault.

Boundary: text. Compiling and checking are the tests'.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pytest_nextrust.atomics.calls import Call, Extent
from pytest_nextrust.atomics.families import initial, make_call
from pytest_nextrust.atomics.table import ROUTINES, Effect, Result, Routine, apply

__all__ = ["ACCESSES", "SIZED_UPDATES", "beside_others", "definition", "exported_alone", "witness_of_updates"]

_ACCESS_STEMS = ("__atomic_load", "__atomic_store", "__sync_lock_release")

SIZED_UPDATES = tuple(name for name, r in ROUTINES.items() if r.size is not None and r.stem not in _ACCESS_STEMS)
"""The sized routines that read and write in one step, 29 families in four sizes: each interferes with itself."""

ACCESSES = tuple(
    name for name in ROUTINES if name not in (*SIZED_UPDATES, "__atomic_exchange", "__atomic_compare_exchange")
)
"""The others, whose fault no routine shows alone: loads, stores, releases, and those that touch no object."""

_MACROS = {
    "__sync_fetch_and_OP": "SYNC_FETCH",
    "__sync_OP_and_fetch": "SYNC_OP",
    "__atomic_fetch_OP": "ATOMIC_FETCH",
    "__atomic_OP_fetch": "ATOMIC_OP",
    "__sync_val_compare_and_swap": "VAL_CAS",
    "__sync_bool_compare_and_swap": "BOOL_CAS",
    "__sync_lock_test_and_set": "TEST_AND_SET",
    "__sync_lock_release": "LOCK_RELEASE",
    "__atomic_load": "LOAD",
    "__atomic_store": "STORE",
    "__atomic_exchange": "EXCHANGE",
    "__atomic_compare_exchange": "COMPARE_EXCHANGE",
}

_HEAD = '#include "coverage.h"\n\nGLOBAL(ONE)\n'

_LOADED_IN_HALVES = """\
EXPORT(v{size}, atomic_load_{size}, "__atomic_load_{size}", volatile void *object, int order)
{{
    volatile v{half} *part = object;
    v{size} high;

    (void)order;
    high = part[0];
    return (v{size})(high << {bits} | part[1]);
}}
"""

_LOADED_AND_WRITTEN_BACK = """\
EXPORT(v1, atomic_load_1, "__atomic_load_1", volatile void *object, int order)
{
    v1 found = AT(1, object);

    (void)order;
    AT(1, object) = found;
    return found;
}
"""

_SYNCHRONIZE = """\
EXPORT(void, sync_synchronize, "__sync_synchronize", void)
{{
    {body}
}}
"""

_LOCK_FREE = """\
EXPORT(int, atomic_is_lock_free, "__atomic_is_lock_free", size bytes, const volatile void *object)
{{
    (void)bytes, (void)object;
    {body}
    return 0;
}}
"""


def definition(name: str, *, right: bool) -> str:
    """C source of one routine, to stand after the lock ``ONE``."""
    routine = ROUTINES[name]
    if name == "__sync_synchronize":
        return _SYNCHRONIZE.format(body="BARRIER();" if right else "ONE_leave(0, 0);")
    if name == "__atomic_is_lock_free":
        return _LOCK_FREE.format(body="" if right else "ONE_leave(0, 0);")
    if routine.stem == "__atomic_load" and not right and routine.size is not None:
        return _torn(routine.size)
    suite = "ONE" if right else "NONE"
    if routine.generic:
        return f"GENERIC_{_MACROS[routine.stem]}({suite})\n"
    operation = f"{routine.operation}, " if routine.operation else ""
    return f"{_MACROS[routine.stem]}({suite}, {operation}{routine.size})\n"


def _torn(size: int) -> str:
    if size == 1:
        return _LOADED_AND_WRITTEN_BACK
    return _LOADED_IN_HALVES.format(size=size, half=size // 2, bits=4 * size)


def exported_alone(name: str, *, right: bool) -> str:
    """A runtime that exports this routine and no other."""
    return f"{_HEAD}\n{definition(name, right=right)}"


def beside_others(name: str, *, right: bool) -> str:
    """A runtime of three: this routine, right or wrong, and a right writer and a right reader of the same size.

    The writer is a read-modify-write: a lost store, for one, only shows there. Routines that have no size of their own
    are beside those of 8 bytes.
    """
    size = ROUTINES[name].size or 8
    writer = f"__sync_fetch_and_add_{size}"
    reader = f"__atomic_load_{size}"
    if name == reader:
        reader = f"__sync_val_compare_and_swap_{size}"
    parts = [definition(name, right=right), *(definition(other, right=True) for other in (writer, reader))]
    return "\n".join([_HEAD, *parts])


# -- a witness ---------------------------------------------------------------------------------------------------------


def witness_of_updates(names: Iterable[str], *, right: bool) -> tuple[str, dict[str, str]]:
    """Sized updates in one program, with two threads and a check for each; by name, the number in their names.

    The check compares what two calls answered and left with what their two orders do. It is plain C, and the threads
    are explored as any program: no judge of histories has a part in it.
    """
    parts = [_HEAD]
    tests: dict[str, str] = {}
    for number, name in enumerate(names):
        parts += [definition(name, right=right), *_test(ROUTINES[name], f"{number}")]
        tests[name] = f"{number}"
    # The linker drops what nothing leads to; the threads are in one section with this.
    parts.append("int main(void) { return 0; }\n")
    return "\n".join(parts), tests


def _test(routine: Routine, number: str) -> Iterator[str]:
    size = routine.size or 0
    extent, start = Extent(0, size), initial(size)
    calls = tuple(make_call(routine, extent, start, thread) for thread in range(2))
    own = routine.name.removeprefix("__").replace("_OP", "")
    kind = "int" if routine.result is Result.BOOL else f"v{size}"
    yield f"static struct {{ v{size} object, expected[2]; {kind} answer[2]; }} t{number};"
    yield f"void setup_{number}(void)"
    yield "{"
    yield f"    t{number}.object = {_number(start)};"
    for thread, call in enumerate(calls):
        if call.args.expected:
            yield f"    t{number}.expected[{thread}] = {_number(call.args.expected)};"
    yield "}"
    for thread, call in enumerate(calls):
        called = _called(own, call, number, thread)
        yield f"void thread_{number}_{thread}(void) {{ t{number}.answer[{thread}] = {called}; }}"
    yield f"int check_{number}(void)"
    yield "{"
    for left, effects in (_in_turn(routine, start, calls, order) for order in ((0, 1), (1, 0))):
        wanted = [f"t{number}.object == {_number(left)}"]
        for thread, effect in effects.items():
            wanted.append(f"t{number}.answer[{thread}] == {_literal(effect.result or 0)}")
            if effect.expected is not None:
                wanted.append(f"t{number}.expected[{thread}] == {_number(effect.expected)}")
        yield f"    if ({' && '.join(wanted)})\n        return 0;"
    yield "    return 1;\n}"


def _in_turn(
    routine: Routine, memory: bytes, calls: tuple[Call, ...], order: tuple[int, ...]
) -> tuple[bytes, dict[int, Effect]]:
    """What the calls leave, made one after another, and what each does."""
    effects = {}
    for thread in order:
        effects[thread] = apply(routine, memory, calls[thread].args)
        memory = effects[thread].memory
    return memory, effects


def _called(own: str, call: Call, number: str, thread: int) -> str:
    value = _number(call.args.value)
    if own.startswith("atomic_compare_exchange"):
        return f"{own}(&t{number}.object, &t{number}.expected[{thread}], {value}, 5, 5)"
    given = [f"&t{number}.object"]
    if call.args.expected:
        given.append(f"t{number}.expected[{thread}]")
    given.append(value)
    if own.startswith("atomic"):
        given.append("5")
    return f"{own}({', '.join(given)})"


def _number(data: bytes) -> str:
    return _literal(int.from_bytes(data, "big"))


def _literal(value: int) -> str:
    return f"{value:#x}ull"
