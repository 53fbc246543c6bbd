"""Floating point: every pair of 64 special numbers through every operation, as qemu-m68k has it or as the manual says.

Where the two differ, ``because`` names the rule, and a second model (``numbers``) or the rule itself checks the answer:

=========================== ===================================================================================
qemu-m68k                   the manual
=========================== ===================================================================================
unnormalised numbers have   PRM 1.6: a number is its mantissa times a power of two, whatever the integer bit; the
their integer bit set       result must be that of the normalised number of the same value
exponent 0 counts as 1      PRM 1.6.1 and 1.6.2: in extended precision 0 is an exponent like the others
single and double results   MC68040 UM 9.7.4: overflow and underflow are those of the precision that is rounded to
keep an extended exponent
of two NaNs a product's or  PRM 1.6.5: the destination's; a signalling one becomes quiet, and nothing else of it
sum's is the source's; the  changes, neither its integer bit nor, by FABS and FNEG, its sign
integer bit is set; FMOVE,
FABS and FNEG keep a NaN
signalling
the quotient byte is of a   PRM FMOD and FREM: sign and the low seven bits of the quotient
rounded quotient
a NaN as an integer is the  MC68040 UM 9.7.3.2: the upper 8, 16 or 32 bits of the NaN; the greatest integer of the
greatest of 32 bits, and    format
one too large is cut
a store sets the codes      PRM FMOVE to memory: not affected
=========================== ===================================================================================

A few thousand cases by default, all of them in a campaign.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from decimal import Context, Decimal
from fractions import Fraction
from math import isqrt
from pathlib import Path

import pytest

from pytest_nextrust.emu.exact.extended import Rounding, rounded
from pytest_nextrust.emu.exact.float_formats import load, store, store_packed
from pytest_nextrust.emu.exact.state import MachineState
from pytest_nextrust.emu.exact.suspicion import float_is_special, watch
from pytest_nextrust.emu.registers import Registers
from tests.unit.emu_exact.numbers import PRECISIONS, SPECIAL, nearest, normalised, number, ordinary, power_of, value
from tests.unit.emu_exact.witnesses import (
    BACK,
    CODE,
    DATA,
    FORWARD,
    After,
    Case,
    Emulator,
    Memory,
    build_qemu,
    exact,
    qemu,
)

FULL = os.environ.get("NEXTRUST_CAMPAIGN") == "full"
PART = 1.0 if FULL else 0.04
CPU = "m68040"

FP_N, FP_Z, FP_I, FP_NAN = 8 << 24, 4 << 24, 2 << 24, 1 << 24
CODES = 15 << 24
NAN = 0x7FFF << 64 | (1 << 64) - 1
QUIET = 1 << 62

MONADIC = {"fmove": 0, "fint": 1, "fintrz": 3, "fsqrt": 4, "fabs": 0x18, "fneg": 0x1A, "fgetexp": 0x1E, "fgetman": 0x1F}
MONADIC |= {"ftst": 0x3A, "fsmove": 0x40, "fssqrt": 0x41, "fdmove": 0x44, "fdsqrt": 0x45, "fsabs": 0x58, "fsneg": 0x5A}
MONADIC |= {"fdabs": 0x5C, "fdneg": 0x5E}
DYADIC = {"fdiv": 0x20, "fmod": 0x21, "fadd": 0x22, "fmul": 0x23, "fsgldiv": 0x24, "frem": 0x25, "fscale": 0x26}
DYADIC |= {"fsglmul": 0x27, "fsub": 0x28, "fcmp": 0x38, "fsdiv": 0x60, "fsadd": 0x62, "fsmul": 0x63, "fddiv": 0x64}
DYADIC |= {"fdadd": 0x66, "fdmul": 0x67, "fssub": 0x68, "fdsub": 0x6C}
QUOTIENTS = ("fmod", "frem")
KEPT = ("fcmp", "ftst")
"""They change no register."""


@pytest.fixture(scope="module")
def qemu_program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_qemu(tmp_path_factory.mktemp("qemu"))


def registers_case(operation: int, source: int, target: int, fpcr: int = 0) -> Case:
    """An operation from fp0 to fp1."""
    return Case(
        bytes.fromhex("f200") + (0x80 | operation).to_bytes(2, "big"),
        fp=[source, target] + [0] * 6,
        control=(fpcr, 0, 0),
    )


def is_nan(given: int) -> bool:
    return given >> 64 & 0x7FFF == 0x7FFF and bool(given & (1 << 63) - 1)


def is_infinite(given: int) -> bool:
    return given >> 64 & 0x7FFF == 0x7FFF and not given & (1 << 63) - 1


OWN_NAMES = ("fsub", "fscale", "fsqrt", "fdiv", "fsgldiv", "fsglmul")
"""Which begin like the operations that round to single or double by themselves."""


def precision_of(name: str, fpcr: int) -> tuple[int, int, int]:
    if name.startswith("fsgl"):
        return 24, -16383, 16383
    if name[1] in "sd" and name not in OWN_NAMES:
        return PRECISIONS[1 if name[1] == "s" else 2]
    return PRECISIONS[fpcr >> 6 & 3]


def plain_name(name: str) -> str:
    return "f" + name[2:] if name[1] in "sd" and name not in OWN_NAMES else name


def cut(given: Fraction) -> Fraction:
    """The upper 24 bits of a mantissa."""
    exact = nearest(given, 1, (24, -40000, 40000))
    assert exact is not None
    return exact


TRUE: dict[str, Callable[[Fraction, Fraction], Fraction]] = {
    "fadd": lambda target, source: target + source,
    "fsub": lambda target, source: target - source,
    "fmul": lambda target, source: target * source,
    "fdiv": lambda target, source: target / source,
    "fsgldiv": lambda target, source: cut(target) / cut(source),
    "fsglmul": lambda target, source: cut(target) * cut(source),
    "fscale": lambda target, source: target * Fraction(2) ** max(-40_000, min(40_000, int(source))),
    "fmove": lambda target, source: source,
    "fabs": lambda target, source: abs(source),
    "fneg": lambda target, source: -source,
    "fmod": lambda target, source: target - source * int(target / source),
    "frem": lambda target, source: target - source * round(target / source),
    "fgetexp": lambda target, source: Fraction(power_of(source)),
    "fgetman": lambda target, source: source / Fraction(2) ** power_of(source),
}


def by_rule(name: str, source: int, target: int, mine: int, fpcr: int) -> bool:
    """Whether a result is what rounding the exact value gives, by the second model."""
    plain = plain_name(name)
    mode, precision = fpcr >> 4 & 3, precision_of(name, fpcr)
    if plain == "fsqrt":
        return root_by_rule(value(source), mine, mode, precision)
    if plain in QUOTIENTS and is_infinite(source):
        exact_value = value(target)
    elif plain in ("fint", "fintrz"):
        whole = nearest(value(source), 1 if plain == "fintrz" else mode, (70_000, 69_999, 90_000))
        assert whole is not None
        exact_value = whole
    else:
        exact_value = TRUE[plain](value(target), value(source))
    wanted = nearest(exact_value, mode, precision)
    return is_infinite(mine) if wanted is None else not is_infinite(mine) and value(mine) == wanted


def root_by_rule(square: Fraction, mine: int, mode: int, precision: tuple[int, int, int]) -> bool:
    """Far more digits of the root than any format has, rounded as any other number."""
    scale = Fraction(4) ** max(0, 400 - (square.numerator.bit_length() - square.denominator.bit_length()))
    root = Fraction(isqrt(int(square * scale)))
    if root * root != square * scale:
        root += Fraction(1, 2)
    half = nearest(root / Fraction(2) ** ((scale.numerator.bit_length() - 1) // 2), mode, precision)
    return is_infinite(mine) if half is None else not is_infinite(mine) and value(mine) == half


def value_is_zero(given: int) -> bool:
    return not given & (1 << 64) - 1


def because(name: str, case: Case, mine: After, theirs: After) -> str:
    """The rule by which an answer differs from qemu's; empty where there is none."""
    source, target = case.fp[0], case.fp[1]
    nans = [given for given in ((target, source) if name in DYADIC else (source,)) if is_nan(given)]
    if name in QUOTIENTS and mine.fp == theirs.fp and (mine.control[1] ^ theirs.control[1]) & CODES == 0:
        return "the quotient byte"
    if nans:
        return "a NaN" if name in KEPT or mine.fp[1] == nans[0] | QUIET else ""
    denormal = any(given >> 64 & 0x7FFF == 0 and given & (1 << 64) - 1 for given in (source, target))
    if name in ("fsglmul", "fsgldiv") and denormal and is_infinite(mine.fp[1]):
        # qemu cuts the mantissa where it stands, to nothing: then it is 0 by 0, or 0 times an infinity.
        return "" if value_is_zero(target) and value_is_zero(source) else "a denormalised number is not 0"
    infinite = (is_infinite(source) and name not in QUOTIENTS) or (is_infinite(target) and name in DYADIC)
    if infinite or mine.fp[1] == NAN:
        return ""
    operands = [source, target] if name in DYADIC else [source]
    if name == "fcmp":
        left, right = value(target), value(source)
        codes = FP_N if left < right else FP_Z if left == right else 0
        return "exponent 0" if mine.control[1] == codes else ""
    tiny = any(not given >> 64 & 0x7FFF and given & (1 << 64) - 1 for given in [*operands, mine.fp[1]])
    ranged = precision_of(name, case.control[0])[1] > -16000
    if (tiny or ranged) and by_rule(name, source, target, mine.fp[1], case.control[0]):
        return "exponent 0, or the range of the precision"
    return ""


