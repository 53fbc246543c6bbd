"""Checking a linked runtime: which calls and histories there are for it, and what became of them.

The sandbox does the work (``conformance`` and ``service``); here is what to ask of it, and which of its answers are
findings. Where accesses of different sizes overlap, or objects that the runtime calls lock-free and objects that it
does not, a failure is a note: neither C nor Rust promises anything about them (``overlap="mixed"`` makes the former
findings). A history whose graph is too large for the budget is sampled: what that finds is a finding, and where it
finds nothing there is still no verdict.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from pytest_nextrust.atomics import families
from pytest_nextrust.atomics.build import OBJECT_ROOM, Runtime
from pytest_nextrust.atomics.driver import Call, Driven, History, assemble
from pytest_nextrust.atomics.known import Known
from pytest_nextrust.atomics.narrate import Narrator
from pytest_nextrust.atomics.table import ROUTINES, SIZES, Args

__all__ = ["Explain", "Function", "Item", "Outcome", "Plan", "Sampler", "Target", "check", "found_in", "histories"]

BATCH = 16
"""Histories sent to the sandbox at once."""
UPDATES = ("__atomic_fetch_OP", "__sync_val_compare_and_swap", "__atomic_exchange", "__sync_fetch_and_OP")
"""Families that are explored with more threads and more calls."""
CROWDS = ((2, 3), (3, 2))
KINDS = ("same", "overlap", "straddle", "shared-lock")
INTERRUPTED = (
    "__sync_fetch_and_OP",
    "__sync_val_compare_and_swap",
    "__atomic_load",
    "__atomic_store",
    "__atomic_exchange",
    "__atomic_compare_exchange",
    "generic swap",
)
"""Families whose calls are interrupted by a handler."""


@dataclass(frozen=True, slots=True)
class Function:
    """A function under test: its symbol, the routine that it must be, and whether it takes no memory orders.

    ``alignment``: its object's address is always a multiple of this. ``code`` identifies its code, in whatever program.
    """

    symbol: str
    address: int
    routine: str
    plain: bool = False
    alignment: int = 1
    code: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """What it must be and its code."""
        return self.routine, self.code


@dataclass(frozen=True, slots=True)
class Target:
    """What is checked: a linked program and its functions, by routine."""

    runtime: Runtime
    functions: tuple[Function, ...]

    @staticmethod
    def of(runtime: Runtime) -> Target:
        """A runtime's own routines."""
        named = runtime.routines.items()
        return Target(runtime, tuple(Function(name, address, name) for name, address in named))


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do. ``crowds``: (threads, calls each); ``signals`` per thread (0: no handlers); limits per history.

    ``kinds``: of all pairs, those whose objects lie to each other so; ``sizes``: of pairs and interrupted calls, those
    whose objects are all of one of these sizes in bytes (empty: any). ``seconds`` is for all of it; ``first`` stops
    soon after the first finding.
    """

    overlap: str = "same-size"
    crowds: tuple[tuple[int, int], ...] = CROWDS
    signals: int = 0
    pairs: bool = True
    kinds: tuple[str, ...] = KINDS
    sizes: tuple[int, ...] = ()
    conformance: bool = True
    states: int = 2_000_000
    seconds: float = 600.0
    seed: int = 1
    reduce: bool = True
    first: bool = False


@dataclass(frozen=True, slots=True)
class Item:
    """A history to explore and whether its failure is a finding or, ``note`` saying why, none."""

    history: History
    note: str = ""


@dataclass(slots=True)
class Outcome:
    """What became of a plan: ``explorations`` as the sandbox answered, findings, notes, and what was not done."""

    calls: int = 0
    conformance_seconds: float = 0.0
    explorations: list[dict[str, Any]] = field(default_factory=list)
    findings: list[dict[str, Any]] = field(default_factory=list)
    notes: list[dict[str, Any]] = field(default_factory=list)
    undone: int = 0

    @property
    def verdict(self) -> str:
        """``failed``, ``budget`` where something was not seen to its end, else ``passed``."""
        if self.findings:
            return "failed"
        return "budget" if self.undone or any(e["verdict"] == "budget" for e in self.explorations) else "passed"


class Caller(Protocol):
    """What the campaign needs of a sandbox."""

    def call(self, function: str, payload: Any, timeout: float, *, on_progress: Callable[[str], None] = ...) -> Any: ...


SAMPLE_SECONDS = 0.5
"""A history is sampled for at least this long, or for as long as its search took."""

Explain = Callable[["Target", History, Driven], dict[str, Any]]
"""What a failing history's run looks like: more keys of its finding."""

