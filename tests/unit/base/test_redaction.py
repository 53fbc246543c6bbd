"""The redactor: every known shape, telling place and known value goes, and ordinary text stays."""

from __future__ import annotations

import base64
import json
import re
import zlib
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_nextrust.base.redaction import VARIABLES, Redactor
from pytest_nextrust.base.redaction.formats import FORMATS
from pytest_nextrust.explore.token import SearchSettings, Token, encode
from tests.unit.base.harmless import HARMLESS
from tests.unit.base.secret_samples import ASSIGNED, BROKEN, ENVIRONMENT, PLACES, TOKENS, VALUE, made, sample

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


@pytest.mark.parametrize("name", TOKENS)
@pytest.mark.parametrize(
    "form", ["{}", "x={} y", '"{}",', "a\n{}\nb", "({})", "error\\n{} end", "\x1b[31m{}\x1b[0m", "see {}."]
)
def test_a_token_of_each_service_goes(name: str, form: str) -> None:
    """Wherever it stands: nothing of it is left, and all that is around it is."""
    token = sample(name)
    if TOKENS[name].startswith("base64:"):
        token = base64.b64encode(token.encode()).decode()
    text = PLAIN.text(form.format(token))
    before, _, after = form.partition("{}")
    assert token[:16] not in text
    assert token[-16:] not in text
    assert text.startswith(before)
    assert text.endswith(after.lstrip("."))
    assert "[redacted:" in text


@pytest.mark.parametrize("name", TOKENS)
def test_what_only_begins_like_a_token_stays(name: str) -> None:
    """The same form with three characters for each of its random pieces is a word like any other."""
    form = re.sub(r"<([A-Z])[0-9]+>", r"<\g<1>3>", TOKENS[name].removeprefix("base64:"))
    text = made(form, name) if name not in LONG_ALONE else name
    assert PLAIN.text(f"the word {text} stays") == f"the word {text} stays"


# What these forms have as it is, beside their random pieces, is long enough for a token.
LONG_ALONE = {"aws-bedrock-short", "jwt", "jwt-in-base64", "pypi", "pypi-test", "twitter-bearer", "anthropic-admin"}
LONG_ALONE |= {"openai-project", "openai-service", "slack-app", "slack-bot", "slack-legacy", "slack-user", "tailscale"}


def test_every_row_of_the_table_names_its_source_and_is_tried() -> None:
    """Each prefix of the table has a source, and a sample that begins with it or with one of the same row's kind."""
    samples = {sample(name) for name in TOKENS}
    kinds = {PLAIN.text(text).partition("[redacted:")[2].partition("]")[0] for text in samples}
    assert all(len(source) > 5 for _, _, _, source in FORMATS)
    assert {kind for kind, _, _, _ in FORMATS} - kinds == set()


@pytest.mark.parametrize("name", ASSIGNED)
def test_what_a_place_gives_away_goes(name: str) -> None:
    """A value of no known shape goes where its name, header, option, command or URL says that it is a secret."""
    value = made(VALUE, name)
    text = made(ASSIGNED[name].replace("{{", "{").replace("}}", "}").replace("{}", value), name)
    clean = PLAIN.text(text)
    assert clean != text
    assert value not in clean
    for word in ("user: app", "--to prod", "registry.example.org", "DEBUG=1", "Path=/", "&page=2", "-jar app.jar"):
        assert (word in clean) == (word in text)
    assert PLAIN.text(clean) == clean


# Of these places the second half is a secret whatever the first is, or all of it is whatever it looks like.
SURE = {"header-bearer", "header-basic", "header-token", "header-proxy", "header-json", "header-dict", "header-plain"}
SURE |= {"header-digest", "header-aws", "toml-list", "url-password", "url-database", "url-redis"}


@pytest.mark.parametrize("name", [name for name in ASSIGNED if "{}" in ASSIGNED[name] and name not in SURE])
@pytest.mark.parametrize("value", ["", "$VALUE", "${VALUE}", "<value>", "None", "true", "[redacted:other]"])
def test_a_place_without_a_secret_stays(name: str, value: str) -> None:
    """The same places with nothing, a variable's name, a placeholder or a switch in them lose no character."""
    text = ASSIGNED[name].replace("{{", "{").replace("}}", "}").replace("{}", value)
    assert PLAIN.text(text) == text


