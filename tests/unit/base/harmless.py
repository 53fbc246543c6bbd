"""Texts of this project's day without a secret, by kind, many of which look much like one: none may lose a character.

Hashes and addresses are drawn at run time, so that they are as various as real ones.

Boundary: data, for the tests and ``tests.bench.secrets``.
"""

from __future__ import annotations

import base64
import hashlib
import json
import random
import uuid

__all__ = ["HARMLESS"]


def _hashes() -> list[str]:
    texts = []
    for number in range(6):
        data = f"program {number}".encode()
        sha1, sha256 = hashlib.sha1(data).hexdigest(), hashlib.sha256(data).hexdigest()
        texts += [
            f"commit {sha1}",
            f"HEAD is now at {sha1[:12]} Mend the loader",
            f"{sha256}  artifacts/nextrust/programs/{sha256}.macho",
            f"md5: {hashlib.md5(data).hexdigest()}",
            f"program_sha256 = {sha256}",
            f'"sha256": "{sha256}", "size": {number}',
            f"cache key: linux-m68k-{sha256}",
            f"sha512-{base64.b64encode(hashlib.sha512(data).digest()).decode()}",
            f"sha256:{sha256}",
            f"--- a/{sha1} +++ b/{hashlib.sha1(sha1.encode()).hexdigest()}",
            f"index {sha1[:7]}..{sha256[:7]} 100644",
            f"nextrust ci cache-key\nlinux-{hashlib.md5(data).hexdigest()}",
        ]
    return texts


def _numbers() -> list[str]:
    source = random.Random(68040)
    texts = [f"id {uuid.UUID(int=source.getrandbits(128), version=4)}" for _ in range(8)]
    texts += [f"pc 0x{source.getrandbits(32):08x} sp 0x{source.getrandbits(32):08x}" for _ in range(6)]
    texts += [f"{source.getrandbits(32):08x}:  4e56 ffec 48e7 3c20 2c2e 0008 2a2e 000c" for _ in range(6)]
    texts += [f"0x{source.getrandbits(64):016x} T __mh_execute_header" for _ in range(4)]
    texts += [
        f"d0={source.getrandbits(32):08x} d1={source.getrandbits(32):08x} a0={source.getrandbits(32):08x}"
        for _ in range(4)
    ]
    texts += [
        f"seed = {source.getrandbits(63)}",
        f"states: {source.getrandbits(40)}, transitions: {source.getrandbits(44)}",
    ]
    return texts


_SYMBOLS = """\
___sync_val_compare_and_swap_4
__atomic_compare_exchange_n
___nextrust_test_and_set_interruptible_lock_for_readers
_objc_msgSend_with_forwarding_to_super_class
_ZN5boost6system14error_categoryC2Ev
_ZNSt3__112basic_stringIcNS_11char_traitsIcEENS_9allocatorIcEEE6appendEPKcm
_ZNKSt8functionIFvRKN4llvm12MachineInstrEEEclES4_
__ZN4core3fmt9Formatter9write_str17h0a1b2c3d4e5f6a7bE
_ZN3std2io5Write9write_all17h9f8e7d6c5b4a3928E.llvm.1234567890123456789
_RNvNtCs1234_7mycrate3foo3bar
_RNvXs5_NtCsjMrxcFdYDNN_3std2ioNtB5_6StdoutNtB5_5Write5flush
_RINvNtCsfX9OaBK3BBD_4core3ptr13drop_in_placeINtNtB4_6option6OptionNtNtCs_5alloc6string6StringEECs_7cargo
?AcquireLock@SpinLock@nextrust@@QAEXXZ
LC_SEGMENT __TEXT __text __TEXT,__cstring
__DATA,__nl_symbol_ptr __TEXT,__picsymbol_stub
.objc_class_name_NXConstantString
sk_stack_of_certificates_pop_free
npm_config_registry_and_cache_folder
hf_transformer_model_with_long_name
re_compile_pattern_with_flags_and_limits
shpat_is_no_shopify_token_by_far
key-value-store-of-the-whole-run
pat-matching-in-the-shell-reader
api_org_chart_of_the_maintainers
sq0atp-short
pul-request-template-for-newcomers
glpat-is-a-prefix
AKIA is a prefix, ASIA another
EAAA and EAAC begin tokens
SCWARNINGSALLOFTHEM
ACCESSORIES_OF_THE_MACHINE
SKIPPED_BECAUSE_NO_COMPILER
MIIEnough of this
eyJust a word.with dots.in it
self.tokens.next_token_or_end
ghp_short
xoxb-short"""

