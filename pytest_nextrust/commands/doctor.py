"""``nextrust doctor``: what is found on this machine, what is missing, and how to install it.

Exit status: 0 where programs can be run, compilers or not; 1 where the machine itself does not work (Python, emulator,
conformance gate, or a cache that cannot be written).
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import sys
from typing import Any

from pytest_nextrust.commands.answer import add_json_option, envelope, write_answer
from pytest_nextrust.errors import Fault, NextrustError

__all__ = ["HELP", "add_arguments", "run"]

HELP = "what is found on this machine, what is missing, and how to install it"

_WELL, _ILL = 0, 1

_EXTRAS = (
    ("capstone", "capstone", "disassembly in reports", "disasm"),
    ("pyelftools", "elftools", "building with stock compilers", "elf"),
    ("jsonschema", "jsonschema", "faults of target specifications, all at once", "target"),
    ("pyderust", "pyderust", "Rust's names demangled", "rust"),
    ("google-re2", "re2", "patterns of known issues without a child process", "re2"),
    ("machine68k", "machine68k", "Musashi, for nextrust witness", "witness"),
)


_TOOLS = (
    ("qemu-m68k", "nextrust witness, differential tests", "apt-get install qemu-user"),
    ("cvise", "smaller sources in the reports of nextrust bisect --pass", "apt-get install cvise"),
    ("distcc", "compiling on other machines, as launcher of a custom toolchain", "apt-get install distcc"),
    ("ccache", "keeping what was compiled, as launcher of a custom toolchain", "apt-get install ccache"),
    ("sccache", "the same, shared between machines", "apt-get install sccache"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where the JSON answer goes, and whether the gate may be believed from the cache."""
    parser.add_argument("--fresh", action="store_true", help="run the conformance gate again, whatever the cache says")
    add_json_option(parser)


def run(args: argparse.Namespace) -> int:
    """Look, and say what was seen. Returns the exit status; raises UsageFault where the answer cannot be written."""
    faults: list[Fault] = []
    parts: dict[str, Any] = {
        "python": _python(),
        "emulator": _emulator(faults, fresh=args.fresh),
        "toolchains": _toolchains(faults),
        "std": _std(),
        "tools": [_tool(*tool) for tool in _TOOLS],
        "extras": [_extra(*extra) for extra in _EXTRAS],
        "cache": _cache(faults),
    }
    status = _WELL if parts["emulator"]["passed"] and parts["cache"]["writable"] else _ILL
    if args.json != "-":
        for line in _lines(parts, faults):
            print(line)
    write_answer(args, envelope("doctor", ok=status == _WELL, exit=status, errors=faults, **parts))
    return status


def _python() -> dict[str, Any]:
    return {"version": platform.python_version(), "executable": sys.executable, "platform": sys.platform}


def _emulator(faults: list[Fault], *, fresh: bool) -> dict[str, Any]:
    from pytest_nextrust.emu.sandbox import gate_status
    from pytest_nextrust.native.loading import state

    compiled = state()
    exploring = "compiled" if compiled == "in use" else f"in Python (the compiled part is {compiled})"
    try:
        gate = gate_status(fresh=fresh)
    except NextrustError as error:
        faults.append(Fault("emulator", error.fault, error.remedy))
        return {
            "name": "",
            "passed": False,
            "vectors": 0,
            "cached": False,
            "message": error.fault,
            "counting": "",
            "exploring": exploring,
        }
    if not gate.passed:
        faults.append(Fault("emulator", f"the conformance gate failed: {gate.message}", "pip install unicorn==2.1.4"))
    return {
        "name": gate.emulator,
        "passed": gate.passed,
        "vectors": gate.vectors,
        "cached": gate.cached,
        "message": gate.message,
        "counting": gate.counting,
        "exploring": exploring,
    }


def _toolchains(faults: list[Fault]) -> list[dict[str, Any]]:
    from pytest_nextrust.toolchain import toolchains

    try:
        known = toolchains()
    except NextrustError as error:
        from pytest_nextrust.commands.answer import faults_of
        from pytest_nextrust.toolchain import ToolchainConfig

        faults += faults_of(error)
        known = toolchains(ToolchainConfig())
    answers = []
    for name, toolchain in known.items():
        probe = toolchain.probe()
        answers.append(
            {
                "name": name,
                "languages": sorted(toolchain.languages),
                "found": probe.found,
                "path": probe.path,
                "version": probe.version,
                "missing": list(probe.missing),
                "remedy": probe.remedy,
            }
        )
    return answers


def _std() -> list[dict[str, Any]]:
    from pytest_nextrust.toolchain.std import built

    return [
        {"toolchain": each.toolchain, "version": each.version, "cpu": each.cpu, "lto": each.bitcode}
        for each in built()
        if each.is_current
    ]


def _tool(name: str, purpose: str, remedy: str) -> dict[str, Any]:
    path = shutil.which(name) or ""
    return {"name": name, "purpose": purpose, "found": bool(path), "path": path, "remedy": "" if path else remedy}


def _extra(package: str, module: str, purpose: str, extra: str) -> dict[str, Any]:
    from importlib import metadata, util

    found = util.find_spec(module) is not None
    try:
        version = metadata.version(package) if found else ""
    except metadata.PackageNotFoundError:
        version = ""
    remedy = "" if found else f"pip install pytest-nextrust[{extra}]"
    return {"name": package, "purpose": purpose, "found": found, "version": version, "remedy": remedy}


def _cache(faults: list[Fault]) -> dict[str, Any]:
    from pytest_nextrust.toolchain.cache import cache_root

    root = cache_root()
    standing = next((folder for folder in (root, *root.parents) if folder.exists()), root)
    writable = standing.is_dir() and os.access(standing, os.W_OK | os.X_OK)
    if not writable:
        faults.append(Fault("cache", f"{root} cannot be written", "set NEXTRUST_CACHE_DIR to a folder that can be"))
    return {"path": str(root), "writable": writable}


def _lines(parts: dict[str, Any], faults: list[Fault]) -> list[str]:
    emulator, cache = parts["emulator"], parts["cache"]
    gate = "passed" if emulator["passed"] else "FAILED"
    rows = [
        ("python", parts["python"]["version"]),
        ("emulator", f"{emulator['name'] or 'none'}: conformance gate {gate}, {emulator['vectors']} vectors"),
        ("counting", emulator["counting"] or "none"),
        ("exploring", emulator["exploring"]),
        ("cache", f"{cache['path']}{'' if cache['writable'] else ' (cannot be written)'}"),
    ]
    for each in parts["toolchains"]:
        rows.append((each["name"], each["version"] if each["found"] else "missing: " + ", ".join(each["missing"])))
        rows += [("", each["remedy"])] if each["remedy"] else []
    whole = [
        f"{each['toolchain']} {each['cpu']}{' for lto' * each['lto']} ({each['version']})" for each in parts["std"]
    ]
    rows += [("std", f"built: {line}") for line in whole] or [("std", "not built: the first program with std takes it")]
    for each in (*parts["tools"], *parts["extras"]):
        state = each.get("version") or each.get("path") or "found"
        rows.append((each["name"], state if each["found"] else "missing: " + each["purpose"]))
        rows += [("", each["remedy"])] if each["remedy"] else []
    wide = max(len(name) for name, _ in rows)
    return [f"{name:<{wide}} {text}" for name, text in rows] + [f"fault: {fault}" for fault in faults]
