"""The two ways of counting: equal counts, stops, registers and memory, whatever the code and wherever it is cut.

The library's own count is the reference; both are compared with single steps in ``test_cpu`` where each is in use.
"""

from __future__ import annotations

import random

import pytest

from pytest_nextrust.emu.child import block_counting, float_state
from pytest_nextrust.emu.child import cpu as module
from pytest_nextrust.emu.child.cpu import CPUS, Cpu, Stop
from pytest_nextrust.emu.child.float_state import Floats
from pytest_nextrust.emu.child.sites import Site
from pytest_nextrust.emu.registers import Registers
from pytest_nextrust.errors import HarnessFault
from tests.compiled_part import needs_compiled_part
from tests.unit.emu_core.programs import hexadecimal

CODE, DATA = 0x1_0000, 0x2_0000
SUM = "7000 7205 d081 5381 66fa 4e44"
"""moveq #0,d0; moveq #5,d1; 1: add.l d1,d0; subq.l #1,d1; bne 1b; trap #4"""

PIECES = (
    "5280",  # addq.l #1,d0
    "d480",  # add.l d0,d2
    "2010",  # move.l (a0),d0
    "2140 0004",  # move.l d0,4(a0)
    "e1d0",  # asl.w (a0), a site
    "81c3",  # divs.w d3,d0, a site
    "4c43 0800",  # divs.l d3,d0, a site
    "f200 4022",  # fadd.l d0,fp0
    "f210 5422",  # fadd.d (a0),fp0
    "f200 0422",  # fadd.x fp1,fp0
    "f210 7400",  # fmove.d fp0,(a0)
    "6602 5281",  # bne over addq.l #1,d1
    "6100 0002",  # bsr to the next instruction
    "588f",  # addq.l #4,a7
    "41e8 0000",  # lea 0(a0),a0
    "44fc 001f",  # move #31,ccr
    "4ad0",  # tas (a0)
)


