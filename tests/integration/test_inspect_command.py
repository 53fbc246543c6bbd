"""nextrust inspect: exit statuses, the text, the JSON answer and its schema, and inputs that are no Mach-O."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from pytest_nextrust.cli import main
from tests.unit.macho import builders as b
from tests.unit.macho.damage import cases

SCHEMA = json.loads(files("pytest_nextrust").joinpath("schemas/inspect.json").read_text())


@pytest.fixture
def put(tmp_path: Path) -> Any:
    """Write bytes to a file and give its name."""

    def write(data: bytes, name: str = "file") -> str:
        path = tmp_path / name
        path.write_bytes(data)
        return str(path)

    return write


def _json(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, dict[str, Any]]:
    status = main(["inspect", *argv, "--json", "-"])
    answer = json.loads(capsys.readouterr().out)
    jsonschema.validate(answer, SCHEMA)
    assert answer["exit"] == status
    assert answer["ok"] is (status == 0)
    return status, answer


@pytest.mark.parametrize("name", sorted(b.samples()))
def test_sound_files(name: str, put: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Every kind of file is exit 0, its text ends in a verdict, and its answer follows the schema."""
    path = put(b.samples()[name])
    assert main(["inspect", path]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[-1] == ("0 errors, 1 warnings" if name == "fat-swapped" else "sound")
    status, answer = _json(capsys, path)
    assert status == 0
    assert answer["schema"] == "nextrust/inspect/1"


def test_the_answer_has_what_is_in_the_file(put: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """The fields that may be relied on hold the file's own values."""
    data = b.a_program()
    _, answer = _json(capsys, put(data))
    file = answer["file"]
    assert (file["sha256"], file["size"]) == (hashlib.sha256(data).hexdigest(), len(data))
    assert (file["filetype"], file["filetype_name"], file["cputype"], file["cpusubtype"]) == (2, "MH_EXECUTE", 6, 1)
    assert answer["entry"] == 0x2400
    assert [c["name"] for c in answer["load_commands"]][-2:] == ["LC_SYMTAB", "LC_UNIXTHREAD"]
    assert answer["load_commands"][0]["offset"] == 28
    assert [s["name"] for s in answer["segments"]] == ["__PAGEZERO", "__TEXT", "__DATA", "__LINKEDIT"]
    assert [s["name"] for s in answer["segments"][1]["sections"]] == ["__text", "__const"]
    assert {"_main": 0x2420, "start": 0x2400}.items() <= {s["name"]: s["value"] for s in answer["symbols"]}.items()
    assert answer["defects"] == []


def test_relocations_name_their_targets(put: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Relocations of an object have their section, symbol and offset, in the answer and in the text."""
    path = put(b.an_object())
    _, answer = _json(capsys, path)
    assert [(r["section"], r["address"], r["symbol"]) for r in answer["relocations"][:3]] == [
        ("__TEXT,__text", 2, "_helper"),
        ("__TEXT,__text", 8, "__DATA,__data"),
        ("__TEXT,__text", 12, None),
    ]
    assert main(["inspect", path]) == 0
    out = capsys.readouterr().out
    assert "__TEXT,__text +00000002 32 bits pc-relative external _helper" in out
    assert "__TEXT,__text +0000000c 32 bits absolute scattered 00000024" in out


def test_an_address_for_a_section_number_is_named_with_the_instruction(
    put: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """A symbol's address where r_symbolnum has a section's number, as one compiler writes: the entry's offset, what the
    number is, and the instruction that would be patched."""
    good = b.an_object()
    entry = int.from_bytes(good[28 + 56 + 48 : 28 + 56 + 52], "big") + 8
    path = put(b.put32(good, entry + 4, 0x20 << 8 | 2 << 5), "bad.o")
    assert main(["inspect", path]) == 1
    out = capsys.readouterr().out
    assert f"relocation-section at offset {entry + 4}" in out
    assert "0x20 is an address, of lone in __DATA,__data, and its section's number is 2" in out
    assert "  patches: move.l $20.l, d0 at _main+0x6" in out


def test_members_are_described_one_by_one(put: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """A fat file and an archive have members with their own fields, each with its own defects."""
    broken = next(case for case in cases() if case.kind == "entry-odd")
    _, answer = _json(capsys, put(b.fat((6, 1, b.a_program()), (6, 2, b.put32(broken.data, 8, 2)))))
    assert answer["file"]["container"] == "fat"
    assert [(m["cpusubtype"], [d["id"] for d in m["defects"]]) for m in answer["members"]] == [
        (1, []),
        (2, ["entry-odd"]),
    ]
    assert [d["id"] for d in answer["defects"]] == ["entry-odd"]
    path = put(b.archive(("a.o", b.an_object()), ("b.o", b.an_object())))
    _, answer = _json(capsys, path)
    assert [m["name"] for m in answer["members"]] == ["a.o", "b.o"]
    assert answer["table_of_contents"][0]["name"] == "_main"
    assert main(["inspect", path]) == 0
    assert "member b.o: " in capsys.readouterr().out


def test_defects_are_exit_1_with_offset_and_remedy(put: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """An error is exit 1, and its line has id, offset, message and remedy; a warning alone is exit 0."""
    found = {case.kind: case for case in cases()}
    path = put(found["entry-odd"].data)
    assert main(["inspect", path]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[-3] == f"error entry-odd at offset {found['entry-odd'].offset}: the entry is 0x2401"
    assert lines[-2] == "  remedy: start at an even address"
    assert lines[-1] == "1 errors, 0 warnings"
    status, answer = _json(capsys, path)
    assert status == 1
    assert set(answer["defects"][0]) == {"id", "severity", "offset", "message", "remedy"}
    assert main(["inspect", put(found["unknown-flags"].data)]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "0 errors, 1 warnings"


@pytest.mark.parametrize(("cpu", "status"), [("m68030", 1), ("m68040", 0)])
def test_the_cpu_decides(cpu: str, status: int, put: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """--cpu judges the subtype of a file, and the members of a fat file."""
    program = b.a_program(cpusubtype=2)
    assert main(["inspect", put(program), "--cpu", cpu]) == status
    assert main(["inspect", put(b.fat((6, 2, program)), "fat"), "--cpu", cpu]) == status
    assert ("wrong-cpusubtype" in capsys.readouterr().out) is bool(status)


@pytest.mark.parametrize("data", [b"", b"#!/bin/sh\n", b"\x7fELF" + bytes(60), b.a_program()[:20]])
def test_unreadable_files_are_exit_2(data: bytes, put: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """What is no Mach-O is exit 2, with a message on stderr, and with errors in the answer."""
    path = put(data)
    assert main(["inspect", path]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert path in captured.err
    assert "remedy" in captured.err
    status, answer = _json(capsys, path)
    assert status == 2
    assert answer["errors"][0]["remedy"]


def test_what_is_no_file_is_exit_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A missing file, a folder, a pipe and a name with a NUL are refused at once."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for name in (str(tmp_path / "none"), str(tmp_path), str(pipe), "a\0b"):
        assert main(["inspect", name]) == 2
        assert capsys.readouterr().err
    assert main(["inspect", str(pipe), "--json", "-"]) == 2
    assert json.loads(capsys.readouterr().out)["errors"][0]["message"] == "not a regular file"


def test_json_to_a_file_keeps_the_text(put: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--json FILE writes the answer there and leaves the text on stdout."""
    target = tmp_path / "answer.json"
    assert main(["inspect", put(b.a_program()), "--json", str(target)]) == 0
    assert capsys.readouterr().out.endswith("sound\n")
    jsonschema.validate(json.loads(target.read_text()), SCHEMA)


def test_rows_are_bounded_and_counted(put: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """--rows N lists N rows, says how many more there are, and does not change what is checked."""
    path = put(b.a_program())
    _, answer = _json(capsys, path, "--rows", "2")
    assert len(answer["symbols"]) == 2
    assert answer["omitted"]["symbols"] == 4
    assert main(["inspect", path, "--rows", "2"]) == 0
    assert "and 4 more symbols" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["inspect", path, "--rows", "0"])
    assert "is not a number from 1" in capsys.readouterr().err


def test_names_cannot_drive_the_terminal(put: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Control characters in a file's names are escaped in the text."""
    path = put(b.a_program().replace(b"_buffer", b"\x1b[31mxx"))
    assert main(["inspect", path]) == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert r"\x1b[31mxx" in out


def test_the_command_stays_within_64_mib(put: Any) -> None:
    """A file with hundreds of thousands of symbols with long names takes at most 64 MiB over its size."""
    names = ("\U0001f600" * 100 + "\0").encode() * 1000
    table = b.nlist(1, 0x0F, 1, 0) * 200_000
    path = put(b.macho(1, [b.symtab(52, 200_000, 52 + len(table), len(names))], {52: table, 52 + len(table): names}))
    peaks = []
    for name in (put(b.a_program(), "small"), path):
        done = subprocess.run(
            [sys.executable, "-c", PEAK, name], capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL
        )
        peaks.append(int(done.stderr.splitlines()[-1]))
    assert peaks[1] - peaks[0] <= (64 << 20) + Path(path).stat().st_size


PEAK = """
import resource, sys
from pathlib import Path
from pytest_nextrust.cli import main
main(["inspect", sys.argv[1], "--json", "-"])
status = Path("/proc/self/status")
lines = status.read_text().splitlines() if status.exists() else []
high = [int(line.split()[1]) << 10 for line in lines if line.startswith("VmHWM")]
print(high[0] if high else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)
"""
