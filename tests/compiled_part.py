"""Tests of the compiled part: skipped where it is not built, unless compilers are required."""

from __future__ import annotations

import os

import pytest

from pytest_nextrust.native.loading import core, state

__all__ = ["needs_compiled_part"]


def needs_compiled_part() -> None:
    """Skip the test, or fail it where ``NEXTRUST_TOOLCHAINS=required`` says that nothing may be missing."""
    if core() is None:
        why = f"the compiled part is {state()}"
        if os.environ.get("NEXTRUST_TOOLCHAINS") == "required":
            pytest.fail(why)
        pytest.skip(why)
