"""A request is believed where it is signed over these bytes by the right key, within five minutes; else never."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.signing import SigningKey

from pytest_nextrust.chatops.signatures import discord_fault, request_key, slack_fault
from tests.unit.chatops.chats import discord_headers, slack_headers

# The worked example of docs.slack.dev, "Verifying requests from Slack".
SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
TIME = 1531420618
BODY = (
    b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar"
    b"&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com"
    b"%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121."
    b"803a0bc887a14d10d2c447fce8b6703c"
)
SIGNATURE = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
KEY = SigningKey(b"k" * 32)
PUBLIC = bytes(KEY.verify_key).hex()


def slack(headers: dict[str, str], body: bytes = BODY, *, now: float = TIME, secret: str = SECRET) -> str:
    return slack_fault({name.lower(): value for name, value in headers.items()}, body, secret=secret, now=now)


def discord(headers: dict[str, str], body: bytes = BODY, *, now: float = TIME, key: str = PUBLIC) -> str:
    return discord_fault({name.lower(): value for name, value in headers.items()}, body, public_key=key, now=now)


def test_slacks_own_example() -> None:
    """What Slack documents as right is right, and the tests' own way of signing gives the same."""
    assert slack_headers(SECRET, BODY, TIME) == {
        "X-Slack-Request-Timestamp": str(TIME),
        "X-Slack-Signature": SIGNATURE,
    }
    assert slack({"X-Slack-Request-Timestamp": str(TIME), "X-Slack-Signature": SIGNATURE}) == ""


@pytest.mark.parametrize(("away", "fault"), [(300, ""), (-300, ""), (301, "too old"), (-301, "too old")])
def test_within_five_minutes(away: int, fault: str) -> None:
    """Five minutes either way are believed, a second more is not, however well it is signed."""
    for found in (
        slack(slack_headers(SECRET, BODY, TIME), now=TIME + away),
        discord(discord_headers(KEY, BODY, TIME), now=TIME + away),
    ):
        assert found.startswith(fault)
        assert bool(found) == bool(fault)


@pytest.mark.parametrize("time", ["", "-5", "1531420618.0", "０", "9" * 40, "1531420618 ", "0x5b"])
def test_a_time_that_is_none(time: str) -> None:
    """What is no number of seconds is refused before anything is computed."""
    assert slack(slack_headers(SECRET, BODY, TIME) | {"X-Slack-Request-Timestamp": time}) == "no time that is one"
    assert discord(discord_headers(KEY, BODY, TIME) | {"X-Signature-Timestamp": time}) == "no time that is one"


@pytest.mark.parametrize(
    "signature", ["", "v0=", SIGNATURE[:-1], SIGNATURE.upper(), SIGNATURE.replace("v0", "v1"), "v0=" + "é" * 64]
)
def test_a_signature_that_is_none(signature: str) -> None:
    """What has not the shape of one is refused."""
    given = slack_headers(SECRET, BODY, TIME) | {"X-Slack-Signature": signature}
    assert slack(given) == "no signature that is one"
    assert discord(discord_headers(KEY, BODY, TIME) | {"X-Signature-Ed25519": signature}) == "no signature that is one"


def test_another_key() -> None:
    """A right signature under another key is a wrong one."""
    assert slack(slack_headers("another", BODY, TIME)) == "a wrong signature"
    assert discord(discord_headers(SigningKey(b"o" * 32), BODY, TIME)) == "a wrong signature"


def test_another_time() -> None:
    """The time is signed too."""
    slacks, discords = slack_headers(SECRET, BODY, TIME), discord_headers(KEY, BODY, TIME)
    assert slack(slacks | {"X-Slack-Request-Timestamp": str(TIME + 1)}) == "a wrong signature"
    assert discord(discords | {"X-Signature-Timestamp": str(TIME + 1)}) == "a wrong signature"


@given(body=st.binary(max_size=200), place=st.integers(0, 10_000), flip=st.integers(1, 255))
def test_one_byte_is_enough(body: bytes, place: int, flip: int) -> None:
    """Any body is believed as it was signed (of Slack's, any text), and not with one byte changed."""
    text = body.isascii()
    assert (slack(slack_headers(SECRET, body, TIME), body) == "") or not text
    assert discord(discord_headers(KEY, body, TIME), body) == ""
    if body:
        other = bytearray(body)
        other[place % len(body)] ^= flip
        assert slack(slack_headers(SECRET, body, TIME), bytes(other)) != ""
        assert discord(discord_headers(KEY, body, TIME), bytes(other)) == "a wrong signature"


def test_a_request_is_known_again() -> None:
    """By service, time and bytes; another of any is another."""
    keys = [request_key(*each) for each in (("slack", "1", b"a"), ("slack", "2", b"a"), ("slack", "1", b"b"))]
    assert len({*keys, request_key("discord", "1", b"a")}) == 4
    assert request_key("slack", "1", b"a") == keys[0]
