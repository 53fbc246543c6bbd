"""The image that threads start from: where their stacks are, and what an address is called."""

from __future__ import annotations

from pytest_nextrust.explore.child.image import PAGE, STACKS, TRAMPOLINE, MemoryImage, checked
from tests.unit.explore import threads as code


def image() -> MemoryImage:
    program = code.concurrent({"thread_0": code.ADD, "thread_1": code.ADD, "signal": code.ADD})
    return checked(program, "m68030").image(("nextrust_thread_0", "nextrust_thread_1"), "nextrust_signal")


def test_a_stack_is_dead_below_the_stack_pointer_down_to_its_end() -> None:
    """Each thread begins at the top of memory of its own, and all of it below the return address is dead."""
    found = image()
    regions = [region for region in found.regions if region.address >= STACKS]
    assert len(regions) == len(found.starts) + 1
    for start, region in zip(found.starts, regions, strict=False):
        assert start.stack == range(region.address, start.sp)
        assert start.sp + 4 == region.address + region.size


def test_an_address_is_named_after_what_is_there() -> None:
    """Code, data, a stack and what leads into a handler have names; past them there is only the number."""
    found = image()
    named = {
        code.TEXT: "nextrust_thread_0",
        code.TEXT + 2: "nextrust_thread_0+0x2",
        code.COUNTER: "counter",
        TRAMPOLINE: "sigtramp+0x0",
        TRAMPOLINE + PAGE - 1: "sigtramp+0x1fff",
        TRAMPOLINE - 1: f"0x{TRAMPOLINE - 1:x}",
        TRAMPOLINE + PAGE: f"0x{TRAMPOLINE + PAGE:x}",
        TRAMPOLINE + PAGE + 1: f"0x{TRAMPOLINE + PAGE + 1:x}",
        found.starts[1].sp: "stack of thread 1-0x4",
        found.spare: "stack of setup-0x4",
        found.spare + 4: f"0x{found.spare + 4:x}",
    }
    assert {address: found.symbol(address) for address in named} == named
