"""PreToolUse: phases, the files a change touches, commits; each with the refusal's reason, and its harmless twin."""

from __future__ import annotations

import http.server
import json
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_nextrust.hooks.handlers.pre_tool_use import alignment, commits, validation
from pytest_nextrust.project.phases import mark_done
from tests.unit.hooks.support import context_of, event_of

BUILD = "ci/scripts/build-custom-llvm.sh --cpu-variant m68030"


def aligned(root: Path, command: str, **given: Any) -> list[str]:
    return [a.text for a in alignment.nextrust_pre_tool_use(event_of(command=command, **given), context_of(root))]


@pytest.mark.parametrize(
    "command",
    [
        BUILD,
        f"bash {BUILD}",
        "sudo -E ./build-custom-llvm.sh",
        "cd ci && ./scripts/build-custom-llvm.sh",
        "cargo build --release --target m68k-next-nextstep",
        "cargo +nightly b --target=m68k-next-nextstep.json",
        "./x build library",
        "python3 x.py build",
        "sh -c 'build-custom-llvm.sh'",
    ],
)
def test_building_outside_its_phases_is_refused(command: str, tmp_path: Path) -> None:
    """In phase-1 no part of the toolchain is built; the reason names the phases and what to do."""
    (reason,) = aligned(tmp_path, command)
    assert "the current phase is phase-1 (Environment)" in reason
    assert "pytest --nextrust-phase phase-1" in reason


@pytest.mark.parametrize(
    "command", ["cargo build", "cat build-custom-llvm.sh", "ls", "echo build-custom-llvm.sh", "make"]
)
def test_other_commands_are_not_minded(command: str, tmp_path: Path) -> None:
    """The twin: reading the script, or building something else, is no build of the toolchain."""
    assert aligned(tmp_path, command) == []


def test_in_its_phase_a_build_may_run(tmp_path: Path) -> None:
    """Once phase-1 is done the compiler may be built, the target not yet; with every phase done, both."""
    mark_done(tmp_path, "phase-1", {})
    assert aligned(tmp_path, BUILD) == []
    assert aligned(tmp_path, "cargo build --target m68k-next-nextstep") != []
    for number in range(2, 6):
        mark_done(tmp_path, f"phase-{number}", {})
    assert aligned(tmp_path, "cargo build --target m68k-next-nextstep") == []


def test_a_build_elsewhere_is_refused(tmp_path: Path) -> None:
    """A guarded build whose working folder is outside the project is refused for that."""
    mark_done(tmp_path, "phase-1", {})
    (reason,) = aligned(tmp_path, f"cd / && {BUILD}")
    assert "outside the project" in reason


def test_guarded_commands_are_the_project_s(tmp_path: Path) -> None:
    """A project's own rules stand in place of the shipped ones; one for phases it lacks says nothing."""
    (tmp_path / "nextrust.toml").write_text(
        'shipped_phases = false\n[[phase]]\nid = "one"\nname = "One"\n[[phase]]\nid = "two"\nname = "Two"\n'
        'depends = ["one"]\n[[hooks.guarded]]\ncommands = ["ninja"]\nphases = ["two"]\nreason = "it is slow"\n',
        encoding="utf-8",
    )
    assert aligned(tmp_path, BUILD) == []
    (reason,) = aligned(tmp_path, "ninja -j2")
    assert reason.startswith("ninja -j2: it is slow, which belongs to two; the current phase is one (One)")


class Answering(http.server.BaseHTTPRequestHandler):
    """An MCP endpoint: a GET is not its way, but it answers."""

    status = 405

    def do_GET(self) -> None:
        self.send_response(self.server.status)  # type: ignore[attr-defined]
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[http.server.HTTPServer]:
    """A service on a free port of loopback."""
    server = http.server.HTTPServer(("127.0.0.1", 0), Answering)
    server.status = 405  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("way", ["url", "address", "command"])
def test_a_phase_s_service_must_answer(way: str, tmp_path: Path, server: http.server.HTTPServer) -> None:
    """A guarded build waits for the services of its phase and of those before it, however they are asked."""
    port = server.server_port
    good = {"url": f'"http://127.0.0.1:{port}/mcp"', "address": f'"127.0.0.1:{port}"', "command": '["true"]'}[way]
    bad = {"url": '"http://127.0.0.1:9/mcp"', "address": '"127.0.0.1:9"', "command": '["false"]'}[way]
    mark_done(tmp_path, "phase-1", {})
    settings = tmp_path / "nextrust.toml"
    settings.write_text(f'[[hooks.service]]\nname = "mcp"\n{way} = {good}\n', encoding="utf-8")
    assert aligned(tmp_path, BUILD) == []
    settings.write_text(f'[[hooks.service]]\nname = "mcp"\n{way} = {bad}\n', encoding="utf-8")
    (reason,) = aligned(tmp_path, BUILD)
    assert "services that do not answer" in reason
    assert "mcp: " in reason
    assert aligned(tmp_path, "ls") == []
    settings.write_text(f'[[hooks.service]]\nname = "mcp"\nphases = ["phase-5"]\n{way} = {bad}\n', encoding="utf-8")
    assert aligned(tmp_path, BUILD) == []


