"""An answer as people read it: the verdict in one line, then the failing run with a column for each thread.

Boundary: the parent's side; records in, lines and plain values out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from pytest_nextrust.base.convert import to_plain
from pytest_nextrust.base.rust_names import beside, readable, readable_lines
from pytest_nextrust.explore.answer import AccessRecord, ExploreAnswer, Finding, FirstWrongStep, TraceStep

__all__ = [
    "ASSUMED",
    "claims",
    "exit_status",
    "exploration_plain",
    "figures",
    "finding_plain",
    "render",
    "step_plain",
    "summary",
    "trace_lines",
]

SHORT = 60
"""Steps of a short trace; of a longer run the last are shown."""

WIDE = 30

SAFE = "every reachable state was seen: no fault, no violation"

ASSUMED = {
    "strong": "assumed of the scheduler: a thread that can move again and again does so (strong fairness)",
    "weak": "assumed of the scheduler: a thread that can always move does so again and again (weak fairness)",
}
"""What a verdict about the end of a program assumes, by the fairness."""


NOT_BY_HASHES = "not looked for: runs that never end, in which threads spin or defer to each other"


def exit_status(verdict: str) -> int:
    """The exit status of a verdict."""
    return {"passed": 0, "failed": 1, "budget": 3}[verdict]


def figures(answer: ExploreAnswer) -> str:
    """How much was looked at."""
    if answer.method == "sample":
        return f"{answer.schedules:,} schedules, {answer.seconds:.2f} s"
    return f"{answer.states:,} states, {answer.transitions:,} transitions, {answer.seconds:.2f} s"


def claims(answer: ExploreAnswer) -> tuple[str, str]:
    """What a proof says of one exploration, and what it assumes or does not say."""
    if answer.method == "compact":
        return "", NOT_BY_HASHES
    if answer.overtaking:
        return f"{SAFE}, and no thread can starve", ASSUMED["weak"]
    if answer.fairness == "none":
        beside = "not looked for: fair runs that never end, where threads defer to each other for ever"
        return f"{SAFE}, and every state has a way to the end", beside
    return f"{SAFE}, and every fair run ends", ASSUMED[answer.fairness]


def summary(answer: ExploreAnswer) -> str:
    """The verdict in one line."""
    if answer.finding is not None:
        return f"failed: {readable(answer.finding.message)}"
    if answer.verdict == "passed":
        proved, beside = claims(answer)
        return f"passed: {proved} ({figures(answer)}); {beside}"
    beside = f"; {NOT_BY_HASHES}" if answer.method == "compact" else ""
    return f"no verdict: {answer.note or 'the search was cut short'} ({figures(answer)}){beside}"


def render(finding: Finding, threads: int, *, full: bool = False) -> list[str]:
    """The failing run: one line per step, the thread's number in its column, and what was read and written.

    Without ``full`` only what touches shared memory, changes the thread's fate or begins a slice is shown.
    """
    instructions = sum(piece.instructions for piece in finding.slices)
    switches = f"{finding.switches} context switch{'' if finding.switches == 1 else 'es'}"
    which = "shortest schedule found" if finding.shortest else "a schedule, perhaps not the shortest"
    lines = [f"{which}: {switches}, {instructions} instructions"]
    lines += list(trace_lines(finding.trace, threads, full, finding.first_wrong_step))
    if finding.loop:
        lines.append(f"then for ever ({len(finding.loop)} instructions):")
        lines += list(trace_lines(finding.loop, threads, full))
    lines += [f"  {line}" for line in finding.holds]
    return readable_lines(lines)


def trace_lines(
    trace: Sequence[TraceStep], threads: int, full: bool, wrong: FirstWrongStep | None = None
) -> Iterator[str]:
    """A line per step, and one more under the first wrong one. ``full`` as ``render`` takes it."""
    here = -1 if wrong is None else wrong.step
    chosen = [at for at in range(len(trace)) if full or at == here or _notable(trace, at)]
    if not full and len(chosen) > SHORT:
        yield f"  ... {chosen[-SHORT]} instructions before"
        chosen = chosen[-SHORT:]
        chosen = [here, *chosen] if 0 <= here < chosen[0] else chosen
    places = {at: readable(f"{trace[at].function} {trace[at].line}".rstrip()) for at in chosen}
    wide = max([WIDE, *map(len, places.values())])
    for at in chosen:
        step = trace[at]
        columns = " ".join(str(step.thread) if thread == step.thread else "." for thread in range(threads))
        accesses = "; ".join(_access(access) for access in step.access if full or _named(access))
        note = f"  {step.note}" if step.note and step.note != "shared" else ""
        left = f"{_left(step):<{WIDE}} " if full else ""
        mark = ">" if at == here else " "
        yield f"{mark} {columns}  {places[at]:<{wide}} {step.instruction:<{WIDE}} {left}{accesses}{note}".rstrip()
        if wrong is not None and at == here:
            yield f"> first wrong step: {wrong.message}"


def _left(step: TraceStep) -> str:
    """The flags after the instruction, and the registers that it changed."""
    return " ".join([step.flags, *(f"{name}={value:x}" for name, value in step.registers)])


def _notable(trace: Sequence[TraceStep], at: int) -> bool:
    return bool(trace[at].note) or at == 0 or trace[at - 1].thread != trace[at].thread


def _named(access: AccessRecord) -> bool:
    return not access.symbol.startswith(("stack of ", "first registers of ", "bookkeeping of "))


def _access(access: AccessRecord) -> str:
    return f"{readable(access.symbol)} {'<-' if access.write else '->'} 0x{access.value:x}"


def finding_plain(finding: Finding, token: str, command: str) -> dict[str, Any]:
    """A finding as JSON answers have it."""
    wrong = finding.first_wrong_step
    return {
        "kind": finding.kind,
        "routine": "",
        "message": readable(finding.message),
        "token": token,
        "command": command,
        "switches": finding.switches,
        "shortest": finding.shortest,
        "schedule": [[piece.thread, piece.instructions] for piece in finding.slices],
        **({"choices": choices} if any(choices := [list(piece.choices) for piece in finding.slices]) else {}),
        "loop_from": finding.loop_from,
        "trace": [step_plain(step) for step in finding.trace],
        "loop": [step_plain(step) for step in finding.loop],
        "holds": readable_lines(list(finding.holds)),
        **({} if wrong is None else {"parted": to_plain(wrong)}),
    }


def step_plain(step: TraceStep) -> dict[str, Any]:
    """One step of a trace as JSON answers have it."""
    accesses = [beside(access, "symbol") for access in to_plain(step)["access"]]
    return beside({**to_plain(step), "access": accesses, "registers": dict(step.registers)}, "function")


def exploration_plain(answer: ExploreAnswer, threads: int, ops: int = 0) -> dict[str, Any]:
    """The figures of one exploration as JSON answers have them."""
    proved, beside = claims(answer)
    hashed = {} if answer.hashed is None else {"hashed": to_plain(answer.hashed)}
    return {
        "name": answer.name,
        "threads": threads,
        "ops": ops,
        "method": answer.method,
        "complete": answer.complete,
        "verdict": answer.verdict,
        "states": answer.states,
        "transitions": answer.transitions,
        "instructions": answer.instructions,
        "rounds": answer.rounds,
        "schedules": answer.schedules,
        "guarantee": answer.guarantee,
        "overtaking": list(answer.overtaking),
        "shared_bytes": len(answer.shared),
        "seconds": answer.seconds,
        "note": answer.note,
        "fairness": answer.fairness,
        "checkpoint": answer.checkpoint,
        "proved": [proved] if answer.complete else [],
        "not_proved": [beside],
        **hashed,
    }
