"""A failing program's source made smaller by C-Vise, as long as it fails in the same way and is a right program.

What is shrunk must stay a program that means something: a reference compiles it too, and it must come to what is
expected there. The reference is the first of these that gets the whole program right: the same compiler without its
passes (where a pass was found), GNU C, the mended twin, the same compiler at level 0.

C-Vise asks a small script about every variant. The script hands its folder to this process, which has everything warm:
a trial takes a compilation and a run, and no start of a machine.

Boundary: runs C-Vise (Debian: ``cvise``); a trial is ``subjects``'s. Source: cvise(1).
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pytest_nextrust.compilers.limits import ALL, LLVM, NoLimit, PassCounter
from pytest_nextrust.compilers.search import PassSearch
from pytest_nextrust.compilers.subjects import TrialSubject
from pytest_nextrust.errors import NextrustError, ToolchainMissing
from pytest_nextrust.project.mends import twin_of
from pytest_nextrust.toolchain.named import named
from pytest_nextrust.toolchain.registry import toolchains

__all__ = ["Reference", "Shrunk", "reference_for", "shrink", "tidied"]

OnProgress = Callable[[str], None]

CVISE, REMEDY = "cvise", "apt-get install cvise, or give --no-shrink"
TRIAL_SECONDS = 150
"""What C-Vise waits for a trial: a compiler that never ends is stopped before."""
PROGRESS_SECONDS = 5.0

STRICT = (
    "-Werror=implicit-function-declaration",
    "-Werror=implicit-int",
    "-Werror=return-type",
    "-Werror=uninitialized",
    "-Werror=maybe-uninitialized",
    "-Werror=array-bounds",
    "-Wall",
)
"""What GNU C refuses of the variants that C-Vise makes up: programs that mean nothing."""

_SOCKET = "oracle"
_SCRIPT = """#!{python} -SE
import os, socket, sys
here = os.getcwd()
os.chdir({folder!r})
with socket.socket(socket.AF_UNIX) as asked:
    asked.connect({name!r})
    asked.sendall(os.fsencode(here) + b"\\n")
    sys.exit(asked.recv(1) != b"y")