Sampler = Callable[["Outcome", "Target", "Item", Driven, float], None]
"""Samples the history explored last, whose search its budget ended, for about so many seconds."""

EXPLAINED = 5
"""Findings that are explained: every one takes another search."""


def check(
    target: Target,
    plan: Plan,
    sandbox: Caller,
    hear: Callable[[str], None] = lambda _: None,
    explain: Explain | None = None,
    sampler: Sampler | None = None,
    known: Known | None = None,
) -> Outcome:
    """Do all of ``plan`` that is not ``known`` yet. Raises HarnessFault where the sandbox fails."""
    out = Outcome()
    began = time.monotonic()
    base = _payload(target.runtime)
    free: Mapping[str, int] = {}
    known = known or Known()
    alone = tuple(function for function in target.functions if function.key not in known.alone)
    if plan.conformance and alone:
        asked = {**base, **_conformance(Target(target.runtime, alone), plan)}
        answer = sandbox.call("pytest_nextrust.atomics.child.conformance:check", asked, 2 * plan.seconds + 30)
        out.calls, free, out.undone = answer["calls"], answer["lock_free"], answer["undone"]
        narrator = Narrator(target.runtime)
        for found in answer["findings"]:
            call = found.pop("call")
            more = _alone(target, call, explain) if len(out.findings) < EXPLAINED else {}
            told = narrator.told(found)
            out.findings.append({"trace": [], "token": "", "command": "", **more, **told, **found})
        out.conformance_seconds = time.monotonic() - began
        hear(f"{len(alone)} functions called {out.calls} times alone: {len(out.findings)} findings")
    # What fails alone would fail every history that it takes part in.
    broken = {found["routine"] for found in out.findings}
    known.learn(function.key for function in alone if not out.undone)
    known.condemn(function.key for function in alone if function.symbol in broken)
    broken |= {function.symbol for function in target.functions if not known.alone.get(function.key, True)}
    codes = {function.symbol: function.code for function in target.functions}
    items = [item for item in histories(target, plan, free, broken) if known.fresh(item.history, codes)]
    addresses = {function.symbol: function.address for function in target.functions}
    size = 1 if plan.first else BATCH
    for start in range(0, len(items), size):
        left = plan.seconds - (time.monotonic() - began)
        if left <= 0:
            out.undone += len(items) - start
            break
        batch = items[start : start + size]
        driven = [assemble(item.history, target.runtime, addresses) for item in batch]
        payload = {**base, "histories": [_wire(one) for one in driven], "reduce": plan.reduce}
        # Half of the time is kept for sampling what the other half did not see to its end.
        payload |= {"states": plan.states, "seconds": left / 2 if sampler else left, "total": left}
        answers = sandbox.call("pytest_nextrust.atomics.child.worker:explore", payload, 2 * left + 30)
        out.undone += len(batch) - len(answers)
        for item, one, found in zip(batch, driven, answers, strict=False):
            spent = found["verdict"] == "budget"
            _take(out, target, item, one, found, explain)
            if spent and sampler is not None:
                left = plan.seconds - (time.monotonic() - began)
                sampler(out, target, item, one, min(max(found["seconds"], SAMPLE_SECONDS), left))
        if plan.first and out.findings:
            break
        done = min(start + size, len(items))
        hear(f"{done} of {len(items)} histories explored: {len(out.findings)} findings")
    return out


