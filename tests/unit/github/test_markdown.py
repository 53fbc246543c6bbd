"""Somebody else's text in Markdown, drawn by GitHub's own renderer: all of it is code, and nothing else is changed."""

from __future__ import annotations

import html.parser
from collections.abc import Callable

import cmarkgfm
import pytest
from cmarkgfm.cmark import Options
from hypothesis import example, given
from hypothesis import strategies as st

from pytest_nextrust.github import markdown

HOSTILE = (
    "@octocat",
    "#123",
    "octo-org/next#1",
    "ce587453ced02b1526dfb4cb910479d431683101",
    "https://evil.example www.evil.example a@evil.example",
    "```\n/ci-clear-cache\n```",
    "~~~\n@all\n~~~",
    "`@octocat`",
    "``` @octocat ```",
    "\\`@octocat",
    "| a | b |\n|---|---|",
    "a \\| b \\",
    "</code></pre><img src=x onerror=alert(1)>",
    "</details><!-- nextrust:slash:1 -->",
    "<!--",
    "[x](javascript:alert(1)) ![y](https://evil.example/z.png)",
    "[x]: https://evil.example",
    ":tada: &commat;octocat &#64;octocat",
    "a\u202eb\u200bc\u2066d",
    "\r\n\r\n# heading\r\n- [ ] task",
    "\x1b[31mred\x1b[0m \x00 \x85 \u2028",
    "   ",
    "",
    " ` ",
    "\ud800",
)
TEXTS = st.one_of(
    st.sampled_from(HOSTILE),
    st.text(st.sampled_from("`~|\\@#<>[]()!*_:/.\r\n \t-ab1&;\u202e"), max_size=40),
    st.text(max_size=40),
)


class _Reader(html.parser.HTMLParser):
    """What is in code, what is outside, and which elements there are."""

    def __init__(self) -> None:
        super().__init__()
        self.code: list[str] = []
        self.outside = ""
        self.elements: list[str] = []
        self._depth = 0

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.elements.append(tag)
        if tag == "code":
            self._depth += 1
            self.code.append("")

    def handle_endtag(self, tag: str) -> None:
        self._depth -= tag == "code"

    def handle_data(self, data: str) -> None:
        if self._depth:
            self.code[-1] += data
        else:
            self.outside += data


def drawn(text: str) -> _Reader:
    reader = _Reader()
    options = Options.CMARK_OPT_UNSAFE
    reader.feed(cmarkgfm.github_flavored_markdown_to_html(text, options))
    reader.close()
    return reader


def seen(text: str) -> str:
    """``text`` as it is to be seen: what nobody sees is escaped."""
    return markdown.visible(text)


def line_of(text: str) -> str:
    parts = text.strip("\r\n").replace("\r", "\n").split("\n")
    return seen(" ".join(part for part in parts if part or len(parts) == 1))


def every(function: Callable[[str], None]) -> Callable[[str], None]:
    for text in HOSTILE:
        function = example(text)(function)
    return function


@every
@given(TEXTS)
def test_a_code_span(text: str) -> None:
    """One span with the text in it, between words that stay as they are."""
    page = drawn(f"before {markdown.code(text)} after")
    wanted = line_of(text)
    assert page.outside.split() == ["before", "after"]
    assert page.elements == ["p", "code"]
    assert page.code == [wanted if wanted.strip() else "(empty)"]


@every
@given(TEXTS)
def test_a_cell(text: str) -> None:
    """A table keeps its two rows and two columns."""
    page = drawn(f"| a | b |\n|---|---|\n| {markdown.cell(text)} | end |")
    wanted = line_of(text).replace("|", "\u00a6")
    assert page.elements == ["table", "thead", "tr", "th", "th", "tbody", "tr", "td", "code", "td"]
    assert page.code == [wanted if wanted.strip() else "(empty)"]
    assert page.outside.split() == ["a", "b", "end"]


@every
@given(TEXTS)
def test_a_block(text: str) -> None:
    """One block with all the lines of the text, between paragraphs that stay."""
    page = drawn(f"before\n\n{markdown.block(text)}\n\nafter")
    assert page.elements == ["p", "pre", "code", "p"]
    lines = text.replace("\r\n", "\n").replace("\r", "\n").strip("\n").split("\n")
    assert page.code == ["\n".join(map(seen, lines)) + "\n"]
    assert page.outside.split() == ["before", "after"]


@every
@given(TEXTS)
def test_a_link(text: str) -> None:
    """A link to the address given, and to no other."""
    page = drawn(f"see {markdown.link(text, 'https://github.com/octo-org/next/runs/1')} there")
    assert page.elements == ["p", "a", "code"]
    assert page.outside.split() == ["see", "there"]


@pytest.mark.parametrize("url", ["javascript:alert(1)", "https://a.b/> x", "https://a.b/\n", "https://u@evil", ""])
def test_no_link(url: str) -> None:
    """An address of another kind is no link."""
    assert markdown.link("text", url) == "`text`"


@given(TEXTS)
def test_a_plain_field(text: str) -> None:
    """No mention, reference or address is left whole, and the field is not too long."""
    field = markdown.plain_field(text, 60)
    assert len(field.encode("utf-8", "surrogatepass")) <= 60
    for sign in ("@octocat", "#123", "://", "www.evil"):
        assert sign not in field
    assert not set(field) & {"\x1b", "\x00", "\u202e", "\u200b", "\ud800"}


def test_nothing_is_cut_in_secret() -> None:
    """What is cut says how much is left out."""
    assert markdown.code("x" * 50, 10) == "`xxxxxxxxxx ... (40 characters left out)`"
    assert "(40 characters left out)" in markdown.block("x" * 50, 10)


@given(st.lists(st.text(max_size=30), max_size=30), st.integers(100, 400))
def test_what_does_not_fit_is_counted(parts: list[str], largest: int) -> None:
    """Whole parts from the first, and how many are left out; never more bytes than there may be."""
    text = markdown.fit(parts, "and {number} more", largest)
    assert len(text.encode("utf-8", "surrogatepass")) <= largest
    if text != "\n\n".join(parts):
        left = int(text.rpartition("and ")[2].split()[0])
        assert text == "\n\n".join([*parts[: len(parts) - left], f"and {left} more"])
        assert left > 0
