"""Writes the vectors that the gate has in a file: one of each kind of the suite's, where a witness has the same result.

    python -m tests.unit.emu_exact.gate_file

A kind is an instruction, a size, an addressing mode and whether a7 is in it. What depends on where the code stands,
takes an exception, or is right by the manual against a witness, is not among them: the suite itself has that.
"""

from __future__ import annotations

import json
import random
import zlib
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pytest_nextrust.emu.child.sites import site_of
from pytest_nextrust.emu.gate.agreed import FILE, PAGE_AT
from pytest_nextrust.isa.decode import decode
from tests.unit.emu_exact import generate
from tests.unit.emu_exact.test_integer import CPUS, for_qemu, machine, mask, musashi_is_wrong, name, qemu_is_wrong, seen
from tests.unit.emu_exact.witnesses import CODE, DATA, After, Case, Emulator, Musashi, build_qemu, qemu

__all__ = ["content", "entries"]

_LOT = random.Random(68)
REGISTERS = [generate.registers(_LOT) for _ in range(24)]
PAGES = [generate.data(_LOT) for _ in range(6)]
"""What the vectors start from."""
TRIES = 12
"""Cases drawn of a kind before it is passed over."""
PC_RELATIVE = (0x3A, 0x3B)


def content(cpu: str, program: Path) -> bytes:
    """What the file holds, by this CPU: always the same for the same sources. ``program`` runs under qemu-m68k."""
    plain = {"registers": [[*d, *a] for d, a in REGISTERS], "pages": [page.hex() for page in PAGES]}
    vectors = entries(cpu, program)
    apart = [number for number, entry in enumerate(vectors) if _is_site(bytes.fromhex(entry[1]))]
    return json.dumps({**plain, "apart": apart, "vectors": vectors}, separators=(",", ":")).encode()


def _is_site(code: bytes) -> bool:
    """Whether the machine asks before the emulator executes it, on either CPU."""
    return any(site_of(code, cpu) is not None for cpu in CPUS)


def entries(cpu: str, program: Path, stride: int = 1) -> list[list[Any]]:
    """The vectors of every kind, or of one kind in so many."""
    assert DATA == PAGE_AT
    drawn = [(kind, *one) for kind, opcodes in _kinds(cpu)[::stride] for one in _cases(kind, opcodes)]
    asked = [case for _, case, _ in drawn if for_qemu(case)]
    answers = dict(zip(map(id, asked), qemu(program, asked, cpu), strict=True))
    emulator, musashi = Emulator(cpu), Musashi(cpu)
    found: dict[tuple[object, ...], list[Any]] = {}
    for kind, case, which in drawn:
        if kind in found:
            continue
        here = machine(case, cpu, emulator)
        if here is not None and here.vector is None and _is_agreed(case, here, musashi(case), answers.get(id(case))):
            found[kind] = _entry(case, here, which)
    return list(found.values())


def _kinds(cpu: str) -> list[tuple[tuple[object, ...], list[int]]]:
    """The opcodes of each kind."""
    by_kind: dict[tuple[object, ...], list[int]] = {}
    for opcode in generate.integer_opcodes(cpu):
        decoded = decode(opcode.to_bytes(2, "big") + bytes(24), CODE)
        if decoded is None or decoded.flow != "next" or opcode & 0x3F in PC_RELATIVE:
            continue
        where = opcode >> 3 & 7
        operand = (7, opcode & 7) if where == 7 else (where, opcode & 7 == 7)
        size = opcode >> 6 & 7 if opcode >> 12 not in (1, 2, 3) else (opcode >> 12, opcode >> 6 & 7)
        by_kind.setdefault((decoded.name, size, operand), []).append(opcode)
    return sorted(by_kind.items(), key=str)


def _cases(kind: tuple[object, ...], opcodes: list[int]) -> list[tuple[Case, tuple[int, int]]]:
    lot = random.Random(str(kind))
    opcode = lot.choice(opcodes)
    cases = []
    for _ in range(TRIES):
        case = generate.integer_case(lot, opcode)
        which, page = lot.randrange(len(REGISTERS)), lot.randrange(len(PAGES))
        if case is not None:
            d, a = REGISTERS[which]
            cases.append((replace(case, d=d, a=a, data=PAGES[page]), (which, page)))
    return cases


def _is_agreed(case: Case, here: After, musashi: After, qemu_m68k: After | None) -> bool:
    """Whether a witness whose answer counts has the same, and none whose answer counts has another."""
    defined = mask(case, here)
    judged = [] if musashi_is_wrong(case, here) else [musashi]
    if qemu_m68k is not None and not qemu_is_wrong(case, here):
        judged.append(qemu_m68k)
    return bool(judged) and all(seen(case, each, defined) == seen(case, here, defined) for each in judged)


def _entry(case: Case, here: After, which: tuple[int, int]) -> list[Any]:
    before, after = [*case.d, *case.a], [*here.d, *here.a]
    changed = {number: after[number] for number in range(16) if after[number] != before[number]}
    stored = {at: here.data[at : at + 1].hex() for at in range(len(here.data)) if here.data[at] != case.data[at]}
    return [name(case), case.code.hex(), *which, case.ccr, here.ccr, mask(case, here), changed, stored]


def main() -> None:
    with TemporaryDirectory() as folder:
        program = build_qemu(Path(folder))
        texts = {content(cpu, program) for cpu in CPUS}
    if len(texts) > 1:
        raise SystemExit("the two CPUs differ: they need a file each")
    text = texts.pop()
    FILE.write_bytes(zlib.compress(text, 9))
    print(f"{FILE.name}: {len(json.loads(text)['vectors'])} vectors")


if __name__ == "__main__":
    main()