def judge(name: str, given: list[Case], program: Path) -> list[str]:
    """Every difference from qemu's answer, to the normalised operands, that no rule explains."""
    plain = [
        Case(case.code, case.d, case.a, case.ccr, [normalised(one) for one in case.fp], case.control, case.data)
        for case in given
    ]
    wrong = []
    for case, theirs in zip(given, qemu(program, plain, CPU), strict=True):
        mine = exact(case, CPU)
        assert theirs is not None
        if name in KEPT or name in MONADIC or name in DYADIC:
            theirs.fp[0] = case.fp[0]
            if name in KEPT:
                theirs.fp[1] = case.fp[1]
        same = (mine.fp[:2], mine.control[1], mine.data) == (theirs.fp[:2], theirs.control[1], theirs.data)
        if not same and not because(name, case, mine, theirs):
            operands = f"{case.fp[0]:020x} {case.fp[1]:020x} fpcr {case.control[0]:x}"
            answers = f"here {mine.fp[1]:020x} {mine.control[1]:08x} there {theirs.fp[1]:020x} {theirs.control[1]:08x}"
            wrong.append(f"{name} {operands}: {answers}")
    return wrong


@pytest.mark.needs_compiler("qemu", "gnu")
@pytest.mark.parametrize("name", DYADIC)
def test_every_pair_of_special_numbers(name: str, qemu_program: Path) -> None:
    """Through every operation of two operands; a part of them by default, by lot."""
    lot = random.Random(name)
    pairs = [(source, target) for source in SPECIAL for target in SPECIAL if lot.random() < 3 * PART]
    cases = [registers_case(DYADIC[name], source, target) for source, target in pairs]
    assert judge(name, cases, qemu_program) == []


