"""Tells by a name that its value is a secret: of a variable, a key, a header, an option.

A name is read word by word (``db_password``, ``dbPassword``, ``DB-PASSWORD``): what it ends in decides.
``token_count``, ``password_file`` and ``public_key`` name no secret; ``key`` alone does not either.

Boundary: names in, kinds out. Sources: the words of gitleaks' generic-api-key and detect-secrets' keyword plugin, and
the names that the documentation of the services in ``formats`` gives its variables and headers.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache

__all__ = ["SIGNS", "kind_of", "names_a_secret"]

SIGNS = ("pass", "pwd", "secret", "token", "key", "cred", "auth", "cookie", "signature", "dsn", "webhook", "_pat")
"""One of these is in every name that tells, in lower case."""

_NEUTRAL_WORDS = """
age algorithm attempts budget bytes category chars class columns cost count counter created date description digest
dir directory doc document duration enabled endpoint env error errors exists expired expires expiration expiry
field file filename files folder format forms grant hash hashes header help hint id ids index info input invalid
issuer kind label language last left len length level limit limits line list location manager max md5 message
messages min minimum missing mode model name names needed number offset option options output param parameter path
paths pattern per phase policy position prefix price prices prompt provider rate ratio reader ref regex remaining
required reset rotation rule rules scheme scope scopes sha sha1 sha256 size source span start state status store
stream strength suffix support table test text time timeout timestamp title total tree ttl type types uri url usage
used user username valid validity variable variables version vault width worker writer
c cc cpp cs css go h html java js json lock log md pl py rb rs rst sh sql toml ts txt xml yaml yml
"""
_NEUTRAL = frozenset(_NEUTRAL_WORDS.split())
"""Words that say, at the end of a name, that it is something about a secret and not the secret."""

_KEYED_WORDS = """
access account admin aes api app application auth authentication authorization client cloud consumer cosmos crypto
customer decryption deploy deployment developer encrypt encryption functions gpg hmac host ingest ingestion
integration jwt license master mapbox openai org organization personal pgp private project publish registry root rsa
sas secret seed server service session shared sign signing ssh ssl storage subscription symmetric team tls upload
user wallet web webhook wireguard write
"""
_KEYED = frozenset(_KEYED_WORDS.split())
"""What a ``key`` is that is secret."""

_PUBLIC_KEYS_WORDS = """
agg aggregation any array bucket build cache col column composite compound dedup dict dictionary enter event foreign
group hash home hot idempotency index item json last lookup map match merge meta name next object order parent partition
path phase press primary property public range ref return row save schema search section sort state status table
test toml translation unique uniq yaml
"""
_PUBLIC_KEYS = frozenset(_PUBLIC_KEYS_WORDS.split())
"""What a ``key`` is that is none."""

_FOLDERS = frozenset(("PWD", "OLDPWD"))
"""Variables of every shell."""


@cache
def _words() -> re.Pattern[str]:
    return re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")


def names_a_secret(name: str) -> bool:
    """Whether a variable of the environment holds a secret, as far as its name tells."""
    lower = name.lower()
    return name not in _FOLDERS and any(sign in lower for sign in SIGNS) and kind_of(name) != ""


@lru_cache(maxsize=2048)
def kind_of(name: str) -> str:
    """What it names: ``password``, ``secret``, ``token``, ``key``, ``auth``, ``cookie``, ``url``; empty: none of these.

    ``any-key`` is something that is called a key, and may be one of a map.
    """
    words = [word.lower() for word in _words().findall(name[-120:])]
    while words and words[-1].isdigit():
        words.pop()
    if not words:
        return ""
    last, before = words[-1], words[-2] if len(words) > 1 else ""
    if last in _NEUTRAL or (last.endswith("s") and last[:-1] in _NEUTRAL):
        # The secret_id of Vault's AppRole is the secret.
        return "secret" if (before, last) == ("secret", "id") else ""
    if "public" in words or last == "jsonwebtoken":
        return ""
    return _by_last_word(words, last, before) or _by_any_word(words, name)


def _by_last_word(words: list[str], last: str, before: str) -> str:
    if last in ("auth", "authorization") or (before, last) == ("auth", "config"):
        return "auth"
    if last in ("cookie", "cookies"):
        return "cookie"
    if last in ("dsn", "webhook"):
        return "url"
    if last in ("pass", "pwd", "pw", "pat"):
        return "token" if last == "pat" else "password"
    if last == "signature" and before in ("", "amz", "goog", "access"):
        return "token"
    if last in ("key", "keys"):
        if before in _KEYED or "secret" in words or "private" in words:
            return "key"
        return "" if before in _PUBLIC_KEYS or not before else "any-key"
    return ""


def _by_any_word(words: list[str], name: str) -> str:
    for word in reversed(words):
        if "passw" in word or "passphrase" in word or "passcode" in word or word in ("pswd", "passwd"):
            return "password"
        if word.endswith(("apikey", "accesskey", "secretkey", "privatekey", "authkey", "accountkey", "sharedkey")):
            return "key"
        if "secret" in word or word in ("cred", "creds") or word.startswith("credential"):
            return "secret"
        if word.endswith(("token", "tokens")):
            return "token"
    if words[-1].endswith(("pass", "pwd")) and words[-1] not in (
        "bypass",
        "compass",
        "surpass",
        "trespass",
        "multipass",
    ):
        return "password"
    return "any-key" if name.isupper() and words[-1].endswith("key") and len(words[-1]) > 6 else ""