def test_a_service_that_fails_does_not_answer(tmp_path: Path, server: http.server.HTTPServer) -> None:
    """A server's own fault (5xx) is no answer."""
    mark_done(tmp_path, "phase-1", {})
    server.status = 503  # type: ignore[attr-defined]
    (tmp_path / "nextrust.toml").write_text(
        f'[[hooks.service]]\nname = "mcp"\nurl = "http://127.0.0.1:{server.server_port}/"\n', encoding="utf-8"
    )
    assert "answers 503" in aligned(tmp_path, BUILD)[0]


TARGET = {
    "llvm-target": "m68k-unknown-none-elf",
    "data-layout": "E-m:e-p:32:16:32-i8:8:8-i16:16:16-i32:16:32-n8:16:32-a:0:16-S16",
    "arch": "m68k",
    "target-endian": "big",
    "target-pointer-width": "32",
    "max-atomic-width": 32,
    "cpu": "M68030",
}
RUST = """
pub(crate) fn target() -> Target {
    // a brace { in a comment, a lifetime 'a and a '"' do not count
    Target {
        llvm_target: "m68k-unknown-linux-gnu".into(),
        pointer_width: 32,
        data_layout: "E-m:e-p:32:16:32-i8:8:8-i16:16:16-i32:16:32-n8:16:32-a:0:16-S16".into(),
        arch: "m68k".into(),
        options: TargetOptions { endian: Endian::Big, max_atomic_width: Some(32), ..base::opts() },
    }
}
"""
PATCH = """\
diff --git a/x.c b/x.c
--- a/x.c
+++ b/x.c
@@ -1,3 +1,4 @@
 one
-two
+2
+2.5
 three
@@ -10 +11 @@
-ten
+10
"""


def write(root: Path, name: str, content: str) -> list[str]:
    given: dict[str, Any] = {"tool_name": "Write", "tool_input": {"file_path": str(root / name), "content": content}}
    return [a.text for a in validation.nextrust_pre_tool_use(event_of(**given), context_of(root))]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"arch": None}, "'arch' is missing"),
        ({"data-layout": "e-m:e-p:32:16:32"}, "does not begin with E"),
        ({"data-layout": "E-m:e-p:64:64"}, "has no p:32"),
        ({"target-endian": None}, "'target-endian' is not big"),
        ({"target-pointer-width": "64"}, "is not 32"),
        ({"max-atomic-width": 64}, "at most 32 bits"),
        ({"cpu": "68030"}, "LLVM knows"),
        ({"arch": "m88k"}, "cfg(target_arch)"),
        ({"llvm-target": "mips-unknown"}, "another CPU"),
        ({"executables": "yes"}, "not true or false"),
        ({"panic-strategy": "never"}, "one of unwind"),
        ({"os": 3}, "not a string"),
    ],
    ids=lambda value: None if isinstance(value, str) else next(iter(value)),
)
def test_target_specifications(change: dict[str, Any], message: str, tmp_path: Path) -> None:
    """Each fault of a target specification has its message, with file and line; the sound one passes."""
    assert write(tmp_path, "targets/m68k-next.json", json.dumps(TARGET, indent=2)) == []
    spec = {key: value for key, value in (TARGET | change).items() if value is not None}
    (reason,) = write(tmp_path, "targets/m68k-next.json", json.dumps(spec, indent=2))
    assert message in reason
    assert "targets/m68k-next.json:" in reason