@pytest.mark.needs_compiler("qemu", "gnu")
@pytest.mark.parametrize("name", MONADIC)
def test_every_special_number(name: str, qemu_program: Path) -> None:
    """Through every operation of one operand, in every rounding mode."""
    modes = (0, 0x10, 0x20, 0x30)
    cases = [registers_case(MONADIC[name], source, 0, mode) for source in SPECIAL for mode in modes]
    assert judge(name, cases, qemu_program) == []


@pytest.mark.needs_compiler("qemu", "gnu")
@pytest.mark.parametrize("name", [name for name in (*DYADIC, *MONADIC) if name not in KEPT])
def test_ordinary_numbers_in_every_mode_and_precision(name: str, qemu_program: Path) -> None:
    """Rounded as qemu rounds them, by lot; single and double too, where FMOVE must round as all others do."""
    lot = random.Random(name)
    cases = []
    for _ in range(4_000 if FULL else 200):
        source, target = ordinary(lot, 30), ordinary(lot, 30)
        fpcr = lot.choice((0, 0x10, 0x20, 0x30)) | lot.choice((0, 0x40, 0x80))
        cases.append(registers_case((MONADIC | DYADIC)[name], source, target, 0 if name == "fmove" else fpcr))
    assert judge(name, cases, qemu_program) == []


@pytest.mark.parametrize("name", TRUE)
def test_results_are_what_rounding_the_exact_value_gives(name: str) -> None:
    """By the second model, also at both ends of the range and in every mode and precision; it knows nothing of qemu."""
    lot = random.Random(name)
    finite = [given for given in SPECIAL if given >> 64 & 0x7FFF != 0x7FFF]
    for _ in range(2_000 if FULL else 150):
        source, target = (lot.choice(finite) if lot.random() < 0.5 else ordinary(lot) for _ in range(2))
        if not value(source) and name in ("fdiv", "fsgldiv", "fmod", "frem", "fgetexp", "fgetman"):
            continue
        fpcr = lot.choice((0, 0x10, 0x20, 0x30)) | lot.choice((0, 0x40, 0x80))
        mine = exact(registers_case((MONADIC | DYADIC)[name], source, target, fpcr), CPU)
        assert by_rule(name, source, target, mine.fp[1], fpcr), f"{name} {source:x} {target:x} {fpcr:x}: {mine.fp[1]:x}"


