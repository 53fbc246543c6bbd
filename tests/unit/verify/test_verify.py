"""Verifying with a machine and toolchains that do as they are told."""

from __future__ import annotations

import errno
import functools
import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_nextrust.emu.records import End, FaultReport, GateStatus, RunRecord, RunRequest
from pytest_nextrust.errors import BuildFailed, HarnessFault, NotRunnable, ToolchainError, ToolchainMissing, UsageFault
from pytest_nextrust.project.matrix import Matrix
from pytest_nextrust.project.run_settings import Settings, parse_budget
from pytest_nextrust.scenario.model import Scenario, load
from pytest_nextrust.testing import exits, write_scenario
from pytest_nextrust.toolchain.interface import BuildRequest, BuildResult, Probe
from pytest_nextrust.verify.compare import describe_fault, difference
from pytest_nextrust.verify.scenario import verdict_of, verify
from pytest_nextrust.verify.services import Services

CELL = Matrix().cells[0]

SOUND = RunRecord("ab", "m68030", End("exit", 0), b"out", b"", 10, True, 0.1)


class FakeMachine:
    """Answers with a record, or raises; keeps the requests."""

    def __init__(self, answer: RunRecord | Exception) -> None:
        self.answer = answer
        self.requests: list[RunRequest] = []
        self.closed = 0

    def run(self, request: RunRequest) -> RunRecord:
        self.requests.append(request)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def gate(self, *, fresh: bool = False) -> GateStatus:
        return GateStatus(False, 1000, "2.1.4", False, 0.1, "add.l is wrong")

    def call(self, function: str, payload: Any, timeout: float, **listening: Any) -> Any:
        raise AssertionError(f"a verification called {function}")

    def close(self) -> None:
        self.closed += 1


class FakeToolchain:
    """A toolchain that is there or not, and that writes a given file or raises."""

    languages = frozenset({"c"})

    def __init__(self, name: str, *, found: bool = True, made: bytes | Exception = b"") -> None:
        self.name = name
        self.found = found
        self.made = made or exits()

    def probe(self) -> Probe:
        return Probe(self.found, version="9.1", missing=() if self.found else ("cc",), remedy="install it")

    def build(self, request: BuildRequest) -> BuildResult:
        if isinstance(self.made, Exception):
            raise self.made
        request.out.write_bytes(self.made)
        return BuildResult(request.out, hashlib.sha256(self.made).hexdigest(), self.name, "9.1")


@pytest.fixture
def services(tmp_path: Path) -> Callable[..., Services]:
    """Services around an answer of the machine."""

    def make(answer: RunRecord | Exception = SOUND, *toolchains: FakeToolchain, **rest: Any) -> Services:
        def work(name: str) -> Path:
            folder = tmp_path / "work" / name
            folder.mkdir(parents=True)
            return folder

        settings = replace(Settings(root=tmp_path, status_dir=tmp_path / "log"), **rest.pop("settings", {}))
        return Services(
            settings,
            work,
            toolchains={t.name: t for t in toolchains},
            machine=lambda: FakeMachine(answer),
            environ=rest,
        )

    return make


def scenario(tmp_path: Path, **rest: Any) -> Scenario:
    return load(write_scenario(tmp_path / "s", "tiny", phase="p", **rest))


def built(tmp_path: Path, extra: str = "", prebuilt: bool = False, toolchain: str = "") -> Scenario:
    """A scenario that is built from C."""
    file = write_scenario(tmp_path / "s", "tiny", phase="p", extra=extra)
    (file.parent / "main.c").write_text("", encoding="utf-8")
    named = f'toolchain = "{toolchain}"\n' if toolchain else ""
    text = file.read_text(encoding="utf-8").replace(
        'file = "program.macho"', f'language = "c"\n{named}sources = ["main.c"]'
    )
    file.write_text(text, encoding="utf-8")
    if prebuilt:
        entry = {"toolchain": "gnu", "version": "1", "level": "0", "flags": [], "source": "", "sha256": "0" * 64}
        (file.parent / "prebuilt").mkdir()
        (file.parent / "prebuilt/manifest.json").write_text(json.dumps({"schema": 1, "programs": {"x": entry}}))
    return load(file)


