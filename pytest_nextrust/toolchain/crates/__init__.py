"""Cargo packages and crates: what of them is built, by cargo or without it, and what they are linked with.

Re-exports what a build request says of a crate; what builds it is imported where it is used.
"""

from __future__ import annotations

from pytest_nextrust.toolchain.crates.options import MANIFEST, NO_OPTIONS, CrateOptions, is_package, manifest_of

__all__ = ["MANIFEST", "NO_OPTIONS", "CrateOptions", "is_package", "manifest_of"]
