"""The address space: against a model page by page, and its refusals one by one."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_nextrust.emu.memory import PAGE, AddressSpace, GuestFault, VmError
from tests.unit.bytes_backing import BytesBacking

PAGES = 12


def _refusal(change: Callable[[], None]) -> VmError | GuestFault | None:
    try:
        change()
    except (VmError, GuestFault) as error:
        return error
    return None


operations = st.lists(
    st.tuples(
        st.sampled_from(["map", "free", "protect", "maximum", "write"]),
        st.integers(0, PAGES - 1),
        st.integers(1, 4),
        st.integers(0, 7),
    ),
    max_size=40,
)


@given(operations)
@settings(max_examples=200, deadline=None)
def test_against_a_model(steps: list[tuple[str, int, int, int]]) -> None:
    """Any sequence of changes leaves each page as a dictionary of pages would have it, contents included."""
    space = AddressSpace(BytesBacking())
    model: dict[int, list[int]] = {}
    bytes_at: dict[int, int] = {}
    for turn, (what, first, count, prot) in enumerate(steps):
        pages = range(first, first + count)
        address, size = first * PAGE, count * PAGE
        if what == "map":
            taken = any(page in model for page in pages)
            refused = _refusal(partial(space.map, address, size, 3, 7))
            assert (refused.code if isinstance(refused, VmError) else 0) == (3 if taken else 0)
            if not taken:
                model.update({page: [3, 7] for page in pages})
                bytes_at.update(dict.fromkeys(pages, 0))
        elif what == "free":
            space.deallocate(address, size)
            for page in pages:
                model.pop(page, None)
        elif what in ("protect", "maximum"):
            allowed = all(page in model and not prot & ~model[page][1] for page in pages)
            refused = _refusal(partial(space.protect, address, size, prot, set_maximum=what == "maximum"))
            assert (refused is None) == allowed
            if allowed:
                for page in pages:
                    model[page] = [prot, model[page][1]] if what == "protect" else [model[page][0] & prot, prot]
        else:
            writable = [page in model and bool(model[page][0] & 2) for page in pages]
            data = bytes([turn % 250 + 1]) * size
            fault = _refusal(partial(space.copyout, address, data))
            if all(writable):
                assert fault is None
                bytes_at.update(dict.fromkeys(pages, turn % 250 + 1))
            else:
                bad = first + writable.index(False)
                assert isinstance(fault, GuestFault)
                assert (fault.address, fault.access, fault.protection) == (bad * PAGE, "write", bad in model)
        for page in range(PAGES + 4):
            region = space.region_at(page * PAGE)
            assert (region is None) == (page not in model)
            if region is not None:
                assert [region.prot, region.max_prot] == model[page]
                if region.prot & 1:
                    assert space.copyin(page * PAGE + 5, 3) == bytes([bytes_at[page]]) * 3


def test_first_fit_takes_the_lowest_hole_that_is_large_enough() -> None:
    """Allocation anywhere is lowest first, never page 0 once it is reserved, and never in the stack's room."""
    space = AddressSpace(BytesBacking())
    space.reserve_page_zero()
    space.map(2 * PAGE, PAGE, 3)
    space.set_stack(8 * PAGE, 4 * PAGE)
    assert space.allocate(None, 1) == PAGE
    assert space.allocate(None, PAGE) == 3 * PAGE
    assert space.grow_stack(7 * PAGE, 8 * PAGE)
    space.deallocate(7 * PAGE, PAGE)
    space.map(5 * PAGE, PAGE, 3)
    assert space.allocate(None, 1) == 8 * PAGE
    assert space.allocate(None, 0) == 0
    with pytest.raises(VmError) as refused:
        space.allocate(5 * PAGE, 10)
    assert refused.value.code == 3


def test_fixed_allocation_covers_every_page_it_touches() -> None:
    """A fixed range of two bytes over a page's end takes both pages."""
    space = AddressSpace(BytesBacking())
    assert space.allocate(3 * PAGE - 1, 2) == 2 * PAGE
    assert [(region.start, region.end) for region in space.regions()] == [(2 * PAGE, 4 * PAGE)]