def test_a_target_specification_that_is_no_json(tmp_path: Path) -> None:
    """Syntax and double keys are said with their line; another JSON file is nobody's business here."""
    assert "m68k-x.json:2: not JSON" in write(tmp_path, "m68k-x.json", "{\n,}")[0]
    assert "given twice" in write(tmp_path, "x.json", '{"llvm-target": "a", "llvm-target": "b"}')[0]
    assert write(tmp_path, "package.json", "{,") == []


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("}\n", "", "nothing closes"),
        ("pub(crate) fn target()", "fn goal()", "supported_targets!"),
        ("pointer_width: 32", "pointer_width: 64", "pointer_width is not 32"),
        ("endian: Endian::Big, ", "", "Endian::Big"),
        ('arch: "m68k"', 'arch: "x86"', "arch is not"),
        ("Some(32)", "Some(64)", "at most 32 bits"),
        ('"E-m', '"e-m', "not big-endian"),
        ("into(),\n        pointer", "into(]),\n        pointer", "closes something else"),
        ("// a", "/* a", "without its */"),
        ('arch: "m68k"', 'arch: "m68k', "string without its end"),
        ("Target {\n", "Target {\n<<<<<<< HEAD\n", "merge conflict"),
    ],
)
def test_rust_target_files(old: str, new: str, message: str, tmp_path: Path) -> None:
    """Each fault of a Rust target file has its message; the sound one passes, and so does Rust of other projects."""
    name = "rust/compiler/rustc_target/src/spec/targets/m68k_next_nextstep.rs"
    assert write(tmp_path, name, RUST) == []
    broken = RUST.replace(old, new) if old != "}\n" else RUST[:-2]
    assert any(message in reason for reason in write(tmp_path, name, broken))
    assert write(tmp_path, "src/main.rs", broken) == []


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("@@ -1,3 +1,4 @@", "@@ -1,3 +1,5 @@", "shorter than its header"),
        ("@@ -1,3 +1,4 @@", "@@ -1,3 +1,3 @@", "longer than its header"),
        (" one", "one", "without its leading blank"),
        ("@@ -10 +11 @@", "@@ 10 11 @@", "hunk's header"),
        ("@@ -10 +11 @@", "@@ -2 +3 @@", "before the last one ends"),
        ("--- a/x.c\n+++ b/x.c\n", "", "without the headers"),
        ("+++ b/x.c", "+++ /etc/x.c", "out of the tree"),
        ("--- a/x.c", "--- a/../../x.c", "out of the tree"),
        ("+2.5", "+<<<<<<< HEAD", "merge conflict"),
        (PATCH, "nothing here\n", "no hunk"),
    ],
    ids=range(10),
)
def test_patches(old: str, new: str, message: str, tmp_path: Path) -> None:
    """Each fault of a patch has its message; the sound one passes, with git's trailer too."""
    assert write(tmp_path, "patches/llvm/0001-macho.patch", PATCH) == []
    assert write(tmp_path, "patches/llvm/0001-macho.patch", PATCH + "-- \n2.39.0\n") == []
    (reason,) = write(tmp_path, "patches/llvm/0001-macho.patch", PATCH.replace(old, new))
    assert message in reason


def test_an_edit_is_judged_by_what_it_makes(tmp_path: Path) -> None:
    """The file as it would be: an edit that breaks it is refused, one that mends it passes; the file stays as it is."""
    file = tmp_path / "m68k-next.json"
    file.write_text(json.dumps(TARGET, indent=2), encoding="utf-8")

    def edit(old: str, new: str) -> list[str]:
        named = {"file_path": str(file), "old_string": old, "new_string": new}
        given: dict[str, Any] = {"tool_name": "Edit", "tool_input": named}
        return [a.text for a in validation.nextrust_pre_tool_use(event_of(**given), context_of(tmp_path))]

    assert edit('"M68030"', '"M68040"') == []
    assert "LLVM knows" in edit('"M68030"', '"MC68040"')[0]
    assert edit("not in the file", "x") == []
    file.write_text(json.dumps(TARGET | {"cpu": "68030"}), encoding="utf-8")
    assert edit('"68030"', '"M68030"') == []


