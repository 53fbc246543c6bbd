"""What a PowerShell command would run, by the rules that are plainly readable, as the steps of a POSIX shell.

Statements end at ``;``, a line's end, ``|``, ``&&`` and ``||``; words are plain, in ``'...'`` or in ``"..."``;
``$NAME`` and ``$(...)`` are unknown but for the folders below. The cmdlets that remove, move and write, with their
aliases, become the command of the same effect (``Remove-Item -Recurse`` is ``rm -r``); other commands stay as they are.

Boundary: follows no script block, function or variable. Source: the reference of the PowerShell modules
Microsoft.PowerShell.Management and Microsoft.PowerShell.Utility; about_Parsing.
"""

from __future__ import annotations

import os
import re

from pytest_nextrust.shell.expand import UNKNOWN
from pytest_nextrust.shell.walk import CommandStep, walk

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["walk_powershell"]

_TOKEN = re.compile(
    r"(?P<blank>[ \t\r]+|`\r?\n|\#[^\n]*)|(?P<end>\n|;|\|\||&&|\||[(){}])|(?P<to>[0-9*]?>>?(?:&1)?)"
    r"|(?P<single>'(?:[^']|'')*')|(?P<double>\"(?:[^\"`]|`.|\"\")*\")|(?P<word>(?:[^\s;|(){}'\"`>&#]|`.|(?<=\S)\#)+)|(?P<sign>.)",
    re.DOTALL,
)
_VARIABLE = re.compile(r"\$\{?(?:env:)?([A-Za-z_]\w*)\}?|\$\([^)]*\)?", re.IGNORECASE)
_FOLDERS = {"home": "HOME", "userprofile": "HOME"}
_REMOVE = ("remove-item", "ri", "rm", "rmdir", "rd", "del", "erase")
_SAME = {
    **dict.fromkeys(_REMOVE, "rm"),
    **dict.fromkeys(("move-item", "mi", "mv", "move"), "mv"),
    **dict.fromkeys(("rename-item", "rni", "ren"), "mv"),
    **dict.fromkeys(("copy-item", "copy", "cp", "cpi"), "cp"),
    **dict.fromkeys(("set-content", "sc", "add-content", "ac", "out-file", "tee-object", "tee"), "tee"),
    **dict.fromkeys(("clear-content", "clc"), "truncate"),
    **dict.fromkeys(("set-location", "sl", "cd", "chdir", "push-location", "pushd"), "cd"),
    **dict.fromkeys(("stop-computer", "restart-computer"), "reboot"),
    **dict.fromkeys(("format-volume", "clear-disk", "initialize-disk"), "wipefs"),
}
_PATHS = ("-path", "-literalpath", "-destination", "-filepath", "-pspath", "-newname")
_VALUES = ("-value", "-encoding", "-filter", "-include", "-exclude", "-stream", "-erroraction", "-ea")


def walk_powershell(script: str, *, cwd: str | None, environ: Mapping[str, str]) -> Iterator[CommandStep]:
    """The steps of a script, in the order of its text. Raises UsageFault for what a shell in it cannot read."""
    for words, writes in _statements(script, environ):
        if not words:
            continue
        name = words[0].lower().removesuffix(".exe").replace("\\", "/").rpartition("/")[2]
        rest = words[1:]
        if name in ("invoke-expression", "iex", "powershell", "pwsh", "bash", "sh", "wsl"):
            yield from _nested(name, rest, cwd, environ)
        same = _SAME.get(name, name)
        arguments = _translated(same, rest) if name in _SAME else rest
        if same == "cd":
            known = bool(arguments) and UNKNOWN not in arguments[-1] and cwd is not None
            cwd = os.path.normpath(os.path.join(cwd or "/", arguments[-1])) if known else None  # noqa: PTH118
        yield CommandStep((same, *arguments), cwd, tuple(writes))


def _nested(name: str, rest: list[str], cwd: str | None, environ: Mapping[str, str]) -> Iterator[CommandStep]:
    """The text that another shell, or this one, is given."""
    lowered = [text.lower() for text in rest]
    if name in ("invoke-expression", "iex"):
        yield from walk_powershell(
            " ".join(text for text in rest if text.lower() != "-command"), cwd=cwd, environ=environ
        )
    elif name in ("powershell", "pwsh"):
        start = next((i for i, text in enumerate(lowered) if text in ("-command", "-c")), None)
        if start is not None:
            yield from walk_powershell(" ".join(rest[start + 1 :]), cwd=cwd, environ=environ)
    elif name == "wsl":
        yield from walk(" ".join(text for text in rest if text != "--"), cwd=cwd, environ=environ)
    elif "-c" in rest or "-lc" in rest:
        yield from walk(
            rest[max(rest.index(text) for text in ("-c", "-lc") if text in rest) + 1], cwd=cwd, environ=environ
        )


def _translated(same: str, rest: list[str]) -> list[str]:
    """The arguments in the POSIX command's own terms: paths, and ``-r`` and ``-f`` where they are meant."""
    options: list[str] = []
    paths: list[str] = []
    at = 0
    while at < len(rest):
        text = rest[at]
        low = text.lower().partition(":")[0]
        at += 1
        if low in _PATHS and at < len(rest):
            paths += rest[at].split(",")
            at += 1
        elif low in _VALUES:
            at += 1
        elif same == "rm" and (low in ("/s", "-rf", "-fr") or (len(low) > 1 and "-recurse".startswith(low))):
            options.append("-r")
        elif low.startswith("-") and len(low) > 1:
            options += ["-f"] if "-force".startswith(low) else []
        else:
            paths += text.split(",")
    if same == "tee":
        # The first is the file; what follows is written to it.
        paths = paths[:1]
    return [*options, *filter(None, (path.strip() for path in paths))]


def _statements(script: str, environ: Mapping[str, str]) -> Iterator[tuple[list[str], list[str]]]:
    words: list[str] = []
    writes: list[str] = []
    glued = redirected = False
    for token in _TOKEN.finditer(script):
        kind = token.lastgroup
        text = token[0]
        if kind == "blank":
            glued = False
        elif kind == "end":
            yield words, writes
            words, writes, glued, redirected = [], [], False, False
        elif kind == "to":
            redirected, glued = not text.endswith("&1"), False
        else:
            value = _unquoted(kind or "", text, environ)
            if text == "&" and not words:
                continue
            target = writes if redirected and not glued else words
            if glued and target:
                target[-1] += value
            else:
                target.append(value)
                redirected = redirected and target is not writes
            glued = True
    yield words, writes


def _unquoted(kind: str, text: str, environ: Mapping[str, str]) -> str:
    if kind == "single":
        return text[1:-1].replace("''", "'")
    text = text[1:-1].replace('""', '"') if kind == "double" else text
    if kind == "word" and (text == "~" or text.startswith(("~/", "~\\"))):
        text = environ.get("HOME", UNKNOWN) + text[1:]
    text = re.sub(r"`(.)", r"\1", text)
    shown = _VARIABLE.sub(lambda m: environ.get(_FOLDERS.get((m[1] or "").lower(), ""), UNKNOWN), text)
    return re.sub(r"(?<=[\w.~])\\(?=[\w.*])", "/", shown)
