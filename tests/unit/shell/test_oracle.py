"""The reader of shell commands against others: tree-sitter's grammar of bash, bash itself, and scripts made by lot.

Every command name that tree-sitter sees is a step of ours; where it is wrong, bash says so. In a script made by lot
each command has a name of its own, so what was written is known without a reader.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import tree_sitter_bash
from tree_sitter import Language, Node, Parser

from pytest_nextrust.errors import UsageFault
from pytest_nextrust.shell.walk import walk
from pytest_nextrust.shell.wrappers import SHELLS, unwrap
from tests.unit.shell import test_shell
from tests.unit.shell.scripts import make

CORPUS: dict[str, list[str]] = json.loads(
    (Path(__file__).parents[1] / "hooks" / "corpus.json").read_text(encoding="utf-8")
)
WRITTEN = [
    *CORPUS["destructive"], *CORPUS["harmless"], *test_shell.DENIED, *test_shell.ASKED, *test_shell.HARMLESS,
    *test_shell.READ_AS_SCRIPT, *test_shell.FETCHED, *test_shell.NOT_RUN,
]  # fmt: skip
PARSER = Parser(Language(tree_sitter_bash.language()))
BASH = shutil.which("bash")
WITHOUT_NAME = {"declare", "local", "export", "readonly", "(group)", ":"}
"""Steps that tree-sitter has as something else than a command, or that stand for none."""


def seen(script: str) -> tuple[list[str], bool]:
    """The command names that tree-sitter sees and that are no expansions, unquoted and without folders; whether it
    could read all."""
    root = PARSER.parse(script.encode()).root_node
    found: list[str] = []

    def visit(node: Node) -> None:
        if node.type == "command_name" and node.text is not None and not re.search(rb"[$`{]", node.text):
            found.append(re.sub(r"\\\n|['\"\\]", "", node.text.decode()).rpartition("/")[2])
        for child in node.children:
            visit(child)

    visit(root)
    return found, not root.has_error


def steps(script: str) -> list[str]:
    return [step.name for step in walk(script, cwd="/w", environ={"HOME": "/home/u"})]


def taken_off(name: str) -> bool:
    """Whether the name is that of a command that runs another: its step is the other's."""
    return name not in SHELLS and unwrap([name, "a", "a", "a"]).arguments[0] != name


def accepted(script: str) -> bool:
    """Whether bash takes the script as one."""
    assert BASH is not None, "this test needs bash"
    done = subprocess.run([BASH, "-n", "-O", "extglob"], input=script.encode(), capture_output=True, timeout=60)
    return done.returncode == 0 and not done.stderr


@pytest.mark.parametrize("script", WRITTEN, ids=range(len(WRITTEN)))
def test_every_name_in_the_corpora_is_a_step(script: str) -> None:
    """Of all commands of the tests. A name that is unfolded to another (``$X``, an alias) has the other's step."""
    names, whole = seen(script)
    found = steps(script)
    known = [name for name in names if f"alias {name}=" not in script]
    assert not whole or [name for name in known if name not in found and not taken_off(name)] == []
    assert whole or script == "{rm,-rf,/}"


def test_every_name_in_scripts_by_lot_is_a_step() -> None:
    """Neither more nor fewer steps than what was written, and with them all that tree-sitter sees where it can read: it
    takes reserved words and lines of here-documents for commands besides."""
    count = readable = 0
    for seed in range(300):
        script, names = make(seed, 4, common=True)
        if not accepted(script):
            continue
        count += 1
        found = steps(script)
        assert sorted(set(found) - WITHOUT_NAME) == sorted(names), script
        others, whole = seen(script)
        readable += whole
        missed = {name for name in others if re.match(r"n\d", name)} - set(found)
        assert not (whole and missed), script
    assert count > 200
    assert readable > 80


def test_scripts_in_every_notation_are_read() -> None:
    """Also in what tree-sitter does not know, nested deeply."""
    count = 0
    for seed in range(1000, 1300):
        script, names = make(seed, 12)
        if accepted(script):
            count += 1
            assert sorted(set(steps(script)) - WITHOUT_NAME) == sorted(names), script
    assert count > 150


