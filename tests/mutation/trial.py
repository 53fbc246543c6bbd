"""A copy of the work tree in which one mutant after the other is tried, each against the tests that cover it.

A test that fails, a module that cannot be imported, or time or memory used up is a mutant that was noticed. Tests that
are known for its statement come first, the fastest of them first; a mutant that they let pass is tried against the
others of its module, since what a shared fixture ran is known for one test only; and where no test is known for its
statement, against all others of its room.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from tests.mutation.contexts import FOLDER, Covered
from tests.mutation.draw import ROOMS, Mutant

__all__ = ["Copy"]

MEMORY = 8 << 20
"""KiB of address space for a process of a trial."""

LEAST = 30.0
"""Seconds of processor time for a process of a trial, and four times what its tests took before."""


class Copy:
    """A copy of what git knows of the tree at ``origin``, as it is now."""

    def __init__(self, origin: Path, root: Path) -> None:
        self.root = root
        self.whole = root.with_name(f"{root.name}.whole")
        if root.exists():
            self._mend()
            return
        names = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=origin,
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        making = root.with_name(f"{root.name}.new")
        shutil.rmtree(making, ignore_errors=True)
        for name in filter(None, names.split("\0")):
            if (origin / name).is_file():
                (making / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(origin / name, making / name)
        making.rename(root)

    def record(self, rooms: list[str], folder: Path, jobs: int) -> None:
        """Run the rooms' tests once as they are, and record into ``folder`` what covers what."""
        folder.mkdir(parents=True)
        tests = sorted({place for room in rooms for place in ROOMS[room].tests})
        done = subprocess.run(
            [*_pytest(), "-n", str(jobs), "-p", "tests.mutation.contexts", *tests],
            cwd=self.root,
            env={**self._environment(), FOLDER: str(folder)},
            check=False,
        )
        # 1: tests that fail as it is are left out, and named.
        if done.returncode not in (0, 1):
            raise RuntimeError(f"the tests without a mutant ended with status {done.returncode}")

    def killer(self, mutant: Mutant, covered: Covered) -> str:
        """What noticed the mutant: a test, or how its run ended; empty where nothing did."""
        file = self.root / mutant.path
        first = covered.of_lines(mutant.path, mutant.lines)
        others = [test for test in covered.of_module(mutant.path) if test not in set(first)]
        if not first:
            # It runs in the child or at import only, and a test may look at what was made there and run none of it.
            known = set(others)
            others += [test for test in covered.of_folders(ROOMS[mutant.room].tests) if test not in known]
        source = mutant.source(self.root)
        kept = self.whole / mutant.path
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(file, kept)
        try:
            file.write_text(source, encoding="utf-8")
            return self._run(first, covered) or self._run(others, covered)
        finally:
            self._mend()

    def _mend(self) -> None:
        """Put back what was changed, also by a run that was ended in the middle of a trial."""
        if self.whole.exists():
            shutil.copytree(self.whole, self.root, dirs_exist_ok=True)
            shutil.rmtree(self.whole)

    def _run(self, tests: list[str], covered: Covered) -> str:
        if not tests:
            return ""
        listed = self.root / ".mutation-tests"
        listed.write_text("\n".join(tests), encoding="utf-8")
        seconds = LEAST + 4 * sum(covered.seconds[test] for test in tests)
        limits = f'ulimit -S -t {seconds:.0f}; ulimit -S -v {MEMORY}; exec "$@"'
        command = ["sh", "-c", limits, "sh", *_pytest(), "-x", "-n", "0", "--hypothesis-seed=0", f"@{listed.name}"]
        process = subprocess.Popen(
            command,
            cwd=self.root,
            env=self._environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        try:
            output, _ = process.communicate(timeout=10 * seconds)
        except subprocess.TimeoutExpired:
            return "no end"
        finally:
            _kill(process)
        if process.returncode == 0:
            return ""
        named = [line.split(" - ")[0] for line in output.splitlines() if line.startswith(("FAILED ", "ERROR "))]
        return named[0] if named else f"status {process.returncode}"

    def _environment(self) -> dict[str, str]:
        # The copy, and not what is installed; no bytecode, which would outlive the mutant of the same second.
        return {**os.environ, "PYTHONPATH": str(self.root), "PYTHONDONTWRITEBYTECODE": "1", "NEXTRUST_MUTANT": "1"}


def _pytest() -> list[str]:
    return [sys.executable, "-m", "pytest", "-q", "--no-header", "--tb=line", "-p", "no:cacheprovider"]


def _kill(process: subprocess.Popen[str]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
