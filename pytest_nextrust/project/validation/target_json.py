"""Target specifications in JSON: what rustc and LLVM would refuse, or take and get wrong.

Checked are syntax, double keys, the keys that rustc requires, and that those of an m68k target agree with the machine:
big-endian, 32-bit pointers, a data layout that says the same, atomics no wider than a word, a CPU that LLVM knows.

Sources: rustc's ``rustc_target::spec`` (keys and their types); LLVM's M68kTargetMachine (data layout) and M68k.td
(CPUs).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

__all__ = ["check_target"]

_REQUIRED = ("llvm-target", "data-layout", "arch", "target-pointer-width")
_CPUS = ("generic", "M68000", "M68010", "M68020", "M68030", "M68040", "M68060")
_STRINGS = ("llvm-target", "data-layout", "arch", "target-endian", "os", "env", "vendor", "cpu", "features", "linker",
            "linker-flavor", "panic-strategy", "relocation-model", "code-model", "abi")  # fmt: skip
_FLAGS = ("executables", "atomic-cas", "disable-redzone", "dynamic-linking", "has-thread-local", "singlethread",
          "position-independent-executables", "requires-uwtable", "is-builtin", "emit-debug-gdb-scripts")  # fmt: skip
_CHOICES = {
    "target-endian": ("big", "little"),
    "panic-strategy": ("unwind", "abort", "immediate-abort"),
    "relocation-model": ("static", "pic", "pie", "dynamic-no-pic", "ropi", "rwpi", "ropi-rwpi"),
    "code-model": ("tiny", "small", "kernel", "medium", "large"),
}
_ABSENT: Any = object()


def check_target(text: str) -> list[str]:
    """The faults, each with its line."""
    doubled: list[str] = []

    def table(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        seen: dict[str, Any] = {}
        for key, value in pairs:
            if key in seen:
                doubled.append(key)
            seen[key] = value
        return seen

    try:
        spec = json.loads(text, object_pairs_hook=table)
    except RecursionError:
        return ["1: nested too deeply"]
    except ValueError as error:
        return [f"{getattr(error, 'lineno', 1)}: not JSON: {getattr(error, 'msg', error)}"]
    if not isinstance(spec, dict):
        return ["1: not a JSON object: a target specification is one"]
    found = [(key, f"{key!r} is given twice: the last one wins, silently") for key in doubled]
    found += _keys(spec)
    if not any(key in _REQUIRED for key, _ in found):
        found += _machine(spec)
    return [f"{_line_of(text, key)}: {message}" for key, message in found]


def _keys(spec: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for key in _REQUIRED:
        if key not in spec:
            yield key, f"{key!r} is missing: rustc requires it"
    for key in _STRINGS:
        if key in spec and not isinstance(spec[key], str):
            yield key, f"{key!r} is not a string"
    for key in _FLAGS:
        if key in spec and not isinstance(spec[key], bool):
            yield key, f"{key!r} is not true or false"
    for key, choices in _CHOICES.items():
        if isinstance(spec.get(key), str) and spec[key] not in choices:
            yield key, f"{key!r} is {spec[key]!r}: one of {', '.join(choices)}"
    width = spec.get("target-pointer-width", _ABSENT)
    if width is not _ABSENT and str(width) not in ("16", "32", "64"):
        yield "target-pointer-width", "'target-pointer-width' is not 16, 32 or 64"
    for key in ("max-atomic-width", "min-atomic-width"):
        value = spec.get(key)
        if value is not None and (isinstance(value, bool) or value not in (0, 8, 16, 32, 64, 128)):
            yield key, f"{key!r} is not a width in bits"


def _machine(spec: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What an m68k target has to say."""
    triple, layout = spec["llvm-target"], spec["data-layout"]
    if not triple.startswith("m68k"):
        if spec["arch"] == "m68k":
            yield "llvm-target", f"'llvm-target' is {triple!r} and 'arch' is m68k: LLVM would emit another CPU's code"
        return
    if spec["arch"] != "m68k":
        yield "arch", f"'arch' is {spec['arch']!r}: cfg(target_arch) of an m68k target is m68k"
    if spec.get("target-endian", "little") != "big":
        yield (
            "target-endian",
            "'target-endian' is not big: it is little where it is left out, and the 68030 is big-endian",
        )
    if str(spec["target-pointer-width"]) != "32":
        yield "target-pointer-width", "'target-pointer-width' is not 32"
    parts = layout.split("-")
    if parts[0] != "E":
        yield "data-layout", "'data-layout' does not begin with E (big-endian)"
    pointers = [part for part in parts if re.fullmatch(r"p(0)?:\d+.*", part)]
    if not any(part.split(":")[1] == "32" for part in pointers):
        yield "data-layout", "'data-layout' has no p:32 (LLVM's for m68k has p:32:16:32)"
    width = spec.get("max-atomic-width")
    if isinstance(width, int) and width > 32:
        yield "max-atomic-width", f"'max-atomic-width' is {width}: CAS of the 68030 takes at most 32 bits"
    cpu = spec.get("cpu")
    if isinstance(cpu, str) and cpu not in _CPUS:
        yield "cpu", f"'cpu' is {cpu!r}: LLVM knows {', '.join(_CPUS)}"


def _line_of(text: str, key: str) -> int:
    at = text.rfind(f'"{key}"')
    return text.count("\n", 0, at) + 1 if at >= 0 else 1