@pytest.mark.parametrize("name", QUOTIENTS)
def test_the_quotient_byte(name: str) -> None:
    """Sign and low seven bits of the quotient, rounded to zero or to nearest, however large it is."""
    lot = random.Random(name)
    for _ in range(2_000 if FULL else 300):
        source, target = ordinary(lot, 100), ordinary(lot, 100)
        if not value(source):
            continue
        quotient = value(target) / value(source)
        whole = int(quotient) if name == "fmod" else round(quotient)
        mine = exact(registers_case(DYADIC[name], source, target), CPU)
        assert mine.control[1] >> 16 & 0xFF == (source ^ target) >> 79 << 7 | abs(whole) & 0x7F
        assert value(mine.fp[1]) == value(target) - whole * value(source)


# -- loads and stores --------------------------------------------------------------------------------------------------

SINGLES = (0, 1, 0x7FFFFF, 0x800000, 0x3F800000, 0x7F7FFFFF, 0x7F800000, 0x7FC00000, 0x7F800001, 0x7FFFFFFF)
DOUBLES = (0, 1, 1 << 52, 0x3FF << 52, 0x7FE << 52, 0x7FF << 52, 0x7FF8 << 48, (0x7FF << 52) + 1)
FORMATS = {0: 4, 1: 4, 2: 12, 4: 2, 5: 8, 6: 1}


@pytest.mark.needs_compiler("qemu", "gnu")
def test_loads_of_every_format(qemu_program: Path) -> None:
    """Integers at their ends, singles and doubles of every class, with FMOVE and with FADD."""
    cases = []
    for form, size in FORMATS.items():
        top = 1 << 8 * size - 1
        numbers = {1: SINGLES, 5: DOUBLES}.get(form, (0, 1, top - 1, top, 2 * top - 1))
        for given in [*numbers, *(one | top for one in numbers if form in (1, 5))]:
            if form == 2:
                continue
            for operation in (0x00, 0x22, 0x38):
                word = 0x4080 | form << 10 | operation
                data = given.to_bytes(size, "big") + bytes(256 - size)
                fp = [0, 0x3FFF << 64 | 1 << 63] + [0] * 6
                cases.append(Case(bytes.fromhex("f210") + word.to_bytes(2, "big"), fp=fp, data=data))
    for case, theirs in zip(cases, qemu(qemu_program, cases, CPU), strict=True):
        mine = exact(case, CPU)
        assert theirs is not None
        assert (mine.fp, mine.control[1]) == (theirs.fp, theirs.control[1]), case


@pytest.mark.needs_compiler("qemu", "gnu")
@pytest.mark.parametrize("form", FORMATS)
def test_stores_in_every_format(form: int, qemu_program: Path) -> None:
    """Every special number and ordinary ones, in every rounding mode."""
    lot = random.Random(form)
    size = FORMATS[form]
    numbers = [*SPECIAL, *(ordinary(lot, 140 if form == 1 else 40) for _ in range(1_000 if FULL else 60))]
    word = (0x6000 | form << 10).to_bytes(2, "big")
    for mode in (0, 0x10, 0x20, 0x30):
        cases = [Case(bytes.fromhex("f210") + word, fp=[one] * 8, control=(mode, 0x01000000, 0)) for one in numbers]
        plain = [Case(case.code, fp=[normalised(case.fp[0])] * 8, control=case.control) for case in cases]
        for case, theirs in zip(cases, qemu(qemu_program, plain, CPU), strict=True):
            mine = exact(case, CPU)
            assert theirs is not None
            assert mine.control[1] == 0x01000000
            got = int.from_bytes(mine.data[:size], "big")
            wanted = int.from_bytes(theirs.data[:size], "big")
            assert got == stored_by_rule(form, case.fp[0], wanted), (
                f"{case.fp[0]:020x} mode {mode:x}: {got:x}, {wanted:x}"
            )