"""


@dataclass(frozen=True)
class Reference:
    """Who gets the program right: ``name`` in words, and how it is built there."""

    name: str
    subject: TrialSubject
    counter: PassCounter
    limit: int = ALL

    def takes(self, source: Path) -> bool:
        """Whether a source comes to what is expected here."""
        return not self.subject.with_source(source).trial(self.counter, self.limit).kinds


@dataclass(frozen=True)
class Shrunk:
    """The smallest source that was found, in ``source``. ``whole``: C-Vise came to its end, and not to that of its
    time. ``before`` and ``after``: characters, white space left out."""

    source: Path
    before: int
    after: int
    trials: int
    seconds: float
    whole: bool
    reference: str


def reference_for(subject: TrialSubject, found: PassSearch) -> Reference | None:
    """The first reference that gets the subject right; None where there is none. Raises what a trial raises."""
    for reference in _references(subject, found):
        try:
            if not reference.subject.trial(reference.counter, reference.limit).kinds:
                return reference
        except NextrustError:
            # One that is not installed, or cannot say, is no reference.
            continue
    return None


def _references(subject: TrialSubject, found: PassSearch) -> Iterator[Reference]:
    nothing = NoLimit("")
    if subject.language == "c":
        yield Reference("gnu", subject.by(toolchains()["gnu"], None), NoLimit("", STRICT))
    if found.good is not None and not found.otherwise:
        yield Reference(f"{subject.toolchain.name} with no {found.counter.name} pass", subject, found.counter, 0)
    twin = twin_of(subject.toolchain.name)
    mended = named(twin) if twin else None
    if mended is not None:
        yield Reference(mended.name, subject.by(mended, None), nothing)
    yield Reference(f"{subject.toolchain.name} at level 0", subject.by(subject.toolchain, "0"), nothing)


def shrink(
    subject: TrialSubject,
    reference: Reference,
    kinds: tuple[str, ...],
    work: Path,
    seconds: float,
    *,
    on_progress: OnProgress = lambda _: None,
) -> Shrunk:
    """Shrink the subject's only source for ``seconds`` at most; ``kinds`` is the failure that must stay.

    Raises ToolchainMissing where C-Vise is not installed.
    """
    program = shutil.which(CVISE)
    if program is None:
        raise ToolchainMissing(CVISE, "not found: it makes the source smaller", remedy=REMEDY)
    [original] = subject.sources
    folder = work / "shrink"
    folder.mkdir()
    source = folder / original.name
    shutil.copyfile(original, source)
    size = _size(source)
    oracle = _Oracle(subject, reference, kinds, source.name)
    began = time.monotonic()
    with _served(oracle, folder) as script:
        words = [program, "--tidy", "--n", "1", "--timeout", str(TRIAL_SECONDS), *_language(subject), str(script)]
        whole = _run([*words, source.name], folder, seconds, lambda: on_progress(oracle.said(size, source)))
        _tidy(source, oracle, work)
    return Shrunk(source, size, _size(source), oracle.trials, time.monotonic() - began, whole, reference.name)


def _size(source: Path) -> int:
    """Characters of a source, but for white space: C-Vise leaves some in the middle of a pass."""
    return len("".join(source.read_text(encoding="utf-8", errors="replace").split()))


def _tidy(source: Path, oracle: _Oracle, work: Path) -> None:
    """Indent what C-Vise has left in the middle of a pass, where the program stays the same to everybody."""
    text = tidied(source.read_text(encoding="utf-8", errors="replace"))
    folder = work / "tidy"
    folder.mkdir()
    (folder / source.name).write_text(text, encoding="utf-8")
    if oracle.likes(folder):
        source.write_text(text, encoding="utf-8")


def tidied(text: str) -> str:
    """Lines indented by the braces around them, empty ones left out."""
    depth, lines = 0, []
    for line in filter(None, map(str.strip, text.split("\n"))):
        inner = depth - (line[0] == "}")
        lines.append("    " * max(0, inner) + line)
        depth += line.count("{") - line.count("}")
    return "\n".join(lines) + "\n"


def _language(subject: TrialSubject) -> list[str]:
    return [] if subject.language == "c" else ["--not-c"]


@dataclass
class _Oracle:
    """Judges the source in a folder: one at a time, for there is one machine."""

    subject: TrialSubject
    reference: Reference
    kinds: tuple[str, ...]
    name: str
    trials: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def likes(self, folder: Path) -> bool:
        """Whether the variant fails in the same way, and is right by the reference."""
        source = folder / self.name
        with self.lock:
            self.trials += 1
            try:
                failing = self.subject.with_source(source).trial(LLVM, ALL).kinds == self.kinds
                return failing and self.reference.takes(source)
            except NextrustError:
                return False

    def said(self, size: int, source: Path) -> str:
        """How far it is, in words."""
        return f"shrinking: {size} characters to {_size(source)}, {self.trials} variants tried"


@contextlib.contextmanager
def _served(oracle: _Oracle, folder: Path) -> Iterator[Path]:
    """A script that asks the oracle about the folder that it is started in."""
    script = folder / "interesting"
    script.write_text(_SCRIPT.format(python=sys.executable, folder=str(folder), name=_SOCKET), encoding="utf-8")
    script.chmod(0o755)
    with socket.socket(socket.AF_UNIX) as listening:
        _bind(listening, folder)
        listening.listen()
        thread = threading.Thread(target=_serve, args=(oracle, listening), daemon=True)
        thread.start()
        try:
            yield script
        finally:
            # Wakes the thread, which is in accept, or will be after its trial.
            with contextlib.suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)
            thread.join()


def _bind(listening: socket.socket, folder: Path) -> None:
    """Bind to a name in a folder. A socket's path has about a hundred characters, and a folder's may have more: then
    it is named by its descriptor, where the system can. Raises OSError."""
    try:
        listening.bind(str(folder / _SOCKET))
    except OSError:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            listening.bind(f"/proc/self/fd/{descriptor}/{_SOCKET}")
        finally:
            os.close(descriptor)


def _serve(oracle: _Oracle, listening: socket.socket) -> None:
    while True:
        try:
            asking, _ = listening.accept()
        except OSError:
            return
        with asking, contextlib.suppress(OSError):
            folder = asking.makefile("rb").readline().rstrip(b"\n")
            if folder:
                asking.sendall(b"y" if oracle.likes(Path(os.fsdecode(folder))) else b"n")


def _run(words: list[str], folder: Path, seconds: float, on_wait: Callable[[], None]) -> bool:
    """Run C-Vise with everything that it starts; whether it came to its end in time."""
    environment = {**os.environ, "TMPDIR": str(folder)}
    ends = time.monotonic() + seconds
    with (folder / "cvise.log").open("wb") as log:
        process = subprocess.Popen(
            words, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, start_new_session=True
        )
        try:
            while True:
                left = ends - time.monotonic()
                if left <= 0:
                    return False
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(timeout=min(left, PROGRESS_SECONDS))
                    return process.returncode == 0
                on_wait()
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
