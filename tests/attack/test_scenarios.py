"""Scenarios that try to get out of their folder, to run something, or to read the host's files: each is refused.

Every one lies in a project beside a secret and an empty folder. What surrounds the project is the same afterwards, no
canary was made, and nothing of the secret is in what is reported.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pytest_nextrust.emu.sandbox import Sandbox
from pytest_nextrust.errors import ConfigError
from pytest_nextrust.project.matrix import Cell
from pytest_nextrust.project.run_settings import Settings
from pytest_nextrust.scenario.model import load
from pytest_nextrust.testing import exits
from pytest_nextrust.verify.scenario import verify
from pytest_nextrust.verify.services import Services

CELL = Cell("ubuntu-latest", "release", "m68030")
SECRET = "the-host-secret-4711"
HEAD = 'schema = 1\ntitle = "an attack"\nphase = "p"\n'
READY = HEAD + 'stage = "hello"\n[program]\nfile = "program.macho"\n{program}\n[expect]\n{expect}\n{rest}\n'
BUILT = HEAD + 'stage = "hello"\n[program]\nlanguage = "{language}"\n{program}\n[expect]\nexit = 0\n'
EVENTS = HEAD + 'stage = "environment"\nkind = "events"\n[events]\n{plan}\n[[events.step]]\n{step}\n'
C_SOURCE = "int main(void) { return 0; }\n"
RUST_SOURCE = "#![no_std]\n#![no_main]\nextern crate next;\n"


@dataclass(frozen=True)
class Attack:
    """A scenario's document, and what else lies in its folder. ``{out}``: the folder around the project."""

    text: str
    prepare: Callable[[Path, Path], object] = field(default=lambda folder, out: None)


def ready(program: str = "", expect: str = "exit = 0", rest: str = "") -> str:
    return READY.replace("{program}", program).replace("{expect}", expect).replace("{rest}", rest)


def built(*flags: str, language: str = "c", sources: str | None = None) -> str:
    source = "main.rs" if language == "rust" else "main.c"
    listed = ", ".join(f"'{flag}'" for flag in flags)
    program = f"sources = ['{sources or source}']\nflags = [{listed}]"
    return BUILT.replace("{language}", language).replace("{program}", program)


def events(plan: str = "", step: str = 'event = "Stop"') -> str:
    return EVENTS.replace("{plan}", plan).replace("{step}", step)


def link(name: str, target: str) -> Callable[[Path, Path], object]:
    """Make ``name`` in the scenario a link to ``target``."""

    def prepare(folder: Path, out: Path) -> None:
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.unlink(missing_ok=True)
        place.symlink_to(target.replace("{out}", str(out)))

    return prepare


def nested(folder: Path, out: Path) -> None:
    """More folders within each other than are copied."""
    deep = folder / "tree"
    for _ in range(150):
        deep = deep / "d"
    deep.mkdir(parents=True)


def with_fifo(folder: Path, out: Path) -> None:
    (folder / "tree").mkdir()
    os.mkfifo(folder / "tree/fifo")


def with_at_file(folder: Path, out: Path) -> None:
    (folder / "flags").write_text(f"-wrapper touch,{out}/canary\n")