def _alone(target: Target, call: dict[str, Any], explain: Explain | None) -> dict[str, Any]:
    """The same call as a history of one thread; what is wrong with more than results and memory is not seen there."""
    if explain is None or call["routine"] in ("__sync_synchronize", "__atomic_is_lock_free"):
        return {}
    args = Args(call["value"], call["expected"], call["order"])
    made = Call(call["routine"], call["offset"], call["size"], args, call["function"], call["plain"])
    history = History(f"{made.function} alone", ((made,),), ((call["offset"], call["memory"]),))
    addresses = {function.symbol: function.address for function in target.functions}
    return explain(target, history, assemble(history, target.runtime, addresses))


def _take(
    out: Outcome, target: Target, item: Item, driven: Driven, answer: dict[str, Any], explain: Explain | None
) -> None:
    history = item.history
    record: dict[str, Any] = {
        "name": history.name,
        "threads": len(history.threads),
        "ops": max(len(calls) for calls in history.threads),
        "signals": history.signals,
        "method": "proof",
        "cpu": target.runtime.made_for,
        "level": target.runtime.level,
        **{key: answer[key] for key in ("verdict", "complete", "states", "transitions", "instructions", "seconds")},
    }
    out.explorations.append(record)
    if answer["verdict"] != "failed":
        return
    finding = found_in(history, answer["kind"], answer["message"])
    if item.note:
        record["verdict"] = "note"
        out.notes.append({**finding, "note": item.note})
        return
    if explain is not None and len(out.findings) < EXPLAINED:
        finding |= explain(target, history, driven)
    out.findings.append(finding)


def found_in(history: History, kind: str, message: str) -> dict[str, Any]:
    """A finding about a history, as far as it is known without its run."""
    called = list(dict.fromkeys(call.function or call.routine for call in history.calls))
    return {
        "kind": kind,
        "routine": called[0],
        "routines": called,
        "size": history.calls[0].size,
        "message": f"{history.name}: {message}",
        "history": history.name,
        "trace": [],
        "token": "",
        "command": "",
    }


# -- what is asked of the sandbox --------------------------------------------------------------------------------------


def _payload(runtime: Runtime) -> dict[str, Any]:
    return {"cpu": runtime.cpu, "regions": runtime.regions(), "code": runtime.code, "objects": runtime.objects}


def _conformance(target: Target, plan: Plan) -> dict[str, Any]:
    functions = [[f.symbol, f.address, f.routine, f.plain, f.alignment] for f in target.functions]
    limits = {"seed": plan.seed, "seconds": plan.seconds}
    return {"room": OBJECT_ROOM, "own": target.runtime.own(), "functions": functions, **limits}


def _wire(driven: Driven) -> dict[str, Any]:
    return {
        "name": driven.name,
        "code": bytes(driven.code),
        "objects": bytes(driven.objects),
        "entries": driven.entries,
        "marks": [[m.address, m.returns, m.operation, [list(read) for read in m.reads]] for m in driven.marks],
        "handler": driven.trampoline,
        "signals": driven.signals,
        "model": driven.model,
    }


# -- which histories ---------------------------------------------------------------------------------------------------


def histories(
    target: Target, plan: Plan, lock_free: Mapping[str, int] | None = None, broken: Iterable[str] = ()
) -> Iterator[Item]:
    """Every history of the plan whose routines the target has. ``lock_free``: object size (as text) to 1 or 0.

    Functions in ``broken`` are left out.
    """
    by_routine: dict[str, Function] = {}
    bad = set(broken)
    for function in target.functions:
        if function.symbol not in bad:
            by_routine.setdefault(function.routine, function)
    if plan.signals:
        yield from (Item(history) for history in _interrupted(by_routine, plan))
    for threads, count in plan.crowds:
        yield from (Item(history) for history in _crowd(by_routine, threads, count))
    yield from (Item(history) for history in _own_kind(target, bad) if plan.crowds)
    if plan.pairs:
        for found in families.all_histories(mixed=True):
            calls = [call.routine.name for thread in found.threads for call in thread]
            if not _wanted(found, plan) or any(name not in by_routine for name in calls):
                continue
            if _aligned(found, by_routine):
                yield Item(_converted(found, by_routine), _note(found, plan, lock_free or {}))


