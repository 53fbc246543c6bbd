"""The code of generated functions: what identifies it, what it calls, and which CPU it needs."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from pytest_nextrust.atomics.compilers.model import lacking, needs
from pytest_nextrust.atomics.compilers.objects import Objects
from pytest_nextrust.isa.decode import decode

AS = "m68k-linux-gnu-as"
GCC = "m68k-linux-gnu-gcc"

INSTRUCTIONS = (
    "move.l %d0,%d1",
    "move.l (8,%a0),%d0",
    "move.l (8,%a0,%d1.w),%d0",
    "move.l (8,%a0,%d1.w*2),%d0",
    "move.l (0x12345678,%a0,%d1.l),%d0",
    "move.l ([8,%a0],%d1.l,4),%d0",
    "move.l (4,%pc,%d1.w),%d0",
    "move.l (4,%pc,%d1.w*4),%d0",
    "tas (%a0)",
    "cas.b %d0,%d1,(%a0)",
    "cas.l %d0,%d1,(%a0)",
    "cas2.l %d0:%d1,%d2:%d3,(%a0):(%a1)",
    "extb.l %d0",
    "ext.l %d0",
    "muls.l %d0,%d1",
    "muls.w %d0,%d1",
    "divul.l %d0,%d2:%d1",
    "divu.w %d0,%d1",
    "link.w %a6,#-8",
    "link.l %a6,#-80000",
    "rtd #4",
    "move.w %ccr,%d0",
    "move.w %d0,%ccr",
    "tst.l (%a0)",
    "tst.l %a0",
    "tst.b (4,%pc)",
    "cmpi.b #1,(%a0)",
    "cmpi.b #1,(4,%pc)",
    "chk.w %d0,%d1",
    "chk.l %d0,%d1",
    "chk2.b (%a0),%d0",
    "cmp2.l (%a0),%d0",
    "bfextu %d0{#3:#5},%d1",
    "bfset (%a0){#3:#5}",
    "pack %d0,%d1,#0",
    "unpk -(%a0),-(%a1),#0",
    "trapne",
    "trapne.w #1",
    "seq %d0",
    "st (%a0)",
    "dbf %d0,.",
    "bra.w .+200",
    "bra.l .+80000",
    "bsr.s .+20",
    "bne.l .+80000",
    "moves.l %d0,(%a0)",
    "movep.l %d0,(4,%a0)",
    "btst %d0,(4,%pc)",
    "bset #3,(%a0)",
    "ori.b #1,(%a0)",
    "asl.w (%a0)",
    "ror.l #3,%d0",
    "exg %d0,%a0",
    "sbcd %d0,%d1",
    "movem.l %d2-%d7,-(%sp)",
)


def assembled(text: str, cpu: str, folder: Path) -> bytes | None:
    """The bytes of one instruction, None where GNU as says that the CPU lacks it."""
    source, out, raw = folder / "i.s", folder / "i.o", folder / "i.bin"
    source.write_text(f"\t{text}\n")
    done = subprocess.run([AS, f"-m{cpu}", "-o", out, source], capture_output=True, check=False)
    if done.returncode:
        return None
    subprocess.run(["m68k-linux-gnu-objcopy", "-O", "binary", "-j", ".text", out, raw], check=True)
    return raw.read_bytes()


@pytest.mark.needs_compiler("gnu")
def test_needs_agrees_with_the_assembler(tmp_path: Path) -> None:
    """For each instruction the oldest CPU that GNU as assembles it for is the one that ``needs`` says."""
    wrong = []
    for text in INSTRUCTIONS:
        made = {cpu: assembled(text, cpu, tmp_path) for cpu in ("68000", "68010", "68020")}
        code = made["68020"]
        assert code is not None, text
        # as pads .text to 4 bytes.
        instruction = decode(code, 0)
        assert instruction is not None, text
        # An older CPU's encoding may be another one (a shorter branch): only the same bytes count.
        wanted = next(f"m{cpu}" for cpu, bytes_ in made.items() if bytes_ == code)
        found = needs(code[: instruction.length], instruction)
        if found != wanted:
            wrong.append((text, found, wanted))
    assert wrong == []


@pytest.mark.parametrize(
    ("code", "cpu", "found"),
    [
        ("2010 4e75", "m68000", []),
        ("0ed0 0040 4e75", "m68000", [0]),
        ("2010 0ed0 0040 49c0 4e75", "m68010", [2, 6]),
        ("2010 0ed0 0040 49c0 4e75", "m68020", []),
        ("f200 0000 4e75", "m68000", [0]),
        ("f620 9000 4e75", "m68030", [0]),
        ("f620 9000 4e75", "m68040", []),
        ("06d0 0000 4e75", "m68030", [0]),
        ("4a3a 0004 4e75", "m68000", [0]),
        ("2010 ffff 4e75", "m68040", [2]),
    ],
    ids=["plain", "cas", "cas-extb", "cas-68020", "fpu", "move16-030", "move16-040", "callm", "tst-pc", "nothing"],
)
def test_instructions_that_a_cpu_lacks(code: str, cpu: str, found: list[int]) -> None:
    """Each is told with its offset; code that is no instruction at all ends the reading."""
    assert [at for at, _, _ in lacking(bytes.fromhex(code), cpu)] == found


@pytest.mark.needs_compiler("gnu")
def test_identity_of_code(tmp_path: Path) -> None:
    """Equal code that calls the same is one, wherever it lies; what differs in code or in what it calls is another."""
    source = """
    extern int one(void), two(void);
    static int __attribute__((noinline)) own(int *p) { return one() + *p; }
    int pad%d(int a) { return a * 3; }
    int a(void) { return one(); }
    int b(void) { return one(); }
    int c(void) { return two(); }
    int d(int *p) { return own(p); }
    int e(int *p) { return own(p) + 1; }
    """
    found = []
    for number in (1, 2):
        path, out = tmp_path / "x.c", tmp_path / "x.o"
        path.write_text((source % number).replace("a * 3", "a * 3" if number == 1 else "a / 7 + a * 12345"))
        subprocess.run([GCC, "-O1", "-ffunction-sections", "-fno-pic", "-c", path, "-o", out], check=True)
        objects = Objects(out.read_bytes())
        found.append({name: objects.code(name) for name in "abcde"})
    one, two = found
    assert {name: code.identity for name, code in one.items()} == {name: code.identity for name, code in two.items()}
    assert one["a"].identity == one["b"].identity
    assert len({code.identity for code in one.values()}) == 4
    assert (one["a"].calls, one["c"].calls, one["d"].calls) == (("one",), ("two",), ("one",))
    assert [name for name, _ in one["d"].parts] == ["d", "own"]
    with pytest.raises(KeyError):
        Objects(out.read_bytes()).code("nowhere")