@pytest.mark.parametrize("variable", ENVIRONMENT)
def test_values_of_telling_variables_go(variable: str) -> None:
    """As they stand, as JSON, a URL, hexadecimal and Base64 carry them, in a string of another's, and broken or cut."""
    value = PLACES.get(variable, ENVIRONMENT[variable])
    redactor = Redactor({**ENVIRONMENT, "HOME": "/home/builder", "LANG": "en_US.UTF-8"})
    data = value.encode()
    forms = [value, json.dumps(value)[1:-1], quote(value, safe=""), data.hex(), data.hex().upper()]
    forms += (
        [f"{value[:9]}\n  {value[9:]}", f"{value[:9]}\\n{value[9:]}"] if len(value) >= 16 and "\n" not in value else []
    )
    encoded = [base64.b64encode(b"x" * skip + data + b" and more").decode() for skip in range(3)]
    for form in [*forms, *encoded]:
        text = redactor.text(f"it is {form}, at home in /home/builder")
        assert form not in text
        assert form not in encoded or form[4:16] not in text
        assert "[redacted:" in text
        assert text.startswith("it is ")
        assert text.endswith("at home in /home/builder")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TOKEN", "1"),
        ("PWD", "hunter2-project"),
        ("USE_TOKEN", "true"),
        ("API_KEY", "disabled"),
        ("SSH_KEY", "/home/builder/.ssh/id_ed25519"),
        ("GOOGLE_APPLICATION_CREDENTIALS", "/home/builder/creds.json"),
        ("SSH_AUTH_SOCK", "/tmp/ssh-abcdefghij/agent.1234"),
        ("POSTGRES_PASSWORD", "postgres"),
        ("TOKEN_URL", "https://example.org/oauth/token"),
        ("AUTH_URL", "https://example.org/oauth/authorize"),
        ("MAX_TOKENS", "16384000"),
        ("KEYBOARD_LAYOUT", "us-international"),
        ("MONKEY_NAME", "capuchin-one"),
        ("PUBLIC_KEY", "ssh-ed25519-AAAAC3NzaC1lZDI1NTE5"),
        ("CACHE_KEY", "linux-gcc-12-m68k"),
        ("SECRET_NAME", "production-secret"),
        ("PASSWORD_FILE", "run-secrets-password"),
        ("PWD", "/home/builder/project"),
        ("COMPASS", "north-by-northwest"),
    ],
)
def test_everyday_values_of_telling_variables_stay(name: str, value: str) -> None:
    """Short, common, a number, a path, or not the secret itself: taking it out would blank ordinary text."""
    text = f"built with {value} and {value}"
    assert Redactor({name: value}).text(text) == text


def test_a_line_of_a_value_goes() -> None:
    """Of a value of several lines each long one is a secret for itself."""
    assert "privatekeylineone" not in Redactor(ENVIRONMENT).text("it is privatekeylineoneplanted")


def test_a_word_is_taken_as_a_whole() -> None:
    """A password that is a word is not taken out of the middle of others."""
    redactor = Redactor({"DB_PASSWORD": "elephants"})
    assert redactor.text("elephants, megaelephants") == "[redacted:DB_PASSWORD], megaelephants"


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_over_lines_goes(name: str) -> None:
    """Keys, Base64, tokens and values that a file, a terminal, JSON or a shell broke: no piece is left."""
    text, pieces = BROKEN[name]
    clean = PLAIN.text(f"before\n{text}\nafter")
    assert [piece for piece in pieces if piece in clean] == []
    assert clean.startswith("before\n")
    assert clean.endswith("after")
    assert ("then the build went on" in clean) == ("then the build went on" in text)


@pytest.mark.parametrize("carried", [json.dumps, repr, lambda text: json.dumps(json.dumps(text))])
def test_what_a_record_carries_is_found(carried: Callable[[str], str]) -> None:
    """The same in JSON, JSON in JSON, and the repr of a string: an escaped line's end is one, an escaped quote too."""
    values = {name: made(VALUE, name) for name in ASSIGNED}
    places = [form.replace("{{", "{").replace("}}", "}").replace("{}", values[name]) for name, form in ASSIGNED.items()]
    clean = PLAIN.text(carried("\n\n".join([*places, *(text for text, _ in BROKEN.values()), "the end"])))
    left = [name for name, value in values.items() if value in clean]
    left += [name for name, (_, pieces) in BROKEN.items() for piece in pieces if piece in clean]
    assert left == []
    assert "the end" in clean


@pytest.mark.parametrize(
    "name", ["github-classic", "gitlab-pat", "npm", "pypi", "sendgrid", "anthropic-api", "stripe-live"]
)
@pytest.mark.parametrize("end", ["", "...", "…", "\n", "'"])
def test_the_beginning_of_a_token_goes_where_a_text_was_cut(name: str, end: str) -> None:
    """A text that was cut within a token gives nothing of it away, nor one that was shortened in the middle."""
    token = sample(name)
    for length in range(20, len(token), 3):
        clean = PLAIN.text(f"with {token[:length]}{end}")
        assert token[:20] not in clean
        assert clean.startswith("with ")
    if end in ("...", "…"):
        clean = PLAIN.text(f"with {token[:20]}{end}{token[-12:]} in it")
        assert token[:20] not in clean
        assert token[-12:] not in clean


