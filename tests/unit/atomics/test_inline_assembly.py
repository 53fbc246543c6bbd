"""Inline assembly that writes more than its outputs and clobbers say: found, and not where it says so.

Each template is put into a routine of a runtime and compiled as users' sources are, at every level.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from pytest_nextrust.atomics.assembly.checking import NOT_TOLD, check_inline_assembly
from pytest_nextrust.atomics.assembly.statements import statements
from pytest_nextrust.atomics.build import RUNTIMES, Unit
from pytest_nextrust.cli import main
from pytest_nextrust.isa.effects import effects
from tests.atomics_coverage import INCLUDE, rights

pytestmark = pytest.mark.needs_compiler("gnu")

LEVELS = ("0", "1", "2", "3", "s")
SCHEMA = json.loads((Path(str(main.__code__.co_filename)).parent / "schemas/atomics.json").read_text(encoding="utf-8"))

RIGHT = {
    "output": 'asm("moveq #1,%0" : "=d"(r));',
    "clobbered": 'asm("moveq #1,%%d3\\n\\tmove.l %%d3,%0" : "=d"(r) : : "d3");',
    "both": 'asm("addq.l #1,%0" : "+d"(r));',
    "saved on the stack": 'asm volatile("move.l %%d5,-(%%sp)\\n\\tmoveq #1,%%d5\\n\\tmove.l (%%sp)+,%%d5" : : );',
    "saved by movem": (
        'asm volatile("movem.l %%d4-%%d5/%%a2,-(%%sp)\\n\\tmoveq #1,%%d4\\n\\tsuba.l %%a2,%%a2\\n\\t'
        'movem.l (%%sp)+,%%d4-%%d5/%%a2" : : );'
    ),
    "saved in a register": 'asm volatile("exg %%d4,%%a1\\n\\tmoveq #1,%%d4\\n\\texg %%a1,%%d4" : : : "a1");',
    "memory clobber": 'asm volatile("clr.l (%0)" : : "a"(p) : "memory");',
    "memory output": 'asm volatile("clr.l %0" : "=m"(*p));',
    "part of an output": 'asm volatile("clr.b %0" : "=m"(*p));',
    "another section": 'asm volatile(".pushsection .data\\n\\t.long 1\\n\\t.popsection" : : );',
    "a global": 'asm volatile("move.l %1,%0" : "=m"(global[3]) : "d"(v));',
    "an element": 'asm volatile("addq.l #1,%0" : "+m"(p[v]));',
    "a local": 'asm volatile("clr.l %0" : "=m"(x)); r = x;',
    "a step and back": 'asm volatile("tst.l (%0)+\\n\\ttst.l -(%0)" : : "a"(p));',
    "a stepped output": 'asm volatile("tst.l (%0)+" : "+a"(p)); r = *p;',
    "compare and swap": 'asm volatile("cas.l %0,%1,(%2)" : "+d"(r) : "d"(v), "a"(p) : "memory");',
    "a loop": 'asm volatile("1:\\ttst.b (%0)+\\n\\tdbeq %1,1b" : "+a"(p), "+d"(v)); r = v + *p;',
    "eight bytes": 'asm("moveq #1,%0\\n\\tmoveq #2,%R0" : "=d"(w)); r = w;',
    "stack frame": 'asm volatile("link %%a6,#-8\\n\\tclr.l -4(%%a6)\\n\\tunlk %%a6" : : );',
    "floating point": 'asm volatile("fmove.l %0,%%fp3" : : "d"(v) : "fp3");',
    "saved floating point": (
        'asm volatile("fmovem %%fp2,-(%%sp)\\n\\tfmove.l %0,%%fp2\\n\\tfmovem (%%sp)+,%%fp2" : : "d"(v));'
    ),
    "codes alone": 'asm volatile("tst.l %0\\n\\tmove.w #0x1f,%%ccr" : : "d"(v));',
    "a jump": 'asm goto("tst.l %0\\n\\tbeq %l1" : : "d"(v) : : out); r = 1; out:;',
    "opcodes": 'asm volatile(".short 0x7601" : : : "d3");',
    "a call": 'asm volatile("jsr helper" : : : "d0", "d1", "a0", "a1", "fp0", "fp1", "memory");',
    "a kernel's call": 'register int n asm("d0") = 20; asm volatile("trap #4" : "+d"(n) : : "d1"); r = n;',
    "an output that is stepped": ('asm volatile("clr.l (%0)\\n\\taddq.l #4,%0" : "+a"(p) : : "memory"); r = *p;'),
}
WRONG = {
    "data register": ('asm volatile("moveq #1,%%d3" : : );', ["changes d3, which is neither an output nor clobbered"]),
    "address register": (
        'asm volatile("suba.l %%a3,%%a3" : : );',
        ["changes a3, which is neither an output nor clobbered"],
    ),
    "a byte of one": ('asm volatile("st %%d6" : : );', ["changes d6, which is neither an output nor clobbered"]),
    "memory": (
        'asm volatile("clr.l (%0)" : : "a"(p));',
        ['writes 4 bytes at *, which is no output, and has no "memory" clobber'],
    ),
    "beside an output": (
        'asm volatile("clr.l global+16" : "=m"(global[3]));',
        ['writes 4 bytes at *, which is no output, and has no "memory" clobber'],
    ),
    "more than an output": (
        'asm volatile("clr.l %0" : "=m"(*(char *)p));',
        ['writes 4 bytes at *, which is no output, and has no "memory" clobber'],
    ),
    "another global": (
        'asm volatile("clr.l other" : "=m"(global[3]));',
        ['writes 4 bytes at *, which is no output, and has no "memory" clobber'],
    ),
    "a cas without memory": (
        'asm volatile("cas.l %0,%1,(%2)" : "+d"(r) : "d"(v), "a"(p) : "cc");',
        ['writes 4 bytes at *, which is no output, and has no "memory" clobber'],
    ),
    "an input": ('asm volatile("addq.l #1,%0" : : "d"(v));', ["changes *, its input %0, which is no output"]),
    "a later input": (
        'asm volatile("move.l %1,%0\\n\\tneg.l %2" : "=&d"(r) : "d"(v), "d"(x));',
        ["changes *, its input %2, which is no output"],
    ),
    "postincrement of an input": (
        'asm volatile("tst.l (%0)+" : : "a"(p));',
        ["changes *, its input %0, which is no output"],
    ),
    "movem": (
        'asm volatile("movem.l (%0),%%d4-%%d5/%%a2" : : "a"(p) : "d5");',
        [
            "changes d4, which is neither an output nor clobbered",
            "changes a2, which is neither an output nor clobbered",
        ],
    ),
    "floating point": (
        'asm volatile("fmove.l %0,%%fp3" : : "d"(v));',
        ["changes fp3, which is neither an output nor clobbered"],
    ),
    "sp lower": ('asm volatile("clr.l -(%%sp)" : : );', ["leaves sp 4 bytes lower"]),
    "sp higher": ('asm volatile("addq.l #8,%%sp" : : );', ["leaves sp 8 bytes higher"]),
    "sp by movea": ('asm volatile("movea.l %0,%%sp" : : "a"(p));', ["leaves sp elsewhere"]),
    "saved on one path": (
        'asm volatile("move.l %%d4,%%a1\\n\\tmoveq #1,%%d4\\n\\ttst.l %0\\n\\tbeq 1f\\n\\tmove.l %%a1,%%d4\\n1:" '
        ': : "d"(v) : "a1");',
        ["changes d4, which is neither an output nor clobbered"],
    ),
    "brought back from elsewhere": (
        'asm volatile("move.l %%d4,-(%%sp)\\n\\tmove.l %%d5,-(%%sp)\\n\\tmoveq #1,%%d4\\n\\tmove.l (%%sp)+,%%d4\\n\\t'
        'addq.l #4,%%sp" : : );',
        ["changes d4, which is neither an output nor clobbered"],
    ),
    "at a label": (
        'asm goto("moveq #1,%%d3\\n\\ttst.l %0\\n\\tbeq %l1\\n\\tmove.l %%a1,%%d3" : : "d"(v) : "a1" : out); '
        "r = 1; out:;",
        ["changes d3, which is neither an output nor clobbered"],
    ),
    "a call": (
        'asm volatile("jsr helper" : : : "d0", "d1", "a0", "a1", "fp0", "memory");',
        ["changes fp1, which is neither an output nor clobbered"],
    ),
    "a kernel's call": (
        'register int n asm("d0") = 20; asm volatile("trap #4" : "+d"(n)); r = n;',
        ["changes d1, which is neither an output nor clobbered"],
    ),
    "basic asm": ('asm("moveq #1,%d3");', ["changes d3, which is neither an output nor clobbered"]),
}
SOURCE = """
int global[8], other;
#define asm __asm__
void helper(void) {}
#line 1 "routine.c"
int routine(int *p, int v) { int r = 5, x = v * 3; long long w = 0; STATEMENT (void)w; return r + x; }
"""


def source(folder: Path, statement: str) -> Unit:
    path = folder / "runtime.c"
    path.write_text(SOURCE.replace("STATEMENT", statement), encoding="utf-8")
    return Unit(path)


def said(unit: Unit, levels: tuple[str, ...] = LEVELS) -> tuple[list[str], list[str]]:
    """What is found, with the places cut off and registers that the compiler has chosen as ``*``, and what is noted."""
    findings, notes = check_inline_assembly([unit], "m68030", levels)
    assert all(found["message"].startswith("routine.c:1: inline assembly ") for found in findings)
    texts = [found["message"].partition("inline assembly ")[2] for found in findings]
    return texts, [note["message"] for note in notes]


@pytest.mark.parametrize("name", RIGHT)
def test_what_says_what_it_writes_is_right(name: str, tmp_path: Path) -> None:
    """No finding and no note at any level."""
    assert said(source(tmp_path, RIGHT[name])) == ([], [])


@pytest.mark.parametrize("name", WRONG)
def test_what_writes_more_is_found(name: str, tmp_path: Path) -> None:
    """Each thing that it writes and does not say is a finding with its place; at every level, and nothing else."""
    statement, wanted = WRONG[name]
    for level in LEVELS:
        texts, notes = said(source(tmp_path, statement), (level,))
        assert notes == []
        assert len(texts) == len(wanted), (level, texts)
        for text, pattern in zip(texts, wanted, strict=True):
            begin, _, rest = pattern.partition("*")
            assert text.startswith(begin), (level, texts)
            assert text.endswith(rest), (level, texts)


@pytest.mark.parametrize(
    ("statement", "note"),
    [
        ('asm volatile("bra 1f\\n\\t.long 0xffffffff\\n1:\\t.short 0xffff");', "cannot be decoded at byte 8: ffff"),
        ('asm volatile("rts");', "does not come to its end: rts"),
        ('asm volatile("bra helper");', "jumps out of the template"),
        (
            'asm volatile("clr.l (%1)" : "=m"(other) : "a"(p));',
            "writes 4 bytes at a0, which may or may not be an output",
        ),
    ],
)
def test_what_cannot_be_told_is_said(statement: str, note: str, tmp_path: Path) -> None:
    """It is a note with its place, and no finding."""
    texts, notes = said(source(tmp_path, statement), ("2",))
    assert texts == []
    assert notes == [f"routine.c:1: {note}"]


def test_condition_codes_have_no_name(tmp_path: Path) -> None:
    """GNU C makes the same dump with "cc" among the clobbers and without: there is nothing that could be compared."""
    dumps = []
    for clobber in ("", ' : "cc"'):
        unit = source(tmp_path, f'asm volatile("tst.l %0" : : "d"(v){clobber});')
        dumps.append(check_inline_assembly([unit], "m68030", ("2",)))
    assert dumps == [([], []), ([], [])]
    (plain,) = statements(
        ';; Function f (f, funcdef_no=0)\n\n(insn 5 2 8 2 (asm_operands/v ("tst.l %0") ("") 0 [\n (reg:SI 0 %d0)\n ]\n'
        ' [\n (asm_input:SI ("d") a.c:1)\n ]\n [] a.c:1) "a.c":1:3 -1\n (nil))\n'
    )
    assert (plain.function, plain.file, plain.line, plain.clobbers) == ("f", "a.c", 1, frozenset())


def test_a_dump_that_is_not_as_expected_is_said(tmp_path: Path) -> None:
    """Where GNU C refuses a source, that is a note; a dump that ends early is a fault of its own."""
    path = tmp_path / "broken.c"
    path.write_text("int f(void) { return }\n", encoding="utf-8")
    findings, (note,) = check_inline_assembly([Unit(path)], "m68030", LEVELS)
    assert findings == []
    assert "m68k-linux-gnu-gcc failed with status 1" in note["message"]
    with pytest.raises(ValueError, match="has no end"):
        list(statements('(insn 5 2 8 2 (asm_operands/v ("tst.l %0'))


def test_it_is_found_in_a_header_and_wherever_it_is_expanded(tmp_path: Path) -> None:
    """By the line that it stands in, once for each; assembly and objects are not looked at."""
    (tmp_path / "lock.h").write_text(
        'static inline void lock(int *p)\n{\n  __asm__ volatile("tas (%0)\\n\\tsmi %%d4" : : "a"(p) : "memory");\n}\n',
        encoding="utf-8",
    )
    path = tmp_path / "runtime.c"
    path.write_text(
        '#include "lock.h"\nvoid f(int *p) { lock(p); }\nvoid g(int *p) { lock(p + 1); }\n', encoding="utf-8"
    )
    (found,), notes = check_inline_assembly([Unit(path), Unit(tmp_path / "absent.S")], "m68030", LEVELS)
    assert notes == []
    assert found["file"] == str(tmp_path / "lock.h")
    assert found["line"] == 3
    assert found["message"].endswith("lock.h:3: inline assembly changes d4, which is neither an output nor clobbered")


@pytest.mark.parametrize("name", sorted(RUNTIMES))
@pytest.mark.parametrize("cpu", ["m68030", "m68040"])
def test_the_shipped_runtimes_give_no_finding(name: str, cpu: str) -> None:
    """Nor is there anything in them that cannot be told."""
    assert check_inline_assembly([Unit(RUNTIMES[name])], cpu, LEVELS) == ([], [])


def test_right_runtimes_of_other_designs_give_no_finding() -> None:
    """With cas2, bset, restartable sequences and traps among their templates."""
    units = [Unit(sample.source, (f"-I{INCLUDE}",)) for sample in rights().values()]
    assert check_inline_assembly(units, "m68030", ("2",)) == ([], [])


def test_the_command_fails_with_the_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A runtime that is right in every history, but for a register that one template does not name."""
    path = tmp_path / "runtime.c"
    path.write_text(
        "int __sync_fetch_and_add_4(int *p, int v)\n{\n  int old = *p, next;\n"
        '  __asm__ volatile("1:\\tmove.l %0,%1\\n\\tadd.l %2,%1\\n\\tsuba.l %%a1,%%a1\\n\\t"\n'
        '                   "cas.l %0,%1,(%3)\\n\\tjne 1b"\n'
        '                   : "+d"(old), "=&d"(next) : "d"(v), "a"(p) : "memory");\n  return old;\n}\n',
        encoding="utf-8",
    )
    given = ["atomics", str(path), "--level", "2", "--artifacts", str(tmp_path)]
    assert main([*given, "--json", "-"]) == 1
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    jsonschema.validate(answer, SCHEMA)
    (found,) = answer["findings"]
    assert (found["kind"], found["file"], found["line"]) == ("inline-assembly", str(path), 4)
    assert found["command"].startswith("nextrust atomics ")
    assert main(given) == 1
    text = capsys.readouterr().out
    assert "finding (inline-assembly): " in text
    assert f"{path}:4: inline assembly changes a1, which is neither an output nor clobbered" in text
    path.write_text(path.read_text(encoding="utf-8").replace('"memory"', '"a1", "memory"'), encoding="utf-8")
    assert main(given) == 0


def test_notes_are_of_one_reason(tmp_path: Path) -> None:
    """What cannot be told has the same reason everywhere, by which the text gathers it."""
    _, notes = check_inline_assembly([source(tmp_path, 'asm volatile("rts");')], "m68030", ("2",))
    assert [note["note"] for note in notes] == [NOT_TOLD]
    assert effects(b"\x4e\x75") == ()
