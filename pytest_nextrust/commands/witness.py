"""``nextrust witness PROGRAM [ARG...]``: the same bytes on the machine, in Musashi and in qemu-m68k, step by step.

Exit status: 0 no difference in the steps that were executed, 1 they part, 2 usage, a program that cannot be run, or no
witness installed, 4 a fault of the harness. The guest's output is not shown: ``nextrust run`` does that.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from pytest_nextrust.base.rust_names import beside, readable
from pytest_nextrust.commands.answer import add_json_option, envelope, faults_of, write_answer
from pytest_nextrust.commands.guest_options import add_guest_options, guest_request, guest_stdin
from pytest_nextrust.errors import HarnessFault, UsageFault

if TYPE_CHECKING:
    from pytest_nextrust.witness.records import CpuState, Difference, EngineOutcome, EngineReport, WitnessRecord

__all__ = ["HELP", "add_arguments", "run"]

HELP = "run a program under Musashi and qemu-m68k too, and show the first step where they part"

STEPS = 100_000
SAME, PARTED, HARNESS = 0, 1, 4
LETTERS = "XNZVC"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The program and its surroundings, how far to go, and whom to ask."""
    add_guest_options(parser)
    parser.add_argument("--steps", metavar="N", help="instructions to compare at most (5000000, 10M); default: 100000")
    parser.add_argument(
        "--engine",
        choices=("musashi", "qemu"),
        action="append",
        help="ask this witness alone; repeatable; default: those that are installed",
    )
    add_json_option(parser)


def run(args: argparse.Namespace) -> int:
    """Compare; the exit status. Raises UsageFault, NotRunnable."""
    from pytest_nextrust.emu.sandbox import Sandbox
    from pytest_nextrust.witness.client import MEMORY, compare

    engines, without = _engines(args.engine)
    stdin = guest_stdin(args)
    request = guest_request(args, stdin, {"budget": _steps(args.steps)})
    with Sandbox(memory_limit=MEMORY, inherit=() if stdin is None else (stdin,)) as sandbox:
        try:
            [record] = compare(sandbox, [request], engines)
        except HarnessFault as error:
            print(f"nextrust witness: {error}", file=sys.stderr)
            write_answer(args, envelope("witness", ok=False, exit=HARNESS, errors=faults_of(error)))
            return HARNESS
    status = SAME if record.difference is None else PARTED
    if args.json != "-":
        print("\n".join(_lines(record, without)))
    write_answer(args, _answer(record, without, request.program, status))
    return status


def _engines(asked: list[str] | None) -> tuple[list[str], dict[str, str]]:
    """Whom to ask, and those of them that are not installed. Raises UsageFault where nobody is."""
    from pytest_nextrust.witness.client import missing
    from pytest_nextrust.witness.records import ENGINES

    wanted = list(dict.fromkeys(asked or ENGINES))
    without = missing(wanted)
    there = [engine for engine in wanted if engine not in without]
    if not there:
        raise UsageFault(" and ".join(without), "not installed", remedy="; ".join(without.values()))
    return there, without


def _steps(text: str | None) -> int:
    from pytest_nextrust.project.run_settings import whole_number

    if text is None:
        return STEPS
    count = whole_number(text)
    if not count:
        raise UsageFault("--steps", "not a number of instructions", place=text, remedy="write 100000 or 10M")
    return count


# -- the result --------------------------------------------------------------------------------------------------------


def _lines(record: WitnessRecord, without: dict[str, str]) -> list[str]:
    lines = [f"{engine}: not installed: {remedy}" for engine, remedy in without.items()]
    lines += [line for report in record.engines for line in _report(report)]
    if record.difference is None:
        assert record.end is not None
        return [*lines, f"no difference in {record.steps} steps ({_end(record)})"]
    return lines + _difference(record.difference)


def _end(record: WitnessRecord) -> str:
    end = record.end
    assert end is not None
    if end.kind in ("budget", "time"):
        return "the program goes on"
    return f"{end.kind} {end.value}" + (f": {end.message}" if end.message else "")


