"""placeholder"""

from __future__ import annotations

from pytest_nextrust.macho import MachFile

__all__ = ["refuse_unsupported"]


def refuse_unsupported(file: MachFile, cpu: str) -> None:
    return None
