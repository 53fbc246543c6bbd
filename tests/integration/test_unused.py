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
    pytester.runpytest_subprocess("-p", "pytest_nextrust.plugin", "--nextrust-budget", "5000").assert_outcomes(passed=1)


def test_importing_it_loads_a_few_small_modules() -> None:
    """After pytest, importing the plugin loads modules of its own only, and ten of them at most.

    How long that takes is among the benchmarks: ``python -m tests.bench --only plugin``.
    """
    code = (
        "import sys, pytest, argparse, dataclasses; before = set(sys.modules); import pytest_nextrust.plugin; "
        "print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = done.stdout.split()
    assert "pytest_nextrust.plugin" in loaded
    assert [name for name in loaded if name.partition(".")[0] != "pytest_nextrust"] == []
    assert len(loaded) <= 10
