"""What compilers make of atomic operations: one function per operation, width and ordering, checked like a runtime.

The functions are compiled at every level, and for every CPU whose code the chosen one runs. A 68000 or 68010 has no
cas, so its code calls routines; they are those of the shipped lock-free runtime, which is proved by itself. From the
68020 on code for 1, 2 and 4 bytes is inline. A function that the compiler does not take, or that holds instructions
which the CPU it is for does not have, is a finding; the others are checked all the same.
"""

from __future__ import annotations

from pytest_nextrust.atomics.campaign import Target
from pytest_nextrust.atomics.compilers.checking import Checked, check_compiler
from pytest_nextrust.atomics.compilers.makers import Maker, maker
from pytest_nextrust.atomics.compilers.making import Batch, batches
from pytest_nextrust.errors import BuildFailed

__all__ = ["Batch", "Checked", "Maker", "batches", "check_compiler", "maker", "native"]


def native(compiler: str, cpu: str, level: str) -> Target:
    """All functions as one compiler makes them for ``cpu`` itself at one level.

    Raises ToolchainMissing, and BuildFailed where it does not take them all.
    """
    made = maker(compiler, cpu)
    batch = next(iter(batches(made, cpu, (level,), models=(cpu,))))
    refused = [found for found in batch.findings if found["kind"] in ("refused", "crashed-compiler")]
    if refused or batch.target is None:
        fault = f"does not take {len(refused)} of {len(made.operations)} functions"
        output = "\n".join(f"{found['routine']}: {found['message']}" for found in refused)
        raise BuildFailed(compiler, fault, command=(), output=output)
    return batch.target