@pytest.mark.parametrize(
    ("record", "expect", "verdict", "kinds"),
    [
        (SOUND, "exit = 0", "passed", []),
        (replace(SOUND, own_code=False), "exit = 0", "failed", ["own-code"]),
        (replace(SOUND, end=End("exit", 1)), "exit = 0", "failed", ["exit"]),
        (replace(SOUND, end=End("signal", 4)), 'signal = "SIGILL"', "passed", []),
        (replace(SOUND, end=End("signal", 11)), "exit = 0", "failed", ["exit"]),
        (replace(SOUND, end=End("budget", 9)), "exit = 0", "budget", ["budget"]),
        (replace(SOUND, end=End("time", 9)), "exit = 0", "budget", ["budget"]),
        (replace(SOUND, end=End("time", 9)), 'end = "time"', "passed", []),
        (replace(SOUND, end=End("time", 9)), 'end = "budget"', "budget", ["budget"]),
        (replace(SOUND, end=End("harness", 0, "odd")), "exit = 0", "crashed", ["crashed"]),
        (replace(SOUND, end=End("unimplemented", 66, "vfork()")), "exit = 0", "failed", ["exit"]),
        (SOUND, 'exit = 0\nstdout = "oot"', "failed", ["stdout"]),
        (SOUND, 'exit = 0\nstderr = "x"', "failed", ["stderr"]),
        (replace(SOUND, truncated=("stdout",)), "exit = 0", "failed", ["stdout"]),
        (SOUND, 'exit = 0\nfault_contains = "x"', "failed", ["fault"]),
        (SOUND, 'refused = "move16"', "failed", ["refused"]),
        (NotRunnable("program", "has move16"), 'refused = "move16"', "passed", []),
        (NotRunnable("program", "has move16"), 'refused = "cas2"', "failed", ["refused"]),
        (NotRunnable("program", "has move16"), "exit = 0", "failed", ["refused"]),
        (HarnessFault("sandbox", "died of SIGABRT"), "exit = 0", "crashed", ["crashed"]),
        (OSError(errno.ENOSPC, "full"), "exit = 0", "infra-error", ["infra"]),
    ],
)
def test_verdicts(
    tmp_path: Path,
    services: Callable[..., Services],
    record: RunRecord | Exception,
    expect: str,
    verdict: str,
    kinds: list[str],
) -> None:
    """Every way a run can end against every kind of expectation."""
    outcome = verify(scenario(tmp_path, expect=expect), CELL, services(record))
    assert (outcome.verdict, [m.kind for m in outcome.mismatches]) == (verdict, kinds)
    assert list((tmp_path / "work").iterdir()) == []


def test_an_unsound_program_is_not_run(tmp_path: Path, services: Callable[..., Services]) -> None:
    """A Mach-O with an error fails before it is run."""
    given = services()
    outcome = verify(scenario(tmp_path, made=exits()[:-6000]), CELL, given)
    assert outcome.verdict == "failed"
    assert {m.kind for m in outcome.mismatches} == {"macho"}
    assert outcome.record is None