@pytest.fixture(params=sorted(CPUS))
def both(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> tuple[Cpu, Cpu]:
    needs_compiled_part()
    blocks = Cpu(request.param)
    monkeypatch.setattr(module, "core", lambda: None)
    library = Cpu(request.param)
    assert blocks.counting == "by blocks"
    assert library.counting.startswith("one by one: the compiled part is ")
    return blocks, library


def prepare(cpu: Cpu, code: str, registers: Registers, data: bytes = b"") -> None:
    cpu.reset()
    cpu.uc.mem_map(CODE, 0x2000, 5)
    cpu.uc.mem_map(DATA, 0x2000, 3)
    cpu.uc.mem_write(CODE, hexadecimal(code))
    cpu.uc.mem_write(DATA, data)
    cpu.load(registers.copy())


def pieces_of_a_run(cpu: Cpu, lengths: list[int]) -> list[tuple[Stop, Registers, Floats, bytes]]:
    """Stop, registers, floating point and memory after each stretch, up to the first that is no whole count."""
    seen: list[tuple[Stop, Registers, Floats, bytes]] = []
    for length in lengths:
        stop = cpu.run(length)
        seen.append((stop, cpu.registers(), float_state.unpack(cpu.floats()), bytes(cpu.uc.mem_read(DATA, 64))))
        if stop.kind != "count":
            break
    return seen


@pytest.mark.parametrize("seed", range(40))
def test_any_code_cut_anywhere_is_the_same(both: tuple[Cpu, Cpu], seed: int) -> None:
    """Loops over random instructions, sites and special operands among them, in stretches of random length."""
    lot = random.Random(seed)
    body = " ".join(lot.choice(PIECES) for _ in range(lot.randint(3, 25)))
    back = -(len(hexadecimal(body)) + 4)
    code = f"{body} 5387 6600 {back & 0xFFFF:04x} 4e44"  # subq.l #1,d7; bne to the start; trap #4
    data = b"".join(
        lot.choice([bytes.fromhex("7ff0000000000000"), bytes.fromhex("3ff8000000000000"), lot.randbytes(8)])
        for _ in range(8)
    )
    registers = Registers(
        d=[lot.choice([0, 1, 0x8000_0000, lot.getrandbits(32)]) for _ in range(3)]
        + [lot.choice([0xFFFF_FFFF, 3, 7]), 0, 0, 0, 40],
        a=[DATA] + [0] * 6 + [DATA + 0x1000],
        pc=CODE,
    )
    lengths = [lot.choice([1, 5, 30, 100, 1000]) for _ in range(60)]
    answers = []
    for cpu in both:
        prepare(cpu, code, registers, data)
        answers.append(pieces_of_a_run(cpu, lengths))
    assert answers[0] == answers[1]


def test_slack_ends_a_run_at_a_block(both: tuple[Cpu, Cpu]) -> None:
    """Where a run may be shorter it is, by less than was allowed; the whole is the same."""
    for cpu in both:
        prepare(cpu, SUM, Registers(pc=CODE, a=[DATA] * 8))
        stop = cpu.run(2, slack=1)
        assert 1 <= stop.executed <= 2
        rest = cpu.run(1000)
        assert (rest.kind, stop.executed + rest.executed) == ("exception", 18)
        assert cpu.registers().d[0] == 15
    blocks = both[0]
    prepare(blocks, "5280 5280 60fa", Registers(pc=CODE))
    assert blocks.run(100, slack=2).executed == 99
    assert blocks.run(100).executed == 100


def test_until_in_the_middle_of_a_block(both: tuple[Cpu, Cpu]) -> None:
    """The place where a run ends is not counted, though it stands inside what would be one block."""
    for cpu in both:
        for offset, executed in ((2, 1), (6, 3), (8, 4), (10, 17)):
            prepare(cpu, SUM, Registers(pc=CODE, a=[DATA] * 8))
            stop = cpu.run(500, CODE + offset)
            assert (stop.kind, stop.executed, cpu.pc()) == ("until", executed, CODE + offset)


def test_a_compiled_part_of_another_release_is_refused(both: tuple[Cpu, Cpu], monkeypatch: pytest.MonkeyPatch) -> None:
    """Structures that do not agree are told before anything is written to them."""

    class Other:
        nextrust_core_layout = staticmethod(lambda: 8)
        nextrust_core_last_block = staticmethod(lambda: 0)

    Other.nextrust_core_layout.restype = None  # type: ignore[attr-defined]
    Other.nextrust_core_last_block.restype = None  # type: ignore[attr-defined]
    with pytest.raises(HarnessFault, match="of another release"):
        block_counting.BlockCount(both[1], Other)  # type: ignore[arg-type]


def test_where_it_cannot_count_the_reference_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """A compiled part that does not find the emulator's registers leaves counting to the library, and says so."""
    needs_compiled_part()

    def lost(self: object) -> int:
        raise HarnessFault("emulator", "its registers were not found in its memory")

    monkeypatch.setattr(block_counting.BlockCount, "_find_state", lost)
    cpu = Cpu("m68030")
    assert cpu.counting == "one by one: emulator: its registers were not found in its memory"
    prepare(cpu, SUM, Registers(pc=CODE, a=[DATA] * 8))
    assert cpu.run(100).executed == 18


def test_the_special_operand_from_memory_is_taken_back(both: tuple[Cpu, Cpu]) -> None:
    """An infinity that only memory held: the sum is infinite, the address register moved once, codes untouched."""
    for cpu in both:
        # move #5,ccr; fadd.d (a0)+,fp0; fmove.d fp0,(a0); trap #4
        prepare(
            cpu,
            "44fc0005 f2185422 f2107400 4e44",
            Registers(pc=CODE, a=[DATA] * 8),
            bytes.fromhex("7ff00000") + bytes(12),
        )
        cpu.uc.mem_write(DATA, bytes.fromhex("7ff0000000000000"))
        stop = cpu.run(100)
        assert (stop.kind, stop.executed, cpu.registers().a[0], cpu.registers().sr & 31) == (
            "exception",
            4,
            DATA + 8,
            5,
        )
        assert cpu.uc.mem_read(DATA + 8, 8) == bytes.fromhex("7ff0000000000000")


@pytest.mark.parametrize("behind", ["5280 4e44", "f2000422 4e44"], ids=["a new block", "a new block with a site"])
def test_an_operand_is_looked_at_where_the_run_stops_behind_it(both: tuple[Cpu, Cpu], behind: str) -> None:
    """The last instruction of a block, and the next block stops the run to be looked into: the operand comes first.

    The emulator ends a block where a page of 4 KiB is about to end.
    """
    for cpu in both:
        prepare(cpu, "4e71", Registers(pc=CODE + 0xFDC, a=[DATA] * 8), bytes.fromhex("fff0000000000000"))
        cpu.uc.mem_write(CODE + 0xFDC, hexadecimal("f2105438" + behind))  # fcmp.d (a0),fp0
        seen: list[str] = []
        watch_exactly(cpu, seen)
        stop = cpu.run(1000)
        assert (stop.kind, stop.executed) == ("exception", 3)
        assert seen[0] == "float"


def watch_exactly(cpu: Cpu, seen: list[str]) -> None:
    """Note the kind of every site that a CPU decides about from now on."""
    decide = Cpu._exactly

    def watched(site: Site, pc: int) -> Stop | None:
        seen.append(site.kind)
        return decide(cpu, site, pc)

    cpu._exactly = watched  # type: ignore[method-assign]


def test_a_step_over_a_site_that_a_run_has_hooked(both: tuple[Cpu, Cpu]) -> None:
    """Hooks of a run do not stop single steps: what may be left to the emulator there, it executes."""
    for cpu in both:
        prepare(cpu, "f2105422 f2105422 4e44", Registers(pc=CODE, a=[DATA] * 8), bytes.fromhex("3ff8000000000000"))
        assert cpu.run(100).kind == "exception"
        cpu.load(Registers(pc=CODE, a=[DATA] * 8))
        assert cpu.step(CODE) is None
        assert cpu.pc() == CODE + 4
        assert cpu.run(100).executed == 2
