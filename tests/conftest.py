"""What every test of this repository shares: the compiler marker, the campaign setting, and a private cache."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, Phase, settings

# No test asserts a time, and a busy machine draws slowly.
settings.register_profile("nextrust", deadline=None, suppress_health_check=[HealthCheck.too_slow])
# A mutant is dead with the first example that fails.
if os.environ.get("NEXTRUST_MUTANT"):
    settings.register_profile("nextrust", settings.get_profile("nextrust"), phases=set(Phase) - {Phase.shrink})
settings.load_profile("nextrust")

REQUIRED = os.environ.get("NEXTRUST_TOOLCHAINS") == "required"


def _found(toolchain: str) -> bool:
    from pytest_nextrust.toolchain import toolchains

    return toolchains()[toolchain].probe().found


def _cargo() -> bool:
    from pytest_nextrust.toolchain.crates.tools import find_cargo
    from pytest_nextrust.toolchain.rust import RustToolchain

    compiler = RustToolchain().compiler()
    return _found("rust") and compiler is not None and bool(find_cargo(compiler))


FINDERS: dict[str, Callable[[], bool]] = {
    "gnu": lambda: shutil.which("m68k-linux-gnu-gcc") is not None,
    "clang": lambda: any(shutil.which(f"clang-{n}") for n in range(17, 25)) and FINDERS["gnu"](),
    "cargo": _cargo,
    "clang-22-mended": lambda: _found("clang-22-mended"),
    "csmith": lambda: shutil.which("csmith") is not None,
    "rust": lambda: _found("rust"),
    "rust-mended": lambda: _found("rust-mended"),
    "cvise": lambda: shutil.which("cvise") is not None,
    "qemu": lambda: shutil.which("qemu-m68k") is not None,
}


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what needs a compiler that is not here; fail instead where NEXTRUST_TOOLCHAINS=required."""
    for marker in item.iter_markers("needs_compiler"):
        for name in marker.args:
            if FINDERS[name]():
                continue
            if REQUIRED:
                pytest.fail(f"needs {name}, which is not installed, and NEXTRUST_TOOLCHAINS=required", pytrace=False)
            pytest.skip(f"needs {name}")