@pytest.mark.parametrize(
    ("toolchain", "environ", "verdict"),
    [
        (FakeToolchain("gnu"), {}, "passed"),
        (FakeToolchain("gnu", found=False), {}, "skipped"),
        (FakeToolchain("gnu", found=False), {"NEXTRUST_TOOLCHAINS": "required"}, "infra-error"),
        (FakeToolchain("gnu", made=BuildFailed("gnu", "no", command=["cc"], output="error: x")), {}, "failed"),
        (FakeToolchain("gnu", made=ToolchainMissing("gnu", "no ld")), {}, "skipped"),
        (FakeToolchain("gnu", made=ToolchainError("build cache", "cannot write")), {}, "infra-error"),
    ],
)
def test_toolchains(
    tmp_path: Path, services: Callable[..., Services], toolchain: FakeToolchain, environ: dict[str, str], verdict: str
) -> None:
    """A missing toolchain skips, or is an infra-error where it is required; a failed build fails."""
    outcome = verify(built(tmp_path), CELL, services(SOUND, toolchain, **environ))
    assert outcome.verdict == verdict
    if verdict == "passed":
        assert (outcome.toolchain, outcome.version, outcome.provenance) == ("gnu", "9.1", "built")


def test_which_toolchain(tmp_path: Path, services: Callable[..., Services]) -> None:
    """Default by language; what the user named where it fits; the prebuilt program where the compiler is missing."""
    gnu, clang, pre = FakeToolchain("gnu"), FakeToolchain("clang"), FakeToolchain("prebuilt")
    absent = FakeToolchain("gnu", found=False)
    plain = built(tmp_path / "1")
    assert services(SOUND, gnu, clang).toolchain_for(plain).name == "gnu"
    assert services(SOUND, gnu, clang, settings={"toolchain": "clang"}).toolchain_for(plain).name == "clang"
    about = built(tmp_path / "2", toolchain="gnu")
    assert services(SOUND, gnu, clang, settings={"toolchain": "clang"}).toolchain_for(about).name == "gnu"
    shipped = built(tmp_path / "3", prebuilt=True)
    assert services(SOUND, absent, pre).toolchain_for(shipped).name == "prebuilt"
    assert services(SOUND, gnu, pre).toolchain_for(shipped).name == "gnu"
    with pytest.raises(ToolchainMissing):
        services(SOUND, absent, pre, NEXTRUST_TOOLCHAINS="required").toolchain_for(shipped)
    with pytest.raises(UsageFault, match="no such toolchain"):
        services(SOUND, gnu, settings={"toolchain": "watcom"}).toolchain_for(plain)


def test_known_issues_look_at_the_toolchain(tmp_path: Path, services: Callable[..., Services]) -> None:
    """An entry for a version is strict there, also where the build itself is what fails; elsewhere it may pass or fail.

    From the version that mends it on, a failure is a failure.
    """
    entry = '[[known_issue]]\nid = "k"\nfailure = "build"\ntoolchains = ["gnu"]\nversions = ["9."]\n'
    broken = FakeToolchain("gnu", made=BuildFailed("gnu", "no", command=["cc"], output="internal compiler error"))
    outcome = verify(built(tmp_path, entry), CELL, services(SOUND, broken))
    assert (outcome.verdict, outcome.known_issue) == ("expected-failure", "k")
    outcome = verify(built(tmp_path, entry), CELL, services(SOUND, FakeToolchain("gnu")))
    assert outcome.verdict == "unexpected-pass"
    other = entry.replace('"9."', '"8."')
    outcome = verify(built(tmp_path, other), CELL, services(SOUND, broken))
    assert (outcome.verdict, outcome.known_issue) == ("expected-failure", "k")
    assert "not yet known of 9.1; seen in 8." in outcome.message
    outcome = verify(built(tmp_path, other), CELL, services(SOUND, FakeToolchain("gnu")))
    assert (outcome.verdict, outcome.known_issue) == ("passed", "")
    assert "does not show in 9.1" in outcome.message
    mended = other + 'fixed_in = "9"\n'
    assert verify(built(tmp_path, mended), CELL, services(SOUND, broken)).verdict == "failed"


