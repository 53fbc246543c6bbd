"""The grammar: which lines are commands, why others are not, and that no disguise is one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_nextrust.errors import UsageFault
from pytest_nextrust.slash.grammar import LARGEST, MOST, Line, addressed, parse, safe
from pytest_nextrust.slash.service import check_lines
from pytest_nextrust.slash.table import commands_of
from tests.unit.slash.hostile import texts

COMMANDS = commands_of()
HOSTILE = list(dict.fromkeys(texts()))


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("/ci-status", ["/ci-status"]),
        ("/ci-status\n", ["/ci-status"]),
        ("/ci-status  ", ["/ci-status"]),
        ("\n\n/ci-status\n\n", ["/ci-status"]),
        ("Bitte, gr\u00fc\u00dfe \U0001f600:\n\n/ci-status\n\nDanke!", ["/ci-status"]),
        ("/ci-retry-job build (ubuntu-latest, release)", ["/ci-retry-job build (ubuntu-latest, release)"]),
        ("/ci-retry-job 123456789", ["/ci-retry-job 123456789"]),
        ("/ci-force-review gemini", ["/ci-force-review gemini"]),
        ("/ci-design-help", ["/ci-design-help"]),
        ("/ci-design-help atomics", ["/ci-design-help atomics"]),
        ("/ci-clear-backoff\n/ci-retry-job build", ["/ci-clear-backoff", "/ci-retry-job build"]),
        ("/ci-status\n\n/ci-status", ["/ci-status"]),
        ("```\n/ci-clear-cache\n```\n\n/ci-status", ["/ci-status"]),
        ("> /ci-clear-cache\n\n/ci-status", ["/ci-status"]),
        ("<!-- /ci-clear-cache -->\n\n/ci-status", ["/ci-status"]),
    ],
)
def test_commands(text: str, lines: list[str]) -> None:
    """Alone on a line, with edges, empty lines or other commands around; what quotes and code hold is passed over."""
    parsed = parse(text)
    assert (parsed.refused, list(map(str, parsed.lines))) == ("", lines)
    check_lines(parsed.lines, COMMANDS)


@pytest.mark.parametrize("text", ["", "hello", "ci-status", "/ c i", "a/b-c", "see /cicd-x", "\u202e hidden", "a\r\nb"])
def test_conversation(text: str) -> None:
    """What does not look like a command is nobody's business: neither a command nor refused."""
    assert not addressed(text)
    assert parse(text) == parse("")
    assert (parse("").lines, parse("").refused) == ((), "")


def test_there_are_enough_hostile_comments() -> None:
    """250 at least, all different."""
    assert len(HOSTILE) >= 250


def test_no_hostile_comment_is_a_command() -> None:
    """Each is taken for an attempt, and refused with a reason by the grammar or by the type of an argument."""
    for text in HOSTILE:
        if not addressed(text):
            assert not parse(text).lines, text[:80]
            continue
        parsed = parse(text)
        if parsed.refused:
            assert not parsed.lines
            continue
        with pytest.raises(UsageFault):
            check_lines(parsed.lines, COMMANDS)


def test_most_hostile_comments_are_recognized_as_attempts() -> None:
    """Those that are drawn or decoded as a command are, so that they are on record."""
    unnoticed = [text for text in HOSTILE if not addressed(text)]
    assert unnoticed == ["/ci", "/ci_status"]


@pytest.mark.parametrize(
    ("text", "reason", "asked"),
    [
        ("/ci-status\r\n", "a carriage return", True),
        ("/ci-status\u200b", "a character that is not seen (U+200B)", True),
        ("a\n/ci-status", "a command in the middle of a text", True),
        ("\uff0fci-status", "not at the beginning of a line, or not in plain letters", True),
        (" /ci-status", "not at the beginning of a line", True),
        ("/ci-status; id", "no command: /ci-NAME in small letters", True),
        ("```\n/ci-status\n```", "no command on a line of its own outside code and quotes", False),
        ("> /ci-status", "no command on a line of its own outside code and quotes", False),
        ("see https://example.org/ci-logs", "no command on a line of its own", False),
        ("/ci-status\n" + "a" * LARGEST, f"longer than {LARGEST} characters", False),
        ("\n".join(f"/ci-reset-phase p{n}" for n in range(MOST + 1)), f"more than {MOST} commands", True),
        ("/ci-reset-phase " + "a" * 200, "a command of more than 200 characters", True),
        ("/ci-status \u00e9", "characters beyond ASCII in a command", True),
    ],
)
def test_reasons(text: str, reason: str, asked: bool) -> None:
    """The reason says what to change; an answer is due only where somebody meant a command."""
    parsed = parse(text)
    assert reason in parsed.refused
    assert (parsed.lines, parsed.asked) == ((), asked)


def test_one_bad_line_refuses_all() -> None:
    """Also where the others are well."""
    assert parse("/ci-status\n\n/ci-status; id").lines == ()


@given(st.text(max_size=200), st.text(max_size=200))
def test_what_surrounds_a_command_cannot_change_it(before: str, after: str) -> None:
    """With anything around it a command is itself or refused, never another one."""
    for line in parse(f"{before}\n\n/ci-reset-phase abc\n\n{after}").lines:
        assert str(line) == "/ci-reset-phase abc" or str(line) in f"{before}\n{after}".splitlines()


@given(st.text(alphabet="/ci-status \n\t>`~<!-\u200b\u0441\r#*1.", max_size=60))
def test_a_command_stands_alone_in_plain_ascii(text: str) -> None:
    """Whatever is taken for a command is a whole line of the text, byte for byte."""
    for line in parse(text).lines:
        assert str(line) in [each.rstrip(" ") for each in text.split("\n")]
        assert str(line).isascii()


@given(st.text(max_size=400))
def test_a_text_for_a_record_is_plain(text: str) -> None:
    """One line of printable ASCII, whatever is in it."""
    shown = safe(text)
    assert shown.isascii()
    assert shown.isprintable()
    assert len(shown) < 200 * 11


def test_a_line_is_written_as_it_was() -> None:
    """With and without an argument."""
    assert (str(Line("status")), str(Line("retry-job", "a b"))) == ("/ci-status", "/ci-retry-job a b")
