"""Tokens: what is written is what is read, in 120 characters, and damage is an error."""

from __future__ import annotations

import base64
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_nextrust.errors import UsageFault
from pytest_nextrust.explore.answer import Finding, Slice
from pytest_nextrust.explore.replay import token_of
from pytest_nextrust.explore.request import ExploreRequest, Method
from pytest_nextrust.explore.token import (
    CPUS,
    HASH,
    KINDS,
    LENGTH,
    METHODS,
    PREFIX,
    SearchSettings,
    Token,
    decode,
    encode,
)

HASHES = st.binary(min_size=HASH, max_size=HASH)
NUMBERS = st.integers(0, (1 << 64) - 1)


@st.composite
def tokens(draw: st.DrawFn) -> Token:
    """Any token, of either form."""
    threads = draw(st.integers(1, 8))
    pieces = st.builds(Slice, st.integers(0, threads - 1), st.integers(0, 100_000))
    slices = tuple(draw(st.lists(pieces, max_size=20)))
    search = draw(
        st.none()
        | st.builds(
            SearchSettings, st.sampled_from(METHODS), st.booleans(), NUMBERS, NUMBERS, NUMBERS, st.integers(0, 1 << 40)
        )
    )
    return Token(
        program=draw(HASHES),
        settings=draw(HASHES),
        kind=draw(st.sampled_from(KINDS)),
        cpu=draw(st.sampled_from(CPUS)),
        threads=threads,
        signals=draw(st.integers(0, 16)),
        nested=draw(st.booleans()),
        loop=draw(st.booleans()),
        slices=slices if search is None else None,
        loop_from=draw(st.integers(-1, len(slices))) if search is None else -1,
        search=search,
    )


@given(tokens())
def test_what_is_written_is_what_is_read(token: Token) -> None:
    """Encoding loses nothing, and the text is printable ASCII without characters that a shell takes."""
    text = encode(token)
    assert decode(text) == token
    assert all(character.isalnum() or character in "-_" for character in text)
    assert text.isascii()


@given(tokens(), st.data())
def test_a_wrong_character_is_an_error(token: Token, data: st.DataObject) -> None:
    """Any one character that is not as it was printed is refused, wherever it stands."""
    text = encode(token)
    at = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.characters(min_codepoint=33, max_codepoint=126).filter(lambda c: c != text[at]))
    with pytest.raises(UsageFault, match="TOKEN"):
        decode(text[:at] + other + text[at + 1 :])


@given(tokens(), st.data())
def test_a_missing_or_doubled_part_is_an_error(token: Token, data: st.DataObject) -> None:
    """A token cut anywhere, or with something after it, is refused."""
    text = encode(token)
    at = data.draw(st.integers(0, len(text) - 1))
    for damaged in (text[:at], text[at:] if at else text + text, text + "A", text + "AAAA"):
        with pytest.raises(UsageFault):
            decode(damaged)


@given(st.text(max_size=200))
def test_any_other_text_is_an_error(text: str) -> None:
    """Nothing that is no token gives anything but the error that says so."""
    with pytest.raises(UsageFault, match="TOKEN"):
        decode(PREFIX + text)


@given(st.binary(min_size=HASH * 2 + 2, max_size=80))
def test_rubbish_with_a_fitting_checksum_is_an_error_or_a_token(body: bytes) -> None:
    """Bytes nobody wrote, under a right checksum, are refused or are a token that is written the same way."""
    data = body + zlib.crc32(body).to_bytes(4, "big")
    text = PREFIX + base64.urlsafe_b64encode(data).decode().rstrip("=")
    try:
        token = decode(text)
    except UsageFault:
        return
    assert encode(token) == text


@given(
    st.builds(
        SearchSettings, st.sampled_from(METHODS), st.booleans(), NUMBERS, NUMBERS, NUMBERS, st.integers(0, 1 << 64)
    )
)
def test_a_search_always_fits(search: SearchSettings) -> None:
    """The form without switches is never longer than a token may be."""
    token = Token(bytes(8), bytes(8), "final", threads=8, signals=16, nested=True, loop=True, search=search)
    assert len(encode(token)) <= LENGTH


RUNS = st.lists(st.builds(Slice, st.integers(0, 2), st.integers(0, 1 << 40)), max_size=300)


@given(RUNS, st.sampled_from(METHODS), NUMBERS, st.integers(0, 1 << 40))
def test_no_run_is_too_long_for_a_token(run: list[Slice], method: Method, seed: int, state: int) -> None:
    """Whatever a run's length, its token fits: with its switches where they do, else with the search that finds it."""
    request = ExploreRequest(b"", "m68030", "", ("a", "b", "c"), method=method, seed=seed, schedules=1 << 40)
    text = token_of(request, Finding("final", "", tuple(run), (), state=state))
    assert len(text) <= LENGTH
    token = decode(text)
    if token.search is None:
        assert token.slices == tuple(run)
    else:
        assert (token.search.method, token.search.state) == (method, state)
        assert len(run) > 5


@pytest.mark.parametrize(
    ("token", "text"),
    [
        (
            Token(bytes(range(8)), bytes(range(8, 16)), "final", slices=(Slice(0, 2), Slice(1, 4), Slice(0, 2))),
            "nx1AAECAwQFBgcICQoLDA0ODxABAAAECQTAipYK",
        ),
        (
            Token(
                bytes(range(8)),
                bytes(range(8, 16)),
                "deadlock",
                search=SearchSettings("pct", reduce=True, seed=7, depth=3, schedules=1000, state=12),
            ),
            "nx1AAECAwQFBgcICQoLDA0ODxgDAAUHA-gHDMV4UcQ",
        ),
    ],
    ids=["slices", "search"],
)
def test_a_token_is_written_as_it_always_was(token: Token, text: str) -> None:
    """Two threads without signals, of each form: a printed token is read by every version."""
    assert encode(token) == text
    assert decode(text) == token


def test_neither_or_both_is_no_token() -> None:
    """A token without a run, or with two, cannot be made."""
    for token in (
        Token(bytes(8), bytes(8), "final"),
        Token(bytes(8), bytes(8), "final", slices=(), search=SearchSettings("graph", True, 0, 0, 0, 0)),
    ):
        with pytest.raises(ValueError, match="either"):
            encode(token)