def test_the_request(tmp_path: Path, services: Callable[..., Services]) -> None:
    """Arguments, environment, limits and root reach the machine; the budget option replaces the limits."""
    text = '[limits]\nbudget = 7\nwall = 3\n[root]\n"etc/x" = "y"\n'
    for settings, budget in (({}, 7), ({"budget": parse_budget("-", "99")}, 99)):
        given = services(SOUND, settings=settings)
        verify(scenario(tmp_path, extra=text), CELL, given)
        (request,) = given.machine.requests  # type: ignore[attr-defined]
        assert (request.budget, request.wall, request.cpu, request.argv) == (budget, 3.0, "m68030", (b"tiny",))


def test_a_link_in_the_root_leads_nowhere(tmp_path: Path, services: Callable[..., Services]) -> None:
    """A link that the guest left in place of a file is not followed out of its root."""
    (tmp_path / "secret").write_text("x", encoding="utf-8")

    class Linking(FakeMachine):
        def run(self, request: RunRequest) -> RunRecord:
            assert request.root is not None
            (Path(request.root) / "out").symlink_to(tmp_path / "secret")
            return SOUND

    given = services()
    given._make_machine = lambda: Linking(SOUND)
    outcome = verify(scenario(tmp_path, expect='exit = 0\nfiles = { "out" = "x" }'), CELL, given)
    assert [m.kind for m in outcome.mismatches] == ["files"]


def test_what_a_guest_leaves_in_place_of_a_file_is_a_verdict(tmp_path: Path, services: Callable[..., Services]) -> None:
    """A loop of links, a file too large to compare, a fifo, a folder: each is a mismatch that says what is there."""

    def loop(out: Path) -> None:
        out.symlink_to("back")
        out.with_name("back").symlink_to("out")

    def sparse(out: Path) -> None:
        with out.open("wb") as stream:
            stream.truncate(1 << 30)

    cases: tuple[tuple[Callable[[Path], None], str], ...] = (
        (loop, "loop"),
        (sparse, "1073741824 bytes"),
        (os.mkfifo, "not a regular"),
        (Path.mkdir, "directory"),
    )

    class Leaving(FakeMachine):
        def __init__(self, leave: Callable[[Path], None]) -> None:
            super().__init__(SOUND)
            self.leave = leave

        def run(self, request: RunRequest) -> RunRecord:
            assert request.root is not None
            self.leave(Path(request.root) / "out")
            return SOUND

    for number, (leave, said) in enumerate(cases):
        folder = tmp_path / str(number)
        folder.mkdir()
        given = services()
        given._make_machine = functools.partial(Leaving, leave)
        outcome = verify(scenario(folder, expect='exit = 0\nfiles = { "out" = "x" }'), CELL, given)
        assert (outcome.verdict, [m.kind for m in outcome.mismatches]) == ("failed", ["files"])
        assert said in outcome.message.lower()


ENVIRONMENT = 'schema = 1\ntitle = "t"\nphase = "p"\nstage = "environment"\n[[check]]\n'


@pytest.mark.parametrize(
    ("check", "verdict", "said"),
    [
        ('kind = "emulator-gate"', "failed", "add.l is wrong"),
        ('kind = "file-exists"\npath = "here"', "passed", ""),
        ('kind = "file-exists"\npath = "gone"', "failed", "no gone in"),
        ('kind = "toolchains"', "passed", ""),
        ('kind = "toolchains"\ntoolchains = ["gnu"]', "passed", ""),
        ('kind = "toolchains"\ntoolchains = ["clang"]', "failed", "clang: cc (install it)"),
        ('kind = "toolchains"\ntoolchains = ["tcc"]', "failed", "no toolchain 'tcc'"),
        ('kind = "writable-status"', "passed", ""),
    ],
)
def test_checks(tmp_path: Path, services: Callable[..., Services], check: str, verdict: str, said: str) -> None:
    """Each check of the surroundings passes and fails."""
    (tmp_path / "here").write_text("", encoding="utf-8")
    folder = tmp_path / "s" / "env"
    folder.mkdir(parents=True)
    (folder / "scenario.toml").write_text(ENVIRONMENT + check, encoding="utf-8")
    given = services(SOUND, FakeToolchain("gnu"), FakeToolchain("clang", found=False))
    outcome = verify(load(folder / "scenario.toml"), CELL, given)
    assert outcome.verdict == verdict
    assert said in outcome.message


