"""The static check: a program is refused when code it reaches holds instructions that its CPU lacks.

Code is followed from the entry through branches, calls and the jump tables it recognises. What is behind a call
is code for certain only if the callee can return, so data after a call to ``_exit`` is not mistaken for code. What is
only pointed at (operands of lea and pea, long immediates) is code if all of it decodes and ends as code does; else it
is taken for data, and the block inspector (``emu.child.blocks``) looks at it if it is ever executed. What only a symbol
names refuses nothing: it may be a table.

Boundary: reads the file; the emulator is not involved.
"""

from __future__ import annotations

from pytest_nextrust.base.rust_names import readable
from pytest_nextrust.errors import NotRunnable
from pytest_nextrust.isa.decode import CPU_BITS, Decoded
from pytest_nextrust.isa.flow import ControlFlow
from pytest_nextrust.macho import MachFile

__all__ = ["UnsupportedInstruction", "find_unsupported", "refuse_unsupported"]

SHOWN = 5


class UnsupportedInstruction:
    """An instruction at ``address`` that must not be run: what it is, and why."""

    __slots__ = ("address", "name", "reason", "remedy")

    def __init__(self, address: int, name: str, reason: str, remedy: str) -> None:
        self.address = address
        self.name = name
        self.reason = reason
        self.remedy = remedy

    def __repr__(self) -> str:
        return f"Finding(0x{self.address:x}, {self.name}: {self.reason})"


def refuse_unsupported(file: MachFile, cpu: str) -> None:
    """Raise NotRunnable naming the first instructions that ``cpu`` or this machine does not have."""
    findings = find_unsupported(file, cpu)
    if not findings:
        return
    shown = []
    for finding in findings[:SHOWN]:
        symbol = readable(file.describe(finding.address))
        where = f"0x{finding.address:x}" + (f" ({symbol})" if symbol else "")
        shown.append(f"{finding.name} at {where}: {finding.reason}")
    more = f"; and {len(findings) - SHOWN} more" if len(findings) > SHOWN else ""
    raise NotRunnable("program", "; ".join(shown) + more, remedy=findings[0].remedy)


def find_unsupported(file: MachFile, cpu: str) -> list[UnsupportedInstruction]:
    """Every instruction in reached code that ``cpu`` or this machine lacks, by address."""
    flow = ControlFlow(file)
    if file.entry is not None:
        flow.follow(file.entry)
    found = {address: _unsupported(address, instruction, cpu) for address, instruction in flow.sure.items()}
    for address, instruction in flow.pointed_at().items():
        # What is only pointed at may after all be data: only instructions that another CPU has are reported of it.
        if instruction.cpus and not instruction.cpus & CPU_BITS[cpu]:
            found.setdefault(address, _unsupported(address, instruction, cpu))
    return sorted((finding for finding in found.values() if finding is not None), key=lambda finding: finding.address)


def _unsupported(address: int, instruction: Decoded, cpu: str) -> UnsupportedInstruction | None:
    name = instruction.name
    if instruction.limit:
        return UnsupportedInstruction(address, name, f"not for this machine: {instruction.limit}", "compile without it")
    if not instruction.cpus:
        return UnsupportedInstruction(
            address, name, f"the {cpu} does not have it, only the 68020 had", "compile for a 68030 or 68040"
        )
    if not instruction.cpus & CPU_BITS[cpu]:
        other = next(other for other, bit in CPU_BITS.items() if instruction.cpus & bit)
        return UnsupportedInstruction(
            address, name, f"the {cpu} does not have it", f"run it on the {other}, or compile for the {cpu}"
        )
    if instruction.invalid:
        return UnsupportedInstruction(
            address, name, "no 680x0 allows its addressing mode", "report it to the compiler's makers"
        )
    return None
