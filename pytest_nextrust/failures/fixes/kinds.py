"""The kinds of fix: what each would do, described before it is done, and how it is done in the scratch.

``plan`` checks all that can be checked without changing anything, and says in words what will be done; a FixPlan's
``apply`` then does it. A fix that only looks (``verify_flags``, and ``check_patches`` where the patched sources are not
in the repository) has ``findings`` and nothing to apply.

Boundary: knows nothing of rerunning and landing. Source: git-apply(1).
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from pytest_nextrust.errors import FixRefused
from pytest_nextrust.failures.fixes.project import SUBJECT, Project, git
from pytest_nextrust.failures.fixes.scratch import LARGEST, Scratch
from pytest_nextrust.failures.issues.table import AutoFix
from pytest_nextrust.project.trust import comes_from_fork
from pytest_nextrust.project.validation.patches import check_patch

__all__ = ["FixPlan", "RunStep", "flag_findings", "plan"]

RunStep = Callable[[Sequence[str], Path, str], str]
"""``run(command, folder, what)``: run a program, logged and within the time left; raises FixRefused where it fails."""


@dataclass(frozen=True)
class FixPlan:
    """``steps`` in words; ``text`` is what would be applied or run, to be shown; ``files`` are trusted and named.

    ``apply`` changes the scratch; None where the fix only looks, and ``findings`` are what it saw.
    """

    steps: tuple[str, ...]
    files: tuple[str, ...] = ()
    text: str = ""
    apply: Callable[[Scratch, RunStep], None] | None = None
    findings: tuple[str, ...] = ()


def plan(fix: AutoFix, project: Project, command: str) -> FixPlan:
    """What ``fix`` would do. ``command`` is the one that failed. Raises FixRefused for what may not be done."""
    if fix.script:
        if comes_from_fork(os.environ):
            raise FixRefused(
                "auto-fix",
                "is a script, and this job is about a pull request from a fork",
                place=fix.script,
                remedy="run it where the sources are trusted",
            )
        return _script(fix, project)
    if fix.type == "apply_patch":
        return _patch(fix.patch, project)
    if fix.type == "verify_flags":
        return _flags(fix, command)
    return _patches(fix, project)


def _script(fix: AutoFix, project: Project) -> FixPlan:
    argv = [*project.command_for(fix.script), *fix.args]
    text = project.trusted(fix.script).read_text(encoding="utf-8", errors="replace")

    def apply(scratch: Scratch, run: RunStep) -> None:
        run(argv, scratch.root, "the fix's script")

    step = f"run {shlex.join(argv)} ({fix.type}; tracked, and unchanged since HEAD)"
    return FixPlan((step,), (fix.script,), text, apply)


def _patch(path: str, project: Project) -> FixPlan:
    data = _patch_data(path, project)

    def apply(scratch: Scratch, _run: RunStep) -> None:
        git(scratch.root, "apply", "--whitespace=nowarn", data=data)

    return FixPlan((f"apply the patch {path}",), (path,), data.decode("utf-8", "replace"), apply)


def _patch_data(path: str, project: Project) -> bytes:
    file = project.trusted(path)
    if file.stat().st_size > LARGEST:
        raise FixRefused(SUBJECT, f"more than {LARGEST} bytes", place=path, remedy="apply it by hand")
    data = file.read_bytes()
    faults = check_patch(data.decode("utf-8", "replace"))
    if faults:
        raise FixRefused(SUBJECT, f"not a patch that applies: line {faults[0]}", place=path, remedy="mend the patch")
    return data


def flag_findings(fix: AutoFix, command: str) -> tuple[str, ...]:
    """Where the words of ``command`` are not as the fix wants them."""
    try:
        words = shlex.split(command, posix=True)
    except ValueError:
        words = command.split()
    found = [
        f"{word} must not be there (it fits {pattern})"
        for pattern in fix.forbidden
        for word in dict.fromkeys(words)
        if fnmatchcase(word, pattern)
    ]
    found += [f"nothing fits {pattern}" for pattern in fix.required if not any(fnmatchcase(w, pattern) for w in words)]
    return tuple(found)


def _flags(fix: AutoFix, command: str) -> FixPlan:
    step = f"compare the flags of: {command[:200] or '(no command)'}"
    findings = flag_findings(fix, command) if command else ("no command was given: name it",)
    return FixPlan((step,), findings=findings or ("the flags are as they should be: look elsewhere",))


def _patches(fix: AutoFix, project: Project) -> FixPlan:
    """Each patch of a series: applied already, to be applied, or neither."""
    project.relative(fix.patches)
    found = sorted(str(path.relative_to(project.root)) for path in project.root.glob(fix.patches))
    if not found:
        raise FixRefused(SUBJECT, "no such patches", place=fix.patches, remedy="name a series of patch files")
    data = {path: _patch_data(path, project) for path in found}
    folder = "" if fix.folder in ("", ".") else str(project.relative(fix.folder))
    target = project.root / folder
    if target.is_symlink() or not target.is_dir() or not target.resolve().is_relative_to(project.root):
        raise FixRefused(
            SUBJECT, "no such folder to apply patches in", place=fix.folder, remedy="check the sources out"
        )
    tracked = git(project.top, "ls-tree", "-z", project.head, "--", f"{project.prefix}{folder or '.'}/")
    states = {path: _state(target, patch) for path, patch in data.items()}
    steps = [f"{path}: {state}" for path, state in states.items()]
    missing = [path for path, state in states.items() if state != "applied already"]
    if not missing:
        return FixPlan(tuple(steps), tuple(found), findings=("every patch is applied already: look elsewhere",))
    if not tracked and folder:
        finding = f"{folder} is not in the repository: apply by hand what is missing: {', '.join(missing)}"
        return FixPlan(tuple(steps), tuple(found), findings=(finding,))

    def apply(scratch: Scratch, _run: RunStep) -> None:
        for path in missing:
            try:
                git(scratch.root / folder, "apply", "--whitespace=nowarn", data=data[path])
            except FixRefused as error:
                raise FixRefused(
                    SUBJECT, f"does not apply: {error.fault}", place=path, remedy="mend the patch"
                ) from error

    text = "".join(data[path].decode("utf-8", "replace") for path in missing)
    return FixPlan((*steps, f"apply in {folder or '.'}: {', '.join(missing)}"), tuple(found), text, apply)


def _state(folder: Path, patch: bytes) -> str:
    def takes(*how: str) -> bool:
        try:
            git(folder, "apply", "--check", *how, data=patch)
        except FixRefused:
            return False
        return True

    if takes("--reverse"):
        return "applied already"
    return "to be applied" if takes() else "does not apply to the files as they are"


def outside(text: str, project: Project, scratch: Scratch) -> str:
    """A command with the project's folder replaced by the scratch's: an absolute path must not lead back."""
    for real in dict.fromkeys((str(project.root), os.path.realpath(project.root))):
        text = text.replace(real, str(scratch.root))
    return text
