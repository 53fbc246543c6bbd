"""Concurrent programs by lot: two or three threads of a handful of instructions, as machine code in a Mach-O.

What a mistake in a reduction changes must not drown: threads are short and meet in few bytes, of different widths, by
reads, writes, test and set, bit and compare instructions; they spin, try, retry, defer to each other, keep things on
their stack and below it, follow pointers that others write, let their stack's address be seen, mask signals, and die.

Boundary: bytes. What they mean is not known here.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from pytest_nextrust.macho import Image, ImageSection, ImageSymbol, write_executable

__all__ = ["DATA", "DATA_BYTES", "NAMED", "OBJECT", "SHAPES", "GeneratedProgram", "generated", "with_check"]

TEXT, DATA, DATA_BYTES, OBJECT = 0x2400, 0x4000, 28, 4
FLAGS = (DATA, DATA + 1)
CELLS = (*FLAGS, DATA + 2)
RESULTS = (DATA + 4, DATA + 5, DATA + 6)
"""Where a thread leaves a register or its condition codes in the end, by its number."""
LOCKS = (DATA + 8, DATA + 9)
OWN = (DATA + 12, DATA + 13, DATA + 14)
"""A byte that mostly one thread alone uses, by its number."""
POINTERS = (DATA + 16, DATA + 20)
EXCHANGED = DATA + 24
"""What is exchanged by cas.l."""

RTS, NOP = bytes.fromhex("4e75"), bytes.fromhex("4e71")
DIES = ("4afc", "4239 00000000", "4ef9 00004000", "4ef9 00002401", "4239 00002404", "2038 0004", "4e4f")
"""illegal; clr.b 0; jmp to data; jmp to an odd address; clr.b of code; move.l 4,d0; trap #15"""
SHAPES = {
    "apart": 1,
    "racing": 2,
    "alike": 3,
    "parallel": 3,
    "waiting": 2,
    "deferring": 3,
    "handing": 2,
    "pointers": 2,
    "signals": 5,
    "daemon": 2,
    "dying": 2,
}
"""Kinds of programs, and how often they come."""
NAMED = 1_000_000
"""From this seed on programs are of one more kind: threads that do the same, each of which puts its number, and the
address of a byte of its own, where others see them."""

Lot = random.Random
Piece = Callable[[Lot, int], bytes]


@dataclass(frozen=True)
class GeneratedProgram:
    """Threads and a handler in pieces that stand by themselves; the data at the start; what is checked in the end."""

    seed: int
    shape: str
    threads: tuple[tuple[bytes, ...], ...]
    data: bytes = bytes(DATA_BYTES)
    handler: tuple[bytes, ...] = ()
    signals: int = 0
    nested: bool = False
    daemons: frozenset[int] = frozenset()
    check: bytes = b""

    @property
    def functions(self) -> dict[str, bytes]:
        """Their code by name, without ``nextrust_``."""
        made = {f"thread_{number}": b"".join(pieces) for number, pieces in enumerate(self.threads)}
        if self.handler:
            made["signal"] = b"".join(self.handler)
        if self.check:
            made["check"] = self.check
        return made

    def macho(self) -> bytes:
        """The program as an executable."""
        text, symbols = b"", []
        for name, code in self.functions.items():
            symbols.append(ImageSymbol(f"_nextrust_{name}", TEXT + len(text), ("__TEXT", "__text"), external=True))
            text += code
        places = range(DATA, DATA + DATA_BYTES, OBJECT)
        symbols += [ImageSymbol(f"_at_{at:x}", at, ("__DATA", "__data"), external=True) for at in places]
        sections = (
            ImageSection("__text", "__TEXT", TEXT, text, len(text)),
            ImageSection("__data", "__DATA", DATA, self.data, len(self.data)),
        )
        return write_executable(Image(sections, entry=TEXT, symbols=tuple(symbols)))

    def __str__(self) -> str:
        lines = [f"seed {self.seed} ({self.shape}), data {self.data.hex()}"]
        parts = {**{f"thread {n}": pieces for n, pieces in enumerate(self.threads)}, "handler": self.handler}
        lines += [
            f"  {name}: {' | '.join(piece.hex() for piece in pieces)}" for name, pieces in parts.items() if pieces
        ]
        lines += [f"  {self.signals} signals, nested: {self.nested}"] * bool(self.signals)
        lines += [f"  check: {self.check.hex()}"] * bool(self.check)
        return "\n".join([*lines, *([f"  daemons: {sorted(self.daemons)}"] * bool(self.daemons))])


