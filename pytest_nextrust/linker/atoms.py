"""Cut the code of an object at its symbols, so that what is not reached can be left out function by function.

Neither format says that its functions may be moved apart, and an assembler that knows a distance inside a section
leaves no relocation entry for it. So two neighbours stay together where one runs into the other, and so does everything
between two places of which an instruction of one addresses the other relative to the pc. Code that cannot be decoded to
its end is not cut at all. Data is not cut either: an ELF object says ``.data+40`` of the end of one array and of the
beginning of the next.

Sources: M68000 Family Programmer's Reference Manual (pc-relative operands and branches).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence

from pytest_nextrust.isa.decode import decode
from pytest_nextrust.linker.model import Fixup, InputObject, InputSection, InputSymbol

__all__ = ["split"]

_LONGEST = 24
_PC_DISPLACEMENT, _PC_INDEX = 0x3A, 0x3B
_NO_WAY_ON = ("jump", "return", "stop")


def split(made: InputObject) -> InputObject:
    """The same object, its sections cut into pieces. Raises MachoError for a relocation entry that cannot be."""
    result = InputObject(made.label, made.library, cpusubtype=made.cpusubtype)
    pieces: dict[InputSection, list[tuple[int, InputSection]]] = {}
    for section in made.sections:
        pieces[section] = list(_cut(result, section, _symbols_of(made, section)))
    moved = _Moved(pieces)
    for section in made.sections:
        for start, piece in pieces[section]:
            result.sections.append(piece)
            inside = (fixup for fixup in section.fixups if start <= fixup.offset < start + piece.size)
            piece.loaded = tuple(moved.fixup(fixup, start) for fixup in inside)
    result.symbols = [moved.symbol(symbol) for symbol in made.symbols]
    for name, group in made.groups.items():
        result.groups[name] = tuple(piece for section in group for _, piece in pieces.get(section, ()))
    return result


def _symbols_of(made: InputObject, section: InputSection) -> list[int]:
    """Where something with a name begins in a section, in order, its own beginning first."""
    found = {s.value for s in made.symbols if s.section is section and s.name and not s.stab and s.value < section.size}
    return sorted({0, *found})


def _cut(owner: InputObject, section: InputSection, starts: Sequence[int]) -> Iterator[tuple[int, InputSection]]:
    """The pieces of a section with their offsets in it; also where there is one, so that every owner is the new one."""
    starts = _joined(section, starts) if section.code and section.data is not None else [0]
    for start, end in zip(starts, [*starts[1:], section.size], strict=True):
        data = None if section.data is None else section.data[start:end]
        # A piece keeps what its place in the section promised, which may be less than the section's alignment.
        align = min(section.align, (start & -start).bit_length() - 1) if start else section.align
        yield (
            start,
            InputSection(owner, section.segment, section.name, data, end - start, align, section.flags, section.root),
        )


def _joined(section: InputSection, starts: Sequence[int]) -> list[int]:
    """``starts`` without those whose piece has to stay with the one before it."""
    ties = _ties(section, starts)
    if ties is None:
        return [0]
    kept = set(starts)
    for low, high in ties:
        kept -= set(starts[bisect_right(starts, min(low, high)) : bisect_right(starts, max(low, high))])
    return sorted(kept | {0})


def _ties(section: InputSection, starts: Sequence[int]) -> list[tuple[int, int]] | None:
    """Pairs of offsets that must keep their distance; None where the code cannot be read to its end."""
    assert section.data is not None
    if any(start & 1 for start in starts):
        return None
    code = bytes(section.data)
    related = {at for fixup in section.fixups for at in range(fixup.offset & ~1, fixup.offset + fixup.width)}
    # A field that a symbol cuts through holds its pieces together.
    ties = [(fixup.offset, fixup.offset + fixup.width - 1) for fixup in section.fixups]
    for start, end in zip(starts, [*starts[1:], section.size], strict=True):
        at = start
        flow = "next"
        while at < end:
            instruction = decode(code[at : at + _LONGEST], at)
            if instruction is None or instruction.invalid or at + instruction.length > end:
                return None
            flow = instruction.flow
            free = [place for place in range(at + 2, at + instruction.length, 2) if place not in related]
            places = list(_near(code, at, free))
            if len(free) == instruction.length // 2 - 1 and instruction.target is not None:
                places.append(instruction.target)
            at += instruction.length
            if instruction.flow == "jump" and instruction.base is not None:
                targets, at = _table(code, instruction.base, at, end)
                places += targets
            ties += [(start, place) for place in places if 0 <= place < section.size]
        if flow not in _NO_WAY_ON and end < section.size:
            ties.append((start, end))
    return ties


def _table(code: bytes, base: int, at: int, end: int) -> tuple[list[int], int]:
    """Where a jump by a table goes, and where the code goes on: a table of distances, as compilers put behind the jump,
    reaches as far as the nearest of its targets. A jump to code gives no targets."""
    if base != at:
        return [base], at
    targets: list[int] = []
    while at + 2 <= min([end, *(target for target in targets if target >= base)]):
        target = base + _signed(code, at, 2)
        if not 0 <= target < len(code) or target & 1:
            break
        targets.append(target)
        at += 2
    return targets, at


def _near(code: bytes, at: int, words: Iterable[int]) -> Iterator[int]:
    """Offsets that the instruction at ``at`` may address relative to the pc: each of ``words`` read as the extension
    word of such an operand.

    More than it does: which word is the operand's is not asked. A place too many only keeps two pieces together.
    """
    mode = code[at + 1] & 0x3F
    for place in words:
        if mode == _PC_DISPLACEMENT:
            yield place + _signed(code, place, 2)
        elif mode == _PC_INDEX and not code[place] & 1:
            yield place + _signed(code, place + 1, 1)
        elif mode == _PC_INDEX:
            yield place + _signed(code, place + 2, 2)
            yield place + _signed(code, place + 2, 4)


def _signed(code: bytes, at: int, width: int) -> int:
    return int.from_bytes(code[at : at + width], "big", signed=True)


class _Moved:
    """Where symbols and fixups of an object are after the cut."""

    def __init__(self, pieces: dict[InputSection, list[tuple[int, InputSection]]]) -> None:
        self.pieces = pieces
        self.starts = {section: [start for start, _ in parts] for section, parts in pieces.items()}
        self.known: dict[InputSymbol, InputSymbol] = {}

    def symbol(self, symbol: InputSymbol) -> InputSymbol:
        if symbol.section is None or symbol.section not in self.pieces:
            return symbol
        if symbol not in self.known:
            self.known[symbol] = self._placed(symbol, symbol.value)
        return self.known[symbol]

    def _placed(self, symbol: InputSymbol, offset: int) -> InputSymbol:
        """The symbol as one of the piece that ``offset`` of its section is in."""
        assert symbol.section is not None
        parts = self.pieces[symbol.section]
        start, piece = parts[max(0, bisect_right(self.starts[symbol.section], offset) - 1)]
        return InputSymbol(
            symbol.name,
            symbol.kind,
            piece,
            symbol.value - start,
            symbol.external,
            symbol.weak,
            symbol.align,
            symbol.alias,
            symbol.stab,
            symbol.desc,
        )

    def fixup(self, fixup: Fixup, start: int) -> Fixup:
        target = self.target(fixup.target, fixup.addend if not fixup.pcrel and fixup.minus is None else 0)
        minus = None if fixup.minus is None else self.symbol(fixup.minus)
        offset = fixup.offset - start
        return Fixup(offset, fixup.width, fixup.pcrel, target, fixup.addend, minus, fixup.place)

    def target(self, symbol: InputSymbol, addend: int) -> InputSymbol:
        """A symbol that is referred to. A section's own beginning stands for the place that the addend leads to."""
        section = symbol.section
        origin = section in self.pieces and not symbol.name and symbol.value == 0
        if origin and section is not None and 0 <= addend < section.size:
            return self._placed(symbol, addend)
        return self.symbol(symbol)
