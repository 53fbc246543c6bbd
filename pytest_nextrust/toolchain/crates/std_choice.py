"""Whether a program is one with ``std``: its crate's root says ``#![no_std]``, or it is.

Boundary: reads the root's text and, for a package, its ``Cargo.toml``; compiles nothing.
"""

from __future__ import annotations

import re
from pathlib import Path

from pytest_nextrust.errors import UsageFault
from pytest_nextrust.toolchain.crates.manifest import members, read_manifest, workspace_of
from pytest_nextrust.toolchain.crates.options import is_package
from pytest_nextrust.toolchain.crates.own_build import chosen_target
from pytest_nextrust.toolchain.interface import BuildRequest

__all__ = ["has_std", "needs_std", "targets_with_std"]

_COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
_WITHOUT = re.compile(r"#\s*!\s*\[[^\]]*\bno_(?:std|core)\b")


def needs_std(request: BuildRequest) -> bool:
    """Whether the crate that the request means is compiled with ``std``.

    Not where that cannot be said, as of a package whose targets are several: what is wrong then is told by its build.
    """
    source = request.compiled[0]
    if not is_package(source):
        return has_std(source)
    try:
        return has_std(chosen_target(request).source)
    except UsageFault:
        return False


def targets_with_std(manifest: Path) -> bool:
    """Whether any library or program of a package, or of a workspace's members, is compiled with ``std``."""
    try:
        root, tables = workspace_of(manifest)
        files = members(root, tables) if root == manifest else [manifest]
        targets = [target for file in files for target in read_manifest(file, tables).targets]
    except UsageFault:
        # What is wrong with it is cargo's to say.
        return False
    return any(target.kind in ("lib", "bin") and has_std(target.source) for target in targets)


def has_std(root: Path) -> bool:
    """Whether the root of a crate has neither ``#![no_std]`` nor ``#![no_core]``, whatever they depend on."""
    try:
        text = root.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return _WITHOUT.search(_COMMENT.sub(" ", text)) is None
