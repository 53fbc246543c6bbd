"""Which items are likely to fail for a change: plain statistics over earlier runs, each with its reason.

An item is a chain of good and bad verdicts. One that was bad the last time stays bad with the rate at which it, its
scenario and all others did; one that was good breaks with the rate at which it broke, or, where that is more, at which
it broke when a path of the change had changed: a file, or a folder at any level. A scenario whose own folder changes
breaks as often as those whose folders changed did. Later runs weigh more (half after ``HALF_LIFE`` runs), and a rate
of few cases is drawn towards the one that is known better: an item's towards its scenario's in all cells, that
towards the one of all.

Boundary: numbers and words; what is learnt from is ``past``'s. How much better than other orders this is says
``backtest``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import PurePosixPath

from pytest_nextrust.base.text import counted
from pytest_nextrust.history.past import Observation
from pytest_nextrust.status.records import ItemKey

__all__ = ["Likelihood", "Prediction", "folders_and_files"]

HALF_LIFE = 50
"""Runs after which a case weighs half."""

PRIOR = 1.0
"""How many cases what is drawn towards counts for."""

RECENT = 5
"""Runs that a reason speaks of."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """How likely an item is to fail, from 0 to 1, and why."""

    key: ItemKey
    chance: float
    reason: str


@dataclass(frozen=True, slots=True)
class _Case:
    """An item reported in run ``run``: it was bad before or not, and now; ``parts`` is what changed between."""

    run: int
    before: bool
    now: bool
    parts: frozenset[str] | None


@dataclass(slots=True)
class _Rate:
    """Cases and how many of them went one way, weighed by age."""

    hits: float = 0.0
    cases: float = 0.0
    at: int = 0

    def add(self, hit: bool, run: int) -> None:
        faded = _weight(run - self.at)
        self.hits, self.cases, self.at = self.hits * faded + hit, self.cases * faded + 1.0, run

    def towards(self, known: float, run: int) -> float:
        faded = _weight(run - self.at)
        return (self.hits * faded + PRIOR * known) / (self.cases * faded + PRIOR)


@dataclass(slots=True)
class _Past:
    """What is known of an item, a scenario or everything together."""

    breaks: _Rate = field(default_factory=_Rate)
    stays: _Rate = field(default_factory=_Rate)
    cases: list[_Case] = field(default_factory=list)
    broke: set[str] = field(default_factory=set)
    """Every file and folder that had changed when it broke."""


class Likelihood:
    """What earlier runs tell; ``add`` them in their order, then ask for ``predictions``."""

    def __init__(self, past: Iterable[Observation] = ()) -> None:
        self._run = 0
        self._all, self._first, self._own = _Past(), _Rate(), _Rate()
        self._items: dict[ItemKey, _Past] = {}
        self._scenarios: dict[str, _Past] = {}
        self._last: dict[ItemKey, tuple[int, bool]] = {}
        self._changes: list[frozenset[str] | None] = []
        for observation in past:
            self.add(observation)

    def add(self, observation: Observation) -> None:
        """Learn from one more run."""
        self._changes.append(None if observation.changed is None else folders_and_files(observation.changed))
        since: dict[int, frozenset[str] | None] = {}
        for key, bad in observation.bad.items():
            if key not in self._last:
                self._first.add(bad, self._run)
            else:
                run, before = self._last[key]
                if run not in since:
                    since[run] = self._changed_since(run)
                self._learn(key, _Case(self._run, before, bad, since[run]))
            self._last[key] = (self._run, bad)
        self._run += 1

    def _changed_since(self, run: int) -> frozenset[str] | None:
        """Everything that changed after a run up to the one that is learnt: runs between may not have had the item."""
        changes = self._changes[run + 1 :]
        return None if None in changes else frozenset().union(*(each for each in changes if each is not None))

    def _learn(self, key: ItemKey, case: _Case) -> None:
        scenario = self._scenarios.setdefault(key.scenario, _Past())
        if not case.before and case.parts is not None and _own_folder(key, case.parts):
            self._own.add(case.now, case.run)
        for past in (self._all, scenario, self._items.setdefault(key, _Past())):
            (past.stays if case.before else past.breaks).add(case.now, case.run)
            if past is self._all:
                continue
            past.cases.append(case)
            if case.now and not case.before:
                past.broke |= case.parts or frozenset()

    @property
    def known(self) -> Mapping[ItemKey, bool]:
        """Every item that reported, and whether it was bad the last time."""
        return {key: bad for key, (_, bad) in self._last.items()}

    def predictions(self, keys: Iterable[ItemKey], changed: Collection[str]) -> list[Prediction]:
        """For each item, in the order given, how likely it fails where these paths changed since the newest run.

        For an item that the newest runs did not have, what changed between them counts too.
        """
        parts = folders_and_files(changed)
        near: dict[tuple[str, str], float] = {}
        since: dict[int, frozenset[str]] = {}
        found = []
        for key in keys:
            run = self._last.get(key, (self._run, False))[0]
            if run not in since:
                since[run] = parts | (self._changed_since(run) or frozenset())
            found.append(self._predict(key, since[run], near))
        return found

    def new(self) -> float:
        """How likely an item is to fail that never reported."""
        return self._first.towards(0.5, self._run)

    def _predict(self, key: ItemKey, parts: frozenset[str], near: dict[tuple[str, str], float]) -> Prediction:
        if key not in self._last:
            return Prediction(key, self.new(), "it is new")
        item, scenario = self._items.get(key, _Past()), self._scenarios.get(key.scenario, _Past())
        run, bad = self._last[key]
        if bad:
            stays = scenario.stays.towards(self._all.stays.towards(0.5, self._run), self._run)
            return Prediction(key, item.stays.towards(stays, self._run), self._failed_last(run))
        usual = scenario.breaks.towards(self._all.breaks.towards(0.05, self._run), self._run)
        best = Prediction(key, item.breaks.towards(usual, self._run), _broke_at_times(item.cases))
        for part in sorted(parts & scenario.broke):
            if (key.scenario, part) not in near:
                near[key.scenario, part] = self._given(scenario.cases, part, usual)
            chance = self._given(item.cases, part, near[key.scenario, part])
            if chance > best.chance:
                best = Prediction(key, chance, _broke_with(part, item.cases) or _broke_with(part, scenario.cases))
        if _own_folder(key, parts) and (own := self._own.towards(0.2, self._run)) > best.chance:
            best = Prediction(key, own, "its own folder changed")
        return best

    def _given(self, cases: Iterable[_Case], part: str, known: float) -> float:
        """The rate of breaking in the cases in which ``part`` had changed."""
        hits, weight = PRIOR * known, PRIOR
        for case in cases:
            if case.parts is not None and part in case.parts and not case.before:
                weighs = _weight(self._run - 1 - case.run)
                weight += weighs
                hits += weighs * case.now
        return hits / weight

    def _failed_last(self, run: int) -> str:
        ago = self._run - run
        return "failed the last time" if ago == 1 else f"failed the last time it ran, {counted(ago, 'run')} ago"


def folders_and_files(paths: Iterable[str]) -> frozenset[str]:
    """The paths and every folder above them, folders with a slash at their end; not the repository's own."""
    found = set()
    for path in paths:
        found.add(path)
        found.update(f"{folder}/" for folder in PurePosixPath(path).parents if folder != PurePosixPath())
    return frozenset(found)


@lru_cache(maxsize=1024)
def _weight(age: int) -> float:
    return float(0.5 ** (age / HALF_LIFE))


def _own_folder(key: ItemKey, parts: frozenset[str]) -> bool:
    return any(part.endswith(f"/{key.scenario}/") or part == f"{key.scenario}/" for part in parts)


def _broke_at_times(cases: list[_Case]) -> str:
    broke = sum(case.now and not case.before for case in cases)
    runs = counted(len(cases) + 1, "run")
    return f"broke in {broke} of {runs}" if broke else f"never broke in {runs}"


def _broke_with(part: str, cases: Iterable[_Case]) -> str:
    """``failed in 3 of the last 5 runs that touched toolchain/``; empty where it never did."""
    touched: dict[int, bool] = {}
    for case in cases:
        if case.parts is not None and part in case.parts:
            touched[case.run] = touched.get(case.run, False) or case.now
    last = [touched[run] for run in sorted(touched)][-RECENT:]
    if not any(last):
        return ""
    return f"failed in {sum(last)} of the last {counted(len(last), 'run')} that touched {part}"
