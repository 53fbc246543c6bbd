"""The asm statements of a compiled source, as GNU C's dump of its last pass has them (``-fdump-rtl-final``).

For each: where it is, and what the compiler takes it to write: its outputs, its clobbers, and whether memory. Operands
are where the compiler has put them: a register by number (d0-d7 are 0-7, a0-a7 8-15, fp0-fp7 16-23), or an address.

Boundary: reads the dump; the code of the templates is ``checking``'s. Source: GCC Internals, "RTL Representation", and
dumps of GNU C 12.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Memory", "Operand", "Statement", "statements"]

_CHUNK = re.compile(r"\n(?=\(|;; Function )")
_FUNCTION = re.compile(r";; Function .*?\(([^\s,)]+)")
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[()\[\]]|[^\s()\[\]"]+', re.DOTALL)
_SIZE = re.compile(r"S(\d+)")
_BYTES = {"QI": 1, "HI": 2, "SI": 4, "DI": 8, "SF": 4, "DF": 8, "XF": 12, "SC": 8, "DC": 16, "XC": 24}
_FLOATS = 16


class _Vector(list["_Node"]):
    """What stands in square brackets."""


_Node = str | list["_Node"]


@dataclass(frozen=True, slots=True)
class Memory:
    """``size`` bytes of memory (0: not known) at ``base`` (a register), ``symbol`` or both, and a distance.

    ``index``: (register, scale) that is added. ``known``: whether this is all of the address.
    """

    base: int | None = None
    symbol: str = ""
    distance: int = 0
    index: tuple[int, int] | None = None
    size: int = 0
    known: bool = True


@dataclass(frozen=True, slots=True)
class Operand:
    """Where an operand is: in ``registers``, or in ``memory``, or in neither (a constant)."""

    registers: frozenset[int] = frozenset()
    memory: Memory | None = None


@dataclass(frozen=True, slots=True)
class Statement:
    """One asm statement with a template that is not empty. ``jumps``: it may go on at a label (``asm goto``)."""

    function: str
    file: str
    line: int
    outputs: tuple[Operand, ...] = ()
    inputs: tuple[Operand, ...] = ()
    clobbers: frozenset[int] = frozenset()
    memory: bool = False
    jumps: bool = False


def statements(dump: str) -> Iterator[Statement]:
    """The asm statements of a dump, in the order of the code. Raises ValueError where it is not as expected."""
    function, pending = "", ""
    for chunk in _CHUNK.split("\n" + dump):
        named = _FUNCTION.match(chunk)
        if named is not None:
            function = named[1].removeprefix("*")
        if not pending and "(asm_operands" not in chunk and "(asm_input" not in chunk:
            continue
        # A template may have a parenthesis at the begin of a line, where the dump would have an instruction.
        pending = f"{pending}\n{chunk}" if pending else chunk
        tokens = _TOKEN.findall(pending)
        if tokens.count("(") > tokens.count(")") or pending.count('"') - pending.count('\\"') & 1:
            continue
        pending = ""
        found = _statement(_read(tokens), function)
        if found is not None:
            yield found
    if pending:
        raise ValueError("an instruction of the dump has no end")


def _read(tokens: list[str]) -> list[_Node]:
    """The first expression of the tokens."""
    stack: list[list[_Node]] = []
    for token in tokens:
        if token in "([":
            stack.append(_Vector() if token == "[" else [])
        elif token in ")]":
            done = stack.pop()
            if not stack:
                return done
            stack[-1].append(done)
        elif stack:
            stack[-1].append(token)
    raise ValueError("an expression of the dump has no end")


def _head(node: _Node) -> str:
    """What an expression is, without flags and mode."""
    first = node[0] if isinstance(node, list) and node else ""
    return re.split("[/:]", first, maxsplit=1)[0] if isinstance(first, str) else ""


def _mode(node: list[_Node]) -> str:
    return str(node[0]).partition(":")[2]


def _statement(instruction: list[_Node], function: str) -> Statement | None:
    place = next((n for n, node in enumerate(instruction) if isinstance(node, list)), len(instruction))
    if place == len(instruction) or _head(instruction) not in ("insn", "jump_insn", "call_insn"):
        return None
    pattern = instruction[place]
    assert isinstance(pattern, list)
    parts = pattern[1] if _head(pattern) == "parallel" else [pattern]
    elements = [element for element in parts if isinstance(element, list)]
    file, line = _location(instruction[place + 1 :])
    outputs: list[Operand] = []
    clobbers: set[int] = set()
    memory = False
    template: list[_Node] | None = None
    for element in elements:
        head = _head(element)
        if head == "set" and _head(element[2]) == "asm_operands":
            outputs.append(_operand(element[1]))
            template = template or _list(element[2])
        elif head in ("asm_operands", "asm_input"):
            template = template or element
        elif head == "clobber":
            clobbers |= _operand(element[1]).registers
            memory = memory or _head(element[1]) == "mem"
    if template is None or _text(template[1]) == '""':
        return None
    vectors = [node for node in template if isinstance(node, _Vector)]
    inputs = tuple(_operand(node) for node in vectors[0]) if vectors else ()
    jumps = len(vectors) > 2 and bool(vectors[2])
    return Statement(function, file, line, tuple(outputs), inputs, frozenset(clobbers), memory, jumps)


def _text(node: _Node) -> _Node:
    """A string, which the dump has in parentheses."""
    return node[0] if isinstance(node, list) and node else node


def _list(node: _Node) -> list[_Node]:
    assert isinstance(node, list)
    return node


def _location(rest: list[_Node]) -> tuple[str, int]:
    """File and line, which follow the pattern as ``"a.c":5:2``."""
    for name, numbers in itertools.pairwise(rest):
        match = re.match(r":(\d+)", numbers) if isinstance(numbers, str) else None
        if isinstance(name, str) and name.startswith('"') and match is not None:
            return name[1:-1], int(match[1])
    return "", 0


def _operand(node: _Node) -> Operand:
    head = _head(node)
    if not isinstance(node, list):
        return Operand()
    if head == "reg":
        number, size = int(str(node[1])), _BYTES.get(_mode(node), 4)
        count = 1 if number >= _FLOATS else max(1, (size + 3) // 4)
        return Operand(frozenset(range(number, number + count)))
    if head == "mem":
        return Operand(memory=_memory(node))
    if head in ("subreg", "strict_low_part", "zero_extract"):
        return _operand(node[1])
    if head in ("concat", "parallel"):
        parts = [_operand(part) for part in node[1:] if isinstance(part, list)]
        return Operand(frozenset().union(*(part.registers for part in parts)))
    return Operand()


def _memory(node: list[_Node]) -> Memory:
    described = [text for part in node[2:] if isinstance(part, list) for text in part if isinstance(text, str)]
    sizes = [int(match[1]) for text in described if (match := _SIZE.fullmatch(text))]
    size = sizes[-1] if sizes else _BYTES.get(_mode(node), 0)
    parts: list[_Node] = []
    _summands(node[1], parts)
    base: int | None = None
    symbol, distance, known = "", 0, True
    index: tuple[int, int] | None = None
    for part in parts:
        head = _head(part)
        values = part if isinstance(part, list) else []
        if head == "const_int":
            distance += int(str(values[1]))
        elif head == "symbol_ref" and not symbol:
            symbol = str(_text(values[1])).strip('"')
        elif head == "reg" and base is None:
            base = int(str(values[1]))
        elif head in ("reg", "mult", "sign_extend") and index is None:
            index = _scaled(part)
        else:
            known = False
    return Memory(base, symbol, distance, index, size, known)


def _summands(node: _Node, into: list[_Node]) -> None:
    if isinstance(node, list) and _head(node) in ("plus", "const"):
        for part in node[1:]:
            if isinstance(part, list) and not isinstance(part, _Vector):
                _summands(part, into)
    else:
        into.append(node)


def _scaled(node: _Node) -> tuple[int, int] | None:
    """(register, scale) of an index."""
    scale = 1
    while isinstance(node, list) and _head(node) in ("mult", "sign_extend"):
        if _head(node) == "mult":
            scale = int(str(_list(node[2])[1]))
        node = node[1]
    return (int(str(node[1])), scale) if isinstance(node, list) and _head(node) == "reg" else None
