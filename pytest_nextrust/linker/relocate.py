"""The bytes of every output section, with each relocated field filled in.

Every field that does not fit and every name that nobody defines is collected, so that one run says all of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pytest_nextrust.errors import Fault
from pytest_nextrust.linker.layout import OutputSection
from pytest_nextrust.linker.model import Fixup, InputSection, InputSymbol
from pytest_nextrust.linker.resolve import Resolution

__all__ = ["Relocator"]

_MASK = 0xFFFF_FFFF
_NOP = b"\x4e\x71"
_SHOWN = 20
"""Places of one undefined symbol, and fields that do not fit, that are listed one by one."""


@dataclass(eq=False)
class Relocator:
    """Fills sections. ``addresses``: of every linked section. ``missing``: what nobody defines, with who needs it.

    ``foreign``: by name, a sentence about who defines it for another CPU.
    """

    resolution: Resolution
    addresses: Mapping[InputSection, int]
    foreign: Mapping[str, str] = field(default_factory=dict)
    missing: dict[str, list[str]] = field(default_factory=dict)
    beyond: dict[str, int] = field(default_factory=dict)
    overflows: list[Fault] = field(default_factory=list)

    def content(self, out: OutputSection) -> bytes:
        """The bytes of an output section. Code is padded with nop, everything else with zeros."""
        code = out.segment == "__TEXT" and out.name == "__text"
        made = bytearray(_NOP * ((out.size + 1) // 2) if code else out.size)[: out.size]
        for section, offset in out.pieces:
            if section.data is None:
                made[offset : offset + section.size] = bytes(section.size)
                continue
            made[offset : offset + section.size] = section.data
            self._fill(made, offset, section)
        return bytes(made)

    def address(self, symbol: InputSymbol) -> int | None:
        """Where a symbol of an object is in the program; None where nothing has it."""
        found = self.resolution.target(symbol)
        if found is None:
            return 0 if symbol.weak else None
        if found.section is None:
            return found.value
        base = self.addresses.get(found.section)
        return None if base is None else base + found.value

    def _fill(self, made: bytearray, base: int, section: InputSection) -> None:
        here = self.addresses[section]
        known: dict[InputSymbol, int | None] = {}
        for fixup in section.fixups:
            offset, width, pcrel, target, addend, minus, _ = fixup
            if target not in known:
                known[target] = self.address(target)
            value = known[target]
            if value is None:
                self._missing(target, section, offset)
                continue
            value += addend
            if minus is not None:
                less = self.address(minus)
                if less is None:
                    self._missing(minus, section, offset)
                    continue
                value -= less
            if pcrel:
                value -= here + offset
            at = base + offset
            if width == 4:
                made[at : at + 4] = (value & _MASK).to_bytes(4, "big")
            elif self._fits(fixup, value):
                made[at : at + width] = (value & (1 << 8 * width) - 1).to_bytes(width, "big")
            else:
                self._overflow(section, fixup, value)

    @staticmethod
    def _fits(fixup: Fixup, value: int) -> bool:
        """Distances have a sign; of an address both readings are allowed, as GNU ld does."""
        bits = 8 * fixup.width
        upper = 1 << (bits - 1 if fixup.pcrel or fixup.minus is not None else bits)
        return -(1 << bits - 1) <= value < upper

    def _missing(self, symbol: InputSymbol, section: InputSection, offset: int) -> None:
        name = symbol.name or "a place in a section that is left out"
        places = self.missing.setdefault(name, [])
        if len(places) < _SHOWN:
            places.append(f"{section.owner.label}: {section.owner.describe(section, offset)}")
        else:
            self.beyond[name] = self.beyond.get(name, 0) + 1

    def _overflow(self, section: InputSection, fixup: Fixup, value: int) -> None:
        owner = section.owner
        name = fixup.target.name or str(fixup.target.section)
        what = "distance" if fixup.pcrel else "difference" if fixup.minus is not None else "address"
        fault = (
            f"{owner.describe(section, fixup.offset)}: the {what} 0x{value & _MASK:x} of {name} does not fit "
            f"{8 * fixup.width} bits"
        )
        remedy = "place the two closer together, or compile with 32-bit displacements"
        self.overflows.append(Fault(owner.label, fault, remedy))

    def faults(self) -> Sequence[Fault]:
        """Everything that went wrong, undefined symbols by name."""
        found = []
        for name, places in sorted(self.missing.items()):
            more = self.beyond.get(name, 0)
            needed = "".join(f"\n    {each}" for each in ([*places, f"and {more} more places"] if more else places))
            other = f" ({self.foreign[name]})" if name in self.foreign else ""
            found.append(Fault(name, f"undefined{other}; needed by{needed}\n   ", "link what defines it"))
        beyond = len(self.overflows) - _SHOWN
        found += self.overflows[:_SHOWN]
        if beyond > 0:
            found.append(Fault("fields", f"and {beyond} more that do not fit"))
        return found
