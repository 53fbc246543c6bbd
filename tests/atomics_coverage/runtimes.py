"""The runtimes of ``faults/`` and ``rights/``: C files that say at their head what they are.

The head is the file's first comment, of lines ``key: value``, a value going on in indented lines:

* ``what``: the fault, or the design, in a sentence or two;
* ``finds``: the kinds that a finding may have, any of them (faults only);
* ``needs``: ``overlap`` where objects of different extents must exclude each other (``--overlap mixed``), ``signals``
  where the fault is one beside a handler (``--signals 1``), ``luck`` where calls that are switched at just the wrong
  places, again and again, never return (``--fairness none``; else that is a finding);
* ``survives``: why the fault is in the machine code at every level;
* ``witness``: what shows it apart from the checker of runtimes: ``explore FINDING`` (the file's own test with
  -DWITNESS, under ``nextrust explore``), ``qemu`` (single calls of what it exports under qemu-m68k), or ``none`` and
  why.

Boundary: text and paths. Compiling and checking are the tests'.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

__all__ = ["INCLUDE", "KEYS", "KINDS", "Sample", "faults", "rights"]

HERE = Path(__file__).parent
INCLUDE = HERE / "include"

KEYS = ("what", "finds", "needs", "survives", "witness")
KINDS = frozenset(
    ("result", "neighbour", "outside", "register", "history", "final", "deadlock", "livelock", "divergence", "fault")
)
NEEDS = frozenset(("overlap", "signals", "luck"))

_HEAD = re.compile(r"/\*(.*?)\*/", re.DOTALL)
_LINE = re.compile(r"(\w+): (.*)")


@dataclass(frozen=True)
class Sample:
    """One runtime. ``witness`` is the kind of witness and, of ``explore``, the finding that it has ("" where right)."""

    source: Path
    what: str
    finds: frozenset[str]
    needs: frozenset[str]
    survives: str
    witness: tuple[str, str]

    @property
    def name(self) -> str:
        """The file's name without its suffix."""
        return self.source.stem


def faults() -> dict[str, Sample]:
    """All runtimes with a fault, by name."""
    return _all("faults")


def rights() -> dict[str, Sample]:
    """All right ones, by name."""
    return _all("rights")


def _all(folder: str) -> dict[str, Sample]:
    return {path.stem: _read(path) for path in sorted((HERE / folder).glob("*.c"))}


def _read(path: Path) -> Sample:
    match = _HEAD.match(path.read_text(encoding="utf-8"))
    if match is None:
        raise ValueError(f"{path.name}: does not begin with a comment")
    said: dict[str, str] = {}
    key = ""
    for line in match[1].strip().splitlines():
        found = _LINE.fullmatch(line.strip()) if not line.startswith("     ") else None
        if found is not None:
            key = found[1]
            if key not in KEYS or key in said:
                raise ValueError(f"{path.name}: {key} is no key, or stands twice")
            said[key] = found[2]
        elif key:
            said[key] += " " + line.strip()
        else:
            raise ValueError(f"{path.name}: begins with {line.strip()!r}, not with a key")
    return _sample(path, said)


def _sample(path: Path, said: dict[str, str]) -> Sample:
    finds = frozenset(said.get("finds", "").split())
    needs = frozenset(said.get("needs", "").split())
    for wrong in (finds - KINDS) | (needs - NEEDS):
        raise ValueError(f"{path.name}: {wrong!r} is not a kind or need")
    kind, _, rest = said.get("witness", "").partition(" ")
    if kind not in ("explore", "qemu", "none") or "what" not in said:
        raise ValueError(f"{path.name}: does not say what it is, or by whom it is witnessed")
    return Sample(path, said["what"], finds, needs, said.get("survives", ""), (kind, rest))
