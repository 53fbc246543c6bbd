"""``--nextrust-untrusted``: what a stranger's scenario could run is left out, and what it compiles is confined."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.integration.conftest import CELL, Project

FIRST = ("--nextrust-phase", "first", "--nextrust-cell", CELL)
PROGRAM = 'language = "c"\nsources = ["main.c"]'
CONFINED = pytest.mark.skipif(shutil.which("bwrap") is None, reason="needs bubblewrap")


def built(project: Project, source: str) -> None:
    """A scenario that compiles ``source`` and expects it to answer 0."""
    project.scenario("tiny", expect="exit = 0")
    folder = project.path / "scenarios/tiny"
    file = folder / "scenario.toml"
    file.write_text(file.read_text().replace('file = "program.macho"', PROGRAM))
    (folder / "main.c").write_text(source)


@CONFINED
@pytest.mark.needs_compiler("gnu")
def test_a_program_is_built_and_runs(project: Project) -> None:
    """An ordinary source compiles under confinement as it does without; the run says that it is untrusted."""
    built(project, '#include "own.h"\n#include <stdio.h>\nint main(void) { return OWN; }\n')
    (project.path / "scenarios/tiny/own.h").write_text("#define OWN 0\n")
    result = project.run(*FIRST, "--nextrust-untrusted")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["nextrust: untrusted: *"])


@CONFINED
@pytest.mark.needs_compiler("gnu")
@pytest.mark.parametrize(
    "text", ['#include "{file}"\n', '__asm__(".incbin \\"{file}\\"");\n'], ids=["include", "incbin"]
)
def test_a_source_reads_no_file_of_the_host(project: Project, tmp_path: Path, text: str) -> None:
    """A file outside the scenario is not there for the compiler; without the option it is."""
    secret = tmp_path / "outside.h"
    secret.write_text("/* secret */\n")
    built(project, text.format(file=secret) + "int main(void) { return 0; }\n")
    project.run(*FIRST, "--nextrust-untrusted").assert_outcomes(failed=1)
    assert "No such file" in project.records()[-1]["message"] or "not found" in project.records()[-1]["message"]
    project.run(*FIRST).assert_outcomes(passed=1)


@pytest.mark.needs_compiler("gnu")
def test_without_bubblewrap_nothing_is_compiled(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where compilers cannot be confined the build is refused, with what to install."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for folder in ("/usr/bin", "/bin"):
        for tool in Path(folder).glob("*"):
            if tool.name != "bwrap" and not (tools / tool.name).exists():
                (tools / tool.name).symlink_to(tool)
    monkeypatch.setenv("PATH", str(tools))
    built(project, "int main(void) { return 0; }\n")
    project.run(*FIRST, "--nextrust-untrusted").assert_outcomes(failed=1)
    record = project.records()[-1]
    assert record["verdict"] == "infra-error"
    assert "bubblewrap" in record["message"]


def test_a_project_brings_no_toolchain(project: Project, tmp_path: Path) -> None:
    """A toolchain table is a command of the project's choice: it is not among the toolchains, and nothing runs."""
    canary = tmp_path / "canary"
    (project.path / "nextrust.toml").write_text(
        f'[toolchain.own]\ncompile = ["touch", "{canary}", "{{out}}", "{{sources}}"]\n'
    )
    built(project, "int main(void) { return 0; }\n")
    result = project.run(*FIRST, "--nextrust-untrusted", "--nextrust-toolchain", "own")
    assert result.ret != 0
    assert not canary.exists()


def test_a_fork_is_untrusted_by_itself(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a job about a pull request from a fork the option is on; the ini file cannot turn it off."""
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"pull_request": {"head": {"repo": {"id": 2}}, "base": {"repo": {"id": 1}}}}))
    for name, text in {"ACTIONS": "true", "EVENT_NAME": "pull_request", "EVENT_PATH": str(event)}.items():
        monkeypatch.setenv(f"GITHUB_{name}", text)
    project.scenario("tiny", expect="exit = 0")
    result = project.run(*FIRST, "-o", "nextrust_untrusted=false")
    result.stdout.fnmatch_lines(["nextrust: untrusted: *"])
