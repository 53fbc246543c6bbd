"""Instructions as text, for reports: with capstone where it is installed, else the instruction's words.

Boundary: presentation only; nothing is decided by it. capstone is imported when the first text is asked for.
"""

from __future__ import annotations

from functools import cache
from typing import Any

__all__ = ["disassemble", "words"]


@cache
def _engine(cpu: str) -> Any:
    try:
        import capstone
    except ImportError:
        return None
    mode = capstone.CS_MODE_M68K_040 if cpu == "m68040" else capstone.CS_MODE_M68K_030
    return capstone.Cs(capstone.CS_ARCH_M68K, capstone.CS_MODE_BIG_ENDIAN | mode)


def words(data: bytes) -> str:
    """The words of an instruction in hexadecimal."""
    return " ".join(data[at : at + 2].hex() for at in range(0, len(data), 2)) or "(no bytes)"


def disassemble(data: bytes, pc: int, cpu: str) -> str:
    """The one instruction that ``data`` holds exactly, at ``pc``.

    A disassembler that takes another number of bytes than the instruction has (capstone invents operands for what it
    does not know) is not trusted: the words are shown instead.
    """
    engine = _engine(cpu) if data else None
    if engine is not None:
        for _, size, mnemonic, operands in engine.disasm_lite(data, pc, 1):
            if size == len(data) and mnemonic != "dc.w":
                return f"{mnemonic} {operands}".strip()
    return words(data)
