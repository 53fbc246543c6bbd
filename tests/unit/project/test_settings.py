"""Parsers of the options, apart from pytest."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_nextrust.errors import UsageFault
from pytest_nextrust.project.options import OPTIONS
from pytest_nextrust.project.run_settings import RunBudget, parse_budget, parse_report, parse_size, read_settings


class Given:
    """Values as pytest would hold them."""

    def __init__(self, options: dict[str, Any] | None = None, ini: dict[str, Any] | None = None) -> None:
        self._options, self._ini = options or {}, ini or {}

    def option(self, name: str) -> Any:
        return self._options.get(name)

    fork = False

    def ini(self, name: str) -> Any:
        return self._ini.get(name, [] if name in ("nextrust_matrix", "nextrust_scenarios") else "")


@pytest.mark.parametrize(
    ("text", "budget"),
    [
        ("5", RunBudget("5", number=5)),
        ("5_000_000", RunBudget("5_000_000", number=5_000_000)),
        ("2M", RunBudget("2M", number=2_000_000)),
        ("500ms", RunBudget("500ms", seconds=0.5)),
        ("1.5s", RunBudget("1.5s", seconds=1.5)),
        ("2m", RunBudget("2m", seconds=120.0)),
    ],
)
def test_budgets(text: str, budget: RunBudget) -> None:
    """A bare number is instructions, one with a unit is time."""
    assert parse_budget("--nextrust-budget", text) == budget


@given(st.text(max_size=12))
def test_a_budget_is_read_or_refused(text: str) -> None:
    """Any text is a budget above zero or a UsageFault, never anything else."""
    try:
        budget = parse_budget("--nextrust-budget", text)
    except UsageFault:
        pass
    else:
        assert (budget.number or budget.seconds or 0) > 0
        assert (budget.number is None) != (budget.seconds is None)


@pytest.mark.parametrize(("text", "size"), [("64M", 64 << 20), ("1_024K", 1 << 20), ("4G", 4 << 30), (" 2G ", 2 << 30)])
def test_sizes(text: str, size: int) -> None:
    """Bytes have a unit, in powers of 1024."""
    assert parse_size("--memory", text, 1 << 20) == size


@given(st.sampled_from(["", "4", "G", "1.5G", "-1G", "4g", "4T", "1023K", "0M", "٤G"]) | st.text(max_size=6))
def test_a_size_is_read_or_refused(text: str) -> None:
    """Any text is a size that is large enough, or a UsageFault."""
    size = 1 << 20
    with suppress(UsageFault):
        size = parse_size("--memory", text, 1 << 20)
    assert size >= 1 << 20


def test_defaults(tmp_path: Path) -> None:
    """Nothing given: the whole matrix, dependencies run, status and scenarios in their places below the rootdir."""
    settings = read_settings(Given(), root=tmp_path, start=tmp_path / "below")
    assert len(settings.cells) == 8
    assert (settings.deps, settings.standins, settings.phase) == ("run", "accept", None)
    assert settings.status_dir == tmp_path / "docs/ci-status"
    assert settings.scenario_dirs == (tmp_path / "scenarios",)
    assert settings.reproduction_options == ()


def test_the_command_line_wins(tmp_path: Path) -> None:
    """Where both say something, the command line holds; relative to where pytest was called."""
    source = Given(
        {"nextrust_deps": "check", "nextrust_status_dir": "mine", "nextrust_toolchain": "clang"},
        {"nextrust_deps": "ignore", "nextrust_status_dir": "fixed", "nextrust_budget": "30s"},
    )
    settings = read_settings(source, root=tmp_path, start=tmp_path / "below")
    assert settings.deps == "check"
    assert settings.status_dir == tmp_path / "below/mine"
    assert settings.reproduction_options == ("--nextrust-toolchain", "clang", "--nextrust-budget", "30s")


def test_a_bad_setting_is_named_as_the_setting(tmp_path: Path) -> None:
    """What the ini file got wrong is reported under its ini name."""
    with pytest.raises(UsageFault, match="nextrust_standins maybe: no such choice\n  remedy: one of accept, reject"):
        read_settings(Given(ini={"nextrust_standins": "maybe"}), root=tmp_path, start=tmp_path)


def test_a_report_needs_its_suffix(tmp_path: Path) -> None:
    """.json is a report; a folder of that name is not."""
    assert parse_report("--nextrust-report", "r.json") == Path("r.json")
    (tmp_path / "d.json").mkdir()
    with pytest.raises(UsageFault, match="is a folder"):
        parse_report("--nextrust-report", str(tmp_path / "d.json"))


def test_every_option_has_one_name() -> None:
    """Names are unique, and each option is reachable somewhere."""
    assert len({option.name for option in OPTIONS}) == len(OPTIONS)
    assert all(option.command_line or option.ini for option in OPTIONS)
