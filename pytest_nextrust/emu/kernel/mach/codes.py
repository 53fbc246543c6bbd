"""Result codes of Mach 2.5: kern_return_t, msg_return_t and MIG's.

Boundary: numbers, and the exception with which a routine reports one.

Sources: ``<mach/kern_return.h>``, ``<mach/message.h>``, ``<mach/mig_errors.h>`` of Mach 2.5.
"""

from __future__ import annotations

import enum

__all__ = ["Kern", "KernError", "Mig", "Msg"]


class Kern(enum.IntEnum):
    """kern_return_t."""

    SUCCESS = 0
    INVALID_ADDRESS = 1
    PROTECTION_FAILURE = 2
    NO_SPACE = 3
    INVALID_ARGUMENT = 4
    FAILURE = 5
    RESOURCE_SHORTAGE = 6
    NOT_RECEIVER = 7
    NO_ACCESS = 8
    NOT_IN_SET = 12
    NAME_EXISTS = 13


class Mig(enum.IntEnum):
    """What a MIG server answers about the message itself."""

    BAD_ID = -303
    BAD_ARGUMENTS = -304


class Msg(enum.IntEnum):
    """msg_return_t."""

    SUCCESS = 0
    SEND_INVALID_MEMORY = -101
    SEND_INVALID_PORT = -102
    SEND_TIMED_OUT = -103
    SEND_INTERRUPTED = -108
    SEND_TOO_LARGE = -109
    SEND_TOO_SMALL = -110
    RCV_INVALID_MEMORY = -201
    RCV_INVALID_PORT = -202
    RCV_TIMED_OUT = -203
    RCV_TOO_LARGE = -204
    RCV_NOT_ENOUGH_MEMORY = -205
    RCV_ONLY_SENDER = -206
    RCV_INTERRUPTED = -207


class KernError(Exception):
    """A routine failed; ``code`` is its kern_return_t."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code
