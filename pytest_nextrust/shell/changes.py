"""Which files a step of a command would change: write, remove, move, replace, or give another mode.

Boundary: names the paths as the step gives them; looks at no file. Sources: the manual pages of the commands.
"""

from __future__ import annotations

import itertools
import os
import re

from pytest_nextrust.base.light_dataclass import dataclass
from pytest_nextrust.shell.expand import UNKNOWN, literal
from pytest_nextrust.shell.names import COPYING, IN_PLACE, WITH_FILES, WITH_OWNERS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_nextrust.shell.walk import CommandStep

__all__ = ["Change", "changes", "matches_path"]

_FOLDERS = ("bin", "ci-status", "hooks")
_GIT = frozenset(("checkout", "mv", "restore", "rm"))
_PATCHED = re.compile(
    r"^(?:\*\*\* (?:Update File|Add File|Delete File|Move to): |\+\+\+ (?:b/)?|--- (?:a/)?)([^\t\n]+)", re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class Change:
    """``path`` with quoted signs hidden (``expand.literal``), UNKNOWN in it; ``whole``: with all that is below it,
    as far as that has the ``name`` (a pattern) or lies in something that has it."""

    path: str
    whole: bool = False
    name: str = ""


def changes(step: CommandStep) -> Iterator[Change]:
    """The files that the step changes, by the options of the commands that are known here."""
    for target in step.writes:
        if not literal(target).isdigit():
            yield Change(target)
    name, rest = step.name, step.arguments[1:]
    if name == "git":
        yield from _git(rest)
    elif name in WITH_FILES | WITH_OWNERS:
        whole = any(re.fullmatch(r"-\w*[rR]\w*|--recursive", text) for text in step.literals)
        for text in _plain(rest)[1 if name in WITH_OWNERS and len(_plain(rest)) > 1 else 0 :]:
            yield Change(text, whole)
    elif name in COPYING:
        yield from _to_last(name, rest)
    elif name in IN_PLACE and any(re.match(r"-\w*i|--in-place", text) for text in step.literals):
        yield from map(Change, _plain(rest))
    elif name == "dd":
        yield from (Change(text[3:]) for text in rest if text.startswith("of="))
    elif name in ("curl", "wget"):
        yield from map(
            Change, _values(rest, ("-o", "-O") if name == "wget" else ("-o",), ("--output", "--output-document"))
        )
    elif name in ("patch", "apply_patch"):
        yield from map(Change, _plain(rest)[:1])
        yield from map(Change, patched(step.given or ""))
    elif name == "find" and "-delete" in step.literals:
        names = [value for option, value in itertools.pairwise(step.literals) if option in ("-name", "-iname")]
        for text in list(_starts(rest)) or ["."]:
            yield from (Change(text, True, name) for name in names or [""])
    elif name == "tar" and "--remove-files" in step.literals:
        yield from (Change(text, True) for text in _plain(rest))


def patched(text: str) -> list[str]:
    """The files that a patch names, in the form of diff or of ``apply_patch``."""
    return [name.strip() for name in _PATCHED.findall(text) if name.strip() != "/dev/null"]


def _plain(rest: tuple[str, ...]) -> list[str]:
    return [text for text in rest if not text.startswith("-") or text == "-"]


def _starts(rest: tuple[str, ...]) -> Iterator[str]:
    for text in rest:
        if text.startswith(("-", "(", "!")):
            return
        yield text


def _values(rest: tuple[str, ...], short: tuple[str, ...], long: tuple[str, ...]) -> Iterator[str]:
    for at, text in enumerate(rest):
        name, equals, value = text.partition("=")
        if name in long and equals:
            yield value
        elif (text in short or text in long) and at + 1 < len(rest):
            yield rest[at + 1]


def _to_last(name: str, rest: tuple[str, ...]) -> Iterator[Change]:
    plain = _plain(rest)
    folders = list(_values(rest, ("-t",), ("--target-directory",)))
    sources = [text for text in plain if text not in folders] if folders else plain[:-1]
    if name in ("mv", "gmv"):
        yield from (Change(source, True) for source in sources)
    if name == "ln" and len(plain) == 1 and not folders:
        sources, folders = plain, ["."]
    for target in folders or plain[-1:]:
        yield Change(target, name == "rsync" and any(text.startswith("--delete") for text in rest))
        for source in sources:
            last = source.rstrip("/").rpartition("/")[2]
            yield Change(target if last == "." else f"{target.rstrip('/')}/{last}", last == ".")


def _git(rest: tuple[str, ...]) -> Iterator[Change]:
    words = list(rest)
    while words and words[0].startswith("-"):
        words = words[2 if words[0] in ("-C", "-c", "--git-dir", "--work-tree") else 1 :]
    if words and words[0] in _GIT:
        yield from (Change(text, words[0] in ("rm", "mv")) for text in _plain(tuple(words[1:])))


def matches_path(change: Change, cwd: str | None, path: str) -> bool:
    """Whether the change is one of ``path`` (absolute, normalised; ``/`` at its end: or of anything below it).

    A pattern is one of the shell, and what is unknown may be anything between two slashes, or the folders before a path
    that names at least one of its own.
    """
    given = literal(change.path)
    wanted, below = path.rstrip("/").split("/"), path.endswith("/")
    if UNKNOWN not in given and not re.search(r"[*?\[]", change.path):
        if not given.startswith("/") and cwd is None:
            return False
        full = os.path.normpath(os.path.join(cwd or "/", given))  # noqa: PTH118
        named = {full, os.path.realpath(full)}
        if change.name and not any(_component(change.name, piece) for piece in wanted[full.count("/") + 1 :]):
            return False
        return any(_same(name.split("/"), wanted, change.whole, below) for name in named)
    if given.startswith(UNKNOWN + "/") or (cwd is None and "/" in given):
        # The folder is not known; what is below it is.
        tail = change.path.partition("/")[2].split("/")
        starts = range(1, len(wanted)) if below else (len(wanted) - len(tail),)
        return len(tail) > 1 and any(_same(tail, wanted[max(0, at) :], False, below) for at in starts)
    if given.strip(UNKNOWN) == "" or (cwd is None and not given.startswith("/")):
        return False
    full = change.path if given.startswith("/") else f"{cwd}/{change.path}"
    pieces = [piece for piece in full.split("/") if piece != "."]
    if pieces[-1] == UNKNOWN and not (pieces[-2].startswith(".") or pieces[-2] in _FOLDERS):
        return False  # something below a folder of many things
    return _same(pieces, wanted, change.whole, below)


def _same(pattern: list[str], path: list[str], whole: bool, below: bool) -> bool:
    if (len(pattern) > len(path) and not below) or (len(pattern) < len(path) and not whole):
        return False
    return all(_component(one, other) for one, other in zip(pattern, path, strict=False))


def _component(pattern: str, name: str) -> bool:
    if pattern in (name, UNKNOWN):
        return True
    if not re.search(rf"[*?\[{UNKNOWN}]", pattern):
        return literal(pattern).casefold() == name.casefold()
    if name.startswith(".") and pattern[:1] in "*?[":
        return False  # as a shell's pattern does, without dotglob
    found = ""
    for sign in pattern:
        found += {"*": ".*", UNKNOWN: ".*", "?": "."}.get(sign, sign if sign in "[]-!" else re.escape(literal(sign)))
    try:
        return re.fullmatch(found.replace("[!", "[^"), name) is not None
    except re.error:
        return False
