"""What rustc starts as its linker for the NeXT target: GNU ld at NeXT addresses, and the Mach-O executable of it.

rustc speaks to it as to any ``ld``. Inputs, search paths and required symbols are kept; what else rustc says is about
ELF systems (``--eh-frame-hdr``, ``--as-needed``), and the linker script decides it. The file that it leaves is what
cargo calls the executable: a Mach-O that the machine runs.

Started as ``python -m``, by a script that names the settings in ``NEXTRUST_CRATE_TOOLS``. Exit status: 0, or 1 with the
error on stderr, which rustc shows.
"""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from pytest_nextrust import macho
from pytest_nextrust.errors import NextrustError, UsageFault
from pytest_nextrust.toolchain.crates.rustc_wrapper import BUILT_AS_TEST, SETTINGS
from pytest_nextrust.toolchain.cruntime import PREFIX
from pytest_nextrust.toolchain.interface import BuildRequest
from pytest_nextrust.toolchain.output import link, refuse_defects, replace_file, workspace
from pytest_nextrust.toolchain.tool_runner import ToolRunner

__all__ = ["linker_words", "main", "recorded_inputs", "relevant", "without_gdb_section"]

SUBJECT = "link"
GDB_SECTION = ".debug_gdb_scripts"
TEST_MAIN = "_nextrust_test_main"
"""What a program of tests has, by the harness that stands in for the crate ``test``."""
RECORD, _INPUTS = ".link", "inputs.json"
_OPTIONS = frozenset({"-u", "--undefined", "--defsym"})
_KEPT = ("--undefined=", "--defsym=", "--start-group", "--end-group", "--whole-archive", "--no-whole-archive")
_DROPPED_VALUE = frozenset({"-z", "-m", "-O", "-dynamic-linker", "-soname", "--hash-style", "-plugin"})


def relevant(words: Sequence[str]) -> tuple[list[str], Path]:
    """What of a linker's command line matters here, each in one word, and where the result is put.

    ``@FILE`` stands for the words in that file, one a line; ``-lNAME`` becomes the archive that it means. Raises
    UsageFault without a place, and for an archive that is in none of the folders.
    """
    pending = list(reversed(words))
    inputs: list[str] = []
    folders: list[Path] = []
    out = ""
    while pending:
        word = pending.pop()
        if word.startswith("@"):
            text = Path(word[1:]).read_text(encoding="utf-8")
            pending += reversed([shlex.split(line)[0] for line in text.splitlines() if line.strip()])
        elif word.startswith("-Wl,"):
            pending += reversed(word[len("-Wl,") :].split(","))
        elif word == "-o" and pending:
            out = pending.pop()
        elif word.startswith(("-L", "-l")):
            value = word[2:] or (pending.pop() if pending else "")
            if word[1] == "L":
                folders.append(Path(value))
            else:
                inputs.append(f"-l{value}")
        elif word in _OPTIONS and pending:
            inputs.append(f"{'--defsym' if word == '--defsym' else '--undefined'}={pending.pop()}")
        elif word in _DROPPED_VALUE and pending:
            pending.pop()
        elif not word.startswith("-") or word.startswith(_KEPT):
            inputs.append(word)
    if not out:
        raise UsageFault("-o", "missing", remedy="name the executable to write")
    return [_archive(word[2:], folders) if word.startswith("-l") else word for word in inputs], Path(out)


def _archive(name: str, folders: Sequence[Path]) -> str:
    found = next((path for folder in folders if (path := folder / f"lib{name}.a").is_file()), None)
    if found is None:
        remedy = "give the folder: cargo::rustc-link-search of a build script, or -L"
        raise UsageFault("-l", f"no lib{name}.a in {', '.join(map(str, folders)) or 'any folder'}", remedy=remedy)
    return str(found)


def main(words: Sequence[str]) -> int:
    """Link as rustc asks; the exit status."""
    try:
        settings = json.loads(Path(os.environ[SETTINGS]).read_text(encoding="utf-8"))
        inputs, out = relevant(words)
        runtime = Path(settings["runtime"])
        runner = ToolRunner(SUBJECT)
        with workspace(SUBJECT) as folder:
            inputs = without_gdb_section(runner, inputs, folder)
            objects = linker_words(runtime, inputs)
            data = link(runner, PREFIX + "ld", objects, folder, BuildRequest((), out, settings["cpu"]))
            refuse_defects(SUBJECT, data, settings["cpu"], runner.commands[-1], runner.log, str(out))
            if os.environ.get(BUILT_AS_TEST):
                _require_tests(data, out)
            _record(inputs, out, hashlib.sha256(data).hexdigest())
        replace_file(SUBJECT, out, data)
    except (NextrustError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _require_tests(data: bytes, out: Path) -> None:
    """Raise UsageFault for a program of tests that reaches none of them."""
    file = macho.read(data, name=str(out))
    if isinstance(file, macho.MachFile) and file.lookup(TEST_MAIN) is None:
        raise UsageFault(
            "#[test]",
            "the crate is #![no_main], so that rustc leaves the tests' main out and none of them would run",
            place=out.name,
            remedy="write #![cfg_attr(not(test), no_main)] and #[cfg(not(test))] before its main; "
            "or test = false (a program's own main: harness = false) for it in Cargo.toml",
        )


def without_gdb_section(runner: ToolRunner, inputs: Sequence[str], folder: Path) -> list[str]:
    """The inputs, with the section that a ``main`` of rustc's making reads for gdb among the constants.

    It takes memory, and no Mach-O has one of that name. Since rustc 1.91 only a target can leave it out.
    """
    found = []
    for number, word in enumerate(inputs):
        if word.endswith(".o") and GDB_SECTION.encode() in Path(word).read_bytes():
            changed = str(folder / f"without-{number}.o")
            renamed = f"{GDB_SECTION}=.rodata{GDB_SECTION},alloc,load,readonly,data,contents"
            runner.run([PREFIX + "objcopy", "--rename-section", renamed, word, changed], cwd=folder)
            word = changed
        found.append(word)
    return found


def linker_words(runtime: Path, inputs: Sequence[str | Path]) -> list[str | Path]:
    """The linker's words for what rustc made, with the start code and stubs in ``runtime``."""
    # Each may need the other: a program without main gets the library's, which wants the program's threads.
    return [runtime / "start.gc.o", "--start-group", *inputs, runtime / "libnext.a", "--end-group"]


def recorded_inputs(program: Path) -> list[str] | None:
    """What a program that cargo names was linked from, to be linked again in another way; None where that is gone."""
    digest = hashlib.sha256(program.read_bytes()).hexdigest()
    for folder in (program.parent, program.parent / "deps"):
        for record in sorted(folder.glob(f"*{RECORD}")):
            try:
                described = json.loads((record / _INPUTS).read_text(encoding="utf-8"))
            except (OSError, ValueError):
                continue
            if described["sha256"] == digest:
                return [str(word) for word in described["inputs"]]
    return None


def _record(inputs: Sequence[str], out: Path, digest: str) -> None:
    """Keep what is linked beside ``out``: rustc takes its own objects away, cargo gives the program another name."""
    record = out.with_name(out.name + RECORD)
    shutil.rmtree(record, ignore_errors=True)
    record.mkdir()
    kept = []
    for number, word in enumerate(inputs):
        if word.endswith(".o"):
            shutil.copyfile(word, record / f"{number}.o")
            word = str(record / f"{number}.o")
        kept.append(word)
    (record / _INPUTS).write_text(json.dumps({"sha256": digest, "inputs": kept}, indent=1), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
