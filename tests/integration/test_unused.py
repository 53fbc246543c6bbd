"""A run that does not use the plugin does not pay for it."""

from __future__ import annotations

import subprocess
import sys

import pytest

KEPT_OUT = (
    "pytest_nextrust.toolchain",
    "pytest_nextrust.emu",
    "pytest_nextrust.macho",
    "pytest_nextrust.status",
    "pytest_nextrust.verify.scenario",
    "pytest_nextrust.plugin.session",
    "pytest_nextrust.project.phases",
    "pytest_nextrust.project.matrix",
    "pytest_nextrust.project.run_settings",
    "unicorn",
    "capstone",
    "elftools",
)


def test_nothing_heavy_is_loaded(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """A whole run with the plugin loaded and unused leaves its parts and their libraries out of sys.modules."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makepyfile(
        f"""
        import sys
        def test_modules():
            loaded = [name for name in sys.modules if name.startswith({KEPT_OUT!r})]
            assert loaded == []
            assert "pytest_nextrust.plugin" in sys.modules
        """
    )
    result = pytester.runpytest_subprocess("-p", "pytest_nextrust.plugin")
    result.assert_outcomes(passed=1)


def test_a_run_that_uses_it_does_load_them(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """The twin: the same look sees them in a run with an option of the plugin."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makepyfile("import sys\ndef test_it(): assert 'pytest_nextrust.plugin.session' in sys.modules")
    pytester.runpytest_subprocess(
        "-p", "pytest_nextrust.plugin", "--nextrust-cell", "ubuntu-latest-debug-m68030"
    ).assert_outcomes(passed=1)


def test_importing_it_is_cheap() -> None:
    """Importing the plugin after pytest takes less than 5 ms (best of ten: what it costs, not the machine)."""
    code = (
        "import time, pytest, argparse, dataclasses; b = time.process_time(); import pytest_nextrust.plugin; "
        "print(time.process_time() - b)"
    )
    best = min(
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
        for _ in range(10)
    )
    assert best < 0.005, f"{best * 1000:.1f} ms"
