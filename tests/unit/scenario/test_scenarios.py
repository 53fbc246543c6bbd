"""Reading ``scenario.toml``, and finding scenarios."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_nextrust.errors import ConfigError
from pytest_nextrust.project.matrix import Matrix
from pytest_nextrust.scenario.model import SIGNALS, ExpectedFailure, find, load, shipped_folder
from pytest_nextrust.testing import write_scenario

HEAD = 'schema = 1\ntitle = "t"\nphase = "phase-3"\nstage = "hello"\n'
PROGRAM = '[program]\nlanguage = "c"\nsources = ["main.c"]\n'
EXPECT = "[expect]\nexit = 0\n"


def written(tmp_path: Path, text: str) -> Path:
    folder = tmp_path / "one"
    folder.mkdir(exist_ok=True)
    (folder / "main.c").write_text("", encoding="utf-8")
    (folder / "scenario.toml").write_text(text, encoding="utf-8")
    return folder / "scenario.toml"


def faults(tmp_path: Path, text: str) -> dict[str, str]:
    with pytest.raises(ConfigError) as caught:
        load(written(tmp_path, text), phases=["phase-3"])
    return {fault.path: fault.message for fault in caught.value.faults}


def test_a_whole_document(tmp_path: Path) -> None:
    """Everything a document may say is read as it stands."""
    scenario = load(
        written(
            tmp_path,
            HEAD + 'cpus = ["m68040"]\n' + PROGRAM + 'args = ["one"]\nenv = { A = "b" }\nstdin = "in"\n'
            '[root]\n"etc/x" = "y"\n[limits]\nbudget = 10\nwall = 2\n[run]\nschedule_seed = 5\n'
            '[expect]\nsignal = "SIGILL"\nfiles = { "out" = "z" }\n'
            '[[known_issue]]\nid = "k"\nfailure = "signal"\nprofiles = ["debug"]\n',
        )
    )
    assert scenario.name == "one"
    assert scenario.program is not None
    assert (scenario.program.args, scenario.program.env) == (("one",), {"A": "b"})
    assert scenario.root_files == {"etc/x": "y"}
    assert (scenario.limits.budget, scenario.limits.wall) == (10, 2.0)
    assert (scenario.run.schedule_seed, scenario.run.choose_seed) == (5, 0)
    assert len(scenario.cells(Matrix().cells)) == 4
    assert scenario.known_issues[0].failure == "signal"


def test_every_fault_at_once(tmp_path: Path) -> None:
    """Faults of keys, of rules between keys, of files and of the phase come together."""
    found = faults(
        tmp_path,
        'schema = 1\ntitle = "t"\nphase = "phase-9"\nstage = "hello"\nspeed = 1\n'
        '[program]\nlanguage = "cobol"\nsources = ["none.c"]\n[expect]\nexit = 0\nsignal = "SIGWHAT"\n',
    )
    assert set(found) == {"speed", "program.language", "expect.signal", "program.sources[0]", "phase"}


@pytest.mark.parametrize(
    ("text", "path"),
    [
        (HEAD + PROGRAM, "expect"),
        (HEAD + EXPECT, "program"),
        (HEAD + PROGRAM + "[expect]\n", "expect.exit"),
        (HEAD + PROGRAM + '[expect]\nexit = 0\nend = "budget"\n', "expect.end"),
        (HEAD + PROGRAM + '[expect]\nexit = 0\nstdout = ""\nstdout_file = "main.c"\n', "expect.stdout_file"),
        (HEAD + '[program]\nfile = "main.c"\nlanguage = "c"\n' + EXPECT, "program.language"),
        (HEAD + "[program]\n" + EXPECT, "program.language"),
        (HEAD.replace("hello", "environment") + EXPECT + '[[check]]\nkind = "toolchains"\n', "expect"),
        (HEAD.replace("hello", "environment"), "check"),
        (HEAD.replace("hello", "object") + PROGRAM, "check"),
        (HEAD + PROGRAM + EXPECT + '[[check]]\nkind = "file-exists"\n', "check[0].path"),
        (HEAD + PROGRAM + '[root]\n"../x" = ""\n' + EXPECT, 'root."../x"'),
        (HEAD + PROGRAM + '[root]\nfolder = "nowhere"\n' + EXPECT, "root.folder"),
        (HEAD + "cpus = []\n" + PROGRAM + EXPECT, "cpus"),
    ],
)
def test_rules(tmp_path: Path, text: str, path: str) -> None:
    """Each rule between keys is reported at its place."""
    assert path in faults(tmp_path, text)


def test_a_concurrent_scenario(tmp_path: Path) -> None:
    """``[concurrent]`` stands in for ``[expect]``: read as it is, and refused beside it or where it makes no sense."""
    text = HEAD + PROGRAM + '[concurrent]\nexpect = "deadlock"\nsignals = 2\nnested = true\nstates = 10\n'
    concurrent = load(written(tmp_path, text)).concurrent
    assert concurrent is not None
    assert (concurrent.expect, concurrent.signals, concurrent.nested, concurrent.states) == ("deadlock", 2, True, 10)
    assert "given beside concurrent" in faults(tmp_path, text + EXPECT)["expect"]
    for body, key in (
        ('expect = "surprise"', "concurrent.expect"),
        ('expect = "passed"\nnested = true', "concurrent.nested"),
        ('expect = "starvation"', "concurrent.expect"),
        ('expect = "passed"\nstates = 0', "concurrent.states"),
        ("signals = 1", "concurrent.expect"),
    ):
        assert key in faults(tmp_path, HEAD + PROGRAM + "[concurrent]\n" + body)


def test_a_folder_name_that_cannot_be_an_id(tmp_path: Path) -> None:
    """The folder's name is part of node ids: one with brackets is refused."""
    file = write_scenario(tmp_path, "a[b]", phase="phase-3")
    with pytest.raises(ConfigError, match="its name"):
        load(file)


