"""The direct binding of the emulator's library does what the unicorn package's own class does."""

from __future__ import annotations

from typing import Any

import pytest
import unicorn
from unicorn import m68k_const, unicorn_const

from pytest_nextrust.emu.child import library

PACKAGE: Any = unicorn
CODE, DATA, SIZE = 0x2000, 0x8000, 0x2000
PROGRAM = bytes.fromhex(
    "41f9 0000 8000"  # lea 0x8000,a0
    "203c 1234 5678"  # move.l #0x12345678,d0
    "20c0"  # move.l d0,(a0)+
    "2228 fffc"  # move.l -4(a0),d1
    "5281"  # addq.l #1,d1
    "6602"  # bne +2
    "4e71"  # nop
    "4e44"  # trap #4
)
KINDS = {"package": PACKAGE.Uc, "ours": library.Uc}


def made(kind: str) -> Any:
    uc: Any = KINDS[kind]
    engine = uc(unicorn_const.UC_ARCH_M68K, unicorn_const.UC_MODE_BIG_ENDIAN, cpu=2)
    engine.ctl_set_tcg_buffer_size(32 << 20)
    engine.reg_write(m68k_const.UC_M68K_REG_SR, 0)
    engine.reg_write(m68k_const.UC_M68K_REG_A7, 0x9F00)
    engine.mem_map(CODE, SIZE, 5)
    engine.mem_map(DATA, SIZE, 3)
    engine.mem_write(CODE, PROGRAM)
    return engine


def refused(call: Any, *arguments: Any) -> tuple[int, str]:
    with pytest.raises((PACKAGE.UcError, library.UcError)) as caught:
        call(*arguments)
    error: Any = caught.value
    return error.errno, str(error)


def state(engine: Any) -> bytes:
    """The registers, without what the two engines have at different addresses."""
    import ctypes

    context = engine.context_save()
    place = context.address if isinstance(context, library._Context) else context.context.value
    return ctypes.string_at(place + 40, 18 * 4)


def story(kind: str) -> list[object]:
    """All that can be seen of one engine through a run with every kind of hook, and of what it refuses."""
    engine = made(kind)
    seen: list[object] = [sorted(engine.mem_regions()), state(engine)]

    def noted(name: str, answer: object = None) -> Any:
        def callback(uc: Any, *event: Any) -> object:
            assert uc is engine
            blocks = [(e.pc, e.size, e.icount) if hasattr(e, "icount") else e for e in event]
            # Before the first block there is none: what the library points at then is nobody's.
            seen.append((name, *(blocks[:1] + blocks[2:] if name == "edge" else blocks)))
            if name == "trap":
                uc.emu_stop()
            return answer

        return callback

    hooks = [
        engine.hook_add(unicorn_const.UC_HOOK_INTR, noted("trap"), "mark"),
        engine.hook_add(unicorn_const.UC_HOOK_CODE, noted("code"), None, CODE + 6, CODE + 12),
        engine.hook_add(unicorn_const.UC_HOOK_MEM_READ | unicorn_const.UC_HOOK_MEM_WRITE, noted("access")),
        engine.hook_add(unicorn_const.UC_HOOK_MEM_INVALID, noted("invalid", False)),
        engine.hook_add(unicorn_const.UC_HOOK_EDGE_GENERATED, noted("edge")),
    ]
    before = engine.context_save()
    engine.emu_start(CODE, 1 << 63)
    after = state(engine)
    seen += [after, bytes(engine.mem_read(DATA, 8))]
    engine.context_restore(before)
    seen.append(state(engine))
    engine.context_update(before)
    engine.hook_del(hooks.pop())
    engine.ctl_remove_cache(CODE, CODE + 2)
    engine.emu_start(CODE, 1 << 63, 0, 3)
    seen.append(state(engine))
    engine.mem_protect(DATA, SIZE, 1)
    engine.ctl_flush_tb()
    seen += [refused(engine.emu_start, CODE, 1 << 63), sorted(engine.mem_regions())]
    engine.mem_unmap(DATA, SIZE)
    seen += [sorted(engine.mem_regions()), refused(engine.mem_read, DATA, 4), refused(engine.mem_write, DATA, b"x")]
    seen += [refused(engine.mem_map, CODE, SIZE, 3), refused(engine.mem_unmap, 0x10_0000, SIZE)]
    return seen


def test_a_run_looks_the_same_through_both() -> None:
    """Registers, memory, regions, what hooks get, copies of the state, and how refusals are told: all equal."""
    ours = story("ours")
    assert ours == story("package")
    assert {entry[0] for entry in ours if isinstance(entry, tuple) and isinstance(entry[0], str)} == {
        "trap",
        "code",
        "access",
        "invalid",
        "edge",
    }


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_callback_raises_comes_out_of_the_run(kind: str) -> None:
    """The run ends where the callback was called, and no exception crosses the library; the next run goes on."""
    engine = made(kind)

    def fail(*_: Any) -> None:
        raise LookupError("from the callback")

    hook = engine.hook_add(unicorn_const.UC_HOOK_CODE, fail, None, CODE + 12, CODE + 12)
    with pytest.raises(LookupError, match="from the callback"):
        engine.emu_start(CODE, 1 << 63)
    assert bytes(engine.mem_read(DATA, 4)) == bytes(4)
    engine.hook_del(hook)
    engine.ctl_flush_tb()
    engine.emu_start(CODE, CODE + 14)
    assert bytes(engine.mem_read(DATA, 4)) == bytes.fromhex("12345678")


def test_the_constants_and_the_release_are_the_package_s() -> None:
    """Every number by its name; the library that is loaded is the one that the package brings."""
    for ours, theirs in ((library.uc, unicorn_const), (library.m68k, m68k_const)):
        names = [name for name in vars(ours) if name.startswith("UC_")]
        assert {name: getattr(ours, name) for name in names} == {name: getattr(theirs, name) for name in names}
        assert names
    assert PACKAGE.__version__ == library.VERSION
    assert library.FILE.startswith(unicorn.__path__[0])


def test_memory_of_the_host_is_shared() -> None:
    """``mem_map_ptr``: what the guest stores is there, and a pointer that nobody has is refused."""
    import ctypes
    import mmap

    buffer = mmap.mmap(-1, SIZE)
    place = ctypes.addressof(ctypes.c_char.from_buffer(buffer))
    engine = made("ours")
    engine.mem_unmap(DATA, SIZE)
    engine.mem_map_ptr(DATA, SIZE, 3, place)
    engine.emu_start(CODE, CODE + 14)
    assert buffer[:4] == bytes.fromhex("12345678")
    assert refused(engine.mem_map_ptr, 0x10_0000, SIZE, 3, 0) == refused(
        made("package").mem_map_ptr, 0x10_0000, SIZE, 3, 0
    )
