"""Condition codes in a saved context: what is written is what is read, and what cannot be known is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_nextrust.emu.child.context import (
    CC_OP,
    CC_Z,
    CONTEXT_WORDS,
    OP_ADD_B,
    OP_CMP_B,
    OP_SUB_B,
    decode_ccr,
    encode_ccr,
)
from tests.unit.emu_core import arithmetic

BITS = (8, 16, 32)
WORD = 0xFFFF_FFFF


def words(*codes: int) -> list[int]:
    """A context of zeros with these six condition code words."""
    context = [0] * CONTEXT_WORDS
    context[CC_OP : CC_Z + 1] = codes
    return context


def extended(value: int, bits: int) -> int:
    return arithmetic.signed(value, bits) & WORD


@given(st.integers(0, 31))
def test_codes_survive_being_written_and_read(ccr: int) -> None:
    """Every one of the 32 values comes back as it was."""
    assert decode_ccr(words(*encode_ccr(ccr))) == ccr


@given(st.sampled_from(range(3)), st.integers(0, WORD), st.integers(0, WORD))
def test_lazy_addition_and_subtraction_are_evaluated_in_their_own_size(size: int, left: int, right: int) -> None:
    """The overflow of a byte or word operation is the byte's or word's: the emulator keeps 32 bits of each operand."""
    bits = BITS[size]
    left, right = left & (1 << bits) - 1, right & (1 << bits) - 1
    for base, operate in ((OP_ADD_B, arithmetic.add), (OP_SUB_B, arithmetic.sub)):
        result, codes = operate(left, right, bits, 0)
        lazy = words(base + size, codes >> 4, extended(result, bits), extended(right, bits), 0, 0)
        assert decode_ccr(lazy) == codes


@given(st.sampled_from(range(3)), st.integers(0, WORD), st.integers(0, WORD), st.integers(0, 1))
def test_lazy_comparison_ignores_what_is_above_its_size(size: int, left: int, right: int, extend: int) -> None:
    """CMP leaves X alone and looks only at its own bits of the operands."""
    mask = (1 << BITS[size]) - 1
    _, codes = arithmetic.sub(left & mask, right & mask, BITS[size], 0)
    assert decode_ccr(words(OP_CMP_B + size, extend, left, right, 0, 0)) == codes & 15 | extend << 4


def test_codes_nobody_has_set_are_refused() -> None:
    """The dynamic state has no value to decode; guessing one would be a wrong answer."""
    with pytest.raises(ValueError, match="cannot be read"):
        decode_ccr(words(0, 0, 0, 0, 0, 0))