@pytest.mark.parametrize(
    ("script", "claimed", "runs"),
    [
        ("n\\\n1_ a", "n", ["n1_"]),
        ("time n1_", "time", ["n1_"]),
        ("coproc n1_", "coproc", ["n1_"]),
        ("n1_ `n2_ \\`n3_\\``", None, ["n3_", "n2_", "n1_"]),
        ("{n1_,a}", "n1_,a}", ["n1_"]),
        ("<<E n1_\nx\nE", None, ["n1_"]),
    ],
)
def test_where_tree_sitter_is_wrong(script: str, claimed: str | None, runs: list[str]) -> None:
    """Bash runs what we say, and nothing of the name that tree-sitter claims; or it runs what tree-sitter misses."""
    assert BASH is not None, "this test needs bash"
    names, whole = seen(script)
    assert claimed is None or claimed in names
    assert not whole or names != runs
    told = 'command_not_found_handle() { echo "$1" >&9; }; exec 9>&1\n' + script + "\nwait"
    done = subprocess.run([BASH, "-c", told], capture_output=True, timeout=60, env={"PATH": "/nowhere"}, text=True)
    ran = done.stdout.split()
    assert sorted(ran) == sorted(runs)
    assert sorted(steps(script)) == sorted(runs)


HIDDEN = [
    'echo "${v:-"}"}" `echo "}"`; n1_',
    'echo "$(case a in @(a|b)) n1_;; esac)"',
    "coproc P { n1_; }",
    "declare -a a=(x y); n1_",
    'echo "$(declare -a a=(x); n1_)"',
    "for x\nin a; do n1_; done",
    "for ((i=0; i<3; i++)); do n1_; done",
    'echo "$(for ((;;)); do n1_; done)"',
    "for x in a; { n1_; }",
    "[[ x =~ (#) ]]; n1_",
    'echo "$\\\n(n1_)"',
    "echo $(( $(echo ')' | n1_) + 1 ))",
    'echo "`echo \\"a\\"; n1_`"',
    "ls !(a|b); n1_",
    "!(n1_)",
    "ls ${v/)/(}; n1_",
    "cat <<A <<B; n1_\n'\nA\n\"\nB",
    "cat <<A $(n1_ <<B\n)\nB\n)\n(\nA",
    "case esac2 in esac2) n1_;; esac",
]


@pytest.mark.parametrize("script", HIDDEN, ids=range(len(HIDDEN)))
def test_what_hides_a_command_does_not(script: str) -> None:
    """Quotes, brackets and keywords where a reader might lose its place, each with one command."""
    assert "n1_" in steps(script)


@pytest.mark.parametrize("script", ['"${v:-it\'s}"; rm -rf /; echo "${y:-it\'s}"', "[[ a == b; ls", "a=(b; ls"])
def test_what_shells_read_differently_is_a_fault(script: str) -> None:
    """A quote in ``"${...}"`` hides what follows from one shell and not from another; nothing is guessed."""
    with pytest.raises(UsageFault, match="shell command"):
        steps(script)


def test_a_quote_that_all_read_alike_is_none() -> None:
    """The twin."""
    assert steps('echo "${v:-it\'s}"; n1_') == ["echo", "n1_"]
    assert steps("echo \"${v:-'a b'}\"; n1_") == ["echo", "n1_"]


@pytest.mark.parametrize(
    "command",
    [
        "f() { ls; rm -rf $1; }; f /",
        "f() { ls\nrm -rf $1\n}\nf /",
        "f() { rm -rf $X; }; X=/; f",
        "f() if true; then rm -rf $1; fi; f /",
        "f() ( cd /; rm -rf * ); f",
        "for d\nin /; do rm -rf $d; done",
        "{ cd /; ls; }; rm -rf *",
        "{ echo rm -rf /; } | sh",
        "(echo 'rm -rf /') | sh",
        "declare -a a=(rm -rf /); ${a[@]}",
        "if true; then echo 'rm -rf /'; fi | sh",
        "for x in 'rm -rf /'; do echo $x; done | sh",
        "while read x; do rm -rf /; done < list",
    ],
)
def test_compound_commands_are_followed_as_wholes(command: str) -> None:
    """A function's whole body, what a group prints, the folder that it leaves behind."""
    assert test_shell.verdict(command) == "deny"


@pytest.mark.parametrize(
    "command",
    [
        "f() { ls; rm -rf $1; }; f build",
        "(cd /; ls); rm -rf *.o",
        "{ echo ls; } | sh",
        "f() { f; }; f",
        "f() { g; g; }\n" * 9,
    ],
)
def test_harmless_compound_commands_pass(command: str) -> None:
    """The twin; a function that calls itself has an end."""
    assert test_shell.verdict(command) == ""