def git(root: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    subprocess.run(["git", *identity, *arguments], cwd=root, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with one commit."""
    git(tmp_path, "init", "-q", "-b", "main")
    (tmp_path / "a").write_text("a\n", encoding="utf-8")
    git(tmp_path, "add", "a")
    git(tmp_path, "commit", "-q", "-m", "Begin")
    return tmp_path


def test_only_changed_files_are_validated(repository: Path) -> None:
    """Before a commit the files that differ from HEAD are judged; a broken one that was there before is not."""
    (repository / "old.patch").write_text("old\n", encoding="utf-8")
    git(repository, "add", "old.patch")
    git(repository, "commit", "-q", "-m", "Add a patch")

    def judged(command: str) -> list[str]:
        found = validation.nextrust_pre_tool_use(event_of(command=command), context_of(repository))
        return [a.text.split(" ")[0] for a in found]

    assert judged("git commit -m x") == []
    (repository / "m68k-new.json").write_text("{", encoding="utf-8")
    assert judged("git commit -m x") == ["m68k-new.json"]
    assert judged("git status") == []
    (repository / "old.patch").write_text("older\n", encoding="utf-8")
    assert sorted(judged("git commit -am x")) == ["m68k-new.json", "old.patch"]


def committing(root: Path, command: str) -> list[str]:
    return [a.text for a in commits.nextrust_pre_tool_use(event_of(command=command), context_of(root))]


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("git commit -m wip", "says nothing"),
        ("git commit -m 'Fix.'", "says nothing"),
        ("git commit --message=''", "is empty"),
        ("git commit -am '" + "x" * 101 + "'", "101 characters"),
        ("git commit -m 'Subject\nbody'", "second line"),
        ("git commit -m \"$(cat <<'EOF'\nwip\nEOF\n)\"", "says nothing"),
        ("git commit -F message", "says nothing"),
        ("git commit -m 'Add it\n\n<<<<<<< HEAD'", "merge conflict"),
        ("git commit -m 'Use gh" + "p_" + "Ab3" * 14 + "'", "secret"),
        ("git commit --no-verify -m 'Add a thing'", "--no-verify"),
        ("cd sub && git commit -nm 'Add a thing'", "--no-verify"),
    ],
)
def test_commits_that_are_refused(command: str, message: str, repository: Path) -> None:
    """Each rule of a commit has its message."""
    (repository / "message").write_text("tmp\n", encoding="utf-8")
    assert any(message in reason for reason in committing(repository, command))


@pytest.mark.parametrize(
    "command",
    [
        "git commit -m 'Say what changes' -m 'And why.'",
        "git commit --amend --no-edit",
        "git commit",
        'git commit -m "$MESSAGE"',
        "git commit -m \"$(cat <<'EOF'\nTeach the linker fat files\n\nBody.\nEOF\n)\"",
        "git commit --fixup HEAD",
        "git -C /elsewhere commit -m wip",
        "git log -n 1 --grep commit",
        "echo git commit -m wip",
    ],
)
def test_commits_that_pass(command: str, repository: Path) -> None:
    """The twin: sound messages, those that cannot be told, and other repositories."""
    assert committing(repository, command) == []


def test_the_project_s_own_pattern(repository: Path) -> None:
    """``[hooks.commits] pattern`` holds for the subject; ``refuse_no_verify`` can be taken back."""
    (repository / "nextrust.toml").write_text(
        '[hooks.commits]\npattern = "(macho|rust): "\nrefuse_no_verify = false\n', encoding="utf-8"
    )
    assert "does not match" in committing(repository, "git commit -m 'Add a thing'")[0]
    assert committing(repository, "git commit -nm 'rust: add a thing'") == []


def test_the_working_folder_of_a_commit(repository: Path) -> None:
    """Generated files, secrets and marks of conflicts are not committed; a head without a branch is shown."""
    command = "git commit -m 'Add a thing'"
    (repository / "artifacts").mkdir()
    (repository / "artifacts" / "x").write_text("x", encoding="utf-8")
    git(repository, "add", "-f", "artifacts/x")
    assert "Generated files: artifacts/x" in committing(repository, command)[0]
    git(repository, "reset", "-q")
    (repository / "a").write_text("token = gh" + "p_" + "Ab3" * 14 + "\n", encoding="utf-8")
    assert committing(repository, command) == []
    assert "holds a secret" in committing(repository, "git commit -am 'Add a thing'")[0]
    (repository / "a").write_text("<<<<<<< HEAD\n", encoding="utf-8")
    git(repository, "add", "a")
    assert "merge conflict" in committing(repository, command)[0]
    (repository / "a").write_text("b\n", encoding="utf-8")
    git(repository, "add", "a")
    assert committing(repository, command) == []
    git(repository, "checkout", "-q", "--detach")
    assert "no branch" in committing(repository, command)[0]


def test_what_only_its_name_calls_a_secret_is_asked_about(repository: Path) -> None:
    """A password in a test is no reason to refuse a commit: it is shown. A token beside it is."""
    lines = 'PASSWORD = "hunter2-hunter2"\n'
    (repository / "a").write_text(lines, encoding="utf-8")
    (answer,) = commits.nextrust_pre_tool_use(event_of(command="git commit -am 'Add a thing'"), context_of(repository))
    assert (answer.kind, answer.text) == (
        "note",
        "What is committed gives a value to a name that says password: is it a secret?",
    )
    (repository / "a").write_text(lines + "x = gh" + "p_" + "Ab3" * 14 + "\n", encoding="utf-8")
    (answer,) = commits.nextrust_pre_tool_use(event_of(command="git commit -am 'Add a thing'"), context_of(repository))
    assert (answer.kind, answer.text) == ("deny", "What is committed holds a secret (github): take it out.")


def test_unmerged_files_are_not_committed(repository: Path) -> None:
    """In the middle of a merge with conflicts the commit is refused, and the files are named."""
    git(repository, "checkout", "-q", "-b", "other")
    (repository / "a").write_text("other\n", encoding="utf-8")
    git(repository, "commit", "-q", "-am", "Other")
    git(repository, "checkout", "-q", "main")
    (repository / "a").write_text("main\n", encoding="utf-8")
    git(repository, "commit", "-q", "-am", "Main")
    with pytest.raises(subprocess.CalledProcessError):
        git(repository, "merge", "other")
    assert committing(repository, "git commit -am 'Merge the other'")[0].startswith("Files with conflicts: a.")
