"""A failed command in a hook: recorded once, counted, explained, its output kept; nothing blocked, no secret."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from pytest_nextrust.failures.fixes import landing
from pytest_nextrust.failures.fixes.scratch import FileChange
from pytest_nextrust.failures.issues import failure
from pytest_nextrust.failures.issues.output import excerpt, keep_log, printed, summarise
from tests.unit.failures.fixes.support import commit, git, repository
from tests.unit.hooks.support import asked, context_of, environment, event_of, journal

CAS = "Exit code 1\nld: foo.o: undefined reference to `__sync_val_compare_and_swap_4'\n"
BUILD = "cargo build --target m68k-next-nextstep"
TABLE = """
[[issue]]
id = "wrong-answer"
title = "The answer is wrong"
error_pattern = "wrong answer"
confidence = 0.95
auto_fix = { type = "apply_patch", patch = "fixes/a.patch" }
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    project = repository(tmp_path / "project")
    (project / "known-issues.toml").write_text(TABLE, encoding="utf-8")
    commit(project)
    return project


def failed(root: Path, error: str, command: str = BUILD, id: str = "t-1", **environ: str) -> str:
    """What the model is told of one failed command; nothing is ever blocked."""
    given = environment(root, SKIP_EXTERNAL_APIS="1", **environ)
    reply = asked(root, "PostToolUseFailure", environ=given, command=command, error=error, tool_use_id=id)
    assert reply.status == 0, reply
    body = json.loads(reply.stdout) if reply.stdout else {}
    assert "decision" not in body
    return str(body.get("hookSpecificOutput", {}).get("additionalContext", ""))


def test_a_known_issue_is_named_and_recorded(root: Path) -> None:
    """The record has command, status, error, excerpt, phase, count, issues with scores, and the decision."""
    for phase in ("phase-1", "phase-2"):
        (root / "artifacts" / "phase").mkdir(parents=True, exist_ok=True)
        (root / "artifacts" / "phase" / f"{phase}.done").touch()
    told = failed(root, CAS)
    assert "Known issue atomic-spinlock-m68k: 0.85" in told
    (entry,) = journal(root, "build_failure")
    assert entry["command"] == BUILD
    assert (entry["status"], entry["phase"], entry["failures"], entry["decision"]) == (1, "phase-3", 1, "known")
    assert entry["error"].startswith("ld: foo.o: undefined reference")
    assert [issue["id"] for issue in entry["issues"]] == ["atomic-spinlock-m68k"]


def test_a_repeated_event_is_handled_once(root: Path) -> None:
    """The same event again gives the same answer, no second record, and counts nothing."""
    first = failed(root, CAS)
    assert failed(root, CAS) == first
    assert len(journal(root, "build_failure")) == 1
    failed(root, CAS, id="t-2")
    assert [entry["failures"] for entry in journal(root, "build_failure")] == [1, 2]


@pytest.mark.parametrize("recorded", [False, True], ids=["counted", "recorded"])
def test_a_kill_leaves_one_record_and_one_count(root: Path, recorded: bool) -> None:
    """A handler that is killed once it has counted, or recorded, is taken over: the event is in neither twice."""
    context = context_of(root)
    event = event_of("PostToolUseFailure", command=BUILD, error=CAS, tool_use_id="t-9")
    child = os.fork()
    if child == 0:
        real = failure._record

        def record(*args: Any) -> None:
            if recorded:
                real(*args)
            os.kill(os.getpid(), signal.SIGKILL)

        vars(failure)["_record"] = record
        failure.examine(event, context)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    assert failure.examine(event, context).runs == 1
    assert [entry["failures"] for entry in journal(root, "build_failure")] == [1]


def test_a_fix_is_offered(root: Path) -> None:
    """A known issue with a fix that the project has: the steps and the two commands, and nothing is changed."""
    told = failed(root, "Exit code 1\nerror: wrong answer\n", "grep -q right answer.txt")
    assert "It can be mended: apply the patch fixes/a.patch" in told
    assert "nextrust issues fix wrong-answer --dry-run -- 'grep -q right answer.txt'" in told
    assert (root / "answer.txt").read_text() == "wrong\n"
    assert journal(root, "build_failure")[0]["decision"] == "auto-fix"


def test_a_fix_is_applied_where_the_project_says_so(root: Path) -> None:
    """With auto_fix = "apply" the hook tries and lands it, within its time."""
    (root / "nextrust.toml").write_text('[hooks.issues]\nauto_fix = "apply"\n', encoding="utf-8")
    commit(root)
    told = failed(root, "Exit code 1\nerror: wrong answer\n", "grep -q right answer.txt")
    assert "Auto-fix: fixed: changed answer.txt" in told
    assert (root / "answer.txt").read_text() == "right\n"
    assert [step["step"] for step in journal(root, "auto_fix")][-1] == "fixed"