def test_page_zero_is_there_and_forbidden() -> None:
    """Page 0 is a protection failure, the page beyond the program is not mapped, and page 0 takes no memory."""
    space = AddressSpace(BytesBacking())
    space.reserve_page_zero()
    space.reserve_page_zero()
    with pytest.raises(GuestFault) as null:
        space.copyin(0, 4)
    with pytest.raises(GuestFault) as hole:
        space.copyin(PAGE, 4)
    assert (null.value.protection, hole.value.protection) == (True, False)
    assert space.backed == 0
    assert "forbidden" in str(null.value)
    assert "not mapped" in str(hole.value)


def test_the_stack_appears_where_it_is_touched_and_nowhere_else() -> None:
    """Addresses in the stack's room can be had, one below cannot; the kernel's own accesses count as touching."""
    space = AddressSpace(BytesBacking())
    space.set_stack(16 * PAGE, 4 * PAGE)
    assert not space.grow_stack(12 * PAGE - 1, 15 * PAGE)
    assert space.grow_stack(15 * PAGE + 2, 15 * PAGE)
    assert not space.grow_stack(15 * PAGE, 15 * PAGE)
    space.copyout(12 * PAGE, b"deep")
    assert space.copyin(12 * PAGE, 4) == b"deep"
    with pytest.raises(GuestFault):
        space.copyout(12 * PAGE - 4, b"over")


def test_limit_is_no_space() -> None:
    """A guest cannot map more than the limit, and can again after giving some back."""
    space = AddressSpace(BytesBacking(), limit=4 * PAGE)
    first = space.allocate(None, 3 * PAGE)
    with pytest.raises(VmError, match="limit") as refused:
        space.allocate(None, 2 * PAGE)
    assert refused.value.code == 3
    space.deallocate(first, PAGE)
    space.allocate(None, 2 * PAGE)


@pytest.mark.parametrize(("address", "size"), [(1, PAGE), (PAGE, 1), (PAGE, 0), (-PAGE, PAGE)])
def test_maps_are_whole_pages(address: int, size: int) -> None:
    """The loader's mistakes are ValueErrors that name the numbers."""
    with pytest.raises(ValueError, match="whole pages"):
        AddressSpace(BytesBacking()).map(address, size, 3)


def test_ranges_past_the_end_are_refused() -> None:
    """Nothing wraps around the top of the address space."""
    space = AddressSpace(BytesBacking())
    with pytest.raises(VmError) as high:
        space.map((1 << 32) - PAGE, 2 * PAGE, 3)
    with pytest.raises(VmError) as free:
        space.deallocate(0xFFFF_F000, 0x2000)
    assert (high.value.code, free.value.code) == (3, 4)
    space.map((1 << 32) - PAGE, PAGE, 3)
    with pytest.raises(GuestFault):
        space.copyin(0xFFFF_FFFE, 4)


def test_strings_stop_at_nul_limit_and_hole() -> None:
    """A string may end at the last mapped byte; without a NUL in the limit there is none; a hole is a fault."""
    space = AddressSpace(BytesBacking())
    space.map(PAGE, PAGE, 3)
    space.copyout(2 * PAGE - 4, b"abc\0")
    assert space.read_cstring(2 * PAGE - 4, 100) == b"abc"
    assert space.read_cstring(2 * PAGE - 4, 3) is None
    space.copyout(2 * PAGE - 4, b"abcd")
    with pytest.raises(GuestFault):
        space.read_cstring(2 * PAGE - 4, 100)


def test_loading_ignores_protection_but_not_absence() -> None:
    """A read-only segment can be filled by the loader; a reserved page or a hole cannot."""
    space = AddressSpace(BytesBacking())
    space.map(PAGE, PAGE, 1, 1)
    space.load(PAGE + 1, b"text")
    assert space.copyin(PAGE + 1, 4) == b"text"
    with pytest.raises(GuestFault):
        space.copyout(PAGE, b"x")
    space.reserve_page_zero()
    for address in (0, 2 * PAGE):
        with pytest.raises(GuestFault):
            space.load(address, b"x")


def test_words_at_odd_places() -> None:
    """32-bit values are big-endian at any address, also across pages."""
    space = AddressSpace(BytesBacking())
    space.map(PAGE, 2 * PAGE, 3)
    space.write_u32(2 * PAGE - 3, 0x1234_5678)
    assert space.read_u32(2 * PAGE - 3) == 0x1234_5678
    assert space.copyin(2 * PAGE - 3, 4) == bytes.fromhex("12345678")