# -- instructions ------------------------------------------------------------------------------------------------------


def code(text: str, *addresses: int) -> bytes:
    """Hexadecimal, with addresses of four bytes for each @."""
    for address in addresses:
        text = text.replace("@", f"{address:08x}", 1)
    return bytes.fromhex(text)


def over(condition: int, body: bytes) -> bytes:
    """b<condition> over a body."""
    return bytes([0x60 | condition, len(body)]) + body if body else b""


def back(condition: int, body: bytes) -> bytes:
    """A body, and b<condition> back to its begin."""
    return body + bytes([0x60 | condition, 256 - len(body) - 2])


NE, EQ, PL, MI = 6, 7, 10, 11
CONDITIONS = range(2, 16)
BYTE_WORD_LONG = (0, 1, 2)


def cell(lot: Lot) -> int:
    """One of them most: what two threads do must meet."""
    return lot.choices(CELLS, (3, 1, 1))[0]


def data_register(lot: Lot) -> int:
    return lot.choice((0, 0, 1, 2))


def load(lot: Lot, thread: int) -> bytes:
    size = lot.choice((1, 1, 1, 3, 2))
    return code(f"{size << 12 | data_register(lot) << 9 | 0x39:04x} @", DATA if size == 2 else cell(lot))


def store(lot: Lot, thread: int) -> bytes:
    size = lot.choice((1, 1, 1, 3, 2))
    return code(f"{size << 12 | 0x13C0 & 0xFFF | data_register(lot):04x} @", DATA if size == 2 else cell(lot))


def short_load(lot: Lot, thread: int) -> bytes:
    """move.b through an address of 16 bits"""
    return code(f"{0x1038 | data_register(lot) << 9:04x} {cell(lot):04x}")


def copy(lot: Lot, thread: int) -> bytes:
    return code("13f9 @ @", cell(lot), cell(lot))


def changed_memory(lot: Lot, thread: int) -> bytes:
    """addq, subq, not, neg, clr, scc; addi, eori, ori, andi, bset, bclr, bchg of a byte"""
    at = cell(lot)
    kind = lot.randrange(3)
    if kind == 0:
        return code(f"{lot.choice((0x5239, 0x5239, 0x5439, 0x5339, 0x4639, 0x4439, 0x4239, 0x57F9, 0x56F9)):04x} @", at)
    if kind == 1:
        value = lot.choice((1, 1, 2, 3, 0x7F, 0x80, 0xFF))
        return code(f"{lot.choice((0x0639, 0x0A39, 0x0039, 0x0239, 0x0439)):04x} {value:04x} @", at)
    return code(f"{lot.choice((0x08F9, 0x08B9, 0x0879)):04x} {lot.choice((0, 0, 1, 7)):04x} @", at)


def with_register(lot: Lot, thread: int) -> bytes:
    """add, sub, or, and, eor of a register and a byte in memory, either way; cmp"""
    register = data_register(lot) << 9
    return code(
        f"{lot.choice((0xD139, 0x9139, 0x8139, 0xC139, 0xB139, 0xD039, 0x9039, 0xB039)) | register:04x} @", cell(lot)
    )


