"""Rust's real ``std`` for NeXTSTEP: a platform layer of this project's over the compiler's own library sources."""

from __future__ import annotations

from pytest_nextrust.toolchain.std.build import TRIPLE, BuiltStd, StdCompiler, built, specification

__all__ = ["TRIPLE", "BuiltStd", "StdCompiler", "built", "specification"]
