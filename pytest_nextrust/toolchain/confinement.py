"""Compilers over a stranger's sources, kept by bubblewrap from everything but those sources and their own files.

A source may name any file to its compiler (``#include``, ``.incbin``, ``include_bytes!``), which would put the host's
files into a program and its output into a report. Confined, a compiler sees the system's own folders (``/usr`` and the
links into it), the folders that it is given, and an empty ``/tmp``; it has no network, no other processes, and no
variables but those of its call.

Boundary: a command line in, a command line out. Source: the manual page bwrap(1).
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pytest_nextrust.errors import ToolchainError

__all__ = ["Confinement"]

_SYSTEM = ("/bin", "/lib", "/lib32", "/lib64", "/libx32", "/sbin")
_TRIAL_SECONDS = 20.0


@dataclass(frozen=True)
class Confinement:
    """``readable``: folders and files that a compiler may read; ``writable``: the one folder that it may write to."""

    readable: tuple[Path, ...]
    writable: Path

    def wrap(self, command: Sequence[str], cwd: Path, env: Mapping[str, str]) -> list[str]:
        """The command line that runs ``command`` confined, with these variables and no others."""
        tool = Path(shutil.which(command[0]) or command[0]).resolve()
        own = () if tool.is_relative_to("/usr") else (tool.parents[1],)
        words = [*_base(), "--clearenv"]
        for name, text in {"PATH": "/usr/bin:/bin", **env}.items():
            words += ["--setenv", name, text]
        for path in (*own, *self.readable):
            words += ["--ro-bind", str(path), str(path)]
        return [*words, "--bind", str(self.writable), str(self.writable), "--chdir", str(cwd), "--", *command]

    def require(self, subject: str) -> None:
        """Raise ToolchainError where nothing can be confined on this machine."""
        remedy = "install bubblewrap (apt-get install bubblewrap), or run where the sources are trusted"
        if shutil.which("bwrap") is None:
            raise ToolchainError(
                subject, "untrusted sources are compiled under bubblewrap, which is missing", remedy=remedy
            )
        done = subprocess.run([*_base(), "--", "/usr/bin/true"], capture_output=True, timeout=_TRIAL_SECONDS)
        if done.returncode != 0:
            said = done.stderr.decode("utf-8", "replace").strip()[-200:]
            raise ToolchainError(subject, f"bubblewrap cannot confine a compiler here: {said}", remedy=remedy)


def _base() -> list[str]:
    words = ["bwrap", "--unshare-all", "--die-with-parent", "--new-session", "--ro-bind", "/usr", "/usr"]
    return [*words, *_system(), "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"]


def _system() -> Iterator[str]:
    """The folders of the system that are links into ``/usr``, or folders of their own on older systems."""
    for name in _SYSTEM:
        path = Path(name)
        if path.is_symlink():
            yield from ("--symlink", str(path.readlink()), name)
        elif path.is_dir():
            yield from ("--ro-bind", name, name)
