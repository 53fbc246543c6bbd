"""What the writer is given: sections at their final addresses, symbols, and where to start.

Plain data; the writer checks it. Addresses and sizes are in bytes.
"""

from __future__ import annotations

from pytest_nextrust.base.light_dataclass import dataclass
from pytest_nextrust.macho.layout import CPU_SUBTYPE_ALL, VM_PROT_READ, VM_PROT_WRITE

__all__ = ["Image", "ImageSection", "ImageSymbol"]


@dataclass(frozen=True, slots=True)
class ImageSection:
    """One section. ``data`` None means zero-fill, and then ``size`` says how much; else both agree.

    ``align`` is a power of two's exponent; ``flags`` the section type of NeXT's ``loader.h`` (zero-fill is added by the
    writer). ``name`` and ``segment`` have at most 16 bytes.
    """

    name: str
    segment: str
    address: int
    data: bytes | None
    size: int
    align: int = 1
    flags: int = 0


@dataclass(frozen=True, slots=True)
class ImageSymbol:
    """One symbol. ``section`` is the (segment, section) pair it is defined in, or None for an absolute one.

    ``stab`` is a debugging entry's type, 0 for a symbol that is none; see ``lines``.
    """

    name: str
    address: int
    section: tuple[str, str] | None
    external: bool = True
    desc: int = 0
    stab: int = 0


@dataclass(frozen=True, slots=True)
class Image:
    """A linked program. ``stack`` is the initial a7; 0 leaves the choice to the kernel.

    ``data_prot`` is the initial protection of every segment but ``__TEXT``: rw- where NeXT's linker says rwx, so
    that a jump into data faults instead of passing unseen.
    """

    sections: tuple[ImageSection, ...]
    entry: int
    symbols: tuple[ImageSymbol, ...] = ()
    cpusubtype: int = CPU_SUBTYPE_ALL
    data_prot: int = VM_PROT_READ | VM_PROT_WRITE
    stack: int = 0