def stored_by_rule(form: int, given: int, wanted: int) -> int:
    """What the manual says where qemu's answer is another; else qemu's answer."""
    size = FORMATS[form]
    mantissa = given & (1 << 64) - 1
    if is_nan(given) and form in (0, 4, 6):
        return (mantissa | QUIET) >> 64 - 8 * size
    if is_nan(given) and form == 2:
        return given >> 64 << 80 | mantissa | QUIET
    if form in (4, 6) and (is_infinite(given) or abs(value(given)) >= 1 << 8 * size - 1):
        top = 1 << 8 * size - 1
        return top if given >> 79 else top - 1
    return wanted


def test_a_store_of_an_integer_at_its_end_is_rounded_first() -> None:
    """127.5 is 128 to nearest, which a byte does not have, and 127 to zero, which it has; -128.5 is -128."""
    half = number(0, 0x4005, 0xFF << 56)
    assert (store(6, half, 0), store(6, half, 1)) == (0x7F, 0x7F)
    assert (store(6, number(1, 0x4006, 0x8080 << 48), 0), store(6, number(1, 0x4006, 0x8080 << 48), 2)) == (0x80, 0x80)
    assert store(4, number(1, 0x400E, 1 << 63), 0) == 0x8000


# -- packed decimal: there is no second witness, so the rules themselves ---------------------------------------------


def digits_of(packed: int) -> tuple[int, str, int]:
    """Sign, the seventeen digits, and the exponent of a packed decimal."""
    upper = packed >> 80
    size = int(f"{packed >> 76 & 15:x}{upper & 0xFFF:03x}")
    return packed >> 95, f"{packed & (1 << 68) - 1:017x}", -size if upper & 0x4000 else size


def packed_value(packed: int) -> Fraction:
    sign, digits, exponent = digits_of(packed)
    return (-1 if sign else 1) * Fraction(int(digits)) * Fraction(10) ** (exponent - 16)


@pytest.mark.parametrize("mode", range(4))
def test_packed_decimals_are_rounded_as_asked(mode: int) -> None:
    """With 1 to 17 digits, and with so many behind the point, in each mode, against fractions."""
    lot = random.Random(mode)
    numbers = [given for given in SPECIAL if given >> 64 & 0x7FFF != 0x7FFF and value(given)]
    for _ in range(1_000 if FULL else 100):
        given = lot.choice(numbers) if lot.random() < 0.3 else ordinary(lot)
        exact_value = value(given)
        if not exact_value:
            continue
        factor = lot.randrange(-20, 18)
        packed = store_packed(given, factor, mode)
        sign, digits, exponent = digits_of(packed)
        assert sign == given >> 79
        assert digits[0] != "0"
        power = exponent
        if abs(packed_value(packed)) > abs(exact_value) and Fraction(10) ** exponent > abs(exact_value):
            power -= 1  # Rounding has carried into another digit.
        length = min(max(factor if factor > 0 else power + 1 - factor, 1), 17)
        unit = Fraction(10) ** (power + 1 - length)
        error = packed_value(packed) - exact_value
        assert abs(error) < unit
        assert {
            0: abs(error) <= unit / 2,
            1: abs(packed_value(packed)) <= abs(exact_value),
            2: error <= 0,
            3: error >= 0,
        }[mode]
        assert packed_value(packed) % unit == 0


def test_packed_decimals_that_are_no_numbers() -> None:
    """Infinities and NaNs have an exponent of all ones; a NaN keeps its bits, made quiet."""
    assert store_packed(0xFFFF << 64, 5, 0) == 0xFFFF << 80
    assert store_packed(0x7FFF << 64 | 1, 5, 0) == 0x7FFF << 80 | QUIET | 1
    assert store_packed(1 << 79, 5, 0) == 1 << 95
    assert load(3, 0xFFFF << 80, 0) == 0xFFFF << 64
    assert load(3, 0x7FFF << 80 | 0x1234, 0) == 0x7FFF << 64 | 0x1234
    assert load(3, 1 << 95 | 0x7 << 80, 0) == 1 << 79


@pytest.mark.parametrize("mode", range(4))
def test_packed_decimals_are_read_exactly_rounded(mode: int) -> None:
    """Any digits, any exponent, against fractions."""
    lot = random.Random(mode)
    for _ in range(1_000 if FULL else 100):
        digits, size, signs = lot.randrange(1, 10**17), lot.randrange(0, 1000), lot.getrandbits(2)
        packed = signs << 94 | int(f"{size:03d}", 16) << 80 | int(f"{digits:017d}", 16)
        wanted = nearest(packed_value(packed), mode, PRECISIONS[0])
        assert value(load(3, packed, mode)) == wanted


PI = "31415926535897932"