_JOURNAL = [
    {
        "type": "item",
        "run": "r-20260101T120000Z-4711",
        "details": {"scenario": "hello", "cell": "ubuntu-latest-release-m68040", "verdict": "passed"},
    },
    {
        "type": "finding",
        "details": {
            "kind": "deadlock",
            "token": "nx1Qm3vY2ZhbGxlbi10b2tlbi13aXRoLWEtY2hlY2tzdW0AAQIDBAUGBwg",
            "pc": 4260,
        },
    },
    {
        "type": "usage",
        "details": {
            "input_tokens": 120345,
            "output_tokens": 4567,
            "cache_read_input_tokens": 998877,
            "tokens": 1124789,
        },
    },
    {
        "type": "hook_block",
        "details": {
            "event": "PreToolUse",
            "tool_use_id": "toolu_01A09q90qw90lq917835lq9",
            "session_id": "0b0c1d2e-3f40-4a5b-8c6d-7e8f90a1b2c3",
        },
    },
    {
        "type": "run",
        "details": {"id": "r-20260711T093012Z-12345", "seq": 1842, "log": "9f86d081884c7d65", "crc": "a1b2c3d4"},
    },
    {
        "type": "failure",
        "details": {"fingerprint": "3f786850e387550fdab836ed7e6dc881de23001b", "command": "make -j2 all", "exit": 2},
    },
    {
        "type": "build",
        "details": {"key": "linux-gcc-12.2.0-m68k-0a1b2c3d4e5f60718293a4b5c6d7e8f901234567", "hit": True},
    },
    {
        "type": "note",
        "details": {"message": "the token of the schedule is printed above", "secret": "", "password": None},
    },
    {
        "type": "auto_fix",
        "details": {"fix": "fix-0a1b2c3d", "step": "compare", "secrets": False, "keys": ["stage", "phase", "cell"]},
    },
    {
        "type": "request",
        "details": {
            "ticket": "design-20260101-0a1b2c3d4e5f",
            "response_id": "resp_0a1b2c3d4e5f60718293a4b5c6d7e8f9",
            "model": "o3-2025-04-16",
        },
    },
]

_LISTING = """\
00001f70 _start:
00001f70  4e56 fff8            linkw %fp,#-8
00001f74  48e7 3020            moveml %d2-%d3/%a2,%sp@-
00001f78  61ff 0000 0124       bsrl 0x0000209e <___sync_fetch_and_add_4>
00001f7e  0cae 0000 0400 fffc  cmpil #1024,%fp@(-4)
00001f86  0ed0 0000 0081       casl %d1,%d2,%a0@
00001f8c  4e44                 trap #4
00001f8e  4e75                 rts"""