def test_find_says_what_replaces_what(tmp_path: Path) -> None:
    """Later folders replace scenarios of earlier ones by name, with a remark; the same folder twice does not."""
    first = write_scenario(tmp_path / "a", "x", phase="p")
    second = write_scenario(tmp_path / "b", "x", phase="p")
    files, remarks = find([tmp_path / "a", tmp_path / "b", tmp_path / "missing"])
    assert files == {"x": second}
    assert remarks == (f"scenario x: {second} replaces {first}",)
    assert find([tmp_path / "a", tmp_path / "a"])[1] == ()


def test_every_shipped_scenario_is_sound() -> None:
    """What is shipped can be read, and its phases are the shipped ones."""
    folder = shipped_folder()
    assert folder is not None
    files, _ = find([folder])
    assert len(files) >= 20
    for file in files.values():
        load(file, phases=[f"phase-{n}" for n in range(1, 6)])


def test_signals() -> None:
    """Numbers as in <signal.h> of 4.3BSD, with the later name of SIGIOT."""
    assert (SIGNALS["SIGILL"], SIGNALS["SIGBUS"], SIGNALS["SIGUSR2"], SIGNALS["SIGABRT"]) == (4, 10, 31, 6)


def test_a_known_issue_covers_what_it_names() -> None:
    """Empty lists mean everything; versions are prefixes, and say where it was seen."""
    cell = Matrix().cells[0]
    issue = ExpectedFailure("k", "stdout", profiles=("debug",), toolchains=("rust",), versions=("1.9",))
    assert issue.covers(cell, "rust", "1.96.0")
    assert issue.seen_in("1.96.0")
    assert not issue.seen_in("1.85.0")
    assert not issue.covers(cell, "gnu", "1.96.0")
    assert not issue.covers(Matrix().cells[2], "rust", "1.96.0")