TOUCH = "touch,{out}/canary"
ROOT = '[root]\nfolder = "tree"\n'
ATTACKS: dict[str, Attack] = {
    "stdin-up": Attack(ready('stdin_file = "../../../secret"')),
    "stdin-absolute": Attack(ready('stdin_file = "{out}/secret"')),
    "stdin-link": Attack(ready('stdin_file = "input"'), link("input", "{out}/secret")),
    "stdin-over-a-link": Attack(ready('stdin_file = "way/secret"'), link("way", "{out}")),
    "stdout-up": Attack(ready(expect='stdout_file = "../../../secret"')),
    "stdout-absolute": Attack(ready(expect='stdout_file = "{out}/secret"')),
    "stdout-link": Attack(ready(expect='stdout_file = "wanted"'), link("wanted", "../../../secret")),
    "program-up": Attack(ready().replace("program.macho", "../../../secret")),
    "program-absolute": Attack(ready().replace("program.macho", "{out}/secret")),
    "program-link": Attack(ready().replace("program.macho", "other"), link("other", "{out}/secret")),
    "program-shared-up": Attack(ready().replace("program.macho", "shared/../../../secret")),
    "program-shared-link": Attack(ready().replace("program.macho", "shared/x"), link("../shared", "{out}")),
    "root-up": Attack(ready(rest='[root]\nfolder = "../../.."\n')),
    "root-absolute": Attack(ready(rest='[root]\nfolder = "{out}"\n')),
    "root-is-a-link": Attack(ready(rest=ROOT), link("tree", "{out}")),
    "root-link-out": Attack(ready(rest=ROOT), link("tree/x", "../../../../secret")),
    "root-nested": Attack(ready(rest=ROOT), nested),
    "root-fifo": Attack(ready(rest=ROOT), with_fifo),
    "root-file-up": Attack(ready(rest='[root]\n"../../../canary" = "x"\n')),
    "root-file-over-a-link": Attack(ready(rest=ROOT + '"etc/canary" = "x"\n'), link("tree/etc", "{out}")),
    "root-file-is-a-link": Attack(ready(rest=ROOT + '"canary" = "x"\n'), link("tree/canary", "{out}/canary")),
    "source-up": Attack(built(sources="../../../secret.c")),
    "source-absolute": Attack(built(sources="{out}/secret.c")),
    "source-link": Attack(built(sources="other.c"), link("other.c", "{out}/secret.c")),
    "flag-wrapper": Attack(built("-wrapper", TOUCH)),
    "flag-at-file": Attack(built("@flags"), with_at_file),
    "flag-tools": Attack(built("-B{out}/empty/")),
    "flag-plugin": Attack(built("-fplugin={out}/plugin.so")),
    "flag-specs": Attack(built("-specs={out}/specs")),
    "flag-include": Attack(built("-include", "{out}/secret")),
    "flag-imacros": Attack(built("-imacros", "{out}/secret.c")),
    "flag-output": Attack(built("-o", "{out}/canary")),
    "flag-dependencies": Attack(built("-MD", "-MF", "{out}/canary")),
    "flag-temporaries": Attack(built("-save-temps=cwd", "-dumpdir", "{out}/canary")),
    "flag-dump": Attack(built("-fdump-tree-all={out}/canary")),
    "flag-callgraph": Attack(built("-fcallgraph-info", "-dumpbase", "{out}/canary")),
    "flag-linker": Attack(built("-Wl,-Map,{out}/canary")),
    "flag-assembler": Attack(built("-Wa,-al={out}/canary")),
    "flag-preprocessor": Attack(built("-Wp,-MD,{out}/canary")),
    "flag-define-hides": Attack(built("-D", "-fplugin={out}/plugin.so")),
    "flag-rust-linker": Attack(built("-Clinker={out}/tool", language="rust")),
    "flag-rust-emit": Attack(built("--emit=asm={out}/canary", language="rust")),
    "flag-rust-plugin": Attack(built("-Zllvm-plugins={out}/plugin.so", language="rust")),
    "flag-rust-output": Attack(built("-o", "{out}/canary", language="rust")),
    "events-python-path": Attack(events('environ = { PYTHONPATH = "{out}" }')),
    "events-python-startup": Attack(events(step='event = "Stop"\nenviron = { PYTHONSTARTUP = "{out}/x.py" }')),
    "events-shell": Attack(events('environ = { BASH_ENV = "{out}/x.sh" }')),
    "events-loader": Attack(events('environ = { LD_PRELOAD = "{out}/x.so" }')),
    "events-path": Attack(events('environ = { PATH = "{out}" }')),
    "events-git": Attack(events('environ = { GIT_EXTERNAL_DIFF = "{out}/tool" }')),
    "events-endpoint": Attack(events('environ = { O3_ENDPOINT = "https://example.org" }')),
    "events-file-up": Attack(events('project = { "../../../canary" = "x" }')),
    "events-git-hook": Attack(events('project = { ".git/hooks/post-commit" = "touch {out}/canary" }')),
    "events-step-file-up": Attack(events(step='event = "Stop"\nfiles = { "../canary" = "x" }')),
    "events-step-remove-up": Attack(events(step='event = "Stop"\nremove = ["../../../secret"]')),
    "events-build": Attack(events(step='run = ["build", "x.c", "--flag=-wrapper", "--flag=touch,{out}/canary"]')),
    "events-status-elsewhere": Attack(events(step='run = ["status", "rebuild", "--dir", "{out}"]')),
    "events-status-up": Attack(events(step='run = ["status", "rebuild", "--dir=../../.."]')),
}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as one:
        yield one


