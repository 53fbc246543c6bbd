"""google-re2 gives the answers of Python's ``re`` wherever it is asked, and is asked for nothing else."""

from __future__ import annotations

import os
import random
import re
import sys
import types

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_nextrust.failures.issues import re2_engine
from pytest_nextrust.failures.issues.match import FailureFacts, match
from pytest_nextrust.failures.issues.patterns import LONGEST_TEXT, PatternSearch, search
from pytest_nextrust.failures.issues.re2_engine import find, refusal, takes
from pytest_nextrust.failures.issues.table import IssuePattern, load_table
from tests.unit.failures.issues.bad_patterns import CATASTROPHIC

FULL = os.environ.get("NEXTRUST_CAMPAIGN") == "full"
SHIPPED = load_table(None).issues
OWN = [
    "wrong answer",
    "undefined reference to `?_start",
    "-nostartfiles",
    r"^command: .*\bld\b",
    "^exit: ",
    "boom",
    "Q+",
]
"""Patterns of projects, as the tests and the documentation have them."""

TEXTS = [
    "",
    "ld: foo.o: undefined reference to `__sync_val_compare_and_swap_4'",
    "ld: foo.o: undefined reference to ‘__atomic_fetch_add_4’\nmake: *** [all] Error 1\n",
    "Undefined symbols: ___atomic_fetch_add_4\r\n",
    "command: cargo build --target m68k-next-nextstep\nphase: phase-3\ncpu: m68030\ntoolchain: clang 19\n\nerror: x",
    "error: unknown target triple 'm68k-next-nextstep'\n  = note: größere Übersetzung\n",
    "move at 0x2478 (_set): no 680x0 allows its addressing mode",
    "end: still ran after 1_000_000 instructions\nfetch at 0x00000000: forbidden",
    "exit: expected 1, found exit 255\nstdout: expected inf, found nan\n",
    "qemu: Illegal instruction\vSIGILL\x1c",
    "command: ld -nostartfiles\nundefined reference to _start\nwrong answer\nboom QQ",
]


def python(pattern: str, text: str) -> tuple[int, int] | None:
    found = re.compile(pattern, re.MULTILINE).search(text)
    return found.span() if found else None


def test_every_shipped_pattern_is_searched_for_by_it() -> None:
    """None is left to the child process, and no project's pattern of the documentation."""
    named = [(issue.id, key, pattern) for issue in SHIPPED for key, pattern in issue.patterns()]
    assert [(name, key, why) for name, key, pattern in named if (why := refusal(pattern))] == []
    assert [pattern for pattern in OWN if refusal(pattern)] == []


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_the_answers_are_the_same_both_ways(text: str) -> None:
    """Every shipped pattern and those of projects: the same span, or none, from either engine."""
    patterns = [*OWN, *(pattern for issue in SHIPPED for _, pattern in issue.patterns())]
    searches = [PatternSearch(pattern, text) for pattern in patterns]
    assert search(searches) == search(searches, portable=True)


def test_matches_and_their_order_are_the_same_both_ways(request: pytest.FixtureRequest) -> None:
    """The same issues with the same scores and reasons, in one order."""
    facts = [FailureFacts(text, command="cargo build", toolchain="clang 19", phase="phase-3") for text in TEXTS]
    with_re2 = [match(SHIPPED, one) for one in facts]
    request.getfixturevalue("without_re2")
    assert refusal("a") == "google-re2 is not installed"
    assert [match(SHIPPED, one) for one in facts] == with_re2
    assert sum(len(one.matches) for one in with_re2) >= 5


@pytest.mark.parametrize(
    "pattern",
    [
        "x{,3}",  # Python: up to three; google-re2: the characters
        "[[:alpha:]]",  # Python: a class of characters, and a bracket
        "[a[.x]",
        "a(?i)b",  # Python: an error
        "(?<n>a)",
        "^*",
        r"\b+",
        r"[\w-z]",
        r"\C",
        r"\pL",
        r"\Qa\E",
        r"\z",
        r"\x{41}",
        r"\B",  # Python before 3.14: not in an empty text
        "(|a)*",  # what an empty round leaves
        r"(a??|b){0,2}c",
        r"(?:\b|a)+",
        "(?-m:a$)",
        "(?i)ſ",
        r"[é]\w",
        "a{",
        "a)",
        r"\Z",
        "(?=a)",
        "(?#a)b",
        r"(a)\1",
        "a++",
        "(?>a)b",
        "a\0",
        "(?:.{500}){9}",
    ],
)
def test_what_they_do_not_read_alike_is_left_to_python(pattern: str) -> None:
    """Each such pattern is refused, with a reason."""
    assert refusal(pattern)
    assert not takes(pattern, "a")