def test_packed_decimals_by_instruction() -> None:
    """FMOVE.P of both k-factors and back; pi has the digits that everyone knows."""
    pi = number(0, 0x4000, 0xC90FDAA22168C235)
    for code, d in (("f2106c11", 0), ("f2107c10", 17), ("f2106c70", 0)):
        mine = exact(Case(bytes.fromhex(code), [0, d] + [0] * 6, fp=[pi] * 8), "m68030")
        assert watch(bytes.fromhex(code), "m68030") == "always"
        assert mine.data[:12].hex() == f"0000000{PI}"
    back = exact(Case(bytes.fromhex("f2104c80"), data=mine.data), "m68030")
    assert abs(value(back.fp[1]) - value(pi)) < Fraction(1, 10**16)


# -- conditions --------------------------------------------------------------------------------------------------------

TAIL = (FORWARD - CODE - 2).to_bytes(2, "big")


def conditions() -> list[Case]:
    """FBcc, FScc and FTRAPcc: 32 predicates with every set of codes."""
    cases = []
    for codes in range(16):
        for predicate in range(32):
            word = predicate.to_bytes(2, "big")
            heads = [bytes([0xF2, 0x80 | predicate]) + TAIL, bytes.fromhex("f240") + word, bytes.fromhex("f267") + word]
            heads += [bytes([0xF2, 0xC0 | predicate]) + (BACK - CODE - 2 & 0xFFFF_FFFF).to_bytes(4, "big")]
            heads += [bytes.fromhex("f27a") + word + bytes(2), bytes.fromhex("f27b") + word + bytes(4)]
            heads += [bytes.fromhex("f27c") + word]
            cases += [Case(head, [0x11223344] * 8, [DATA + 64] * 8, control=(0, codes << 24, 0)) for head in heads]
    return cases


@pytest.mark.needs_compiler("qemu", "gnu")
def test_predicates(qemu_program: Path) -> None:
    """The same branches, bytes and traps as under qemu-m68k, in the emulator too where it is left alone."""
    cases = conditions() if FULL else conditions()[::7] + conditions()[1::11]
    emulator = Emulator(CPU)
    for case, theirs in zip(cases, qemu(qemu_program, cases, CPU), strict=True):
        mine = exact(case, CPU)
        assert theirs is not None
        assert mine.integer() == theirs.integer(), case
        if not watch(case.code, CPU):
            assert emulator(case).integer() == mine.integer()


@pytest.mark.parametrize(("counter", "after", "goes"), [(5, 4, True), (0, 0xFFFF, False), (0x10000, 0x1FFFF, False)])
def test_fdbcc_counts_where_the_condition_is_false(counter: int, after: int, goes: bool) -> None:
    """As DBcc does, 16 bits of the register; the displacement is from its own word. Else nothing is done."""
    code = bytes.fromhex("f2490001") + (FORWARD - CODE - 4).to_bytes(2, "big")
    assert watch(code, CPU) == "always"
    mine = exact(Case(code, [0, counter] + [0] * 6), CPU)
    assert (mine.d[1], mine.pc) == (after, FORWARD if goes else CODE + 6)
    equal = exact(Case(code, [0, counter] + [0] * 6, control=(0, FP_Z, 0)), CPU)
    assert (equal.d[1], equal.pc) == (counter, CODE + 6)


# -- control registers -------------------------------------------------------------------------------------------------


def test_control_registers_are_moved_in_their_order() -> None:
    """FPCR, FPSR, FPIAR from the lowest address, also with -(An), and from immediate data; FPIAR is kept."""
    three = bytes.fromhex("00000030 08880000 00001234")
    at = DATA + 64
    loads = {"f2109c00": at, "f2189c00": at + 12, "f2209c00": at}
    for code, after in loads.items():
        start = at + 12 if code[2:4] == "20" else at
        data = bytes(64) + three + bytes(180)
        mine = exact(Case(bytes.fromhex(code), a=[start] * 8, data=data), CPU)
        assert (mine.control, mine.a[0]) == ([0x30, 0x0888_0000, 0x1234], after)
    for code, control in (("f23c900000000010", [0x10, 0, 0]), ("f23c880008000000", [0, FP_N, 0])):
        assert exact(Case(bytes.fromhex(code)), CPU).control == control
        assert watch(bytes.fromhex(code), CPU) == "always"
    kept = exact(Case(bytes.fromhex("f210a400"), a=[at] * 8, control=(0, 0, 0x1234)), CPU)
    assert kept.data[64:68] == bytes.fromhex("00001234")
    stored = exact(Case(bytes.fromhex("f220bc00"), a=[at + 12] * 8, control=(0x30, FP_N, 0x5678)), CPU)
    assert stored.data[64:76] == bytes.fromhex("00000030 08000000 00005678")
    assert stored.a[0] == at


