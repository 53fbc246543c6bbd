"""Keys of the caches that jobs share: they change when what is cached would not be used any more, and only then.

A key is ``nextrust-KIND-SYSTEM-MACHINE-HASH``, and the part before the hash finds an older cache to begin with. That
is safe: pip looks each file up by its address, and an entry of the build cache is named by the hash of all that went
into it, so what is old is not found, never taken for new.

* ``pip``: the version of Python and what the project's documents say about dependencies. Of ``pyproject.toml`` these
  tables count and no other; of requirements and lock files every byte.
* ``toolchain``: the compilers found, each by version and identity, the sources of the runtime that is linked, the
  project's own toolchains with the contents of their inputs, the CPU, and the folder of the cache, which what is built
  there may hold.

Source: the documentation of actions/cache (``key``, ``restore-keys``, 512 characters at most).
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_nextrust.base.convert import to_plain
from pytest_nextrust.project.documents import read_toml
from pytest_nextrust.project.matrix import CPUS
from pytest_nextrust.toolchain.cache import cache_root, hash_of, identity
from pytest_nextrust.toolchain.cruntime import runtime_sources
from pytest_nextrust.toolchain.custom import CustomToolchain
from pytest_nextrust.toolchain.registry import ToolchainConfig, toolchains

__all__ = ["KINDS", "CacheKey", "cache_key"]

_LOCKS = (
    *("requirements*.txt", "requirements*.in", "requirements/*.txt", "constraints*.txt"),
    *("uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock", "pylock*.toml", "setup.cfg", "setup.py"),
)
_PROJECT = ("dependencies", "optional-dependencies", "requires-python")

Part = str | bytes


@dataclass(frozen=True)
class CacheKey:
    """``key``; ``prefix`` finds an older one; ``path`` is the folder that is kept."""

    kind: str
    key: str
    prefix: str
    path: Path


def cache_key(kind: str, root: Path, *, cpu: str = "") -> CacheKey:
    """The key of one of ``KINDS`` for the project at ``root``; ``cpu`` narrows ``toolchain`` to one CPU.

    Raises ConfigError for the project's settings, KeyError for another kind.
    """
    path, parts = KINDS[kind]
    prefix = f"nextrust-{kind}-{sys.platform}-{platform.machine()}-" + (f"{cpu}-" if cpu else "")
    return CacheKey(kind, prefix + hash_of(parts(root, cpu))[:32], prefix, path())


def _pip_parts(root: Path, cpu: str) -> Iterator[Part]:
    del cpu
    yield f"{sys.implementation.name} {sys.version_info.major}.{sys.version_info.minor}"
    document = root / "pyproject.toml"
    if document.is_file():
        table = read_toml(document, subject="pyproject.toml")
        project = table.get("project")
        wanted = {key: project.get(key) for key in _PROJECT} if isinstance(project, dict) else {}
        yield _canonical({"project": wanted, **{key: table.get(key) for key in ("build-system", "dependency-groups")}})
    for file in sorted({file for pattern in _LOCKS for file in root.glob(pattern) if file.is_file()}):
        yield file.relative_to(root).as_posix()
        yield file.read_bytes()


def _toolchain_parts(root: Path, cpu: str) -> Iterator[Part]:
    yield str(cache_root())
    yield cpu or " ".join(CPUS)
    for file in runtime_sources():
        yield file.name
        yield file.read_bytes()
    for name, toolchain in sorted(toolchains(ToolchainConfig.load(root)).items()):
        probe = toolchain.probe()
        yield f"{name} {probe.found} {probe.version} {identity(probe.path) if probe.path else ''}"
        if isinstance(toolchain, CustomToolchain):
            yield _canonical(to_plain(toolchain.settings))
            for file in toolchain.inputs():
                yield file.relative_to(root.absolute()).as_posix()
                yield file.read_bytes()


def _canonical(value: Any) -> str:
    """The value as text that is the same for equal values, whatever the order of keys in the document."""
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{key}:{_canonical(value[key])}" for key in sorted(value)) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(_canonical, value)) + "]"
    return repr(value)


def _pip_folder() -> Path:
    """Where pip keeps what it has downloaded. pip is asked: the place differs between systems."""
    given = os.environ.get("PIP_CACHE_DIR")
    if given:
        return Path(given).absolute()
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "cache", "dir"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60)
    except (OSError, subprocess.SubprocessError):
        return Path.home() / ".cache" / "pip"
    answer = done.stdout.strip()
    return Path(answer) if done.returncode == 0 and answer else Path.home() / ".cache" / "pip"


KINDS: Mapping[str, tuple[Callable[[], Path], Callable[[Path, str], Iterator[Part]]]] = {
    "pip": (_pip_folder, _pip_parts),
    "toolchain": (cache_root, _toolchain_parts),
}
"""What can be cached: the folder, and what the key is made of."""
