"""Which check a file gets.

Boundary: names and text in, faults out; reads no file.
"""

from __future__ import annotations

import re

__all__ = ["LARGEST", "faults_of", "kind_of"]

LARGEST = 5_000_000
"""Characters of a file that is checked; a larger one is refused as what it claims to be."""

_CONFLICT = re.compile(r"^(?:<{7}|>{7}|\|{7}) ", re.MULTILINE)


def kind_of(path: str, text: str = "") -> str:
    """``target-json``, ``rust-target``, ``rust``, ``patch``, or nothing. ``path`` is relative to the project."""
    lower = path.lower()
    if lower.endswith((".patch", ".diff")):
        return "patch"
    if lower.endswith(".json"):
        named = re.search(r"(^|/)m68k-[^/]*\.json$", lower) is not None
        return "target-json" if named or '"llvm-target"' in text[:100_000] else ""
    if lower.endswith(".rs"):
        in_spec = "rustc_target/src/spec/" in lower
        return "rust-target" if in_spec and not lower.endswith("/mod.rs") else "rust" if _is_port(lower) else ""
    return ""


def _is_port(lower: str) -> bool:
    return lower.startswith("rust/") or "/rust/" in lower or "rustc_target/" in lower


def faults_of(path: str, text: str) -> list[str]:
    """What is wrong with a file that would have this name and text; nothing for a file of another kind."""
    kind = kind_of(path, text)
    if not kind:
        return []
    if len(text) > LARGEST:
        return [f"1: {len(text)} characters: too large for a {kind} file"]
    found = [] if kind == "patch" else [f"{_line(text, m.start())}: a merge conflict's mark" for m in _conflicts(text)]
    if kind == "target-json":
        from pytest_nextrust.project.validation.target_json import check_target
    elif kind == "patch":
        from pytest_nextrust.project.validation.patches import check_patch as check_target
    else:
        from pytest_nextrust.project.validation.rust_source import check_rust

        return [*found, *check_rust(text, target=kind == "rust-target")]
    return [*found, *check_target(text)]


def _conflicts(text: str) -> list[re.Match[str]]:
    return list(_CONFLICT.finditer(text))[:5]


def _line(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1