def in_registers(lot: Lot, thread: int) -> bytes:
    one, other = data_register(lot), data_register(lot)
    return code(
        lot.choice(
            (
                f"{0x5200 | one:04x}",
                f"{0x5300 | one:04x}",
                f"{0x7000 | one << 9 | lot.choice((0, 1, 0x80, 0xFF)):04x}",
                f"{0xD100 | one << 9 | other:04x}",
                f"{0x9100 | one << 9 | other:04x}",
                f"{0xD000 | one << 9 | other:04x}",
                f"{0xE208 | lot.choice((0, 0x100)) | one:04x}",
                f"{0x4840 | one:04x}",
                f"{0x4880 | one:04x}",
                f"{0xC140 | one << 9 | other:04x}",
                f"{0x4400 | one:04x}",
                f"{0x50C0 | lot.choice(CONDITIONS) << 8 | one:04x}",
            )
        )
    )


def codes(lot: Lot, thread: int) -> bytes:
    """Condition codes that are set here and looked at after an access that leaves them as they are."""
    sets = lot.choice(("b001", "9001", "d001", "44fc 0010", "44fc 001f", "023c 0000", "003c 0011", "4a00"))
    leaves = lot.choice(
        (code("2079 @", lot.choice(POINTERS)), code(f"{lot.choice((0x57F9, 0x55F9)):04x} @", cell(lot)))
    )
    looks = lot.choice(
        (over(lot.choice(CONDITIONS), simple(lot, thread)), code("42c0 13c0 @", cell(lot)), code("d101"))
    )
    return code(sets) + leaves + looks


def on_stack(lot: Lot, thread: int) -> bytes:
    """Pushed, used and popped; a local variable; a call."""
    inside = lot.choice((load, store, in_registers, changed_memory))(lot, thread)
    return lot.choice(
        (
            code("1f00") + inside + code("101f"),
            code("2f00") + inside + code("201f"),
            code("4e56 fffc 1d40 fffe") + inside + code("102e fffe 4e5e"),
            code("6104 6000") + (len(inside) + 4).to_bytes(2, "big") + inside + RTS,
            code("48e7 c000") + inside + code("4cdf 0003"),
            code("487a 0002") + inside + code("588f"),
        )
    )


def below_stack(lot: Lot, thread: int) -> bytes:
    """What was left below the stack pointer, by calls or signals, or never written: read into d0."""
    return code(lot.choice(("102f fff7", "102f ffff", "102f fffe", "598f 102f 0001 588f", "202f fffc", "302f ffe8")))


def leaves_below(lot: Lot, thread: int) -> bytes:
    """What was pushed and popped is looked for below the stack pointer, after an access that others see."""
    pushes, looks = lot.choice(
        (("7005 1f00 101f", "102f fffe"), ("7006 2f00 588f", "202f fffc"), ("7207 1f01 548f", "102f fffe"))
    )
    return (
        code(pushes)
        + changed_memory(lot, thread)
        + code(looks)
        + code("13c0 @", lot.choice((RESULTS[thread], cell(lot))))
    )


def own_byte(lot: Lot, thread: int) -> bytes:
    """A byte of its own, or sometimes another thread's."""
    at = OWN[thread] if lot.random() < 0.8 else lot.choice(OWN)
    return code(f"{lot.choice((0x5239, 0x13C0, 0x1039, 0x4239)):04x} @", at)


def told_stack(lot: Lot, thread: int) -> bytes:
    """The stack's address, or what depends on it, where others may see it."""
    told_later = code("101f 588f 588f 13c0 @ 598f 598f 1f00", cell(lot))
    return lot.choice(
        (
            code("200f e088 e088 13c0 @", cell(lot)),
            code("200f 4840 0800 0001") + over(lot.choice((EQ, NE)), changed_memory(lot, thread)),
            code("200f e888 e888 e888 e888 0200 0002 13c0 @", cell(lot)),
            code("200f 4840 c039 @ 13c0 @", cell(lot), cell(lot)),
            code("200f 4840 1f00") + load(lot, thread) + over(EQ, told_later) + code("101f"),
        )
    )


