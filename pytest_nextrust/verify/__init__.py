"""Verifying one scenario in one cell: build or take the program, check its Mach-O, run it, compare."""

from pytest_nextrust.verify.outcome import Mismatch, ScenarioOutcome
from pytest_nextrust.verify.scenario import build_program, make_request, verify
from pytest_nextrust.verify.services import Services

__all__ = ["Mismatch", "ScenarioOutcome", "Services", "build_program", "make_request", "verify"]
