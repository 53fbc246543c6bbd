"""Whether a request is from the chat that it says it is from, and new: signature and age.

Slack signs ``v0:TIMESTAMP:BODY`` by HMAC-SHA256 under the app's signing secret, Discord ``TIMESTAMP`` and the body by
Ed25519 under the application's key. Slack's own ``slack_sdk`` and ``pynacl`` verify; both are imported where they are
used (extra ``chatops``).

Boundary: bytes and headers; knows no command. Sources: docs.slack.dev "Verifying requests from Slack";
docs.discord.com "Setting up an endpoint: validating security request headers".
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

__all__ = ["OLDEST", "discord_fault", "request_key", "slack_fault"]

OLDEST = 300
"""Seconds that a request's time may be away from this machine's, either way."""

_TIME = re.compile(r"[0-9]{1,12}")


def slack_fault(headers: Mapping[str, str], body: bytes, *, secret: str, now: float) -> str:
    """Why a request is not to be believed; empty where it is."""
    from slack_sdk.signature import Clock, SignatureVerifier

    class At(Clock):
        """The time that is given."""

        def now(self) -> float:
            return now

    time, signature = headers.get("x-slack-request-timestamp", ""), headers.get("x-slack-signature", "")
    if fault := _age_fault(time, now):
        return fault
    if not re.fullmatch(r"v0=[0-9a-f]{64}", signature) or not _is_text(body):
        return "no signature that is one"
    genuine = SignatureVerifier(secret, At()).is_valid(body, time, signature)
    return "" if genuine else "a wrong signature"


def discord_fault(headers: Mapping[str, str], body: bytes, *, public_key: str, now: float) -> str:
    """The same for Discord. ``public_key`` is 64 hexadecimal digits."""
    from nacl.exceptions import CryptoError
    from nacl.signing import VerifyKey

    time, signature = headers.get("x-signature-timestamp", ""), headers.get("x-signature-ed25519", "")
    if fault := _age_fault(time, now):
        return fault
    if not re.fullmatch(r"[0-9a-fA-F]{128}", signature):
        return "no signature that is one"
    try:
        VerifyKey(bytes.fromhex(public_key)).verify(time.encode() + body, bytes.fromhex(signature))
    except CryptoError:
        return "a wrong signature"
    return ""


def request_key(service: str, time: str, body: bytes) -> str:
    """By which a request is known when it comes again: what is signed, and not the signature, which may be another."""
    return f"{service}-{hashlib.sha256(time.encode() + b':' + body).hexdigest()[:32]}"


def _age_fault(time: str, now: float) -> str:
    if not _TIME.fullmatch(time):
        return "no time that is one"
    return "too old or too new" if abs(now - int(time)) > OLDEST else ""


def _is_text(body: bytes) -> bool:
    """Whether the body is UTF-8, as what Slack sends is: its library reads it so."""
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True
