"""A fault of a compiler traced: the searches over its passes, and what the pass that was found made of the code.

LLVM's passes are searched first; where the program fails without any of them, those of rustc over MIR.

Boundary: puts ``search``, a subject and ``listing`` together; words for people are the command's.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from pytest_nextrust.compilers import listing
from pytest_nextrust.compilers.limits import ALL, Pass, PassCounter, counters_of
from pytest_nextrust.compilers.listing import Line
from pytest_nextrust.compilers.search import PassSearch, Trial, search
from pytest_nextrust.compilers.subjects import TrialSubject
from pytest_nextrust.compilers.suspects import Suspect, suspects

__all__ = ["TracedFault", "trace"]

OnProgress = Callable[[str], None]


@dataclass(frozen=True)
class TracedFault:
    """What was found. ``changed``: the functions that the pass made other code of; ``function``: the one of them that
    it ran on, else the first; ``diff``: that one's code with one pass less and with it. ``suspects``: instructions of
    the sources' functions that are wrong to look at, in the program that fails."""

    searches: tuple[PassSearch, ...]
    changed: tuple[str, ...] = ()
    function: str = ""
    diff: tuple[str, ...] = ()
    suspects: tuple[Suspect, ...] = ()

    @property
    def search(self) -> PassSearch:
        """The search that found a pass, else the first."""
        return next((each for each in self.searches if each.outcome == "pass"), self.searches[0])

    @property
    def culprit(self) -> Pass | None:
        """The pass; of several with its number, in as many sources, the one on a function that changed."""
        found = self.search.found
        return next((each for each in found if each.function in self.changed), next(iter(found), None))


def trace(subject: TrialSubject, *, checks: int = 6, on_progress: OnProgress = lambda _: None) -> TracedFault:
    """Search for the pass. Raises UsageFault for a compiler that counts none, and what a trial raises."""
    searches: list[PassSearch] = []
    for counter in counters_of(subject.toolchain.name, subject.language):
        searches.append(search(counter, partial(_trial, subject, counter, on_progress), checks=checks))
        if searches[-1].outcome != "codegen":
            break
    return _with_code(subject, tuple(searches))


def _trial(subject: TrialSubject, counter: PassCounter, on_progress: OnProgress, limit: int) -> Trial:
    trial = subject.trial(counter, limit)
    passes = "all" if limit == ALL else f"the first {limit}"
    on_progress(f"{subject.name}: {passes} {counter.name} passes: {trial.result}")
    return trial


def _with_code(subject: TrialSubject, searches: tuple[PassSearch, ...]) -> TracedFault:
    fault = TracedFault(searches)
    good, bad = fault.search.good, fault.search.bad
    program = (bad or fault.search.full).program
    if not program or fault.search.outcome == "passed":
        return fault
    fault = replace(fault, suspects=tuple(suspects(_own(subject, program))))
    if good is None or bad is None or not good.program:
        return fault
    changed = tuple(listing.changed(good.program, bad.program, subject.cpu))
    if not changed:
        return fault
    ran_on = [each.function for each in fault.search.found]
    function = next((name for name in changed if name in ran_on), changed[0])
    titles = (f"{function} with {good.limit} passes ({good.result})", f"{function} with {bad.limit} ({bad.result})")
    diff = tuple(listing.difference(good.program, bad.program, function, subject.cpu, titles))
    return replace(fault, changed=changed, function=function, diff=diff)


def _own(subject: TrialSubject, program: bytes) -> dict[str, tuple[Line, ...]]:
    """The functions that the sources name: the library's are not what was compiled."""
    text = "\n".join(source.read_text(encoding="utf-8", errors="replace") for source in subject.sources)
    words = set(re.findall(r"\w+", text))
    # Rust's mangled names hold each part with its length before it.
    parts = {f"{len(word)}{word}" for word in words if len(word) > 1}
    return {
        name: lines
        for name, lines in listing.functions(program, subject.cpu).items()
        if name in words or any(name.endswith(part) for part in parts)
    }
