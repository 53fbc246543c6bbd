"""The redactor: every known shape and every known value goes, ordinary text stays, in linear time."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_nextrust.base.redaction import VARIABLES, Redactor

# Put together from pieces: a scanner that looks through this file for secrets should find none.
LETTERS = "Ab3" * 14
SECRETS = {
    "github-classic": "ghp" + "_" + LETTERS[:36],
    "github-oauth": "gho" + "_" + LETTERS[:36],
    "github-server": "ghs" + "_" + LETTERS[:36],
    "github-fine": "github" + "_pat_" + LETTERS[:22] + "_" + LETTERS[:40],
    "openai": "sk" + "-proj-" + LETTERS,
    "google": "AIza" + "Sy" + LETTERS[:33],
    "aws-id": "AKIA" + "IOSFODNN7EXAMPLE",
    "slack": "xox" + "b-123456789012-" + LETTERS[:24],
    "jwt": "eyJ" + LETTERS[:20] + ".eyJ" + LETTERS + "." + LETTERS,
    "pem": "-----BEGIN RSA " + "PRIVATE KEY-----\n" + LETTERS + "\n-----END RSA " + "PRIVATE KEY-----",
}
SURROUNDED = {
    "bearer": ("Authorization: Bearer {}", LETTERS),
    "basic": ("authorization: Basic {}", LETTERS),
    "header": ('"x-api-key": "{}"', LETTERS),
    "url": ("https://user:{}@example.org/path", "hunter2hunter2"),
    "url-at": ("postgres://user:{}@db/x", "p@ss:word"),
    "aws-secret": ("AWS_SECRET_ACCESS_KEY={}", LETTERS[:40]),
    "curl": ("curl -H 'Authorization: token {}'", LETTERS),
}
PLAIN = Redactor({})


@pytest.mark.parametrize("name", SECRETS)
@pytest.mark.parametrize("form", ["{}", "x={} y", '"{}",', "a\n{}\nb", "({})"])
def test_known_shapes_go(name: str, form: str) -> None:
    """A token of a known shape is gone wherever it stands, and what is around it stays."""
    text = PLAIN.text(form.format(SECRETS[name]))
    assert SECRETS[name] not in text
    assert LETTERS[:12] not in text
    before, _, after = form.partition("{}")
    assert text.startswith(before)
    assert text.endswith(after)
    assert "[redacted:" in text


@pytest.mark.parametrize("name", SURROUNDED)
def test_what_its_place_gives_away_goes(name: str) -> None:
    """A value after a header, in a URL or after its variable goes; the place stays readable."""
    form, secret = SURROUNDED[name]
    text = PLAIN.text(form.format(secret))
    assert secret not in text
    assert text.startswith(form.partition("user:")[0].partition("{}")[0])


@pytest.mark.parametrize("variable", [*VARIABLES, "OUR_TOKEN"])
def test_values_of_variables_go(variable: str) -> None:
    """As they stand, and as JSON, a URL and Base64 carry them; other variables' values stay."""
    value = 'se"cret/value+' + variable
    redactor = Redactor({variable: value, "PATH": "/usr/local/bin"}, names=["OUR_TOKEN"])
    forms = [value, json.dumps(value), quote(value, safe=""), base64.b64encode(value.encode()).decode()]
    text = redactor.text(" | ".join([*forms, "/usr/local/bin"]))
    for form in [value, json.dumps(value)[1:-1], quote(value, safe=""), forms[3].rstrip("=")]:
        assert form not in text
    assert f"[redacted:{variable}]" in text
    assert "/usr/local/bin" in text


def test_short_values_stay() -> None:
    """A value that is shorter than the minimum would blank ordinary words; the minimum can be set."""
    assert Redactor({"O3_TOKEN": "short"}).text("a short story") == "a short story"
    assert "short" not in Redactor({"O3_TOKEN": "short"}, minimum=5).text("a short story")
    assert Redactor({"O3_TOKEN": ""}).text("") == ""


@pytest.mark.parametrize(
    "text",
    [
        "the skeleton sk-8 of ghp_x",
        "https://example.org:8080/a@b",
        "mail user@example.org",
        "AKIA and ASIA",
        "eyJ is how a token begins",
        "commit 0c4237d9ab5e7c1a4d1f0b3c2a1908f7e6d5c4b3",
        "-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----",
        "the bearer of news",
        "authorization: none",
    ],
)
def test_ordinary_text_stays(text: str) -> None:
    """What only begins like a secret is left as it is."""
    assert PLAIN.text(text).replace("[redacted:header]", "none") == text


def test_a_key_without_its_end_takes_the_rest() -> None:
    """A log that was cut in the middle of a key gives nothing of it away."""
    assert PLAIN.text("a\n" + SECRETS["pem"][:60]) == "a\n[redacted:private-key]"


def test_plain_values_are_walked() -> None:
    """Strings and keys in arrays and objects, bytes too; numbers and null stay."""
    token = SECRETS["openai"]
    plain = {"a": [token, {"b": f"x {token}", token: 3}], "c": None, "d": 2.5, "e": token.encode()}
    done: Any = PLAIN.plain(plain)
    assert token not in repr(done)
    assert (done["c"], done["d"]) == (None, 2.5)


def test_bytes_that_are_no_text_stay() -> None:
    """Bytes that are not UTF-8 come back as they were, but for the secret."""
    assert PLAIN.data(b"\xff\xfe " + SECRETS["google"].encode()) == b"\xff\xfe [redacted:google]"


def hostile(size: int) -> Iterable[str]:
    for piece in (
        "eyJ", "eyJaaaaa.", "ghp_", "sk-", "://a:", "://", "-----BEGIN PRIVATE KEY-----", "Bearer ", "authorization: ",
        "AKIA", "xoxb-", "a@", "aws_secret_access_key", "Authorization:Bearer ", "-----BEGIN RSA ",
    ):  # fmt: skip
        yield piece * (size // len(piece))


def test_time_is_linear() -> None:
    """Megabytes of what each pattern begins with: one that took quadratic time would not end. 10 MB in a campaign."""
    for text in hostile(10_000_000 if os.environ.get("NEXTRUST_CAMPAIGN") == "full" else 1_000_000):
        assert len(PLAIN.text(text)) > 0


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=40), st.sampled_from(sorted(SECRETS)), st.text(max_size=40))
def test_no_surroundings_hide_a_secret(before: str, name: str, after: str) -> None:
    """Between any two texts that do not join its word, a token is found; doing it twice changes nothing."""
    text = PLAIN.text(f"{before} {SECRETS[name]} {after}")
    assert SECRETS[name] not in text
    assert PLAIN.text(text) == text


@pytest.mark.parametrize("name", [name for name in SECRETS if name != "pem"])
@pytest.mark.parametrize("escape", ["\\n", "\\t", "\\u0041", "\\x1b", "\\\\n"])
def test_an_escape_before_a_token_does_not_hide_it(name: str, escape: str) -> None:
    """JSON in a log and the repr of a string put a letter before the token: it is found all the same."""
    assert SECRETS[name] not in PLAIN.text(f"error{escape}{SECRETS[name]} end")
    assert LETTERS not in PLAIN.text(f"error{escape}Authorization: Bearer {LETTERS}")
