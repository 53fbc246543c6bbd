"""A folder that is ready for a report to a compiler's makers: the smallest program, how it is built, what goes wrong.

What is in it: the source, ``report.md`` to paste, ``reproduce.sh``, which takes a stock compiler, GNU binutils and
qemu-m68k and nothing of this package, the code of the function before and after the pass (``code.diff``), and the
programs that were made (``bad.macho``, ``good.macho``).

Boundary: files and words; what is said in them was found by the others of this room.
"""

from __future__ import annotations

import platform
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from pytest_nextrust.base.rust_names import readable
from pytest_nextrust.base.text import counted
from pytest_nextrust.compilers.shrink import Shrunk
from pytest_nextrust.compilers.subjects import TrialSubject
from pytest_nextrust.compilers.tracing import TracedFault
from pytest_nextrust.errors import BuildFailed, ToolchainError, ToolchainMissing
from pytest_nextrust.toolchain.rust import ENVIRONMENT
from pytest_nextrust.toolchain.tool_runner import ToolRunner, first_line

__all__ = ["Report", "make_folder", "write_folder"]

SECONDS = 60.0
"""What the script may take when it is tried."""

_SCRIPT = """#!/bin/sh
# Builds and runs {source} with stock tools: {compiler}, {gcc} and qemu-m68k.
# Debian: apt-get install {packages}
# It must end with {wanted}; built by {compiler} it does not.
cd "$(dirname "$0")" || exit 125
out=$(mktemp -d) || exit 125
trap 'rm -rf "$out"' EXIT
sysroot=/usr/m68k-linux-gnu
{compile} -c {source} -o "$out/program.o" || {{ echo "the compiler failed with status $?"; exit 1; }}
{gcc} -static "$out/program.o" -o "$out/program" || exit 125
timeout 3 qemu-m68k "$out/program"
echo "ended with status $? (124: still ran after 3 s); {wanted} is right"
"""


_RUST_SCRIPT = """#!/bin/sh
# Compiles {ir}, which rustc made of {source}, by LLVM's own tools, and prints the code.
# Debian: apt-get install llvm-{major}
cd "$(dirname "$0")" || exit 125
opt-{major} -passes='default<O{level}>' {ir} -o - |
    llc-{major} -O2 -mcpu={cpu} {model}-relocation-model=static -o -
"""


@dataclass(frozen=True)
class Report:
    """What goes into a folder. ``witnesses``: what others say of the program that fails."""

    subject: TrialSubject
    fault: TracedFault
    version: str
    shrunk: Shrunk | None = None
    witnesses: tuple[str, ...] = ()


def write_folder(report: Report, folder: Path) -> list[str]:
    """Write into the folder; the names of what is in it. Raises ToolchainError where it cannot be written."""
    try:
        return _write(report, folder)
    except OSError as error:
        raise _unwritable(folder, error) from error


