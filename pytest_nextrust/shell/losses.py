"""What a step may lose of work that git cannot bring back: which question git has to be asked to know.

Boundary: reads the step, asks nothing. Sources: git-reset(1), git-clean(1), git-checkout(1), git-restore(1),
git-switch(1), git-stash(1), git-branch(1), git-worktree(1), git-rm(1), git-gc(1), git-reflog(1), git-update-ref(1).
"""

from __future__ import annotations

import itertools
import os

from pytest_nextrust.base.light_dataclass import dataclass
from pytest_nextrust.shell.changes import changes
from pytest_nextrust.shell.expand import UNKNOWN, literal
from pytest_nextrust.shell.names import PRINTING, REMOVING
from pytest_nextrust.shell.wrappers import base_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_nextrust.shell.walk import CommandStep

__all__ = ["Loss", "losses"]


@dataclass(frozen=True, slots=True)
class Loss:
    """``kind``: changes, untracked, worktree, stash, commits, unreachable, always. ``arguments`` are for git, paths for
    ``changes``; ``staged``: what is in the index only counts too."""

    kind: str
    what: str
    folder: str | None
    arguments: tuple[str, ...] = ()
    staged: bool = False


def losses(step: CommandStep) -> Iterator[Loss]:
    """What the step may lose."""
    if step.name == "git":
        yield from _git(step)
        return
    if step.name == "find":
        yield from _found(step)
        return
    emptied = [text for text in step.writes if step.name in PRINTING]
    paths: list[str] = []
    if step.name in REMOVING:
        paths = [change.path for change in changes(step)]
    elif step.name == "mv" and step.literals[-1:] == ("/dev/null",):
        paths = list(step.arguments[1:-1])
    elif step.name == "cp" and "/dev/null" in step.literals[:-1]:
        paths = list(step.arguments[-1:])
    for path in (*paths, *emptied):
        plain = literal(path)
        if not plain or plain.startswith("/dev/") or (step.cwd is None and not plain.startswith("/")):
            continue
        if UNKNOWN in plain:
            continue
        full = os.path.normpath(os.path.join(step.cwd or "/", plain))  # noqa: PTH118
        known = full.partition("*")[0].partition("?")[0]
        folder = known if known == full and plain.endswith((".", "/")) else known.rpartition("/")[0] or "/"
        narrowed = full[len(folder) :].lstrip("/") or "."
        yield Loss("changes", f"{step.name} {plain}", folder, (narrowed,), staged=True)


def _found(step: CommandStep) -> Iterator[Loss]:
    """What ``find`` deletes or hands to ``rm``, as far as its ``-name`` says which."""
    words = step.literals
    runs = any(
        one in ("-exec", "-execdir", "-ok", "-okdir") and base_name(program) in ("rm", "grm", "unlink", "shred")
        for one, program in itertools.pairwise(words)
    )
    if not runs and "-delete" not in words:
        return
    names = [value for option, value in itertools.pairwise(words) if option in ("-name", "-iname")]
    starts = list(itertools.takewhile(lambda text: not text.startswith(("-", "(", "!")), words)) or ["."]
    for start in starts:
        known = UNKNOWN not in start and (step.cwd is not None or start.startswith("/"))
        if known:
            folder = os.path.normpath(os.path.join(step.cwd or "/", start))  # noqa: PTH118
            paths = tuple(f":(glob)**/{name}" for name in names) or (".",)
            yield Loss("changes", step.line[:120], folder, paths, staged=True)


def _git(step: CommandStep) -> Iterator[Loss]:
    folder, rest = step.cwd, list(step.literals)
    while rest and rest[0].startswith("-"):
        if rest[0] == "-C" and len(rest) > 1:
            known = folder is not None and UNKNOWN not in rest[1]
            folder = os.path.normpath(os.path.join(folder or "/", rest[1])) if known else None  # noqa: PTH118
        rest = rest[2 if rest[0] in ("-C", "-c", "--git-dir", "--work-tree", "--namespace") else 1 :]
    judge = _JUDGES.get(rest[0]) if rest else None
    if judge is not None:
        what = " ".join(["git", *rest]).replace(UNKNOWN, "...")[:120]
        for loss in judge(_Call(rest[1:], folder, what)):
            # What cannot be told is not asked of git; the question is then for everything.
            paths = tuple("." if UNKNOWN in text and loss.kind == "changes" else text for text in loss.arguments)
            if loss.kind == "commits" and any(UNKNOWN in text for text in paths):
                yield Loss("always", loss.what, loss.folder)
            else:
                yield Loss(loss.kind, loss.what, loss.folder, paths, loss.staged)


class _Call:
    """A git command's own words: its short options' letters and long ones, other words, and paths after ``--``."""

    def __init__(self, rest: list[str], folder: str | None, what: str) -> None:
        self.folder = folder
        self.what = what
        cut = rest.index("--") if "--" in rest else len(rest)
        self.paths = rest[cut + 1 :]
        self.closed = cut < len(rest)
        self.rest = rest
        self.options = {text.partition("=")[0] for text in rest[:cut] if text.startswith("--")}
        self.options |= {letter for text in rest[:cut] if text[:1] == "-" and text[:2] != "--" for letter in text[1:]}
        self.plain = [text for text in rest[:cut] if not text.startswith("-")]

    def loss(self, kind: str, *arguments: str, staged: bool = False) -> Loss:
        return Loss(kind, self.what, self.folder, arguments, staged)