def test_bits_that_are_not_there_read_as_zero() -> None:
    """In FPCR and FPSR."""
    mine = exact(Case(bytes.fromhex("f23c9800 ffffffff ffffffff")), CPU)
    assert mine.control == [0xFFF0, 0x0FFF_FFF8, 0]


# -- where the emulator is left alone --------------------------------------------------------------------------------


def special(case: Case) -> bool:
    state = MachineState(Registers(list(case.d), list(case.a), CODE, case.ccr), list(case.fp), *case.control)
    return float_is_special(state, case.code, Memory(case))


@pytest.mark.parametrize("name", [*DYADIC, *MONADIC])
def test_the_emulator_is_right_where_it_is_left_alone(name: str) -> None:
    """With special numbers and ordinary ones, in every mode and precision; and most ordinary ones are left to it."""
    lot = random.Random(name)
    operation, emulator = (DYADIC | MONADIC)[name], Emulator(CPU)
    code = registers_case(operation, 0, 0).code
    if name in QUOTIENTS:
        assert watch(code, CPU) == "always"
        return
    assert watch(code, CPU) == "float"
    left = 0
    for _ in range(3_000 if FULL else 120):
        usual = lot.random() < 0.5
        source, target = (ordinary(lot, 50) if usual else lot.choice(SPECIAL) for _ in range(2))
        fpcr = 0 if usual else lot.choice((0, 0x10, 0x20, 0x30)) | lot.choice((0, 0, 0x40, 0x80))
        case = registers_case(operation, source, target, fpcr)
        if special(case):
            # An ordinary number may be far too large to scale by.
            assert not usual or name == "fscale", case
            continue
        left += usual
        mine, there = exact(case, CPU), emulator(case)
        assert (mine.fp, mine.control[1]) == (there.fp, there.control[1]), f"{source:020x} {target:020x} {fpcr:x}"
    assert left > 20


@pytest.mark.parametrize("form", FORMATS)
def test_the_emulator_stores_rightly_where_it_is_left_alone(form: int) -> None:
    """To memory, in every mode; condition codes aside, which it sets."""
    lot = random.Random(form)
    code = bytes.fromhex("f210") + (0x6000 | form << 10).to_bytes(2, "big")
    emulator = Emulator(CPU)
    for given in [*SPECIAL, *(ordinary(lot, 140) for _ in range(1_000 if FULL else 60))]:
        case = Case(code, fp=[given] * 8, control=(lot.choice((0, 0x10, 0x20, 0x30)), 0, 0))
        if not special(case):
            assert emulator(case).data == exact(case, CPU).data, f"{given:020x}"


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("f2007800", "a byte into a register: all of it is changed"),
        ("f2007000", "a word into a register"),
        ("f21f7800", "a byte to (a7)+"),
        ("f2275880", "a byte from -(a7)"),
        ("f2209000", "a control register from -(a0)"),
        ("f2109800", "two control registers"),
        ("f2008400", "FPIAR"),
        ("f2104c00", "packed decimal"),
    ],
)
def test_what_is_never_left_to_it(code: str, why: str) -> None:
    """For a reason that is none of the operands."""
    assert watch(bytes.fromhex(code), CPU) == "always", why


@pytest.mark.parametrize("code", ["f2005c00", "f210d0ff", "f210f0ff", "f2009000", "f2400001", "f281005e", "f310"])
def test_what_is_left_to_it(code: str) -> None:
    """FMOVECR, FMOVEM of data registers, one control register, FScc, FBcc, FSAVE."""
    assert watch(bytes.fromhex(code) + bytes(8), CPU) == ""


LIMITS = {
    0x02: (0x7FFF << 64, 0xFFFF << 64),
    0x08: (0x7FFF << 64, 0xBFFF << 64 | 1 << 63),
    0x09: (0x3FFF << 64 | 1 << 63, 0xBFFF << 64 | 1 << 63),
    0x0A: (0x3FFF_C90F_DAA2_2168_C235, 0xBFFF_C90F_DAA2_2168_C235),
    0x0C: (NAN, NAN),
    0x0D: (NAN, NAN),
    0x0E: (NAN, NAN),
    0x10: (0x7FFF << 64, 0),
    0x14: (0x7FFF << 64, NAN),
    0x16: (0x7FFF << 64, NAN),
    0x19: (0x7FFF << 64, 0x7FFF << 64),
    0x1D: (NAN, NAN),
}