def make_folder(folder: Path) -> None:
    """Make the folder: before the work, whose result would be lost. Raises ToolchainError where that cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise _unwritable(folder, error) from error


def _unwritable(folder: Path, error: OSError) -> ToolchainError:
    remedy = "give --out a folder you can write"
    return ToolchainError("report", f"cannot write: {error.strerror}", place=str(folder), remedy=remedy)


def _write(report: Report, folder: Path) -> list[str]:
    written = []
    for source in report.subject.sources:
        shutil.copyfile(source, folder / source.name)
        written.append(source.name)
    search = report.fault.search
    for name, trial in (("bad.macho", search.bad or search.full), ("good.macho", search.good)):
        if trial is not None and trial.program:
            (folder / name).write_bytes(trial.program)
            written.append(name)
    if report.fault.diff:
        (folder / "code.diff").write_text("\n".join(report.fault.diff) + "\n", encoding="utf-8")
        written.append("code.diff")
    script, output = _script(report), ""
    if made := _ir(report, folder):
        written.append(made)
        script = _rust_script(report, made)
    if script:
        path = folder / "reproduce.sh"
        path.write_text(script, encoding="utf-8")
        path.chmod(0o755)
        written.append(path.name)
        output = _tried(path)
    (folder / "report.md").write_text("\n".join(_report(report, output)) + "\n", encoding="utf-8")
    return ["report.md", *written]


# -- reproduction ------------------------------------------------------------------------------------------------------


def _script(report: Report) -> str:
    """The script; "" for what stock tools cannot make a program of: Rust without a library for this target, and
    routines without one that calls them."""
    subject = report.subject
    if subject.language != "c" or len(subject.sources) != 1 or not subject.runs:
        return ""
    compiler = Path(subject.toolchain.probe().path).name
    release = compiler.rpartition("-")[2] if "-" in compiler else ""
    clang = f"clang-{release}" if release.isdigit() else "clang"
    return _SCRIPT.format(
        source=subject.sources[0].name,
        compiler=compiler,
        gcc="m68k-linux-gnu-gcc",
        packages=f"{clang} gcc-m68k-linux-gnu libc6-dev-m68k-cross qemu-user",
        wanted=report.subject.wanted,
        compile=" ".join([*_stock(report, compiler), "-isystem", "$sysroot/include"]),
    )


def _stock(report: Report, compiler: str) -> list[str]:
    """The command line without what is this package's: its headers, and flags that keep paths out of programs."""
    command = report.fault.search.full.command
    kept = [compiler]
    skipping = False
    for word in command[1:]:
        if skipping:
            skipping = False
        elif word in ("-isystem", "-o", "-c", "-I"):
            skipping = word != "-c"
        elif not word.startswith(("-ffile-prefix-map", "-nostdinc", "-U", "-D", "/", "-ffreestanding", "-fhosted")):
            kept.append(word)
    return kept


def _ir(report: Report, folder: Path) -> str:
    """The name of the file with what rustc hands to LLVM, which needs no library to be compiled; "" for C."""
    command = report.fault.search.full.command
    if report.subject.language != "rust" or not command:
        return ""
    name = report.subject.sources[0].with_suffix(".ll").name
    at = command.index("-o") if "-o" in command else len(command)
    words = [
        *command[:at],
        *command[at + 2 :],
        "--emit=llvm-ir",
        "-C",
        "no-prepopulate-passes",
        "-o",
        str(folder / name),
    ]
    try:
        ToolRunner(report.subject.toolchain.name).run(words, cwd=folder, env=ENVIRONMENT)
    except (BuildFailed, ToolchainMissing):
        return ""
    return name if (folder / name).is_file() else ""


def _rust_script(report: Report, ir: str) -> str:
    """The script that has LLVM's own tools make the code: opt and llc of the release that rustc has."""
    told = ToolRunner("rust").run([report.subject.toolchain.probe().path, "-vV"])
    release = re.search(r"LLVM version: (\d+)", told)
    major = release[1] if release else ""
    words = " ".join(report.fault.search.full.command)
    level = re.search(r"opt-level=(\w)", words)
    return _RUST_SCRIPT.format(
        ir=ir,
        source=report.subject.sources[0].name,
        major=major,
        level=level[1] if level else "2",
        cpu=report.subject.cpu.upper(),
        model="-code-model=large " if "code-model=large" in words else "",
    )


