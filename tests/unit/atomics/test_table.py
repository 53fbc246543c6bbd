"""The table: which routines there are, how m68k passes their arguments and results, and what they mean."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pytest_nextrust.atomics.table import (
    GENERIC,
    OPERATIONS,
    ORDERS,
    ROUTINES,
    SIZES,
    Addresses,
    Args,
    Kind,
    Result,
    apply,
    combine,
    lookup,
    returned,
    slots,
)

AT = Addresses(object=0x1000, expected=0x2000, input=0x3000, output=0x4000)


def test_every_routine_is_there() -> None:
    """65 of the __sync family, 64 sized ones of __atomic, the generic four and is_lock_free."""
    names = set(ROUTINES)
    assert sum(name.startswith("__sync_") for name in names) == 65
    assert sum(name.startswith("__atomic_") for name in names) == 69
    for operation in OPERATIONS:
        for size in SIZES:
            assert f"__sync_fetch_and_{operation}_{size}" in names
            assert f"__sync_{operation}_and_fetch_{size}" in names
            assert f"__atomic_fetch_{operation}_{size}" in names
            assert f"__atomic_{operation}_fetch_{size}" in names
    assert set(GENERIC) <= names


def test_lookup_with_and_without_macho_underscore() -> None:
    """Two leading underscores in C and assembly, three in a Mach-O symbol table; nothing else names a routine."""
    assert lookup("__sync_fetch_and_add_4") is lookup("___sync_fetch_and_add_4") is ROUTINES["__sync_fetch_and_add_4"]
    assert lookup("_sync_fetch_and_add_4") is None
    assert lookup("____sync_fetch_and_add_4") is None
    assert lookup("__sync_fetch_and_add_16") is None
    assert ROUTINES["__atomic_load"].symbol == "___atomic_load"


def test_signatures() -> None:
    """The library's signatures: no weak argument, the generic ones take the size first."""

    def kinds(name: str) -> list[str]:
        return [argument.kind.value for argument in ROUTINES[name].arguments]

    assert kinds("__atomic_compare_exchange_4") == ["object", "expected", "value", "order", "failure"]
    assert kinds("__atomic_compare_exchange") == ["size", "object", "expected", "input", "order", "failure"]
    assert kinds("__atomic_exchange") == ["size", "object", "input", "output", "order"]
    assert kinds("__sync_val_compare_and_swap_2") == ["object", "old", "value"]
    assert kinds("__sync_synchronize") == []
    assert [argument.width for argument in ROUTINES["__atomic_store_8"].arguments] == [4, 8, 4]
    assert ROUTINES["__atomic_store_8"].result is Result.VOID
    assert ROUTINES["__sync_bool_compare_and_swap_8"].width == 1


def test_slots_of_narrow_values() -> None:
    """1 and 2 bytes are in a slot's low-order bytes; what is above is the caller's rest."""
    routine = ROUTINES["__sync_fetch_and_add_1"]
    assert slots(routine, Args(value=b"\x7f"), AT) == (0x1000, 0x7F)
    assert slots(routine, Args(value=b"\x7f"), AT, fill=0xAABBCCDD) == (0x1000, 0xAABBCC7F)
    routine = ROUTINES["__sync_bool_compare_and_swap_2"]
    args = Args(value=b"\x12\x34", expected=b"\x56\x78")
    assert slots(routine, args, AT, fill=0xFFFFFFFF) == (0x1000, 0xFFFF5678, 0xFFFF1234)


def test_slots_of_8_bytes_and_pointers() -> None:
    """8 bytes take two slots, the high half first; pointers, sizes and orders take one."""
    routine = ROUTINES["__atomic_compare_exchange_8"]
    args = Args(value=bytes(range(8)), expected=bytes(8), order=4, failure=2)
    assert slots(routine, args, AT) == (0x1000, 0x2000, 0x00010203, 0x04050607, 4, 2)
    generic = ROUTINES["__atomic_exchange"]
    assert slots(generic, Args(value=bytes(12)), AT, size=12) == (12, 0x1000, 0x3000, 0x4000, 5)


def test_results() -> None:
    """Only the bits that a result defines are looked at; a truth value other than 0 and 1 shows as it is."""
    assert returned(ROUTINES["__atomic_load_1"], 0xFFFFFF80, 0) == 0x80
    assert returned(ROUTINES["__atomic_load_2"], 0xFFFF8001, 0) == 0x8001
    assert returned(ROUTINES["__atomic_load_8"], 1, 2) == 1 << 32 | 2
    assert returned(ROUTINES["__atomic_store_4"], 1, 2) is None
    assert returned(ROUTINES["__atomic_load"], 1, 2) is None
    assert returned(ROUTINES["__sync_bool_compare_and_swap_4"], 0xABCDEF01, 0) == 1
    assert returned(ROUTINES["__sync_bool_compare_and_swap_4"], 0xFF, 0) == 0xFF


