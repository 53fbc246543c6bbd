"""The variables of a job: which cell it is about, which commit, which run. Everything else reads them from here.

``CPU_VARIANT``, ``OS_NAME`` and ``RUST_PROFILE`` are the cell's; ``COMMIT_SHA`` is what is checked out (git is asked,
not GITHUB_SHA: that of a pull request is a merge that was never pushed, and of ``issue_comment`` the default branch);
``RUN_ID`` and ``RUN_ATTEMPT`` are GitHub's. On a laptop there is no run: ``RUN_ID`` is ``local``, the attempt 1.

A value is one word without blanks, so that nothing in it can end a line of the file that GITHUB_ENV names.

Sources: GitHub's documentation of default variables and of workflow commands (``GITHUB_ENV``, ``GITHUB_OUTPUT``: a
value between two lines of a delimiter that does not occur in it).
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from pytest_nextrust.errors import UsageFault
from pytest_nextrust.project.matrix import Cell, Matrix
from pytest_nextrust.status.environment import git_commit

__all__ = ["CELL", "append_values", "cell_of", "variables"]

CELL = "NEXTRUST_CELL"
"""The variable that names the cell where no option does."""

_RUN = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_AXES = {"os": "OS_NAME", "profile": "RUST_PROFILE", "cpu": "CPU_VARIANT"}


def cell_of(matrix: Matrix, environ: Mapping[str, str], named: str = "") -> Cell:
    """The cell of this job: ``named``, else NEXTRUST_CELL, else by OS_NAME, RUST_PROFILE and CPU_VARIANT. An axis of
    which nothing is said is this host's operating system, else the matrix's first value. Raises UsageFault for an id or
    a value that the matrix does not have.
    """
    identifier = named or environ.get(CELL, "")
    if identifier:
        found = next((cell for cell in matrix.cells if cell.id == identifier), None)
        if found is None:
            ids = ", ".join(cell.id for cell in matrix.cells)
            raise UsageFault("--cell" if named else CELL, f"no cell {identifier!r}", remedy=f"one of {ids}")
        return found
    axes = {"os": matrix.oses, "profile": matrix.profiles, "cpu": matrix.cpus}
    chosen = {}
    for axis, variable in _AXES.items():
        value = environ.get(variable, "")
        if value and value not in axes[axis]:
            raise UsageFault(variable, f"no {axis} {value!r}", remedy=f"one of {', '.join(axes[axis])}")
        chosen[axis] = value or axes[axis][0]
    if not environ.get("OS_NAME"):
        here = [cell.os for cell in matrix.cells if not cell.stand_in]
        chosen["os"] = (here or [chosen["os"]])[0]
    return Cell(chosen["os"], chosen["profile"], chosen["cpu"])


def variables(root: Path, cell: Cell, environ: Mapping[str, str]) -> dict[str, str]:
    """The six variables, in a fixed order; ``COMMIT_SHA`` is empty without git or before the first commit.

    Raises UsageFault for a run's id or attempt that is not one word.
    """
    run, attempt = environ.get("GITHUB_RUN_ID", ""), environ.get("GITHUB_RUN_ATTEMPT", "")
    for name, value in (("GITHUB_RUN_ID", run), ("GITHUB_RUN_ATTEMPT", attempt)):
        if value and not _RUN.fullmatch(value):
            raise UsageFault(name, f"not an id: {value[:80]!r}", remedy="letters, digits, _ . and -, as GitHub sets it")
    return {
        "CPU_VARIANT": cell.cpu,
        "OS_NAME": cell.os,
        "RUST_PROFILE": cell.profile,
        "COMMIT_SHA": git_commit(root),
        "RUN_ID": run or "local",
        "RUN_ATTEMPT": attempt or "1",
    }


def append_values(
    variable: str,
    values: Iterable[tuple[str, str]],
    *,
    environ: Mapping[str, str] | None = None,
    draw: Callable[[], str] = lambda: f"end-{secrets.token_hex(16)}",
) -> Path:
    """Append to the file that ``variable`` (GITHUB_ENV, GITHUB_OUTPUT) names, each value between delimiters. The
    delimiter is drawn anew for each value until it does not occur in it. Raises UsageFault where the variable is not
    set: outside a job there is no such file.
    """
    environ = os.environ if environ is None else environ
    name = environ.get(variable, "")
    if not name:
        option = "--github-env" if variable == "GITHUB_ENV" else "--github-output"
        raise UsageFault(option, f"{variable} is not set", remedy="leave the option out outside GitHub's jobs")
    text = ""
    for key, value in values:
        while (delimiter := draw()) in value:
            pass
        text += f"{key}<<{delimiter}\n{value}\n{delimiter}\n"
    with Path(name).open("a", encoding="utf-8") as stream:
        stream.write(text)
    return Path(name)
