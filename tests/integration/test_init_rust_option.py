"""nextrust init --rust: cargo's run and test of a fresh folder run on the machine; settings are merged, not lost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_nextrust.cli import main
from pytest_nextrust.commands.init_rust import CONFIG, WANTED, merged_config, sample
from pytest_nextrust.toolchain.crates.tools import find_cargo
from pytest_nextrust.toolchain.rust import RustToolchain
from tests.integration.test_cargo_packages import pytestmark as needs_cargo


def init(root: Path, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, str], str]:
    status = main(["init", "--rust", "--dir", str(root), "--json", "-", *words])
    answer = json.loads(capsys.readouterr().out)
    reasons = " ".join(file["reason"] for file in answer["files"])
    return status, {file["path"]: file["action"] for file in answer["files"]}, reasons


def cargo(cwd: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """The real cargo of the rustc that builds for the m68k, as a user calls it."""
    compiler = RustToolchain().compiler()
    assert compiler is not None
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    dropped = ("RUSTC", "CARGO")
    environment = {name: text for name, text in os.environ.items() if not name.startswith(dropped)}
    return subprocess.run(
        [find_cargo(compiler), *words], cwd=cwd, env={**environment, "PATH": path}, capture_output=True, text=True
    )


@needs_cargo
def test_a_fresh_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is written in an empty folder is run and tested by cargo itself, and written once."""
    root = tmp_path / "2 many Words"
    root.mkdir()
    status, actions, _ = init(root, capsys)
    assert (status, set(actions.values())) == (0, {"written"})
    assert set(actions) == {CONFIG, "Cargo.toml", "src/lib.rs", "src/main.rs"}
    done = cargo(root, "run", "-q")
    assert (done.returncode, done.stdout) == (0, "hello from a NeXT\n"), done.stderr
    done = cargo(root, "test")
    assert done.returncode == 0, done.stderr
    assert "test tests::with_a_carry ... ok" in done.stdout
    library = root / "src/lib.rs"
    library.write_text(library.read_text().replace("checksum(&[0xffff, 2]) == 2", "checksum(&[0xffff, 2]) == 1"))
    done = cargo(root, "test", "--lib")
    assert done.returncode == 101
    assert "tests::with_a_carry ... FAILED" in done.stdout
    assert "test tests::of_nothing ... ok" in done.stdout
    assert init(root, capsys)[:2] == (0, {CONFIG: "unchanged"})


def test_an_existing_package(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A package is left as it is; its settings get what is missing, and keep every line that they have."""
    (tmp_path / "Cargo.toml").write_text("[package]\n")
    config = tmp_path / CONFIG
    config.parent.mkdir()
    old = (
        '# mine\n[build]\njobs = 1 # few\n\n[target.m68k-unknown-none-elf]\nrustflags = ["-g"]\n[alias]\nb = "build"\n'
    )
    config.write_text(old)
    assert init(tmp_path, capsys, "--dry-run")[:2] == (0, {CONFIG: "written"})
    assert config.read_text() == old
    assert init(tmp_path, capsys)[:2] == (0, {CONFIG: "written"})
    text = config.read_text()
    assert [line for line in text.splitlines() if line in old.splitlines()] == old.splitlines()
    read = tomllib.loads(text)
    assert read["build"] == {
        "jobs": 1,
        "target": "m68k-unknown-none-elf",
        "rustc-wrapper": "nextrust-rustc",
        "rustdoc": "nextrust-rustdoc",
    }
    assert read["target"]["m68k-unknown-none-elf"] == {"rustflags": ["-g"], "runner": ["nextrust", "runner"]}
    assert init(tmp_path, capsys)[:2] == (0, {CONFIG: "unchanged"})


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ('[build]\ntarget = "x86_64-unknown-linux-gnu"\n', "says build.target"),
        ('[build]\nrustc-wrapper = "sccache"\n', "says build.rustc-wrapper"),
        ("[build\n", "is not TOML"),
        ("build = { jobs = 1 }\n", "nothing can be added to"),
        ("build = 3\n", "nothing can be added to"),
    ],
)
def test_settings_that_say_something_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, word: str
) -> None:
    """What would be changed is refused with the reason, and the file is as it was."""
    (tmp_path / "Cargo.toml").write_text("[package]\n")
    (tmp_path / ".cargo").mkdir()
    (tmp_path / CONFIG).write_text(text)
    status, actions, reasons = init(tmp_path, capsys)
    assert (status, actions) == (1, {CONFIG: "refused"})
    assert word in reasons
    assert (tmp_path / CONFIG).read_text() == text


def test_cargos_older_name_for_its_settings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """cargo reads `.cargo/config` in place of the other: nothing is written beside it."""
    (tmp_path / "Cargo.toml").write_text("[package]\n")
    (tmp_path / ".cargo").mkdir()
    (tmp_path / ".cargo/config").write_text("")
    status, actions, reasons = init(tmp_path, capsys)
    assert (status, actions) == (1, {CONFIG: "refused"})
    assert "rename it" in reasons


KEYS = st.sampled_from(["jobs", "verbose", "runner", "target", "x"])
TABLES = st.sampled_from(["build", "target.m68k-unknown-none-elf", "target.other", "alias", "build.env"])
DOCUMENTS = st.dictionaries(
    TABLES, st.dictionaries(KEYS, st.integers(0, 9) | st.text("ab #[]", max_size=6), max_size=3)
)


@given(DOCUMENTS, st.booleans())
def test_nothing_is_lost(tables: dict[str, dict[str, Any]], newline: bool) -> None:
    """Whatever settings there are: merged they say all that they said and all that is wanted, or they are refused."""
    text = "\n".join(
        f"[{table}]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in keys.items())
        for table, keys in tables.items()
    )
    text = text if newline else text.rstrip("\n")
    merged = merged_config(text)
    if merged.refused:
        assert merged.text == text
        return
    read, before = tomllib.loads(merged.text), tomllib.loads(text)
    for table, key, value in WANTED:
        first, _, rest = table.partition(".")
        place = read[first][rest] if rest else read[first]
        assert place[key] == value
    for table, keys in tables.items():
        first, _, rest = table.partition(".")
        place = read[first][rest] if rest else read[first]
        assert {key: place[key] for key in keys} == keys
    assert set(before) <= set(read)
    assert merged_config(merged.text).text == merged.text


@pytest.mark.parametrize(
    ("folder", "name"),
    [("Blue Box", "blue-box"), ("2nd", "next-2nd"), ("test", "next-test"), ("äöü", "sample"), ("a_b", "a-b")],
)
def test_a_package_is_named_for_its_folder(folder: str, name: str) -> None:
    """The name is one that cargo takes, and the program uses the library by it."""
    written = sample(folder)
    assert tomllib.loads(written["Cargo.toml"])["package"]["name"] == name
    assert f"{name.replace('-', '_')}::checksum" in written["src/main.rs"]