@pytest.mark.parametrize(
    ("check", "toolchains", "verdict"),
    [
        ("", [FakeToolchain("gnu")], "passed"),
        ('segments = ["__TEXT"]\nsections = ["__TEXT,__text"]', [FakeToolchain("gnu")], "passed"),
        ('segments = ["__OBJC"]', [FakeToolchain("gnu")], "failed"),
        ('symbols = ["_main"]', [FakeToolchain("gnu")], "failed"),
        ("", [FakeToolchain("gnu"), FakeToolchain("clang", made=b"not a program")], "failed"),
        ("", [FakeToolchain("gnu", found=False)], "skipped"),
        ("", [FakeToolchain("gnu"), FakeToolchain("clang", found=False)], "passed"),
    ],
)
def test_macho_sound(
    tmp_path: Path, services: Callable[..., Services], check: str, toolchains: list[FakeToolchain], verdict: str
) -> None:
    """What every toolchain found makes is checked; one bad one fails; none at all is skipped, not passed."""
    folder = tmp_path / "s" / "object"
    folder.mkdir(parents=True)
    (folder / "main.c").write_text("", encoding="utf-8")
    text = ENVIRONMENT.replace("environment", "object").replace(
        "[[check]]", '[program]\nlanguage = "c"\nsources = ["main.c"]\n[[check]]\nkind = "macho-sound"'
    )
    (folder / "scenario.toml").write_text(text + check, encoding="utf-8")
    assert verify(load(folder / "scenario.toml"), CELL, services(SOUND, *toolchains)).verdict == verdict


def test_what_was_skipped_hides_no_failure() -> None:
    """The verdict of several mismatches is that of the gravest."""
    assert verdict_of([]) == "passed"
    assert verdict_of(["skipped", "skipped"]) == "skipped"
    assert verdict_of(["skipped", "macho"]) == "failed"
    assert verdict_of(["infra", "macho"]) == "failed"
    assert verdict_of(["infra", "skipped"]) == "infra-error"
    assert verdict_of(["budget", "stdout"]) == "budget"
    assert verdict_of(["crashed", "budget"]) == "crashed"


def test_the_machine_is_kept_and_closed(tmp_path: Path, services: Callable[..., Services]) -> None:
    """One machine serves a process; closing lets go of it once."""
    given = services()
    machine = given.machine
    assert given.machine is machine
    given.close()
    given.close()
    assert machine.closed == 1  # type: ignore[attr-defined]


def test_differences() -> None:
    """Short streams whole, text by line, bytes from where they part; never more than can be read."""
    assert difference(b"a\n", b"") == "expected 'a\\n', got nothing at all"
    lines = b"".join(b"line %d\n" % n for n in range(100))
    shown = difference(lines, lines.replace(b"line 50\n", b"line fifty\n"))
    assert "-line 50\\n" in shown
    assert "+line fifty\\n" in shown
    assert "line 10" not in shown
    assert "from byte 300 on" in difference(bytes(range(128, 228)) * 4, bytes(range(128, 228)) * 3)
    assert len(difference(b"x\n" * 5000, b"y\n" * 5000)) < 2000


def test_faults_are_shown() -> None:
    """A fault is shown with instruction, symbol, access and registers."""
    fault = FaultReport(2, "access fault", 0x3000, "_main+2", "move.l d0,(a0)", (1,) * 8, (2,) * 8, 0, 0, "write", 4)
    shown = describe_fault(fault)
    assert "at 0x00003000 in _main+2, write of 0x00000000: move.l d0,(a0)" in shown
    assert "a7=00000002" in shown