def test_off_is_off(root: Path) -> None:
    """auto_fix = "off": named, not mended."""
    (root / "nextrust.toml").write_text('[hooks.issues]\nauto_fix = "off"\n', encoding="utf-8")
    told = failed(root, "Exit code 1\nerror: wrong answer\n", "grep -q right answer.txt")
    assert "Known issue wrong-answer" in told
    assert "mended" not in told


def test_what_nobody_knows_is_escalated_when_it_comes_back(root: Path) -> None:
    """An unknown build failure is asked about from the second time on; a failing grep never is."""
    assert failed(root, "Exit code 2\nerror: strange") == ""
    assert "has failed 2 times in a row" in failed(root, "Exit code 2\nerror: strange", id="t-2")
    assert [entry["decision"] for entry in journal(root, "build_failure")] == ["none", "escalate"]
    assert len(journal(root, "design_request")) == 1
    for number in range(3):
        assert failed(root, "Exit code 1", "grep nothing file", f"g-{number}") == ""
    assert [entry["decision"] for entry in journal(root, "command_failure")] == ["none"] * 3


def test_a_pass_ends_the_row(root: Path) -> None:
    """After the command has passed, its failures in a row begin anew."""
    failed(root, "Exit code 2\nerror: strange")
    asked(root, "PostToolUse", command=BUILD, tool_response={"stdout": "", "stderr": ""}, tool_use_id="p-1")
    failed(root, "Exit code 2\nerror: strange", id="t-2")
    assert [entry["failures"] for entry in journal(root, "build_failure")] == [1, 1]


def test_an_interrupt_says_nothing(root: Path) -> None:
    """What somebody stopped is neither recorded nor counted."""
    reply = asked(root, "PostToolUseFailure", command=BUILD, error="interrupted", is_interrupt=True)
    assert (reply.status, reply.stdout) == (0, "")
    assert journal(root, "build_failure") == []


def test_a_dry_run_writes_nothing(root: Path) -> None:
    """DRY_RUN: the model is told the same, and no file has come into being."""
    before = git(root, "status", "--porcelain", "--ignored")
    assert "Known issue wrong-answer" in failed(
        root, "Exit code 1\nwrong answer\n" + "x\n" * 20_000, "false", DRY_RUN="1"
    )
    assert git(root, "status", "--porcelain", "--ignored") == before


def test_a_command_is_cut_after_its_secrets_are_out(root: Path) -> None:
    """A token where the command's short form ends leaves no half of itself in the record."""
    token = "glpat-" + "a1B2" * 5
    failed(root, "Exit code 1\nerror: no", f"make {'x' * 184} {token} all")
    (entry,) = journal(root, "build_failure")
    assert token[:8] not in json.dumps(entry)
    assert "[redacted:gitlab]" in entry["command"]


def test_a_large_output_is_summarised_and_kept_without_secrets(root: Path) -> None:
    """Counts, first errors and last lines are told; the whole log is on disk; a planted secret is nowhere."""
    token = "ghp_" + "a1B2" * 9
    text = (
        "Exit code 2\n"
        + "warning: w\n" * 3000
        + f"a.c:1: error: first {token}\n"
        + "line\n" * 3000
        + "make: *** [all] Error 1\n"
    )
    told = failed(root, text, f"make TOKEN={token}", O3_TOKEN="value-of-o3-token")
    assert "2 errors, 3000 warnings" in told
    assert "a.c:1: error: first [redacted:github]" in told
    (log,) = (root / ".nextrust" / "logs").glob("command-*.log")
    assert str(log.relative_to(root)) in told
    assert log.read_text().count("\n") >= 6000
    assert log.stat().st_mode & 0o077 == 0
    for file in root.rglob("*"):
        if file.is_file() and ".git" not in file.parts:
            assert token.encode() not in file.read_bytes(), file
    assert token not in told


def test_a_large_output_of_success_is_summarised_too(root: Path) -> None:
    """PostToolUse: the same for what passed; a short output says nothing."""
    response = {"stdout": "Compiling\n" * 5000, "stderr": "warning: odd\n", "interrupted": False, "isImage": False}
    reply = asked(root, "PostToolUse", command=BUILD, tool_response=response, tool_use_id="p-1")
    assert "0 errors, 1 warnings" in reply.stdout
    assert (
        asked(root, "PostToolUse", command="ls", tool_response={"stdout": "a", "stderr": ""}, tool_use_id="p-2").stdout
        == ""
    )


