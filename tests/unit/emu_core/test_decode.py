"""The decoder: lengths and flow against the GNU disassembler and capstone, and against forms known to be invalid."""

from __future__ import annotations

import random
import re
import subprocess
from pathlib import Path

import pytest

from pytest_nextrust.emu.exact.suspicion import watch
from pytest_nextrust.isa.decode import CPU_BITS, Decoded, decode
from tests.unit.emu_core.programs import hexadecimal

PC = 0x2000
NOPS = hexadecimal("4e71" * 12)
LINE = re.compile(r"\s*([0-9a-f]+):\t((?:[0-9a-f]{4} )+)\s*\t(.*)")
PROGRAMS = Path(__file__).parents[2] / "differential" / "programs"


def one(code: str) -> Decoded:
    found = decode(hexadecimal(code) + NOPS, PC)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("code", "length", "flow", "target"),
    [
        ("4e71", 2, "next", None),
        ("6006", 2, "jump", PC + 8),
        ("60ff00000100", 6, "jump", PC + 0x102),
        ("61000010", 4, "call", PC + 0x12),
        ("66fe", 2, "branch", PC),
        ("51c8fffe", 4, "branch", PC),
        ("4eb900003000", 6, "call", 0x3000),
        ("4ebafffe", 4, "call", PC),
        ("4ed0", 2, "jump", None),
        ("4efb0002", 4, "jump", None),
        ("4e75", 2, "return", None),
        ("4afc", 2, "stop", None),
        ("f2c10000fffc", 6, "branch", PC + 0xFFFE),
        ("f28100fe", 4, "branch", PC + 0x100),
        ("f2800000", 4, "next", None),
        ("23fc1234567800003000", 10, "next", None),
        ("3030017000000006", 8, "next", None),
        ("f23c54003ff8000000000000", 12, "next", None),
        ("f23c4c00" + "00" * 12, 16, "next", None),
    ],
)
def test_length_and_flow(code: str, length: int, flow: str, target: int | None) -> None:
    """Each way to go on, in each of its encodings."""
    found = one(code)
    assert (found.length, found.flow) == (length, flow)
    assert found.target == target


@pytest.mark.parametrize(
    "code", ["15fc00010004", "4ec0", "4e98", "41c8", "06890000", "067a00010004", "5208", "4a08", "50fd", "e0c0"]
)
def test_an_operand_that_cannot_be_is_an_illegal_instruction(code: str) -> None:
    """Known instructions with modes they do not have: data in front of a compiler's bug, or the bug itself."""
    found = decode(hexadecimal(code) + NOPS, PC)
    assert found is not None
    assert found.invalid
    assert found.vector == 4


@pytest.mark.parametrize("code", ["7100", "a000", "f900", "4e7f", "c180", "0800ff01", "4e00", "f22c1004"])
def test_what_no_cpu_has_is_nothing(code: str) -> None:
    """Undefined encodings decode to nothing, so that data is not taken for code."""
    assert decode(hexadecimal(code) + NOPS, PC) is None


@pytest.mark.parametrize(
    ("code", "cpus"),
    [("f6208000", 2), ("f2000040", 2), ("f518", 2), ("f0104200", 1), ("06d0", 0), ("f2000022", 3), ("f200000e", 3)],
)
def test_which_cpu_has_it(code: str, cpus: int) -> None:
    """move16, the rounding arithmetic and page flushes are the 68040's, the MMU's are the 68030's, callm nobody's."""
    assert one(code).cpus == cpus
    assert CPU_BITS == {"m68030": 1, "m68040": 2}


@pytest.mark.parametrize("code", ["4848", "f2104c0e"])
def test_what_nothing_here_executes_is_a_limit(code: str) -> None:
    """bkpt, the sine of a packed decimal: never handed to the emulator."""
    assert one(code).limit


@pytest.mark.parametrize("code", ["f2bd0000", "f2f600000000", "f27c0020", "f2480020fffe"])
def test_a_condition_that_there_is_not_is_an_exception(code: str) -> None:
    """No FP condition is above 0x1f: line F, after which nothing is followed."""
    assert (one(code).vector, one(code).limit, one(code).flow) == (11, "", "stop")


