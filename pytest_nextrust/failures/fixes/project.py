"""A project as git knows it: what is tracked, what has changed, and which of its files may be run.

Files are trusted by their content, not by git's index: a file's hash is compared with that in HEAD, since bits of the
index can tell ``git diff`` not to look. Git is asked without its optional locks, so that asking changes nothing.

Boundary: reads only. Source: git-hash-object(1), git-ls-tree(1), git-status(1), gitattributes(5).
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from pytest_nextrust.errors import FixRefused

__all__ = ["GIT_SECONDS", "SUBJECT", "Project", "git", "quiet"]

SUBJECT = "auto-fix"
GIT_SECONDS = 60.0

_QUIET = ("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "protocol.ext.allow=never")


def quiet(environ: Mapping[str, str]) -> dict[str, str]:
    """An environment in which git looks at the folder it is started in, and neither asks nor writes by the way."""
    kept = {key: value for key, value in environ.items() if not key.startswith("GIT_")}
    return kept | {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}


def git(folder: Path, *arguments: str, data: bytes | None = None, ok: Sequence[int] = (0,)) -> bytes:
    """What git prints in ``folder``. Raises FixRefused where it ends otherwise than with a status in ``ok``."""
    command = ["git", *_QUIET, *arguments]
    try:
        done = subprocess.run(
            command, cwd=folder, input=data, capture_output=True, env=quiet(os.environ), timeout=GIT_SECONDS
        )
    except FileNotFoundError as error:
        raise FixRefused(SUBJECT, "git is not installed", remedy="install git") from error
    except subprocess.TimeoutExpired as error:
        raise FixRefused(
            SUBJECT, f"git {arguments[0]} took longer than {GIT_SECONDS:g} s", place=str(folder)
        ) from error
    if done.returncode not in ok:
        output = done.stderr.decode("utf-8", "replace").strip()[-500:]
        raise FixRefused(SUBJECT, f"git {arguments[0]}: {output or f'status {done.returncode}'}", place=str(folder))
    return done.stdout


class Project:
    """The project at ``root``, in its repository. Raises FixRefused where there is no commit to go by.

    ``top`` is the repository's work tree, ``prefix`` the way from there to ``root`` (empty, or ending with /).
    """

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self.top = Path(os.fsdecode(git(self.root, "rev-parse", "--show-toplevel")).rstrip("\n"))
        self.prefix = os.fsdecode(git(self.root, "rev-parse", "--show-prefix")).rstrip("\n")
        self.head = git(self.root, "rev-parse", "--verify", "HEAD^{commit}").decode().strip()

    def relative(self, path: str) -> PurePosixPath:
        """A path that a fix gives, relative to ``root``. Raises FixRefused for one that leads out of it."""
        pure = PurePosixPath(path)
        if (
            not path
            or "\0" in path
            or "\n" in path
            or pure.is_absolute()
            or ".." in pure.parts
            or pure == PurePosixPath(".")
        ):
            raise self._no(path, "not a path inside the project", "give it relative to the project's root, without ..")
        return pure

    def trusted(self, path: str) -> Path:
        """The file that ``path`` names, if it is what HEAD has: tracked, regular, unchanged, reached by no symlink.

        Raises FixRefused, saying which of these it is not.
        """
        pure = self.relative(path)
        step = self.root
        for part in pure.parts:
            step = step / part
            if step.is_symlink():
                raise self._no(path, f"{step.relative_to(self.root)} is a symbolic link", "name the file itself")
        if not step.is_file():
            raise self._no(path, "no such file", "add it to the project, or take the fix out of the table")
        entry = git(self.top, "ls-tree", "-z", "--full-tree", self.head, "--", f":(literal){self.prefix}{pure}").decode(
            "utf-8", "surrogateescape"
        )
        mode, _, rest = entry.partition(" ")
        blob = rest.partition(" ")[2].partition("\t")[0]
        if mode not in ("100644", "100755"):
            raise self._no(path, "not a file that HEAD has", "commit it first: only what is in the history is run")
        if git(self.top, "hash-object", f"--path={self.prefix}{pure}", str(step)).decode().strip() != blob:
            raise self._no(path, "differs from HEAD", "commit or undo its changes first")
        return step

    def command_for(self, script: str) -> list[str]:
        """How a trusted script is started, relative to the root. Raises FixRefused where nothing says how."""
        file = self.trusted(script)
        with file.open("rb") as stream:
            first = stream.readline(200)
        if os.access(file, os.X_OK) and first.startswith(b"#!"):
            return [f"./{PurePosixPath(script)}"]
        interpreter = {".sh": "sh", ".bash": "bash", ".py": "python3"}.get(file.suffix)
        if interpreter is None:
            raise self._no(
                script, "neither executable with a #! line nor named .sh, .bash or .py", "make it one of these"
            )
        return [interpreter, f"./{PurePosixPath(script)}"]

    def changed(self, paths: Sequence[str]) -> list[str]:
        """Of ``paths`` (relative to ``top``) those that differ from HEAD, or are there and not tracked."""
        if not paths:
            return []
        wanted = [f":(literal){path}" for path in paths]
        output = git(
            self.top,
            "status",
            "--porcelain=v1",
            "-z",
            "--untracked-files=all",
            "--ignored=matching",
            "--no-renames",
            "--",
            *wanted,
        )
        return sorted({os.fsdecode(entry[3:]) for entry in output.split(b"\0") if len(entry) > 3})

    def _no(self, path: str, fault: str, remedy: str) -> FixRefused:
        return FixRefused(SUBJECT, fault, place=path[:200], remedy=remedy)