def critical(lot: Lot, thread: int) -> bytes:
    """Under a lock, which is spun on, tried, or forgotten to give back."""
    at = lot.choice((LOCKS[0], LOCKS[0], LOCKS[1]))
    body = b"".join(simple(lot, thread) for _ in range(lot.choice((1, 1, 2))))
    free = code("4239 @", at)
    bit = code("08b9 0003 @", at)
    careless = lot.random() < 0.15
    release = b"" if careless else free
    return lot.choice(
        (
            back(MI, code("4af9 @", at)) + body + release,
            code("4af9 @", at) + over(MI, body + release),
            back(NE, code("08f9 0003 @", at)) + body + (b"" if careless else bit),
            back(NE, code("7000 7201 0af9 0040 @", at)) + body + release,
            code("08f9 0003 @", at) + over(NE, body + bit),
        )
    )


def exchanged(lot: Lot, thread: int) -> bytes:
    """cas.l in a loop or once; cas.w and cas.b of parts of the same place."""
    at = EXCHANGED
    return lot.choice(
        (
            back(NE, code("2039 @ 2200 5281 0ef9 0040 @", at, at)),
            code("2039 @ 2200 5281 0ef9 0040 @", at, at) + over(NE, changed_memory(lot, thread)),
            code("7000 7201 0cf9 0040 @", at + lot.choice((0, 2))) + over(EQ, changed_memory(lot, thread)),
            code("0af9 0040 @ 13c0 @", at + 3, cell(lot)),
        )
    )


def waits(lot: Lot, thread: int) -> bytes:
    """Until a byte is set, or clear, or has a bit."""
    at = lot.choices(FLAGS, (2, 1))[0]
    look = lot.choice((code("4a39 @", at), code("0839 0000 @", at), code("1239 @", at)))
    return back(lot.choice((EQ, EQ, NE)), look)


def sets(lot: Lot, thread: int) -> bytes:
    return code(
        lot.choice(("08f9 0000 @", "13fc 0001 @", "13fc 0001 @", "4239 @", "0a39 0001 @")),
        lot.choices(FLAGS, (2, 1))[0],
    )


def blinks(lot: Lot, thread: int) -> bytes:
    """While one flag is clear, another is set and cleared."""
    one, other = lot.sample((*FLAGS, OWN[thread]), 2)
    return back(lot.choice((EQ, NE)), code("13fc 0001 @ 4239 @ 4a39 @", other, other, one))


def defers(lot: Lot, thread: int) -> bytes:
    """Want; while the other wants, step back and want again."""
    own, other = FLAGS if thread % 2 == 0 or lot.random() < 0.2 else FLAGS[::-1]
    want, drop = code("13fc 0001 @", own), code("4239 @", own)
    again = want + drop + want
    return want + code("4a39 @", other) + over(EQ, again[len(want) :] + code("60e8")) + drop


def defers_alike(lot: Lot, thread: int) -> bytes:
    """Count up; while the count is not one, count down and up again; count down. The same for everybody."""
    at = lot.choice(FLAGS)
    up, down = code("5239 @", at), code("5339 @", at)
    return up + code("0c39 0001 @", at) + over(EQ, down + up + code("60e8")) + down


def takes(lot: Lot, thread: int) -> bytes:
    """Until a flag is set: try a lock; who gets it sets the flag, who does not stores something."""
    flag, other = lot.sample(FLAGS, 2)
    stores = code("13c0 @ 60e8", other)
    tries = code("4af9 @", LOCKS[0]) + over(PL, stores) + code(lot.choice(("08f9 0000 @", "13fc 0001 @")), flag)
    return code("1039 @", flag) + over(NE, tries)


def retries(lot: Lot, thread: int) -> bytes:
    """Something, again and again until a byte is so."""
    body = simple(lot, thread) + code("4a39 @", lot.choice(FLAGS))
    return back(lot.choice((EQ, NE)), body)