def test_a_faulty_table_of_the_projects_is_told_and_blocks_nothing(root: Path) -> None:
    """The shipped issues still count, and the user is told what is wrong with the project's."""
    (root / "known-issues.toml").write_text("[[issue]]\nid = 1\n", encoding="utf-8")
    given = environment(root, SKIP_EXTERNAL_APIS="1")
    reply = asked(root, "PostToolUseFailure", environ=given, command=BUILD, error="Exit code 1\nSIGILL\n")
    assert reply.status == 0
    assert "left out" in json.loads(reply.stdout)["systemMessage"]


def test_a_pattern_that_hangs_is_told_and_blocks_nothing(root: Path) -> None:
    """A project's catastrophic pattern costs its time limit, and is named to the user."""
    (root / "known-issues.toml").write_text(
        '[[issue]]\nid = "slow"\ntitle = "t"\nerror_pattern = "(a+)+$(?!b)"\n', encoding="utf-8"
    )
    reply = asked(
        root, "PostToolUseFailure", environ=environment(root), command="false", error="Exit code 1\n" + "a" * 60 + "!"
    )
    assert "known issue slow: error_pattern: out of time" in json.loads(reply.stdout)["systemMessage"]


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("cargo build", True),
        ("cd x && make -j4", True),
        ("./ci/scripts/build-custom-llvm.sh", True),
        ("m68k-linux-gnu-gcc-12 x.c", True),
        ("clang-19 x.c", True),
        ("grep make file", True),
        ("ls -la", False),
        ("git commit -m x", False),
        ("", False),
    ],
)
def test_builds(command: str, answer: bool) -> None:
    """What builds or tests; a word that names such a tool is enough, since asking once too often costs little."""
    assert failure.is_build(command) is answer


def test_the_cpu_of_a_command() -> None:
    """CPU_VARIANT, else the one CPU that the command names."""
    assert failure.cpu_of("x m68030", {}) == "m68030"
    assert failure.cpu_of("x m68030 m68040", {}) == ""
    assert failure.cpu_of("x m68030", {"CPU_VARIANT": "m68040"}) == "m68040"
    assert failure.cpu_of("x", {"CPU_VARIANT": "default"}) == ""


def test_output(tmp_path: Path) -> None:
    """Text of every form of response; excerpts within their size; old logs go; the same event has one log."""
    assert printed({"stdout": "a", "stderr": "b", "interrupted": False}, "e") == "e\na\nb"
    assert printed("text") == "text"
    assert printed(None) == ""
    assert printed({"stdout": 3}) == ""
    assert summarise("").lines == 0
    text = "x\n" * 5000 + "error: here\n" + "y\n" * 5000
    assert len(excerpt(text)) <= 2000
    assert "error: here" in excerpt(text)
    files = {keep_log(tmp_path, f"text {n}", "id", keep=3) for n in range(5)}
    assert len(files) == 5
    assert len(list((tmp_path / ".nextrust" / "logs").iterdir())) == 3
    assert keep_log(tmp_path, "text 4", "id", keep=3) in files


def test_an_interrupted_fix_is_undone_by_the_next_hook(root: Path) -> None:
    """A landing that was killed is put right before anything is said, and both model and user are told."""
    script = (root / "fixes" / "a.sh").read_bytes()
    wanted = (FileChange("answer.txt", b"wrong\n", b"right\n"), FileChange("fixes/a.sh", script, None))
    child = os.fork()
    if child == 0:
        landing._drop = lambda note: os.kill(os.getpid(), signal.SIGKILL)
        landing.land(root, root, wanted)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    assert (root / "answer.txt").read_text() == "right\n"
    assert "an interrupted fix was undone: answer.txt, fixes/a.sh" in failed(root, "Exit code 1", "grep x y")
    assert (root / "answer.txt").read_text() == "wrong\n"
    assert (root / "fixes" / "a.sh").read_bytes() == script


def test_a_link_in_place_of_the_log_is_not_read(tmp_path: Path) -> None:
    """Whether an event is on record is asked of the log's own file, over no link and from no pipe."""
    own = tmp_path / "own"
    own.mkdir()
    (own / "journal.jsonl").write_text('{"event_id":"toolu_1"}\n', encoding="utf-8")
    assert failure.recorded(own, "toolu_1")
    assert not failure.recorded(own, "toolu_2")
    other = tmp_path / "other"
    other.mkdir()
    (other / "journal.jsonl").symlink_to(own / "journal.jsonl")
    assert not failure.recorded(other, "toolu_1")
    (other / "journal.jsonl").unlink()
    os.mkfifo(other / "journal.jsonl")
    assert not failure.recorded(other, "toolu_1")
