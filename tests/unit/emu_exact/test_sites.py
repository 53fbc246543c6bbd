"""Sites: nothing that must be executed exactly is passed over by the look at the opcode, nor taken for another."""

from __future__ import annotations

import pytest

from pytest_nextrust.emu.child.sites import site_of
from pytest_nextrust.emu.exact.execute import handler
from pytest_nextrust.emu.exact.suspicion import watch

TAILS = (bytes(22), bytes.fromhex("0c00") * 11, bytes.fromhex("4400") * 11)
"""Words behind the opcode: no extension bits, those of a signed division, a floating-point operation."""


@pytest.mark.parametrize("cpu", ["m68030", "m68040"])
def test_whatever_is_watched_is_a_site(cpu: str) -> None:
    """Of every opcode: where ``watch`` says that the emulator must not be left alone, a block has a site there."""
    passed_over, watched = [], 0
    for opcode in range(0x1_0000):
        for tail in TAILS:
            code = opcode.to_bytes(2, "big") + tail
            kind = watch(code, cpu)
            watched += bool(kind)
            site = site_of(code, cpu)
            if (site.kind if site is not None else "") != kind and (kind or site is not None):
                passed_over.append(code[:4].hex())
    assert passed_over[:10] == []
    assert watched > 1000


@pytest.mark.parametrize("opcode", [0x0CFC, 0x0EFC])
def test_cas2_is_no_cas(opcode: int) -> None:
    """Its opcodes are those of a CAS with an immediate operand, which there is not: nothing executes them so."""
    assert handler(opcode) is None
    assert handler(opcode - 0x0C) is not None