def _wanted(found: families.History, plan: Plan) -> bool:
    sizes = {call.extent.size for thread in found.threads for call in thread}
    return found.kind in plan.kinds and (not plan.sizes or sizes <= set(plan.sizes))


def _aligned(found: families.History, functions: Mapping[str, Function]) -> bool:
    """Whether every call has an object where its function may be given one."""
    calls = [call for thread in found.threads for call in thread]
    return all(call.extent.offset % functions[call.routine.name].alignment == 0 for call in calls)


def _note(found: families.History, plan: Plan, lock_free: Mapping[str, int]) -> str:
    if not found.mixed:
        return ""
    sizes = {str(call.extent.size) for thread in found.threads for call in thread}
    classes = {lock_free[size] for size in sizes if size in lock_free}
    if len(classes) > 1:
        return (
            "the runtime says that one of these sizes is lock-free and another is not: they do not exclude each other"
        )
    if plan.overlap != "mixed":
        return "accesses that overlap differ in size, which neither C nor Rust promises to order (see --overlap mixed)"
    return ""


def _converted(found: families.History, functions: Mapping[str, Function]) -> History:
    threads = tuple(
        tuple(_call(functions[call.routine.name], call.extent.offset, call.extent.size, call.args) for call in thread)
        for thread in found.threads
    )
    return History(found.name, threads, ((0, found.arena),))


def _call(function: Function, offset: int, size: int, args: Args) -> Call:
    return Call(function.routine, offset, size, args, function.symbol, function.plain)


def _crowd(functions: Mapping[str, Function], threads: int, count: int) -> Iterator[History]:
    """Several calls of each of several threads on one object of 4 bytes (of the first size that there is, else)."""
    for stem in UPDATES:
        for size in (4, 2, 1, 8):
            names = [families.routine_of(stem, size, 0).name]
            if all(name in functions for name in names):
                yield _alike(functions[names[0]], size, threads, count)
                break


def _own_kind(target: Target, bad: set[str]) -> Iterator[History]:
    """Each function that has code of its own to look at, for a memory order say, beside itself."""
    for function in target.functions:
        size = ROUTINES[function.routine].size
        if function.code and size and function.symbol not in bad:
            yield _alike(function, size, 2, 1)


def _alike(function: Function, size: int, threads: int, count: int) -> History:
    extent = families.Extent(0, size)
    arena = families.initial(size)
    routine = ROUTINES[function.routine]
    calls = []
    for thread in range(threads):
        made = families.make_call(routine, extent, arena, thread)
        calls.append((_call(function, 0, size, made.args),) * count)
    return History(f"{function.symbol}, {threads} threads x {count}", tuple(calls), ((0, arena),))


def _interrupted(functions: Mapping[str, Function], plan: Plan) -> Iterator[History]:
    """One call, interrupted anywhere by a handler that makes another on the same object."""
    for size in plan.sizes or SIZES:
        for stem in INTERRUPTED:
            name = families.routine_of(stem, size, 0).name
            handler = families.routine_of("__atomic_fetch_OP", size, 0).name
            handler = handler if handler in functions else name
            if name not in functions:
                continue
            extent, arena = families.Extent(0, size), families.initial(size)
            made = [families.make_call(ROUTINES[n], extent, arena, thread) for thread, n in enumerate((name, handler))]
            inside, outside = (
                _call(functions[n], 0, size, call.args) for n, call in zip((handler, name), made[::-1], strict=True)
            )
            title = f"{name}({size}), interrupted by {handler}"
            yield History(title, ((outside,),), ((0, arena),), (inside,), plan.signals)
