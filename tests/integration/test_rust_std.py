"""Claims: unmodified Rust programs with std are built for the NeXT, print there what they print on this host and end as
they do here; they are explored; doctor says what is built."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_nextrust.cli import main
from pytest_nextrust.toolchain.rust import RustToolchain

pytestmark = pytest.mark.needs_compiler("rust-mended")

SOURCES = Path(__file__).parents[1] / "rust_std"
FULL = os.environ.get("NEXTRUST_CAMPAIGN") == "full"
TEXT_SIZE = 1_000_000 if FULL else 60_000
ABORTED = 134
"""Of a program that SIGABRT kills, to a shell and to ``nextrust run``."""
THREAD_ID = re.compile(rb"(thread '\w+') \(\d+\)")

Built = Callable[[Path], Path]


def rustc() -> str:
    compiler = RustToolchain().compiler()
    assert compiler is not None
    return compiler.path


@pytest.fixture(scope="session")
def on_host(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Builds a source for this host, once."""
    folder = tmp_path_factory.mktemp("host")

    def build(source: Path) -> Path:
        program = folder / source.stem
        if not program.exists():
            flags = ["--edition=2024", "-C", "panic=abort", "--crate-name", "program"]
            remap = ["--remap-path-prefix", f"{source.parent}=", "--target", "x86_64-unknown-linux-gnu"]
            subprocess.run([rustc(), *flags, *remap, "-o", program, source], check=True, cwd=folder)
        return program

    return build


def run_both(
    capfdbinary: pytest.CaptureFixture[bytes], host: Path, machine: list[str], root: Path, *arguments: str
) -> tuple[tuple[int, bytes, bytes], ...]:
    """Status, stdout and stderr on the host, in a copy of ``root``, and on the machine."""
    copied = root.with_name(root.name + "-host")
    shutil.copytree(root, copied)
    environment = {"GREETING": "hi", "PATH": "/bin"}
    given = b"first\nsecond\nthird"
    done = subprocess.run([host, *arguments], cwd=copied, env=environment, input=given, capture_output=True)
    typed = root.with_name("typed")
    typed.write_bytes(given)
    options = ["--root", str(root), "--stdin", str(typed), "--env", "GREETING=hi", "--budget", "20G"]
    status = main(["run", *options, *machine, *arguments])
    out, err = capfdbinary.readouterr()
    mine = re.sub(rb"nextrust run: [^\n]*\n", b"", err)
    expected = (128 - done.returncode if done.returncode < 0 else done.returncode, done.stdout, done.stderr)
    found = (status, out, mine)
    return tuple((code, text, THREAD_ID.sub(rb"\1", more)) for code, text, more in (expected, found))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """What programs see as /: two files and a folder."""
    folder = tmp_path / "root"
    (folder / "sub").mkdir(parents=True)
    (folder / "a").write_text("abc\n")
    words = [chr(97 + at % 26) * (at % 7 + 1) + "äöü"[at % 3] for at in range(500)]
    lines = (" ".join(words[(at * at + n) % 500] for n in range(9)) for at in range(TEXT_SIZE // 60))
    (folder / "text.txt").write_text("".join(f"{line}\n" for line in lines))
    return folder


@pytest.mark.parametrize("name", ["hello", "words", "map", "threads", "folder", "times", "misc", "panics"])
def test_std_programs_do_what_they_do_on_the_host(
    name: str, root: Path, on_host: Built, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    """The same status, output and messages, also of a panic, which ends by SIGABRT."""
    source = SOURCES / f"{name}.rs"
    arguments = ["text.txt"] if name == "words" else ["x", "y z"] if name == "misc" else []
    expected, found = run_both(capfdbinary, on_host(source), ["--profile", "release", str(source)], root, *arguments)
    assert found == expected
    assert (expected[0] == ABORTED) == (name == "panics")


@pytest.mark.parametrize("by", ["cargo", "itself"])
def test_a_workspace_is_built_as_it_is(
    by: str, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program with a dependency by path; nothing is written into it. Without cargo it is built just so."""
    if by == "itself":
        monkeypatch.setattr("pytest_nextrust.toolchain.crates.tools.find_cargo", lambda compiler: "")
    workspace = tmp_path / "workspace"
    shutil.copytree(SOURCES / "workspace", workspace)
    assert main(["run", "-p", "app", str(workspace)]) == 0
    assert capfdbinary.readouterr().out == b"Circle(1.5): 7.069\nSquare(2.0): 4.000\napp\n"
    assert not (workspace / "target").exists()


EXPLORED = {
    "right_mutex": 0,
    "right_channel": 0,
    "right_once": 0,
    "wrong_order": 1,
    "wrong_condvar": 1,
    "wrong_lost": 1,
}


@pytest.mark.parametrize("name", EXPLORED)
def test_std_programs_are_explored(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """std's threads are the kernel's: a right program is proved, a wrong one shown with the accesses that matter."""
    answer = tmp_path / "answer.json"
    source = SOURCES / "explored" / f"{name}.rs"
    status = main(["explore", "--optimise", "2", "--budget", "100s", "--json", str(answer), str(source)])
    out = capsys.readouterr().out
    assert status == EXPLORED[name]
    explored = json.loads(answer.read_text())
    if status == 0:
        assert explored["explorations"][0]["method"] == "proof"
        return
    finding = explored["findings"][0]
    kind = {"wrong_order": "deadlock", "wrong_condvar": "deadlock", "wrong_lost": "final"}[name]
    assert finding["kind"] == kind
    assert {"wrong_order": "Mutex>::lock", "wrong_condvar": "Condvar>::wait", "wrong_lost": "signal 6"}[name] in out
    assert len({step["thread"] for step in finding["trace"]}) > 1


def test_doctor_says_what_is_built(capsys: pytest.CaptureFixture[str]) -> None:
    """By toolchain and CPU, after a program has needed it."""
    assert main(["run", str(SOURCES / "hello.rs")]) == 0
    assert capsys.readouterr().out == "Hello, NeXT!\n"
    assert main(["doctor", "--json", "-"]) in (0, 1)
    found = json.loads(capsys.readouterr().out)["std"]
    assert {("rust-mended", "m68030", False)} <= {(each["toolchain"], each["cpu"], each["lto"]) for each in found}
    assert main(["doctor"]) in (0, 1)
    assert "built: rust-mended m68030 (rustc" in capsys.readouterr().out
