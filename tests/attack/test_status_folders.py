"""Status folders that came with a pull request: links, devices, pipes, huge and broken files in the place of each of
their parts. Every command about such a folder ends by itself, in bounded memory, with a clear error or the honest
answer; nothing around the project is written, read out or left.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from pytest_nextrust.status.journal import Journal
from tests.attack.test_scenarios import SECRET, surroundings

MEMORY = 3 << 30
SECONDS = 200
COMMANDS: dict[str, tuple[str, ...]] = {
    "show": ("show", "--json", "-"),
    "phases": ("phases",),
    "append": ("append", "note", '{"text": "x"}'),
    "rebuild": ("rebuild",),
    "rotate": ("rotate", "--days", "0"),
    "merge": ("merge", "{out}/other"),
}
Prepare = Callable[[Path, Path], object]


@dataclass(frozen=True)
class Folder:
    """``prepare(folder, out)`` lays it; ``refused``: the commands that end in an error which has ``says`` in it."""

    prepare: Prepare
    refused: tuple[str, ...] = ()
    says: str = ""


def link(name: str, target: str = "{out}/secret") -> Prepare:
    def prepare(folder: Path, out: Path) -> None:
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.unlink(missing_ok=True)
        place.symlink_to(target.replace("{out}", str(out)))

    return prepare


def fifo(name: str) -> Prepare:
    def prepare(folder: Path, out: Path) -> None:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).unlink(missing_ok=True)
        os.mkfifo(folder / name)

    return prepare


def directory(name: str) -> Prepare:
    def prepare(folder: Path, out: Path) -> None:
        (folder / name).unlink(missing_ok=True)
        (folder / name / "inside").mkdir(parents=True)

    return prepare


def content(name: str, data: bytes) -> Prepare:
    def prepare(folder: Path, out: Path) -> None:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(data)

    return prepare


def sparse(name: str) -> Prepare:
    def prepare(folder: Path, out: Path) -> None:
        (folder / name).parent.mkdir(exist_ok=True)
        with (folder / name).open("ab") as stream:
            stream.truncate(20 << 30)

    return prepare


READING = ("show", "phases", "rebuild", "merge")
ALL = (*READING, "append", "rotate")
FOLDERS: dict[str, Folder] = {
    "archive-fifo": Folder(fifo("archive/2020-01.jsonl"), READING, "not a file"),
    "archive-garbage": Folder(content("archive/2020-01.jsonl", os.urandom(200_000))),
    "archive-link": Folder(link("archive/2020-01.jsonl"), READING, "a link"),
    "archive-link-to-device": Folder(link("archive/2020-01.jsonl", "/dev/zero"), READING, "a link"),
    "archive-sparse": Folder(sparse("archive/2020-01.jsonl"), READING, "a hole of"),
    "archives-link": Folder(link("archive", "{out}/empty"), (*READING, "rotate"), "a link"),
    "index-fifo": Folder(fifo("journal.index")),
    "index-garbage": Folder(content("journal.index", os.urandom(200_000))),
    "index-link": Folder(link("journal.index")),
    "index-sparse": Folder(sparse("journal.index")),
    "journal-directory": Folder(directory("journal.jsonl"), ALL, ""),
    "journal-fifo": Folder(fifo("journal.jsonl"), ALL, "not a file"),
    "journal-garbage": Folder(content("journal.jsonl", os.urandom(200_000))),
    "journal-link": Folder(link("journal.jsonl"), ALL, "a link"),
    "journal-link-to-device": Folder(link("journal.jsonl", "/dev/zero"), ALL, "a link"),
    "journal-link-to-nothing": Folder(link("journal.jsonl", "{out}/canary"), ALL, ""),
    "journal-nested": Folder(content("journal.jsonl", b'{"schema":1,"details":' + b"[" * 200_000 + b"\n")),
    "journal-number": Folder(content("journal.jsonl", b'{"schema":1,"seq":' + b"9" * 900_000 + b"}\n")),
    "journal-one-line": Folder(content("journal.jsonl", b"x" * 20_000_000)),
    "journal-sparse": Folder(sparse("journal.jsonl"), ALL, "a hole of"),
    "known-issues-device": Folder(link("known-issues.json", "/dev/zero")),
    "known-issues-fifo": Folder(fifo("known-issues.json")),
    "known-issues-link": Folder(link("known-issues.json")),
    "known-issues-sparse": Folder(sparse("known-issues.json")),
    "lock-directory": Folder(directory("journal.lock"), ("append",), "journal.lock"),
    "lock-link": Folder(link("journal.lock", "{out}/canary"), ("append",), "journal.lock"),
    "projection-directory": Folder(directory("pipeline-log.md"), ("rebuild",), "a projection cannot be written"),
    "projection-link": Folder(link("pipeline-log.json")),
}


def status(project: Path, out: Path, name: str) -> tuple[int, str]:
    """One command about the project's status folder: exit status and output."""
    words = [word.replace("{out}", str(out)) for word in COMMANDS[name]]
    command = [str(Path(sys.executable).with_name("nextrust")), "status", *words, "--dir", "docs/ci-status"]
    done = subprocess.run(
        command, cwd=project, capture_output=True, text=True, errors="replace", timeout=SECONDS,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY)),
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def laid(attack: Folder, out: Path) -> Path:
    """A project below ``out`` with an honest log, of which the attack has changed a part."""
    project = out / "project"
    folder = project / "docs/ci-status"
    folder.mkdir(parents=True)
    (out / "empty").mkdir()
    (out / "secret").write_text(SECRET + "\n")
    for place in (folder, out / "other"):
        Journal(place).append("note", {"text": "honest"})
    attack.prepare(folder, out)
    return project


@pytest.mark.parametrize("name", sorted(FOLDERS))
def test_nothing_around_it_is_reached(name: str, tmp_path: Path) -> None:
    """Each command in turn: what cannot be right is refused with its place and a remedy, all else is answered."""
    out, attack = tmp_path / "out", FOLDERS[name]
    project = laid(attack, out)
    before = surroundings(out)
    for command in COMMANDS:
        code, output = status(project, out, command)
        assert code == (2 if command in attack.refused else 0), (command, output)
        assert "Traceback" not in output
        assert SECRET not in output
        if code:
            assert attack.says in output
            assert "docs/ci-status" in output
            assert "remedy" in output
        assert surroundings(out) == before, command


def test_the_same_commands_answer_about_an_honest_folder(tmp_path: Path) -> None:
    """The twin: what they refuse above they do here, and the honest entry is there to the end."""
    out = tmp_path / "out"
    project = laid(Folder(lambda folder, out: None), out)
    for command in COMMANDS:
        assert status(project, out, command)[0] == 0
    code, output = status(project, out, "show")
    assert code == 0
    assert json.loads(output)["log"]["counts"]["records"] == 3
