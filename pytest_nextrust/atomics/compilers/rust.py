"""The Rust functions: every method of core::sync::atomic's integers, in the widths that the target has.

A width without ``target_has_atomic`` has no type to call methods of; what it lacks is said by ``lacking``. The signed
types differ from the unsigned in ``fetch_max`` and ``fetch_min`` only, which are not among the operations here.

Boundary: text. Sources: the documentation of core::sync::atomic; rustc's ``--print cfg``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from pytest_nextrust.atomics.compilers.functions import FAILURES, FENCES, LOADS, PREFIX, STORES, UPDATES, Operation
from pytest_nextrust.atomics.table import SIZES

__all__ = ["SUPPORT", "lacking", "operations", "source", "widths"]

_ORDERS = {"relaxed": "Relaxed", "acquire": "Acquire", "release": "Release", "acq_rel": "AcqRel", "seq_cst": "SeqCst"}
_METHODS = ("add", "sub", "or", "and", "xor", "nand")

SUPPORT = """#![no_std]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    loop {}
}
"""
"""A crate with what every program needs once; nothing that is checked ever gets there."""

_HEAD = """#![no_std]
// One function per atomic operation, width and ordering.
#![allow(unused_imports)]
use core::sync::atomic::*;
"""


def widths(cfg: str) -> tuple[int, ...]:
    """The widths in bytes that have atomic types, by what ``rustc --print cfg`` says of a target."""
    return tuple(size for size in SIZES if f'target_has_atomic="{8 * size}"' in cfg.split())


def lacking(have: Collection[int]) -> list[str]:
    """What a target with these widths does not offer, in words for an answer."""
    return [
        f'core::sync::atomic::AtomicU{8 * size}: no target_has_atomic="{8 * size}"'
        for size in SIZES
        if size not in have
    ]


def operations(have: Collection[int]) -> Iterator[Operation]:
    """Every method in every width of ``have`` (bytes) and every ordering that it may have; and fences."""
    for size in have:
        yield from _accesses(size)
        for order in UPDATES:
            ordering = f"Ordering::{_ORDERS[order]}"
            failure = f"Ordering::{_ORDERS[FAILURES.get(order, order)]}"
            call = f"swap(value as u{8 * size}, {ordering}) as u32"
            yield _function("__atomic_exchange", size, order, ("value",), call)
            yield from _comparisons(size, order, f"value as u{8 * size}, {ordering}, {failure}")
            for method in _METHODS:
                call = f"fetch_{method}(value as u{8 * size}, {ordering}) as u32"
                yield _function(f"__atomic_fetch_{method}", size, order, ("value",), call)
    for order in FENCES:
        name = f"{PREFIX}fence_{order}"
        text = _text(name, [], "", f"fence(Ordering::{_ORDERS[order]});")
        yield Operation(name, "__sync_synchronize", text, 0)


def _accesses(size: int) -> Iterator[Operation]:
    for order in LOADS:
        yield _function("__atomic_load", size, order, (), f"load(Ordering::{_ORDERS[order]}) as u32")
    for order in STORES:
        call = f"store(value as u{8 * size}, Ordering::{_ORDERS[order]});"
        yield _function("__atomic_store", size, order, ("value",), call)


def _comparisons(size: int, order: str, rest: str) -> Iterator[Operation]:
    strong = f"""match object.compare_exchange(*expected, {rest}) {{
            Ok(_) => 1,
            Err(found) => {{
                *expected = found;
                0
            }}
        }}"""
    # In the loop that it is for: a spurious failure, which is allowed, makes no difference there.
    weak = f"""loop {{
            match object.compare_exchange_weak(*expected, {rest}) {{
                Ok(_) => break 1,
                Err(found) if found != *expected => {{
                    *expected = found;
                    break 0;
                }}
                Err(_) => {{}}
            }}
        }}"""
    value = f"""match object.compare_exchange(old as u{8 * size}, {rest}) {{
            Ok(found) | Err(found) => found as u32,
        }}"""
    yield _function("__atomic_compare_exchange", size, order, ("expected", "value"), strong)
    yield _function("__atomic_compare_exchange", size, f"weak_{order}", ("expected", "value"), weak)
    yield _function("__sync_val_compare_and_swap", size, order, ("old", "value"), value)


def _function(family: str, size: int, order: str, arguments: tuple[str, ...], body: str) -> Operation:
    name = f"{PREFIX}{family.lstrip('_')}_{size}_{order}"
    types = {"value": "value: u32", "old": "old: u32", "expected": f"expected: *mut u{8 * size}"}
    listed = [f"object: *mut u{8 * size}", *(types[argument] for argument in arguments)]
    if not body.startswith(("match", "loop")):
        body = f"object.{body}"
    body = f"let object = AtomicU{8 * size}::from_ptr(object);\n        {body}"
    text = _text(name, listed, "" if body.endswith(";") else " -> u32", body)
    # Its own alignment is what the documentation of from_ptr demands of an AtomicU's address.
    return Operation(name, f"{family}_{size}", text, size, size)


def _text(name: str, arguments: list[str], result: str, body: str) -> str:
    head = f'#[unsafe(no_mangle)]\npub unsafe extern "C" fn {name}({", ".join(arguments)}){result} {{\n'
    return f"{head}    unsafe {{\n        {body}\n    }}\n}}\n"


def source(made: Iterable[Operation]) -> str:
    """The crate of these functions."""
    return "\n".join([_HEAD, *(operation.text for operation in made)])
