"""The table of UNIX calls (``trap #4``).

Boundary: puts the parts together; a number that is not in here is not implemented.
"""

from __future__ import annotations

from pytest_nextrust.emu.kernel.calls import table
from pytest_nextrust.emu.kernel.unix.descriptors import DESCRIPTOR_CALLS
from pytest_nextrust.emu.kernel.unix.opening import OPEN_CALLS
from pytest_nextrust.emu.kernel.unix.paths import PATH_CALLS
from pytest_nextrust.emu.kernel.unix.processes import PROCESS_CALLS
from pytest_nextrust.emu.kernel.unix.signalling import SIGNAL_CALLS
from pytest_nextrust.emu.kernel.unix.times import TIME_CALLS
from pytest_nextrust.emu.kernel.unix.transfers import TRANSFER_CALLS

__all__ = ["UNIX_TABLE"]

UNIX_TABLE = table(
    *TRANSFER_CALLS, *DESCRIPTOR_CALLS, *OPEN_CALLS, *PATH_CALLS, *PROCESS_CALLS, *SIGNAL_CALLS, *TIME_CALLS
)
