"""Commands that run another command: what is left when they are taken off, and the scripts that they carry.

Boundary: arguments in, arguments out. Sources: the manual pages of the commands named here, GNU and BSD.
"""

from __future__ import annotations

import itertools
import re

from pytest_nextrust.base.light_dataclass import dataclass
from pytest_nextrust.shell.expand import UNKNOWN, literal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["SHELLS", "Unwrapped", "base_name", "language_of", "unwrap"]

SHELLS = frozenset(("sh", "bash", "dash", "zsh", "ksh", "ash", "mksh", "fish", "rbash"))

_WITH_VALUE = {
    "sudo": "ugpCrtTUDRhc",
    "doas": "uC",
    "env": "uC",
    "nice": "n",
    "ionice": "cnp",
    "timeout": "sk",
    "time": "of",
    "stdbuf": "ioe",
    "exec": "a",
    "xargs": "InPdLsaE",
    "chroot": "",
    "nohup": "",
    "setsid": "",
    "command": "",
    "builtin": "",
    "strace": "oepsPE",
    "ltrace": "oeps",
    "watch": "nd",
    "caffeinate": "tw",
    "taskset": "",
    "chrt": "TPD",
    "unshare": "",
    "nsenter": "t",
    "fakeroot": "lsbi",
    "busybox": "",
    "toybox": "",
    "parallel": "jPnIa",
    "catchsegv": "",
    "unbuffer": "",
    "systemd-run": "pEu",
    "runuser": "ugG",
    "pkexec": "",
    "proxychains": "f",
    "firejail": "",
    "arch": "",
    "rlwrap": "",
    "torsocks": "",
    "dbus-run-session": "",
    "xvfb-run": "nsef",
    "setarch": "",
    "ccache": "",
    "flock": "wE",
}
"""Wrappers, each with the letters of its options that take a value of their own."""

_PLAIN_BEFORE = {"timeout": 1, "chroot": 1, "taskset": 1, "chrt": 1, "flock": 1, "setarch": 1}
"""How many arguments stand before the command."""

_LANGUAGES = {
    "bun": "bun", "deno": "node", "node": "node", "nodejs": "node", "perl": "perl", "php": "php", "pypy": "python",
    "python": "python", "ruby": "ruby",
}  # fmt: skip
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")


@dataclass(frozen=True, slots=True)
class Unwrapped:
    """``arguments``: of the innermost command. ``scripts``: texts given to a shell, each with ``$0``, ``$1``, ....
    ``commands``: what it runs besides (``find -exec``). ``reads_script``: a shell that takes its script from stdin.
    ``takes_input``: what is piped in becomes arguments. ``program``: the innermost as it is written."""

    arguments: tuple[str, ...]
    scripts: tuple[tuple[str, tuple[str, ...]], ...] = ()
    commands: tuple[tuple[str, ...], ...] = ()
    reads_script: bool = False
    takes_input: bool = False
    program: str = ""


def base_name(program: str) -> str:
    """The program's name without its folder."""
    return literal(program).rpartition("/")[2]


def language_of(name: str) -> str:
    """The language of an interpreter; empty for another program."""
    return _LANGUAGES.get(name.rstrip("0123456789."), "")


def unwrap(arguments: list[str]) -> Unwrapped:
    """Take the wrappers off."""
    takes_input = False
    scripts: list[tuple[str, tuple[str, ...]]] = []
    for _ in range(20):
        name = base_name(arguments[0]) if arguments else ""
        if name not in _WITH_VALUE:
            break
        if name == "env":
            scripts += _split_strings(arguments)
        if name == "flock" and "-c" in arguments:
            scripts.append((literal(" ".join(arguments[arguments.index("-c") + 1 :])), ()))
        inner = _inner(name, arguments)
        if not inner:
            break
        takes_input = takes_input or name in ("xargs", "parallel")
        if name == "xargs":
            inner = [text for text in inner if text != "{}"] or inner
        arguments = inner
    if not arguments:
        return Unwrapped((":",), tuple(scripts))
    name, program = base_name(arguments[0]), literal(arguments[0])
    arguments = [name, *arguments[1:]]
    if name in SHELLS:
        script, reads = _shell(arguments)
        return Unwrapped(tuple(arguments), (*scripts, *script), (), reads, takes_input, program)
    scripts += _scripts(name, [literal(text) for text in arguments[1:]])
    commands = tuple(_executed(arguments)) if name in ("find", "fd", "fdfind") else ()
    return Unwrapped(tuple(arguments), tuple(scripts), commands, name in ("at", "batch"), takes_input, program)