def test_half_a_known_value_goes() -> None:
    """The beginning or the end of a variable's value, of at least 12 characters, where a text was cut in it."""
    value = made("<A40>", "known")
    redactor = Redactor({"OUR_TOKEN": value})
    for length in range(12, 40, 4):
        assert value[:12] not in redactor.text(f"it is {value[:length]}")
        assert value[-12:] not in redactor.text(f"{value[-length:]} it was")


def test_a_key_says_what_its_value_is() -> None:
    """In plain values a telling key, a pair of name and value, and an option before its value each give it away."""
    value = made(VALUE, "plain")
    plain = {
        "password": value,
        "clientSecret": value,
        "passwords": [value, "none"],
        "env": [{"name": "DEPLOY_TOKEN", "value": value}, {"name": "MODE", "value": "release-12345678"}],
        "argv": ["deploy", "--token", value, "--to", "prod-1234567890"],
        "token": "nx1Qm3vY2ZhbGxlbi10b2tlbi13aXRoLWEtY2hlY2tzdW0AAQ",
        "tokens": 12345,
        "key": "linux-x86_64-0a1b2c3d4e5f",
        "password_file": "/run/secrets/password",
    }
    clean: Any = PLAIN.plain(plain)
    assert value not in json.dumps(clean)
    assert clean["env"][1] == plain["env"][1]  # type: ignore[index]
    assert clean["argv"][:2] + clean["argv"][3:] == ["deploy", "--token", "--to", "prod-1234567890"]
    assert [clean[name] for name in ("token", "tokens", "key", "password_file")] == list(plain.values())[-4:]


def test_a_key_goes_on_from_string_to_string() -> None:
    """A private key whose lines are strings of a list is taken out whole; what comes after it stays."""
    lines = BROKEN["pem"][0].split("\n")
    clean: Any = PLAIN.plain({"lines": ["before", *lines, "after"]})
    assert not any(line in clean["lines"] for line in lines[1:-1])
    assert (clean["lines"][0], clean["lines"][-1]) == ("before", "after")


def test_base64_of_what_was_printed_is_looked_into() -> None:
    """The Base64 of a guest's output stays what it is without a secret in it, and stays Base64 with one."""
    printed, token = b"hello from NeXTSTEP\n", sample("github-classic")
    plain = {"stdout_b64": base64.b64encode(printed).decode(), "stderr_b64": ""}
    assert PLAIN.plain(plain) == plain
    clean: Any = PLAIN.plain({"stdout_b64": base64.b64encode(printed + token.encode()).decode()})
    assert base64.b64decode(clean["stdout_b64"]) == printed + b"[redacted:github]"
    assert PLAIN.plain({"stdout_b64": "no base64!"}) == {"stdout_b64": "no base64!"}


@pytest.mark.parametrize("kind", HARMLESS)
def test_no_harmless_text_loses_a_character(kind: str) -> None:
    """Hashes, addresses, symbols, node ids, listings, journal entries: each alone, and all in one text."""
    texts = HARMLESS[kind]
    assert [PLAIN.text(text) for text in texts] == texts
    assert PLAIN.text("\n".join(texts)) == "\n".join(texts)
    for text in texts:
        if text.startswith("{"):
            assert PLAIN.plain(json.loads(text)) == json.loads(text)


def test_there_are_at_least_200_harmless_texts() -> None:
    """And no two are the same."""
    texts = [text for texts in HARMLESS.values() for text in texts]
    assert len(set(texts)) == len(texts) >= 200


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 1 << 62), st.integers(1, 4), st.integers(0, 1 << 20))
def test_tokens_of_schedules_stay(seed: int, threads: int, state: int) -> None:
    """The harness's own tokens are printed for everyone to use, in every place where they are printed."""
    search = SearchSettings(method="graph", reduce=True, seed=seed, depth=3, schedules=0, state=state)
    token = encode(Token(zlib.crc32(b"p").to_bytes(8), seed.to_bytes(8), "deadlock", threads=threads, search=search))
    for form in ("nextrust replay {}", "token: {}", "--nextrust-replay {}", "token={}", '"token": "{}"', "--token {}"):
        assert PLAIN.text(form.format(token)) == form.format(token)
    assert PLAIN.plain({"token": token}) == {"token": token}


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60), st.sampled_from([sample(name) for name in TOKENS]), st.text(max_size=60))
def test_what_was_redacted_stays_as_it_is(before: str, token: str, after: str) -> None:
    """Redacting a redacted text changes nothing, whatever stood around the secret."""
    once = PLAIN.text(f"{before}={token} {after}")
    assert PLAIN.text(once) == once
