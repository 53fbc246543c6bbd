"""What the kernel keeps for the one guest process besides memory, ports and signals: files, limits, names, umask.

Boundary: state. The calls that change it are in ``unix``.

Sources: 4.3BSD's u area; NeXT ``<machine/vmparam.h>`` for the default limits (6 MB data, 512 KB stack, no core files).
Process numbers and names are fixed, so that two runs are the same (decisions).
"""

from __future__ import annotations

import os
from pathlib import Path

from pytest_nextrust.emu.clock import VirtualClock
from pytest_nextrust.emu.kernel.ends import UnixError
from pytest_nextrust.emu.kernel.errno import name_of
from pytest_nextrust.emu.kernel.files import Descriptors
from pytest_nextrust.emu.kernel.inodes import Inodes
from pytest_nextrust.emu.kernel.jail import Jail
from pytest_nextrust.emu.kernel.streams import InputFile, OutputFile
from pytest_nextrust.emu.records import RunRequest
from pytest_nextrust.errors import NotRunnable

__all__ = ["DOMAIN_NAME", "HOST_NAME", "PARENT_PID", "PID", "PROCESS_GROUP", "RLIMIT_STACK", "RLIM_INFINITY", "Process"]

PID, PARENT_PID, PROCESS_GROUP = 100, 99, 100
HOST_NAME = b"next"
DOMAIN_NAME = b""

RLIM_INFINITY = 0x7FFF_FFFF
RLIMIT_STACK = 3
_DATA_LIMIT = 6 * 1024 * 1024


class Process:
    """Files, limits and identity of the guest.

    Raises OSError for a root, NotRunnable for a working directory, that cannot be entered.
    """

    def __init__(self, request: RunRequest, clock: VirtualClock, root: str) -> None:
        epoch = clock.now_us // 1_000_000
        self.epoch = epoch
        self.jail = Jail(root)
        self.inodes = Inodes(Path(root).stat(), epoch)
        try:
            self.jail.enter(os.fsencode(request.cwd))
        except UnixError as error:
            self.jail.close()
            raise NotRunnable(
                "working directory",
                f"the guest's root has no such directory ({name_of(error.errno)})",
                place=request.cwd,
                remedy="create it in the root, or leave cwd at /",
            ) from error
        self.umask = 0o022
        self.limits = [(RLIM_INFINITY, RLIM_INFINITY) for _ in range(6)]
        self.limits[2] = (_DATA_LIMIT, RLIM_INFINITY)
        self.limits[RLIMIT_STACK] = (request.stack, RLIM_INFINITY)
        self.limits[4] = (0, RLIM_INFINITY)
        self.priority = 0
        self.group = PROCESS_GROUP
        self.output = OutputFile(request.max_output, 0, epoch)
        self.error = OutputFile(request.max_output, 0, epoch)
        self.files = Descriptors()
        for stream in (InputFile(request.stdin, epoch, request.stdin_fd, request.wall), self.output, self.error):
            self.files.install(stream)

    def close(self) -> None:
        """Close all files and the root."""
        self.files.close_all()
        self.jail.close()