def test_a_text_with_another_alphabet_is_left_to_python() -> None:
    """Classes are ASCII's here: a text with other letters, digits or blanks is not searched for them."""
    for text in ("größe", "٣", "a\u00a0b", "a\vb", "a\x1cb", "\u212a"):
        assert not takes(r"\w+", text)
        assert not takes("(?i)k", text)
        assert takes("[^a]+", text)
    assert takes(r"\bld\b", "‘ld’ → ‘a’")
    assert find(r"\bld\b", "‘ld’ → ‘a’") == (1, 3)
    assert find("[^a]+", "aaé𝕏") == (2, 4)
    assert not takes("a", "\ud800")


ATOMS = [
    "a",
    "b",
    "A",
    ".",
    r"\w",
    r"\W",
    r"\s",
    r"\d",
    "[ab]",
    "[^a\\n]",
    "[]a-]",
    r"[\w.]",
    "-",
    r"\.",
    r"\b",
    "^",
    "$",
    r"\A",
]
REPEATS = ["", "", "", "*", "+", "?", "*?", "+?", "??", "{2}", "{0,2}", "{1,}?", "{0}"]


def grown(chance: random.Random, depth: int) -> str:
    """A pattern, for the most part one that both engines read."""

    def atom() -> str:
        if depth and chance.random() < 0.4:
            return chance.choice(["(", "(?:", "(?i:", "(?s:"]) + grown(chance, depth - 1) + ")"
        return chance.choice(ATOMS)

    def row() -> str:
        return "".join(atom() + chance.choice(REPEATS) for _ in range(chance.randint(1, 3)))

    return "|".join(row() for _ in range(chance.choice([1, 1, 2])))


@pytest.mark.campaign
@settings(max_examples=20_000 if FULL else 300, deadline=None)
@given(chance=st.randoms(use_true_random=False), text=st.text("abA1 _-.\n‘é", max_size=9))
def test_what_it_takes_it_answers_as_python_does(chance: random.Random, text: str) -> None:
    """Patterns made by lot: whatever is taken is a pattern of Python's too, with the same answer."""
    pattern = chance.choice(["", "(?i)", "(?s)"]) + grown(chance, 2)
    if takes(pattern, text):
        assert find(pattern, text) == python(pattern, text)


@pytest.mark.campaign
@settings(max_examples=20_000 if FULL else 300, deadline=None)
@given(pattern=st.text(alphabet="ab()|*+?.[]^$\\{},0189P<>=!:i-sm_wbdxA é&~", max_size=9))
def test_what_it_takes_is_a_pattern(pattern: str) -> None:
    """Characters thrown together: what is taken is a pattern of Python's, and means the same in it."""
    for text in ("", "ab", "A_b 1", "a\nb", "b.a-x{2}", "[:a:]", "‘b’"):
        if takes(pattern, text):
            assert find(pattern, text) == python(pattern, text)


def test_no_pattern_takes_for_ever() -> None:
    """Those on which Python's engine hangs, and the worst that are about as large as may be, come to an end."""
    chance = random.Random(1)
    texts = ["a" * LONGEST_TEXT, "".join(chance.choice("ab") for _ in range(LONGEST_TEXT))]
    worst = ["(?s)a.{450}c", "(?s:(a.{0,150}b.{0,150}a.{0,150}c))", "(?:ab?){900}c", r"(?:.{0,250}b|\w{0,250}c)d"]
    bad = [(pattern, text) for pattern, text in CATASTROPHIC if takes(pattern, text)]
    assert len(bad) >= 75
    for pattern, text in [*bad, *((pattern, text) for pattern in worst for text in texts)]:
        assert takes(pattern, text), pattern
        assert find(pattern, text) is None or pattern in dict(CATASTROPHIC)


def test_a_pattern_that_is_too_large_is_left_to_python() -> None:
    """More instructions than may be run for a character: refused, and still answered."""
    pattern = "(?:a.{900}|b.{900})c"
    assert f"more than {re2_engine.LARGEST}" in refusal(pattern)
    assert [bool(one) for one in search([PatternSearch(pattern, "a" * 901 + "c")])] == [True]


def test_another_library_of_that_name_is_not_taken_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A module re2 without google-re2's options is as none."""
    monkeypatch.setitem(sys.modules, "re2", types.ModuleType("re2"))
    assert re2_engine._library.__wrapped__() is None
    assert match([IssuePattern("a", "a", "boom")], FailureFacts("boom")).best is not None