def counted(lot: Lot, thread: int) -> bytes:
    """dbra around something."""
    body = lot.choice((changed_memory, own_byte, copy))(lot, thread)
    return code(f"760{lot.choice('12')}") + body + code("51cb") + (-len(body) - 2 & 0xFFFF).to_bytes(2, "big")


def for_ever(lot: Lot, thread: int) -> bytes:
    """A loop without an end: in nothing, in its own memory, or flipping what others see."""
    return lot.choice(
        (
            code("60fe"),
            code("0a39 0001 @ 60f6", OWN[thread]),
            code("0a39 0001 @ 60f6", cell(lot)),
            code("4a39 @ 60f8", cell(lot)),
            code("1f00 588f 558f 60f8"),
        )
    )


def follows_pointer(lot: Lot, thread: int) -> bytes:
    at = lot.choice(POINTERS)
    return code("2079 @", at) + code(
        lot.choice(("1010", "1080", "5210", "4ad0", "1018", "1100", "3010", "13d0 @")), cell(lot)
    )


def sets_pointer(lot: Lot, thread: int) -> bytes:
    to = lot.choice((cell(lot), OWN[thread], LOCKS[0], DATA + 1, 0, TEXT, 0x7000_0001))
    return lot.choice(
        (
            code("23fc @ @", to, lot.choice(POINTERS)),
            code("52b9 @", lot.choice(POINTERS)),
            code("4279 @", lot.choice(POINTERS)),
        )
    )


def kernel_call(lot: Lot, thread: int) -> bytes:
    """The user register set and got; a yield; a flush; sigblock and sigsetmask."""
    block, unblock = code("706d 72ff 4e44"), code("706e 7200 4e44")
    if lot.random() < 0.4:
        return block + lot.choice((adds, critical, copy))(lot, thread) + unblock
    return lot.choice(
        (
            code("4e46") + simple(lot, thread) + code("4e45"),
            code("703b 4e43"),
            code("4e42"),
            block + simple(lot, thread) + unblock,
            block + simple(lot, thread),
            code("706d 7201 4e44 13c0 @", cell(lot)),
        )
    )


def dies(lot: Lot, thread: int) -> bytes:
    """At once, or where memory is so."""
    death = code(lot.choice(DIES))
    if lot.random() < 0.1:
        return death
    return (
        code("1039 @ 0c00", cell(lot))
        + lot.choice((1, 1, 2, 0)).to_bytes(2, "big")
        + over(lot.choice((NE, NE, EQ)), death)
    )


def adds(lot: Lot, thread: int) -> bytes:
    """A byte plus one, in three steps."""
    at = cell(lot)
    return code("1039 @", at) + code(lot.choice(("5200", "d001 5200", "5300"))) + code("13c0 @", at)


def left_behind(lot: Lot, thread: int) -> bytes:
    """A register, or the condition codes, into the byte for its results."""
    return code(lot.choice(("13c0 @", "13c0 @", "13c1 @", "42c3 13c3 @")), RESULTS[thread])


def simple(lot: Lot, thread: int) -> bytes:
    return lot.choice((load, store, short_load, copy, changed_memory, changed_memory, with_register, in_registers))(
        lot, thread
    )


def guarded(lot: Lot, thread: int) -> bytes:
    """An access that is made, or not, by what memory holds."""
    inside = lot.choice((simple, copy, own_byte))(lot, thread)
    return load(lot, thread) + over(lot.choice((NE, EQ, *CONDITIONS)), inside)


