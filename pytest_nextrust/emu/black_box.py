"""What is left of a run when the process that ran it dies: where it was, and what the guest had written.

A file without a name that parent and child share. The child notes where each stretch of execution begins; the compiled
part, where it counts, adds the last block of code when a signal ends the process.

Boundary: bytes in a file; knows neither guests nor requests.
"""

from __future__ import annotations

import os
import struct

from pytest_nextrust.base.light_dataclass import dataclass

__all__ = ["BLOCK_AT", "BlackBox", "Remains"]

_WHERE = struct.Struct("=IQ")
_BLOCK = struct.Struct("=I")
BLOCK_AT = 16
"""Where in the file the last block's address stands, as a 32-bit word in host order; odd where it is not known."""
HEADER = 32
UNKNOWN = 1


@dataclass(frozen=True, slots=True)
class Remains:
    """Where the guest last was for certain: code at ``pc`` after ``count`` instructions, or later; and its output.

    ``block``: the block of code that it entered last, where that is known. ``output``: of descriptors 1 and 2 together.
    """

    pc: int
    count: int
    block: int | None
    output: bytes


class BlackBox:
    """The file behind ``descriptor``, from either side."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self._end = HEADER

    def begin(self) -> None:
        """A run begins."""
        os.ftruncate(self.descriptor, 0)
        os.pwrite(self.descriptor, struct.pack("=IQ4xI12x", UNKNOWN, 0, UNKNOWN), 0)
        self._end = HEADER

    def end(self) -> None:
        """A run is over, and nothing of it is at stake any more."""
        os.ftruncate(self.descriptor, 0)

    def at(self, pc: int, count: int) -> None:
        """The guest goes on at ``pc``, after ``count`` instructions."""
        os.pwrite(self.descriptor, _WHERE.pack(pc, count), 0)

    def wrote(self, data: bytes) -> None:
        """The guest has written ``data``."""
        self._end += os.pwrite(self.descriptor, data, self._end)

    def remains(self) -> Remains | None:
        """What a run that ended with its process has left; None where none was under way."""
        size = os.fstat(self.descriptor).st_size
        if size < HEADER:
            return None
        header = os.pread(self.descriptor, HEADER, 0)
        pc, count = _WHERE.unpack_from(header)
        block = int(_BLOCK.unpack_from(header, BLOCK_AT)[0])
        output = os.pread(self.descriptor, size - HEADER, HEADER)
        return Remains(pc, count, None if block & 1 else block, output)
