"""The CPU's saved context: where the registers are in it, and how its condition codes are read and written.

Unicorn's m68k evaluates condition codes lazily, and reading SR through its API answers wrongly and destroys them
(Unicorn issue 2380). A saved context is a copy of the CPU state, so everything is read from and written to a copy.

Boundary: arithmetic on 32-bit words. Sources: QEMU 5.0 ``target/m68k/cpu.h`` (``CPUM68KState``, ``CCOp``), on which
Unicorn 2.1.4 is built; the layout is checked by the gate before anything relies on it.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["CONTEXT_WORDS", "HEADER", "decode_ccr", "encode_ccr"]

HEADER = 40
"""Bytes before the CPU state in a saved context."""

CONTEXT_WORDS = 28
"""32-bit words, in host order: d0-d7, a0-a7, pc, sr, current_sp, sp[3], and the condition codes."""

PC, SR, CC_OP, CC_X, CC_N, CC_V, CC_C, CC_Z = 16, 17, 22, 23, 24, 25, 26, 27

OP_FLAGS, OP_ADD_B, OP_SUB_B, OP_CMP_B, OP_LOGIC = 1, 2, 5, 8, 11

C_BIT, V_BIT, Z_BIT, N_BIT, X_BIT = 1, 2, 4, 8, 16
SIGN = 0x8000_0000


def decode_ccr(words: Sequence[int]) -> int:
    """The condition codes (XNZVC, X in bit 4) of a context's words.

    Raises ValueError for a state whose codes cannot be known: a CPU that never had them set.
    """
    op, x, n, v = words[CC_OP], words[CC_X], words[CC_N], words[CC_V]
    extend = X_BIT if x else 0
    if op == OP_FLAGS:
        codes = N_BIT if n & SIGN else 0
        codes |= V_BIT if v & SIGN else 0
        codes |= C_BIT if words[CC_C] else 0
        return extend | codes | (0 if words[CC_Z] else Z_BIT)
    if op == OP_LOGIC:
        return extend | _sign_and_zero(n)
    if OP_ADD_B <= op < OP_SUB_B:
        # The sign is the operation's: what n - v says above it is not the destination's.
        left = n - v
        overflow = V_BIT if (left ^ n) & ~(left ^ v) & _sign(op - OP_ADD_B) else 0
        return extend | _sign_and_zero(n) | overflow | (C_BIT if x else 0)
    if OP_SUB_B <= op < OP_CMP_B:
        left = n + v
        overflow = V_BIT if (left ^ n) & (left ^ v) & _sign(op - OP_SUB_B) else 0
        return extend | _sign_and_zero(n) | overflow | (C_BIT if x else 0)
    if OP_CMP_B <= op < OP_LOGIC:
        return extend | _compare(n, v, 8 << (op - OP_CMP_B))
    raise ValueError(f"condition codes in a form that cannot be read (cc_op {op})")


def encode_ccr(ccr: int) -> tuple[int, int, int, int, int, int]:
    """The six words cc_op, x, n, v, c, z that hold ``ccr`` as plain flags."""
    return (
        OP_FLAGS,
        1 if ccr & X_BIT else 0,
        SIGN if ccr & N_BIT else 0,
        SIGN if ccr & V_BIT else 0,
        1 if ccr & C_BIT else 0,
        0 if ccr & Z_BIT else 1,
    )


def _sign(size: int) -> int:
    """The sign bit of a byte (0), word (1) or long (2)."""
    return 1 << ((8 << size) - 1)


def _sign_and_zero(result: int) -> int:
    return (N_BIT if result & SIGN else 0) | (0 if result else Z_BIT)


def _compare(left: int, right: int, bits: int) -> int:
    # Both operands sit in their low bits; what lies above is left over from the registers they came from.
    mask, sign = (1 << bits) - 1, 1 << (bits - 1)
    left, right = left & mask, right & mask
    result = (left - right) & mask
    codes = (N_BIT if result & sign else 0) | (0 if result else Z_BIT)
    codes |= V_BIT if (left ^ right) & (left ^ result) & sign else 0
    return codes | (C_BIT if left < right else 0)