def test_meanings_by_example() -> None:
    """One example of each shape, written out by hand."""

    def run(name: str, memory: str, value: str = "", expected: str = "") -> tuple[object, ...]:
        args = Args(bytes.fromhex(value), bytes.fromhex(expected))
        effect = apply(ROUTINES[name], bytes.fromhex(memory), args)
        output = effect.output.hex() if effect.output is not None else None
        found = effect.expected.hex() if effect.expected is not None else None
        return effect.memory.hex(), effect.result, output, found

    assert run("__sync_fetch_and_add_1", "ff", "02") == ("01", 0xFF, None, None)
    assert run("__sync_sub_and_fetch_2", "0000", "0001") == ("ffff", 0xFFFF, None, None)
    assert run("__sync_fetch_and_nand_1", "f0", "3c") == ("cf", 0xF0, None, None)
    assert run("__atomic_fetch_add_8", "00000000ffffffff", "0000000000000001") == (
        "0000000100000000",
        0xFFFFFFFF,
        None,
        None,
    )
    assert run("__sync_val_compare_and_swap_1", "05", "07", "05") == ("07", 5, None, None)
    assert run("__sync_val_compare_and_swap_1", "05", "07", "06") == ("05", 5, None, None)
    assert run("__sync_bool_compare_and_swap_1", "05", "07", "06") == ("05", 0, None, None)
    assert run("__atomic_compare_exchange_1", "05", "07", "05") == ("07", 1, None, None)
    assert run("__atomic_compare_exchange_1", "05", "07", "06") == ("05", 0, None, "05")
    assert run("__atomic_compare_exchange", "050505", "070707", "050506") == ("050505", 0, None, "050505")
    assert run("__sync_lock_test_and_set_1", "00", "01") == ("01", 0, None, None)
    assert run("__sync_lock_release_2", "0001") == ("0000", None, None, None)
    assert run("__atomic_load", "010203") == ("010203", None, "010203", None)
    assert run("__atomic_exchange", "010203", "040506") == ("040506", None, "010203", None)
    assert run("__atomic_is_lock_free", "01") == ("01", None, None, None)


@given(st.sampled_from(OPERATIONS), st.sampled_from(SIZES), st.data())
def test_fetch_and_op_agree(operation: str, size: int, data: st.DataObject) -> None:
    """Both orders of a family leave the same bytes; one answers those before, the other those after."""
    old, value = (data.draw(st.binary(min_size=size, max_size=size)) for _ in range(2))
    for before, after in (
        (f"__sync_fetch_and_{operation}", f"__sync_{operation}_and_fetch"),
        (f"__atomic_fetch_{operation}", f"__atomic_{operation}_fetch"),
    ):
        one = apply(ROUTINES[f"{before}_{size}"], old, Args(value))
        other = apply(ROUTINES[f"{after}_{size}"], old, Args(value))
        assert one.memory == other.memory == combine(operation, old, value)
        assert one.result == int.from_bytes(old, "big")
        assert other.result == int.from_bytes(one.memory, "big")


@given(st.sampled_from(SIZES), st.data())
def test_inverses(size: int, data: st.DataObject) -> None:
    """sub undoes add, xor undoes itself, nand is the complement of and: laws that no typing error keeps."""
    old, value = (data.draw(st.binary(min_size=size, max_size=size)) for _ in range(2))
    assert combine("sub", combine("add", old, value), value) == old
    assert combine("xor", combine("xor", old, value), value) == old
    assert combine("nand", old, value) == bytes(byte ^ 0xFF for byte in combine("and", old, value))


@given(st.sampled_from(sorted(ROUTINES)), st.integers(0, 0xFFFFFFFF), st.data())
def test_slots_fit_the_signature(name: str, fill: int, data: st.DataObject) -> None:
    """As many slots as the arguments' widths need, each of 32 bits, and no filling shows in whole slots."""
    routine = ROUTINES[name]
    size = routine.size or 12
    value = data.draw(st.binary(min_size=size, max_size=size))
    found = slots(routine, Args(value, value), AT, size=size, fill=fill)
    assert len(found) == sum(-(-argument.width // 4) for argument in routine.arguments)
    assert all(0 <= slot < 1 << 32 for slot in found)
    if size >= 4:
        assert found == slots(routine, Args(value, value), AT, size=size)


def test_orders() -> None:
    """Loads take no release, stores no acquire; the rest take any; __sync routines take none."""
    assert ROUTINES["__atomic_load_4"].orders() == (0, 1, 2, 5)
    assert ROUTINES["__atomic_store"].orders() == (0, 3, 5)
    assert ROUTINES["__atomic_fetch_add_4"].orders() == tuple(ORDERS.values())
    assert ROUTINES["__sync_fetch_and_add_4"].orders() == ()
    assert not ROUTINES["__sync_fetch_and_add_4"].has(Kind.ORDER)