def _tried(script: Path) -> str:
    """What the script prints here; "" where what it needs is not installed."""
    if shutil.which("qemu-m68k") is None or not Path("/usr/m68k-linux-gnu/lib/libc.a").is_file():
        return ""
    try:
        done = subprocess.run([str(script)], capture_output=True, text=True, errors="replace", timeout=SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return (done.stdout + done.stderr).strip()


# -- the text ----------------------------------------------------------------------------------------------------------


def _report(report: Report, output: str) -> list[str]:
    subject, search, culprit = report.subject, report.fault.search, report.fault.culprit
    where = f" after {culprit.name} on {readable(culprit.subject)}" if culprit else " in code generation"
    lines = [f"# [M68k] wrong code{where}", ""]
    if search.full.kinds == ("build",):
        lines[0] = f"# [M68k] the compiler fails{where}"
    lines += [f"{report.version}, target {subject.cpu}.", ""]
    for source in subject.sources:
        text = source.read_text(encoding="utf-8", errors="replace")
        lines += _block(text, "rust" if subject.language == "rust" else "c")
    if search.full.command:
        lines += ["Compiled by", "", *_block(" ".join(_shown(report)), "")]
    lines += [f"**Expected:** {report.subject.wanted}.", "", "**Found:**", "", *_block(search.full.message, "")]
    lines += _pass_lines(report)
    if report.fault.suspects:
        lines += ["First wrong instructions, as far as they can be read off the code:", ""]
        lines += [
            *(
                f"* `{readable(each.function)}+0x{each.offset:x}`: `{each.instruction}` {each.why}"
                for each in report.fault.suspects
            ),
            "",
        ]
    if report.witnesses:
        which = f"The program with pass {search.bad.limit}" if search.bad else "The program"
        lines += ["## Witnesses", "", f"{which}:", "", *(f"* {line}" for line in report.witnesses), ""]
    if output and report.subject.language == "c":
        lines += ["`reproduce.sh`, with stock tools alone, printed here:", "", *_block(output, "")]
    lines += ["## Versions", "", f"* {report.version}", *(f"* {line}" for line in _versions()), ""]
    if report.shrunk is not None:
        shrunk = report.shrunk
        ended = "to its end" if shrunk.whole else "until its time was over"
        lines += [
            f"The program was shrunk by C-Vise {ended}, from {shrunk.before} to {shrunk.after} characters in "
            f"{counted(shrunk.trials, 'trial')}; {shrunk.reference} gets it right."
        ]
    return lines


def _pass_lines(report: Report) -> list[str]:
    fault = report.fault
    search = fault.search
    if fault.culprit is None or search.good is None or search.bad is None:
        counted_passes = " and ".join(f"{each.total} {each.counter.name} passes" for each in fault.searches)
        return [
            f"It fails in the same way with none of {counted_passes} (`-opt-bisect-limit=0`): it is instruction "
            "selection, register allocation, or what comes after them.",
            "",
        ]
    before, after = search.good, search.bad
    lines = [
        f"With `-opt-bisect-limit={before.limit}` it is right ({before.result}), with `{after.limit}` it is not "
        f"({after.result}): pass {after.limit} of {search.total} is **{readable(str(fault.culprit))}**.",
        "",
    ]
    if search.otherwise:
        lines[0] += " Before that pass it fails too, in another way."
    if search.against:
        lines.append(f"Other limits disagree: {', '.join(str(trial.limit) for trial in search.against)}.\n")
    if fault.diff:
        lines += [
            f"What the pass changed in the code of `{readable(fault.function)}`:",
            "",
            *_block("\n".join(fault.diff), "diff"),
        ]
    return lines


def _shown(report: Report) -> list[str]:
    """The compiler's command line: that of the script for C, else with names in place of paths."""
    command = report.fault.search.full.command
    if report.subject.language == "c":
        return [*_stock(report, Path(command[0]).name), "-c", report.subject.sources[0].name]
    kept = [word for word in command if not word.endswith("=")]
    return [Path(word).name if word.startswith("/") else word for word in kept]


def _block(text: str, language: str) -> list[str]:
    fence = "```"
    while fence in text:
        fence += "`"
    return [f"{fence}{language}", text.rstrip("\n"), fence, ""]


def _versions() -> list[str]:
    tools = (("m68k-linux-gnu-ld", "--version"), ("qemu-m68k", "--version"), ("cvise", "--version"))
    told = [line for tool, option in tools if (line := first_line([tool, option]))]
    return [*told, f"{platform.system()} {platform.machine()}"]
