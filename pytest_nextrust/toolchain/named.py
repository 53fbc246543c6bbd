"""Toolchains named by a release, a path or mends: ``clang-22``, ``rust@nightly``, ``/opt/bin/clang``, ``rust-mended``.

Boundary: makes objects of names; whether the compiler is there is asked by their ``probe``.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from pytest_nextrust.project.releases import base_of, is_path
from pytest_nextrust.toolchain.clang import ClangToolchain, release_named
from pytest_nextrust.toolchain.gnu import GnuToolchain
from pytest_nextrust.toolchain.interface import Toolchain
from pytest_nextrust.toolchain.mended import mended_toolchain
from pytest_nextrust.toolchain.rust import RustToolchain, candidates
from pytest_nextrust.toolchain.tool_runner import first_line

__all__ = ["FORMS", "named"]

FORMS = "clang-N, clang@N, rust@VERSION, rust@CHANNEL, or the path of a clang, rustc or gcc"
"""How a compiler is named that is no toolchain of the project."""


def named(name: str) -> Toolchain | None:
    """The toolchain of such a name, installed or not; None for another name. Raises UsageFault for an unknown mend."""
    base = base_of(name)
    if base is None:
        return mended_toolchain(name)
    if is_path(name):
        # Compilers are run in folders of their own.
        path = str(Path(name).absolute())
        if base == "rust":
            return RustToolchain(path, name=name)
        return ClangToolchain(name=name, path=path) if base == "clang" else GnuToolchain(path, name=name)
    if base == "rust":
        release = name.partition("@")[2]
        return RustToolchain(_rustc(release) or f"rustc of {release}", name=name)
    return release_named(name) or ClangToolchain(int(name.partition("@")[2]), name=name)


def _rustc(release: str) -> str | None:
    """The rustc of a version or channel: one that is on PATH, else what rustup has by that name."""
    for path in candidates():
        match = re.match(r"rustc (\S+)", first_line([path, "--version"]) or "")
        if match and (match[1] == release or match[1].startswith((f"{release}.", f"{release}-"))):
            return path
    if shutil.which("rustup") is None:
        return None
    return first_line(["rustup", "which", "--toolchain", release, "rustc"])
