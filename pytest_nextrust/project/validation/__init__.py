"""Checks of the files that a toolchain's port is made of: target specifications, Rust target files, patches.

``faults_of`` picks the check by the file's name; each fault is one line, ``LINE: what, and what to write``.
"""

from __future__ import annotations

from pytest_nextrust.project.validation.kinds import LARGEST, faults_of, kind_of

__all__ = ["LARGEST", "faults_of", "kind_of"]
