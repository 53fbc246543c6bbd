"""Tables of known issues: TOML, the earlier JSON in both its forms, and every fault of either."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_nextrust.errors import ConfigError
from pytest_nextrust.failures.issues.table import FIXES, SHIPPED, load_table, read_issues
from pytest_nextrust.project.compiler_issues import load_known_issues

EARLIER = {
    "schema_version": "1.0",
    "last_updated": "2025-01-17",
    "known_issues": [
        {
            "id": "atomic-spinlock-m68k",
            "phase": "rust-target",
            "category": "atomics",
            "cpu_variants": ["m68030", "m68040"],
            "error_pattern": "undefined reference to __sync_val_compare_and_swap",
            "context_patterns": ["libcore.*sync"],
            "description": "No atomics",
            "auto_fix": {"type": "apply_patch", "script": "ci/scripts/fixes/implement-spinlock.sh", "confidence": 0.95},
            "metadata": {
                "first_seen": "2025-01-15",
                "occurrences": 12,
                "last_fix_success": None,
                "references": ["a.md"],
            },
        }
    ],
}
FIRST = {
    "known_issues": [
        {"error": "SIGILL (core)", "category": "cpu", "solution": "Check flags", "affected_phases": ["phase-4"]}
    ]
}


def written(tmp_path: Path, content: object, name: str = "known-issues.json") -> Path:
    file = tmp_path / name
    file.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return file


def test_the_earlier_json(tmp_path: Path) -> None:
    """Schema 1.0 of the earlier pipeline is read whole, metadata and all."""
    (issue,) = read_issues(written(tmp_path, EARLIER))
    assert (issue.id, issue.phases, issue.title, issue.occurrences) == (
        "atomic-spinlock-m68k",
        ("rust-target",),
        "No atomics",
        12,
    )
    assert (issue.sure, issue.references, issue.last_fix_success) == (0.95, ("a.md",), "")
    assert issue.auto_fix is not None
    assert issue.auto_fix.script == "ci/scripts/fixes/implement-spinlock.sh"


def test_its_first_form(tmp_path: Path) -> None:
    """Entries without id and pattern: the error is plain text, and gives the id."""
    (issue,) = read_issues(written(tmp_path, FIRST))
    assert (issue.id, issue.error_pattern, issue.advice, issue.phases) == (
        "sigill-core",
        r"SIGILL\ \(core\)",
        "Check flags",
        ("phase-4",),
    )


def test_every_fault_is_reported(tmp_path: Path) -> None:
    """Unknown keys, kinds, CPUs and numbers out of range, fixes with nothing to do: all at once, each with its path."""
    text = """
[[issue]]
id = "Bad Id"
title = "t"
error_pattern = ""
cpu_variants = ["m68060"]
confidence = 2
colour = "red"
[[issue]]
id = "b"
title = "t"
error_pattern = "x"
auto_fix = { type = "apply_patch" }
[[issue]]
id = "c"
title = "t"
error_pattern = "x"
auto_fix = { type = "reboot", script = "x" }
"""
    with pytest.raises(ConfigError) as caught:
        read_issues(written(tmp_path, text, "known-issues.toml"))
    told = str(caught.value)
    for fault in (
        "issue[0].id",
        "issue[0].error_pattern",
        "m68060",
        "too large",
        "colour",
        "has nothing to do",
        "reboot",
    ):
        assert fault in told


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("{", "not JSON"),
        ("[]", "not an object"),
        ("{}", "missing"),
        ('{"known_issues": {}}', "expected an array"),
        ('{"known_issues": [1]}', "expected a table"),
        ('{"known_issues": [], "schema_version": "2.0"}', "does not fit"),
        ("[" * 100_000, "not JSON"),
        (json.dumps({"known_issues": [EARLIER["known_issues"][0]] * 2}), "given twice"),
        (json.dumps({"known_issues": [{"error": "x", "metadata": 1}]}), "unknown key"),
    ],
)  # fmt: skip
def test_faulty_json(tmp_path: Path, content: str, fault: str) -> None:
    """Anything else than that document is a named fault."""
    with pytest.raises(ConfigError, match=fault):
        read_issues(written(tmp_path, content))


def test_the_projects_own_replace_the_shipped(tmp_path: Path) -> None:
    """TOML at the root and JSON beside the status log are both read; a faulty one is left out whole, and told."""
    (tmp_path / "docs" / "ci-status").mkdir(parents=True)
    written(tmp_path / "docs" / "ci-status", EARLIER)
    written(tmp_path, '[[issue]]\nid = "own"\ntitle = "t"\nerror_pattern = "x"\n', "known-issues.toml")
    table = load_table(tmp_path)
    replaced, own = table.get("atomic-spinlock-m68k"), table.get("own")
    assert replaced is not None
    assert own is not None
    assert replaced.title == "No atomics"
    assert table.sources["own"].endswith("known-issues.toml")
    assert table.sources["sigill-cpu-variant"] == ""
    written(tmp_path, "[[issue]]\nid = 1\n", "known-issues.toml")
    table = load_table(tmp_path)
    assert table.get("own") is None
    assert len(table.faults) == 1
    assert table.get("sigill-cpu-variant") is not None


def test_the_shipped_table() -> None:
    """The earlier pipeline's three are there with their fixes; every known fault has patterns."""
    issues = {issue.id: issue for issue in read_issues(SHIPPED)}
    kinds = {
        name: issues[name].auto_fix
        for name in ("atomic-spinlock-m68k", "sigill-cpu-variant", "llvm-triple-unrecognized")
    }
    assert [fix.type for fix in kinds.values() if fix is not None] == ["apply_patch", "verify_flags", "check_patches"]
    assert set(FIXES) > {fix.type for fix in kinds.values() if fix is not None}
    named = {issue.fault for issue in issues.values() if issue.fault}
    assert named == set(load_known_issues())
