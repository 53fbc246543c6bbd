"""Runtimes to try a checker's coverage on: one routine alone, or a small runtime with one fault, or a right one."""

from tests.atomics_coverage.alone import (
    ACCESSES,
    SIZED_UPDATES,
    beside_others,
    exported_alone,
    witness_of_updates,
)
from tests.atomics_coverage.runtimes import INCLUDE, Sample, faults, rights

__all__ = [
    "ACCESSES",
    "INCLUDE",
    "SIZED_UPDATES",
    "Sample",
    "beside_others",
    "exported_alone",
    "faults",
    "rights",
    "witness_of_updates",
]