@pytest.mark.parametrize("operation", LIMITS)
def test_transcendental_functions_at_infinity(operation: int) -> None:
    """By the operation tables: sinh, e**x - 1, tanh, atan, asin, atanh, sin, e**x, ln, log2, cosh, cos; NaNs stay."""
    for given, wanted in zip((0x7FFF << 64, 0xFFFF << 64), LIMITS[operation], strict=True):
        case = registers_case(operation, given, 0)
        assert special(case)
        assert exact(case, CPU).fp[1] == wanted
    nan = registers_case(operation, 0x7FFF << 64 | 5, 0)
    assert exact(nan, CPU).fp[1] == 0x7FFF << 64 | QUIET | 5
    assert not special(registers_case(operation, 0x3FFF << 64 | 1 << 63, 0))


ETOXM1 = 0x08
"""The one transcendental function that the emulator has not."""
DIGITS = Context(prec=400)


def less_one(given: int, mode: int) -> int:
    """e to the power of a number, less 1, by 400 digits and one rounding; not where that is next to -1."""
    sign, mantissa = given >> 79, given & (1 << 64) - 1
    exponent = (given >> 64 & 0x7FFF) - 16383 - 63
    power = DIGITS.multiply(Decimal(-mantissa if sign else mantissa), DIGITS.power(Decimal(2), exponent))
    found = DIGITS.subtract(DIGITS.exp(power), 1)
    at = 300 - found.adjusted() * 10 // 3
    scaled = int(DIGITS.multiply(abs(found), DIGITS.power(Decimal(2), at)))
    return rounded(sign, scaled << 1 | 1, -at - 1, Rounding(mode))


@pytest.mark.parametrize("sign", [0, 1])
def test_e_to_the_power_less_one(sign: int) -> None:
    """FETOXM1 from 2^-100 to 2^6 in every rounding mode, correctly rounded, on the machine as in exact execution."""
    lot = random.Random(sign)
    for exponent in range(-100, 7):
        given = sign << 79 | 0x3FFF + exponent << 64 | 1 << 63 | lot.getrandbits(63)
        for mode in range(4):
            case = registers_case(ETOXM1, given, 0, mode << 4)
            assert exact(case, CPU).fp[1] == less_one(given, mode), (hex(given), mode)
    assert watch(registers_case(ETOXM1, 0, 0).code + bytes(8), CPU) == "always"


@pytest.mark.parametrize(
    ("given", "mode", "wanted"),
    [
        (0, 0, 0),
        (1 << 79, 0, 1 << 79),
        (0x400C_8000_0000_0000_0000, 0, 0x6E29_BC6A_67CA_24E9_BA38),
        (0x4010_8000_0000_0000_0000, 0, 0x7FFF << 64),
        (0x4010_8000_0000_0000_0000, 1, 0x7FFE_FFFF_FFFF_FFFF_FFFF),
        (0xC006_8000_0000_0000_0001, 0, 0xBFFF_8000_0000_0000_0000),
        (0xC006_8000_0000_0000_0001, 1, 0xBFFE_FFFF_FFFF_FFFF_FFFF),
        (0xC010_8000_0000_0000_0000, 3, 0xBFFE_FFFF_FFFF_FFFF_FFFF),
    ],
)
def test_the_ends_of_e_to_the_power_less_one(given: int, mode: int, wanted: int) -> None:
    """Zeros stay; e to 8192 is a number, to 131072 it overflows by the rounding mode; far below 0 it is next to -1."""
    found = exact(registers_case(ETOXM1, given, 0, mode << 4), CPU).fp[1]
    assert found == wanted


def test_functions_of_what_is_next_to_zero() -> None:
    """sin x is x, cos x is 1, log2 of a power of two is its exponent; sine and cosine together."""
    tiny = 1 << 40
    assert exact(registers_case(0x0E, tiny, 0), CPU).fp[1] == tiny
    assert exact(registers_case(0x1D, tiny, 0), CPU).fp[1] == 0x3FFF << 64 | 1 << 63
    assert value(exact(registers_case(0x16, tiny, 0), CPU).fp[1]) == -16383 - 23
    both = exact(registers_case(0x33, tiny, 0), CPU)
    assert (both.fp[1], both.fp[3]) == (tiny, 0x3FFF << 64 | 1 << 63)