def names_itself(lot: Lot, thread: int) -> bytes:
    """The address of its own byte, or its number: put where others see it, exchanged, compared, followed, copied."""
    own, at, number, turn = OWN[thread], lot.choice(POINTERS), f"{thread:04x}", lot.choice(FLAGS)
    inside = lot.choice((code("5239 @", own), code("5239 @", CELLS[2]), code("23fc @ @", own, at)))
    branch = lot.choice((EQ, NE))
    return lot.choice(
        (
            code("23fc @ @", own, at),
            code("42b9 @", at),
            code("2639 @ 23c3 @", *lot.sample(POINTERS, 2)),
            code("0cb9 @ @", own, at) + over(branch, inside),
            code("2079 @ 2608", at) + over(EQ, code(lot.choice(("5210", "4210", "1010")))),
            code("2039 @ 223c @ 0ef9 0040 @", at, own, at) + over(branch, inside),
            code(f"13fc {number} @", turn),
            code(f"0c39 {number} @", turn) + over(branch, inside),
            back(EQ, code(f"0c39 {number} @", turn)),
        )
    )


def nearly_names(lot: Lot, thread: int) -> bytes:
    """What is done to a number or an address that is neither's: a part, arithmetic, another's, or as a bit."""
    at, turn = lot.choice(POINTERS), lot.choice(FLAGS)
    return lot.choice(
        (
            code("5239 @", at + 3),
            code("1039 @ 13c0 @", at + 3, CELLS[2]),
            code("52b9 @", at),
            code(f"13fc {(thread + 1) % 3:04x} @", turn),
            code(f"0039 {1 << thread:04x} @", turn),
            code("13f9 @ @", turn, CELLS[2]),
            code("23fc @ @", OWN[0], at),
        )
    )


USUAL: tuple[tuple[int, Piece], ...] = (
    (14, simple),
    (4, copy),
    (4, guarded),
    (5, codes),
    (4, on_stack),
    (3, below_stack),
    (6, leaves_below),
    (4, own_byte),
    (6, critical),
    (3, exchanged),
    (2, counted),
    (2, kernel_call),
    (2, dies),
    (1, for_ever),
    (2, waits),
    (2, sets),
    (1, retries),
)
BY_SHAPE: dict[str, tuple[tuple[int, Piece], ...]] = {
    "alike": ((6, told_stack), (10, takes), (10, defers_alike)),
    "waiting": ((16, waits), (10, sets), (8, blinks), (14, defers), (10, retries), (10, critical), (2, for_ever)),
    "deferring": ((50, defers), (10, sets), (8, blinks), (20, takes), (20, defers_alike)),
    "racing": ((10, adds), (10, copy), (8, with_register), (8, exchanged), (8, codes)),
    "dying": ((24, dies), (10, adds)),
    "signals": ((6, below_stack), (30, kernel_call), (10, critical), (36, waits), (14, adds)),
    "handler": ((40, sets), (40, changed_memory), (20, adds), (20, critical), (8, own_byte), (4, below_stack)),
    "daemon": ((10, waits), (10, sets), (10, own_byte)),
    "pointers": ((18, follows_pointer), (14, sets_pointer), (10, guarded)),
    "parallel": ((12, own_byte), (6, told_stack), (6, takes)),
    "named": ((160, names_itself), (30, nearly_names), (20, own_byte)),
}


def _piece(lot: Lot, shape: str, thread: int) -> bytes:
    table = (*USUAL, *BY_SHAPE.get(shape, ()))
    return lot.choices([piece for _, piece in table], [weight for weight, _ in table])[0](lot, thread)


def _body(lot: Lot, shape: str, thread: int, most: int) -> tuple[bytes, ...]:
    result = (left_behind(lot, thread),) if lot.random() < 0.75 else ()
    return (*(_piece(lot, shape, thread) for _ in range(lot.randint(1, most))), *result, RTS)


def _handing(lot: Lot) -> tuple[tuple[bytes, ...], ...]:
    """One sets a flag and looks at a byte; another changes a byte where it sees the flag, by a pointer or not."""
    flag, *others = lot.sample((*CELLS, OWN[0], OWN[1]), 3)
    looks = lot.choice((code("1039 @", lot.choice(others)), code("2079 @ 1010", lot.choice(POINTERS))))
    one = (code("5239 @", flag), simple(lot, 0) if lot.random() < 0.5 else NOP, looks, left_behind(lot, 0), RTS)
    change = code(lot.choice(("5239 @", "13fc 0005 @", "4639 @")), lot.choice(others))
    two = (code("1039 @", flag) + over(EQ, change), simple(lot, 1) if lot.random() < 0.5 else NOP, RTS)
    three = ((code("5239 @", flag), RTS),) if lot.random() < 0.3 else ()
    return (one, two, *three)