@pytest.mark.parametrize("code", ["81400000", "81800000", "50fc", "50fa0000", "00d00000", "f24800000000", "f27c0000"])
def test_what_is_executed_exactly_is_none(code: str) -> None:
    """pack, unpk, trapcc, cmp2, fdbcc, ftrapcc: the emulator has them not, and the machine does."""
    assert not one(code).limit
    assert watch(bytes.fromhex(code), "m68030") == "always"


@pytest.mark.parametrize("code", ["40c0", "46c0", "f310", "0e100000", "007c0000"])
def test_privileged_instructions_take_vector_8(code: str) -> None:
    """Move from SR is privileged since the 68010, though the emulator executes it."""
    assert one(code).vector == 8


def test_no_bytes_make_it_fail_or_read_past_its_end() -> None:
    """Any bytes, cut anywhere, decode to nothing or to an instruction that lies within them."""
    source = random.Random(1)
    for first in range(0, 0x10000, 3):
        data = first.to_bytes(2, "big") + source.randbytes(source.randrange(22))
        found = decode(data, PC)
        assert found is None or 2 <= found.length <= len(data)
    assert decode(b"", PC) is None
    assert decode(b"\x4e", PC) is None


def test_capstone_agrees_on_what_it_knows_well() -> None:
    """Lengths of integer instructions with random operands are capstone's, where both call them instructions."""
    capstone = pytest.importorskip("capstone")
    engine = capstone.Cs(capstone.CS_ARCH_M68K, capstone.CS_MODE_BIG_ENDIAN | capstone.CS_MODE_M68K_030)
    source = random.Random(2)
    compared = 0
    for first in range(0, 0xF000, 2):
        data = first.to_bytes(2, "big") + source.randbytes(2) + hexadecimal("0010 0020") + NOPS
        found = decode(data, PC)
        if found is None or found.invalid or found.limit or found.cpus != 3:
            continue
        if found.name == "sbcd" or (found.name == "btst" and first & 0x3F == 0x3C):
            continue  # capstone reads two words of sbcd -(Ax),-(Ay) and a long immediate of btst; objdump does not
        for _, size, mnemonic, _ in engine.disasm_lite(data, PC, 1):
            if mnemonic != "dc.w":
                compared += 1
                assert size == found.length, (data[:8].hex(), mnemonic, size, found)
    assert compared > 15_000


def disassembled(path: Path) -> list[tuple[int, bytes, str]]:
    """What objdump makes of an object's code: address, bytes, text."""
    command = ["m68k-linux-gnu-objdump", "-d", "-z", "-w", "-m", "m68k:68040", str(path)]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    matches = (LINE.match(line) for line in text.splitlines())
    return [(int(m[1], 16), bytes.fromhex(m[2].replace(" ", "")), m[3]) for m in matches if m]


@pytest.mark.needs_compiler("gnu")
@pytest.mark.parametrize("level", ["-O0", "-O2"])
def test_compiled_code_has_the_lengths_objdump_says(level: str, tmp_path: Path) -> None:
    """Every instruction that gcc makes of real programs, floating point included."""
    sources = sorted(PROGRAMS.glob("*.c"))[::6]
    checked = 0
    for source in sources:
        made = tmp_path / f"{source.stem}.o"
        command = [
            "m68k-linux-gnu-gcc",
            "-m68030",
            "-ffreestanding",
            level,
            "-I",
            str(PROGRAMS.parent),
            "-c",
            str(source),
        ]
        if subprocess.run([*command, "-fno-jump-tables", "-o", str(made)], capture_output=True).returncode:
            continue
        for address, data, text in disassembled(made):
            if ".short" in text:
                continue
            found = decode(data + NOPS, address)
            assert found is not None, (source.name, hex(address), data.hex(), text)
            assert found.length == len(data), (source.name, hex(address), data.hex(), text)
            assert not found.limit
            checked += 1
    assert checked > 1_000