def _reset(call: _Call) -> Iterator[Loss]:
    if "--hard" in call.options:
        yield call.loss("changes", ".", staged=True)
        if call.plain:
            yield call.loss("commits", "HEAD", f"^{call.plain[0]}", "--not", "--remotes", "--tags")


def _clean(call: _Call) -> Iterator[Loss]:
    if not {"n", "--dry-run"} & call.options:
        kept = [text for text in call.rest if text not in ("-i", "--interactive", "-q", "--quiet")]
        yield call.loss("untracked", *kept)


def _checkout(call: _Call) -> Iterator[Loss]:
    if {"b", "B", "--orphan", "h", "--help"} & call.options:
        return
    if {"f", "--force"} & call.options:
        yield call.loss("changes", ".", staged=True)
    elif call.closed and call.paths:
        yield call.loss("changes", *call.paths, staged=bool(call.plain))
    else:
        paths = [text for text in call.plain if _is_path(text, call.folder)]
        if paths:
            yield call.loss("changes", *paths, staged=len(paths) < len(call.plain))


def _is_path(text: str, folder: str | None) -> bool:
    """Whether a word can only be a path, or is one that is there."""
    return (
        text in (".", "..")
        or text.startswith((":", "./", "../"))
        or (
            folder is not None and UNKNOWN not in text and os.path.exists(os.path.join(folder, text))  # noqa: PTH110, PTH118
        )
    )


def _restore(call: _Call) -> Iterator[Loss]:
    if "--staged" in call.options or "S" in call.options:
        if not {"--worktree", "W"} & call.options:
            return
        yield call.loss("changes", *(call.paths or call.plain or ["."]), staged=True)
    else:
        yield call.loss("changes", *(call.paths or call.plain or ["."]))


def _switch(call: _Call) -> Iterator[Loss]:
    if {"f", "--force", "--discard-changes"} & call.options:
        yield call.loss("changes", ".", staged=True)


def _stash(call: _Call) -> Iterator[Loss]:
    if call.plain[:1] and call.plain[0] in ("drop", "clear"):
        yield call.loss("stash")


def _branch(call: _Call) -> Iterator[Loss]:
    forced = "D" in call.options or ({"d", "--delete"} & call.options and {"f", "--force"} & call.options)
    for name in call.plain if forced else ():
        prefix = "refs/remotes/" if {"r", "--remotes"} & call.options else "refs/heads/"
        yield call.loss("commits", f"{prefix}{name}", "--not", "HEAD", *_without(f"{prefix}{name}"))


def _without(ref: str) -> tuple[str, ...]:
    """All other names of commits; HEAD is none where the branch that it stands for goes."""
    kind, _, name = ref.removeprefix("refs/").partition("/")
    options = {"heads": "--branches", "remotes": "--remotes", "tags": "--tags"}
    others = tuple(option for key, option in options.items() if key != kind)
    return (*others, f"--exclude={name}", options.get(kind, "--branches"))


def _update_ref(call: _Call) -> Iterator[Loss]:
    if "d" in call.options and call.plain:
        yield call.loss("commits", call.plain[0], "--not", *_without(call.plain[0]))


def _tag(call: _Call) -> Iterator[Loss]:
    for name in call.plain if {"d", "--delete"} & call.options else ():
        yield call.loss("commits", f"refs/tags/{name}", "--not", "HEAD", *_without(f"refs/tags/{name}"))


def _worktree(call: _Call) -> Iterator[Loss]:
    if call.plain[:1] == ["remove"] and {"f", "--force"} & call.options:
        for path in call.plain[1:]:
            known = call.folder is not None and UNKNOWN not in path
            folder = os.path.normpath(os.path.join(call.folder or "/", path)) if known else None  # noqa: PTH118
            yield Loss("worktree", call.what, folder, (".",), True)


def _remove(call: _Call) -> Iterator[Loss]:
    if {"f", "--force"} & call.options and "--cached" not in call.options:
        yield call.loss("changes", *(call.paths or call.plain), staged=True)


def _collect(call: _Call) -> Iterator[Loss]:
    if any(text.startswith("--prune=") and text != "--prune=never" for text in call.rest):
        yield call.loss("unreachable")


def _reflog(call: _Call) -> Iterator[Loss]:
    if call.plain[:1] and call.plain[0] in ("expire", "delete") and "--dry-run" not in call.options:
        yield call.loss("unreachable")


def _rewrite(call: _Call) -> Iterator[Loss]:
    yield Loss("always", f"{call.what} rewrites the history", call.folder)


_JUDGES: dict[str, Callable[[_Call], Iterator[Loss]]] = {
    "branch": _branch,
    "checkout": _checkout,
    "clean": _clean,
    "filter-branch": _rewrite,
    "filter-repo": _rewrite,
    "gc": _collect,
    "reflog": _reflog,
    "reset": _reset,
    "restore": _restore,
    "rm": _remove,
    "stash": _stash,
    "switch": _switch,
    "tag": _tag,
    "update-ref": _update_ref,
    "worktree": _worktree,
}