def _report(report: EngineReport) -> list[str]:
    lines = [f"{report.engine} ({report.version}): {report.steps} instructions"]
    if report.lost:
        lines[0] += f", then given up: {report.lost}"
    for known in report.known:
        where = f"first at step {known.step}, 0x{known.pc:08x} {known.instruction}"
        lines.append(f"  known difference {known.id}: {known.count} times, {where}")
    return lines


def _difference(found: Difference) -> list[str]:
    where = f"{readable(found.symbol)}: " if found.symbol else ""
    lines = [
        f"step {found.step}: {found.engine} parts from the machine",
        f"  0x{found.pc:08x} {where}{found.instruction}  [{found.code.hex(' ', 2)}]",
        *(f"  {what}" for what in found.what),
        "before:",
        *_registers(found.before),
    ]
    for outcome in found.outcomes:
        lines += _outcome(outcome)
    return [*lines, found.decided]


def _outcome(outcome: EngineOutcome) -> list[str]:
    verdict = {None: "", True: " (right)", False: " (wrong)"}[outcome.right]
    lines = [f"{outcome.engine}{verdict}:"]
    if outcome.stopped:
        return [f"{lines[0]} {outcome.stopped}"]
    if outcome.state is not None:
        lines += _registers(outcome.state)
    return lines + [f"  memory at 0x{address:08x}: {data.hex()}" for address, data in outcome.memory]


def _registers(state: CpuState) -> list[str]:
    lines = [
        "  " + " ".join(f"{name}{at}={value:08x}" for at, value in enumerate(values))
        for name, values in (("d", state.d), ("a", state.a))
    ]
    lines.append(f"  pc={state.pc:08x} ccr={_codes(state.ccr)}")
    if state.fp:
        lines += ["  " + " ".join(f"fp{at}={state.fp[at]:020x}" for at in half) for half in (range(4), range(4, 8))]
        lines.append(f"  fpcr={state.fpcr:08x} fpsr={state.fpsr:08x}")
    return lines


def _codes(ccr: int) -> str:
    return "".join(letter if ccr >> 4 - at & 1 else "-" for at, letter in enumerate(LETTERS))


# -- JSON --------------------------------------------------------------------------------------------------------------


def _answer(record: WitnessRecord, without: dict[str, str], program: bytes, status: int) -> dict[str, Any]:
    import hashlib

    end = record.end
    return envelope(
        "witness",
        ok=status == SAME,
        exit=status,
        program_sha256=hashlib.sha256(program).hexdigest(),
        cpu=record.cpu,
        steps=record.steps,
        end=None if end is None else {"kind": end.kind, "value": end.value, "message": end.message},
        engines=[
            {
                "name": report.engine,
                "version": report.version,
                "steps": report.steps,
                "lost": report.lost,
                "known": [
                    {"id": one.id, "count": one.count, "step": one.step, "pc": one.pc, "instruction": one.instruction}
                    for one in report.known
                ],
            }
            for report in record.engines
        ],
        missing=[{"name": name, "remedy": remedy} for name, remedy in without.items()],
        difference=None if record.difference is None else _plain_difference(record.difference),
    )


def _plain_difference(found: Difference) -> dict[str, Any]:
    symbol = beside({"symbol": found.symbol}, "symbol")
    return {
        **symbol,
        "step": found.step,
        "pc": found.pc,
        "code": found.code.hex(),
        "instruction": found.instruction,
        "engine": found.engine,
        "what": list(found.what),
        "before": _plain_state(found.before),
        "outcomes": [
            {
                "engine": outcome.engine,
                "state": None if outcome.state is None else _plain_state(outcome.state),
                "stopped": outcome.stopped,
                "memory": [{"address": address, "data": data.hex()} for address, data in outcome.memory],
                "right": outcome.right,
            }
            for outcome in found.outcomes
        ],
        "decided": found.decided,
    }


def _plain_state(state: CpuState) -> dict[str, Any]:
    return {
        "d": list(state.d),
        "a": list(state.a),
        "pc": state.pc,
        "ccr": state.ccr,
        "fp": [f"{value:020x}" for value in state.fp],
        "fpcr": state.fpcr,
        "fpsr": state.fpsr,
    }