_PLAIN = """\
tests/unit/base/test_redaction.py::test_known_shapes_go[x={} y-github-classic]
scenarios/atomics/scenario.toml::atomics[ubuntu-latest-debug-m68030]
[gw0] [ 42%] PASSED tests/unit/explore/test_token.py::test_round_trip[m68040-2-graph]
gw1 I / gw0 ok
pytest --nextrust-scenario hello --nextrust-cell ubuntu-latest-release-m68040
nextrust replay nx1Qm3vY2ZhbGxlbi10b2tlbi13aXRoLWEtY2hlY2tzdW0AAQIDBAUGBwg
token=nx1Qm3vY2ZhbGxlbi10b2tlbi13aXRoLWEtY2hlY2tzdW0AAQIDBAUGBwg
token: nx1Qm3vY2ZhbGxlbi10b2tlbi13aXRoLWEtY2hlY2tzdW0AAQIDBAUGBwg
/usr/lib/python3/dist-packages/pip/_vendor/requests/packages/urllib3/contrib/_securetransport/bindings.py
/home/builder/.cargo/registry/src/index.crates.io-6f17d22bba15001f/libc-0.2.155/src/unix/mod.rs
/nix/store/0c1q3b4z5x6v7w8y9zabcdfghijklmnp-gcc-12.3.0/bin/gcc
/tmp/pytest-of-builder/pytest-0/popen-gw0/test_it_with_a_long_name0/out.macho
C:\\Users\\Builder\\AppData\\Local\\Temp\\nextrust-0a1b2c3d\\program.macho
target/m68k-unknown-none-elf/release/deps/core-0a1b2c3d4e5f6071.rlib
rustc 1.96.0-nightly (0a1b2c3d4 2026-05-01) LLVM version: 22.1.0
gcc (Debian 12.2.0-14+deb12u1) 12.2.0
clang version 19.1.7 (3+b1), Target: m68k-unknown-linux-gnu
pytest_nextrust-0.9.0.dev3+g0a1b2c3d4e-py3-none-any.whl
python-3.11.7+20240107-x86_64-unknown-linux-gnu-install_only.tar.gz
warning: unused variable: `token_count`
error[E0433]: failed to resolve: use of undeclared type `TokenStream2`
error: expected one of `!` or `::`, found keyword `struct`
error: unexpected token: `;`
error: expected token: identifier, found keyword
undefined reference to `__sync_fetch_and_add_8'
let token = tokens.next().unwrap();
token = self.next_token()
token: Token = lexer.peek()
def authorize(token: str, secret: bytes, password: str | None = None) -> bool:
    password = getpass.getpass("Password: ")
    api_key = os.environ["OPENAI_API_KEY"]
    api_key = os.getenv("OPENAI_API_KEY", "")
    headers["Authorization"] = f"Bearer {token}"
if (token == TOKEN_IDENTIFIER) { advance(); }
const key = Object.keys(map).sort()[0];
key = lambda item: (item.phase, item.cell)
sorted(items, key=attrgetter("created"), reverse=True)
primary_key = (log, seq)
public_key: MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA
ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGB builder@example.org
-----BEGIN PUBLIC KEY-----
-----BEGIN CERTIFICATE-----
a file that begins with -----BEGIN PRIVATE KEY----- holds a private key
password: required
password: ""
password = null
Enter password:
Password for 'https://example.org':
the password is wrong
no password was given
password must have at least 12 characters
password_file = /run/secrets/db_password
token_url = https://example.org/oauth/token
tokenizer = cl100k_base_tokenizer_2
max_tokens = 16384
max_output_tokens: 32768
tokens used: 1234567
num_tokens=4096
price per 1000000 tokens: 0.25
token ring 802.5
secrets: inherit
all of it, without secrets: .nextrust/logs/command-c17e8cea09dbced9.log
token: docs/reference/Tokens.md
secret: ${{ secrets.GITHUB_TOKEN }}
GITHUB_TOKEN: ${{ github.token }}
export TOKEN=$(cat token.txt)
export TOKEN="$GITHUB_TOKEN"
TOKEN=${TOKEN:-none}
--token TOKEN      the token of a schedule
--password-file FILE
--api-key KEY
usage: nextrust replay [--program FILE] TOKEN
secrets.variables = ["OUR_SECRET", "OTHER_TOKEN"]
[hooks.secrets] variables
set -o pipefail && make -C build -j2
docker run -u 1000:1000 --rm image
mkdir -p build/m68k && cp -p a b
ssh -p 2222 builder@example.org
curl -sSf -o out.json https://example.org/index.json
https://example.org:8080/a@b
https://example.org/search?q=token&page=2
https://example.org/issues?key=phase-3
https://example.org/?v=1.2.3&id=42
git@example.org:owner/repository.git
git+ssh://git@example.org/owner/repository.git
ssh://git@example.org:22/owner/repository
mail user@example.org
postgres://localhost/app
Authorization: Bearer $TOKEN
Authorization: Bearer <token>
the bearer of good news
the authorization header is missing
cookies are disabled
author: A. Builder
authority: example.org
the key to the map
press any key to continue
keyboard: us
key: value
"key": "linux-x86_64-release"
hash key 0x1f2e3d4c
KEYWORDS = frozenset(("struct", "enum", "union"))
CACHE_KEY=ubuntu-latest-debug-m68030-0a1b2c3d4e5f6071
PRIMARY_KEY=phase_id_and_cell_id_0001
monkeypatch.setenv("NEXTRUST_WHY", "a reason")
passed=12 failed=0 skipped=3
12 passed, 1 failed in 3.45s
pass: 12, fail: 0
bypass = true
PWD=/home/builder/project
OLDPWD=/home/builder
SSH_AUTH_SOCK=/tmp/ssh-abcdefghij/agent.1234
XAUTHORITY=/home/builder/.Xauthority
GOOGLE_APPLICATION_CREDENTIALS=/home/builder/creds.json
LS_COLORS=rs=0:di=01;34:ln=01;36
Signature: (int, str) -> bool
signature = inspect.signature(function)
a DSN is missing
session: 0b0c1d2e-3f40-4a5b-8c6d-7e8f90a1b2c3
worker_id=gw0 testrunuid=0a1b2c3d4e5f60718293a4b5c6d7e8f9
2026-01-01T12:00:00.000000Z item ubuntu-latest-release-m68040
From 0a1b2c3d4e5f60718293a4b5c6d7e8f901234567 Mon Sep 17 00:00:00 2001
Change-Id: I0a1b2c3d4e5f60718293a4b5c6d7e8f901234567
IDENT(token) COLON(":") NUMBER(42) NEWLINE EOF
\u0130stanbul token: yes"""


def _outputs() -> list[str]:
    printed = base64.b64encode(b"hello from NeXTSTEP\n" * 9).decode()
    noise = base64.b64encode(random.Random(3).randbytes(300)).decode()
    return [
        json.dumps({"stdout_b64": printed, "stderr_b64": "", "instructions": 4711}),
        f'"stdout_b64": "{noise}"',
        f"stdout_b64={noise}",
        printed,
        noise,
        "\n".join(noise[at : at + 76] for at in range(0, len(noise), 76)),
        random.Random(4).randbytes(120).hex(),
        "begin 644 out\n" + "M1F]O(&)A<B!B87H@<75X(&-O<F=E(&=R875L=\"!G87)P;'D@=V%L9&\\@\n" + "`\nend",
        "data:image/png;base64," + noise,
    ]


HARMLESS: dict[str, list[str]] = {
    "hash": _hashes(),
    "number": _numbers(),
    "symbol": [*_SYMBOLS.splitlines(), "s." + "compareAndExchangeWeakly"],
    "journal": [json.dumps(entry) for entry in _JOURNAL],
    "listing": [_LISTING, *_LISTING.splitlines()],
    "output": _outputs(),
    "text": _PLAIN.splitlines(),
}
"""Texts by kind."""