def generated(seed: int) -> GeneratedProgram:
    """The program of a seed: the same everywhere."""
    lot = random.Random(f"explored program {seed}")
    shape = lot.choices(list(SHAPES), list(SHAPES.values()))[0] if seed < NAMED else "named"
    data = bytearray(DATA_BYTES)
    if lot.random() < 0.3:
        data[lot.randrange(4)] = lot.choice((1, 1, 2, 0x80, 0xFF))
    for pointer in POINTERS:
        data[pointer - DATA : pointer - DATA + 4] = lot.choice(CELLS).to_bytes(4, "big")
    made = GeneratedProgram(seed, shape, (), bytes(data))
    if shape == "signals":
        count, signals, most = lot.choice(((1, 1, 4), (1, 2, 2), (2, 1, 1), (2, 1, 2), (2, 1, 2)))
        threads = tuple(_body(lot, shape, thread, most) for thread in range(count))
        handler = _body(lot, "handler", 2, 2 if count == 1 else 1)
        return replace(made, threads=threads, handler=handler, signals=signals, nested=lot.random() < 0.4)
    count = lot.choice((2, 2, 2, 3))
    most = 4 if count == 2 else 2
    if shape == "handing":
        return replace(made, threads=_handing(lot))
    if shape == "deferring" and lot.random() < 0.8:
        threads = tuple((defers(lot, thread), *_body(lot, shape, thread, 1)) for thread in range(2))
        return replace(made, threads=threads)
    if shape == "named":
        most += lot.randrange(2)
    if shape in ("parallel", "named"):
        again = lot.random()
        return replace(made, threads=tuple(_body(random.Random(again), shape, thread, most) for thread in range(count)))
    if shape == "alike" or (shape in ("waiting", "deferring") and lot.random() < 0.4):
        body, other = _body(lot, shape, 0, most), _body(lot, shape, 1, most)
        return replace(made, threads=tuple(lot.choice((body, body, body, other)) for _ in range(count)))
    threads = tuple(_body(lot, shape, thread, most) for thread in range(count))
    if shape == "daemon":
        served = lot.randrange(count)
        loop = threads[served][:-1]
        size = sum(map(len, loop)) + 4
        serving = (*loop, code("6000") + (2 - size & 0xFFFF).to_bytes(2, "big"))
        threads = (*threads[:served], serving, *threads[served + 1 :])
        return replace(made, threads=threads, daemons=frozenset({served}))
    return replace(made, threads=threads)


def with_check(program: GeneratedProgram, memories: Sequence[bytes]) -> GeneratedProgram:
    """The program with a check of a byte or two that one of these final memories passes; seldom one that dies."""
    lot = random.Random(f"check {program.seed}")
    if lot.random() < 0.04:
        return replace(program, check=code("1038 0000 7000 4e75"))
    memory = lot.choice(memories) if memories else program.data
    varying = [place for place in range(DATA_BYTES) if len({left[place] for left in memories}) > 1]
    places = lot.sample([*range(7), 8, 12, 13, 27], lot.choice((1, 2)))
    if program.daemons and lot.random() < 0.7:
        places[0] = OWN[min(program.daemons)] - DATA
    elif varying and lot.random() < 0.6:
        places[0] = lot.choice(varying)
    total = sum(memory[place] for place in places) & 0xFF
    check = code("7000") + b"".join(code("d039 @", DATA + place) for place in places)
    return replace(program, check=check + code("0400") + total.to_bytes(2, "big") + RTS)