def surroundings(out: Path) -> dict[str, tuple[int, int, bytes]]:
    """Everything around the project but the project itself: mode, time of change, content."""
    found = {}
    for path in sorted(out.rglob("*")):
        if (out / "project") in (path, *path.parents):
            continue
        facts = path.lstat()
        found[str(path.relative_to(out))] = (
            facts.st_mode,
            facts.st_mtime_ns,
            path.read_bytes() if path.is_file() and not path.is_symlink() else b"",
        )
    return found


def carried_out(attack: Attack, out: Path, sandbox: Sandbox) -> tuple[str, str]:
    """The verdict of the scenario in a project below ``out``, and all that is said of it."""
    project = out / "project"
    folder = project / "scenarios/attack"
    folder.mkdir(parents=True)
    (out / "empty").mkdir()
    (out / "secret").write_text(SECRET + "\n")
    (out / "secret.c").write_text(f"{C_SOURCE}/* {SECRET} */\n")
    (folder / "program.macho").write_bytes(exits(0))
    (folder / "main.c").write_text(C_SOURCE)
    (folder / "main.rs").write_text(RUST_SOURCE)
    attack.prepare(folder, out)
    (folder / "scenario.toml").write_text(attack.text.replace("{out}", str(out)))
    before = surroundings(out)
    work = out.parent / "work"

    def folder_for(name: str) -> Path:
        (work / name).mkdir(parents=True)
        return work / name

    services = Services(Settings(root=project), folder_for, machine=lambda: sandbox)
    try:
        outcome = verify(load(folder / "scenario.toml"), CELL, services)
    except ConfigError as error:
        assert surroundings(out) == before
        return "refused", str(error)
    assert surroundings(out) == before
    return outcome.verdict, outcome.message


@pytest.mark.needs_compiler("gnu", "rust")
@pytest.mark.parametrize("name", sorted(ATTACKS))
def test_nothing_outside_is_reached(name: str, tmp_path: Path, sandbox: Sandbox) -> None:
    """It does not pass, nothing around its project changes, and the secret is not in what is said."""
    out = tmp_path / "out"
    out.mkdir()
    verdict, message = carried_out(ATTACKS[name], out, sandbox)
    assert verdict not in ("passed", "skipped", "expected-failure")
    assert SECRET not in message
    assert not (out / "canary").exists()


@pytest.mark.needs_compiler("gnu", "rust")
@pytest.mark.parametrize(
    "attack",
    [
        Attack(ready()),
        Attack(built("-O1", "-DX=1")),
        Attack(ready(rest='[root]\n"etc/motd" = "x"\n')),
    ],
    ids=["ready", "built", "root"],
)
def test_an_honest_scenario_passes(attack: Attack, tmp_path: Path, sandbox: Sandbox) -> None:
    """The same surroundings let a scenario pass that wants nothing of them: the attacks fail for what they try."""
    out = tmp_path / "out"
    out.mkdir()
    assert carried_out(attack, out, sandbox)[0] == "passed"


def test_what_surrounds_a_project_is_looked_at(tmp_path: Path) -> None:
    """A new file, a changed one and another mode around the project are seen; what changes inside it is not."""
    (tmp_path / "project").mkdir()
    (tmp_path / "secret").write_text("a")
    before = surroundings(tmp_path)
    (tmp_path / "project/x").write_text("x")
    assert surroundings(tmp_path) == before
    (tmp_path / "canary").touch()
    assert surroundings(tmp_path) != before
    (tmp_path / "canary").unlink()
    (tmp_path / "secret").chmod(0o600)
    assert surroundings(tmp_path) != before