def _inner(name: str, arguments: list[str]) -> list[str]:
    """What follows the wrapper's options and its own arguments."""
    at, letters = 1, _WITH_VALUE[name]
    if name == "command" and len(arguments) > 1 and arguments[1] in ("-v", "-V"):
        return []
    while at < len(arguments):
        text = arguments[at]
        if text == "--":
            at += 1
            break
        if text.startswith("-") and len(text) > 1 and not text.startswith("--"):
            at += 2 if text[-1] in letters and len(text) == 2 else 1
        elif text.startswith("--") or _ASSIGNMENT.match(text):
            at += 1
        else:
            break
    return arguments[at + _PLAIN_BEFORE.get(name, 0) :]


def _split_strings(arguments: list[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """``env -S 'rm -rf /'``."""
    for at, text in enumerate(arguments[1:], 1):
        argument = literal(text)
        if argument in ("-S", "--split-string") and at + 1 < len(arguments):
            yield literal(" ".join(arguments[at + 1 :])), ()
        elif argument.startswith(("-S", "--split-string=")):
            yield argument.removeprefix("--split-string=").removeprefix("-S"), ()


def _shell(arguments: list[str]) -> tuple[list[tuple[str, tuple[str, ...]]], bool]:
    """The script of ``sh -c``; whether the shell reads it from stdin instead."""
    at = 1
    from_text = from_stdin = False
    while at < len(arguments) and arguments[at][:1] in ("-", "+") and len(arguments[at]) > 1:
        text = arguments[at]
        at += 1
        if text == "--":
            break
        if not text.startswith("--"):
            from_text = from_text or "c" in text
            from_stdin = from_stdin or "s" in text
            at += 1 if text[-1] in "oO" else 0
        elif text in ("--rcfile", "--init-file"):
            at += 1
    rest = [literal(text) for text in arguments[at:]]
    if from_text:
        return ([(rest[0], tuple(rest[1:]))] if rest else []), False
    return [], from_stdin or not rest or rest[0] in ("-", "/dev/stdin")


def _scripts(name: str, rest: list[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Texts that other commands hand to a shell."""
    if name == "eval":
        yield " ".join(rest), ()
    elif name == "alias":
        yield from ((text.partition("=")[2], ()) for text in rest if "=" in text)
    elif name == "git":
        yield from _git_scripts(rest)
    elif name == "trap" and rest and not rest[0].startswith("-"):
        yield rest[0], ()
    elif name in ("su", "script"):
        for at, text in enumerate(rest[:-1]):
            if text in ("-c", "--command"):
                yield rest[at + 1], ()
    elif name == "ssh":
        plain = _after_options(rest, "BbcDEeFIiJLlmOopQRSWw")[1:]
        if plain:
            yield " ".join(plain), ()


def _git_scripts(rest: list[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Aliases that are given with the call, and what some of git's commands run."""
    for option, value in itertools.pairwise(rest):
        key, _, text = value.partition("=")
        if option == "-c" and key.lower().startswith("alias."):
            yield text[1:] if text.startswith("!") else f"git {text}", ()
        elif option in ("-x", "--exec", "--tree-filter", "--index-filter", "--msg-filter", "foreach") and value:
            yield value, ()
    if rest[:2] == ["bisect", "run"]:
        import shlex

        yield shlex.join(rest[2:]), ()


def _after_options(rest: list[str], letters: str) -> list[str]:
    at = 0
    while at < len(rest) and rest[at].startswith("-"):
        at += 2 if rest[at][-1] in letters and len(rest[at]) == 2 else 1
    return rest[at:]


def _executed(arguments: list[str]) -> Iterator[tuple[str, ...]]:
    """What ``find`` runs; its starting folders stand for ``{}``."""
    starts = []
    for text in arguments[1:]:
        if text.startswith(("-", "(", "!")):
            break
        starts.append(text)
    at = 0
    while at < len(arguments):
        if arguments[at] in ("-exec", "-execdir", "-ok", "-okdir", "-x", "-X", "--exec"):
            end = next((i for i in range(at, len(arguments)) if literal(arguments[i]) in (";", "+")), len(arguments))
            command = arguments[at + 1 : end]
            if command:
                # A file below a starting folder, not the folder itself.
                yield tuple(f"{starts[0] if starts else '.'}/{UNKNOWN}" if "{}" in text else text for text in command)
            at = end
        at += 1
