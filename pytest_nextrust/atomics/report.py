"""What ``nextrust atomics`` answers: the JSON value, and the same for people.

Boundary: plain values from ``CampaignResult``; nothing is compiled or run here.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pytest_nextrust.atomics.campaign import CampaignResult
from pytest_nextrust.atomics.program import Target
from pytest_nextrust.atomics.table import ROUTINES
from pytest_nextrust.explore.text import ASSUMED
from pytest_nextrust.toolchain.levels import in_words

__all__ = ["NOT_EXPLORED", "cells_of", "missing_of", "text", "totals"]

_COLUMNS = (("passed", 6), ("failed", 6), ("budget", 6), ("not explored", 12), ("inline", 6), ("calling", 7))

NOT_EXPLORED = "not explored"
"""The verdict of a function of which no history could have shown a fault."""

MOST = 12
"""Runs of findings and missing routines that the text lists; the JSON answer has all."""


def cells_of(target: Target, result: CampaignResult) -> list[dict[str, Any]]:
    """One cell for each function: routine, size (None where it is an argument), cpu, level and verdict."""
    failed = {name for found in result.findings for name in (found["routine"], *found.get("routines", ()))}
    failed |= result.failed
    undone = result.undone > 0 or any(e["verdict"] == "budget" for e in result.explorations)
    unexplored = set(result.unexplored)

    def verdict(name: str) -> str:
        if name in failed:
            return "failed"
        if name in unexplored:
            return NOT_EXPLORED
        return "budget" if undone or name in result.cut else "passed"

    return [
        {
            "routine": function.symbol,
            "size": ROUTINES[function.routine].size,
            "cpu": target.runtime.made_for,
            "level": target.runtime.level,
            "verdict": verdict(function.symbol),
            "histories": result.touched.get(function.symbol, 0),
        }
        for function in target.functions
    ]


def missing_of(names: Iterable[str]) -> list[str]:
    """Routines of the full list that are not among ``names``."""
    have = set(names)
    return [name for name in ROUTINES if name not in have]


def totals(results: Iterable[CampaignResult]) -> dict[str, Any]:
    """Sums over everything that was explored."""
    found = list(results)
    explorations = [e for result in found for e in result.explorations]
    return {
        "calls": sum(result.calls for result in found),
        "histories": len(explorations),
        "proofs": sum(e["complete"] for e in explorations),
        "undone": sum(result.undone for result in found),
        "states": sum(e["states"] for e in explorations),
        "transitions": sum(e["transitions"] for e in explorations),
        "instructions": sum(e["instructions"] for e in explorations),
        "seconds": round(sum(e["seconds"] for e in explorations), 3),
        "conformance_seconds": round(sum(result.conformance_seconds for result in found), 3),
    }


def text(answer: Mapping[str, Any]) -> Iterator[str]:
    """The answer's lines for a terminal."""
    if answer.get("compiler"):
        yield from _summary(answer["cells"])
        yield from _wrong(answer["cells"], answer["findings"])
    else:
        yield from _table(answer["cells"])
    if answer["missing"]:
        yield ""
        first = answer["missing"][:MOST]
        more = len(answer["missing"]) - len(first)
        yield f"missing: {', '.join(first)}" + (f" and {more} more" if more > 0 else "")
    sums = answer["totals"]
    yield ""
    yield (
        f"{sums['calls']} calls alone; {sums['histories']} concurrent histories, {sums['proofs']} seen to their end: "
        f"{sums['states']} states, {sums['transitions']} transitions in {sums['seconds']:.1f} s"
    )
    yield from _counted(answer["cells"])
    yield from _proved(answer["explorations"])
    if sums["undone"]:
        yield f"{sums['undone']} functions or histories were not checked: {answer['note'] or 'the budget was spent'}"
    elif answer["note"]:
        yield answer["note"]
    yield from _samples(answer["explorations"])
    yield from _findings(answer["findings"])
    yield from _notes(answer["notes"])
    yield from _sensitivity(answer.get("sensitivity", ()))
    yield ""
    yield f"verdict: {answer['verdict']}"
    yield f"model: {answer['model']}"


def _sensitivity(asked: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """What each instruction is to the proof of a routine."""
    for one in asked:
        line = f" ({one['line']})" if one["line"] else ""
        verdict = f"used: {one['kind']}" if one["kind"] else one["verdict"]
        level = in_words(one["level"])
        yield f"atomicity of {one['instruction']} at {one['function']}{line}, {one['routine']}, {level}: {verdict}"


def _counted(cells: list[dict[str, Any]]) -> Iterator[str]:
    """In how many histories routines took part, and which are not explored."""
    counts: dict[int, list[str]] = {}
    for cell in cells:
        if cell["verdict"] != NOT_EXPLORED and cell.get("histories"):
            counts.setdefault(cell["histories"], []).append(cell["routine"])
    if counts:
        least, most = min(counts), max(counts)
        yield f"histories of a routine: {least} ({counts[least][0]}) to {most} ({counts[most][0]}); --json has all"
    missed = list(dict.fromkeys(cell["routine"] for cell in cells if cell["verdict"] == NOT_EXPLORED))
    if missed:
        more = f" and {len(missed) - MOST} more" if len(missed) > MOST else ""
        yield f"not explored, since nothing that is exported could show a fault of it: {', '.join(missed[:MOST])}{more}"


def _proved(explorations: list[dict[str, Any]]) -> Iterator[str]:
    """For how many threads and calls there are proofs, and how many."""
    proofs = Counter(
        (e["threads"], e["ops"], e["signals"]) for e in explorations if e["complete"] and e["verdict"] == "passed"
    )
    if proofs:
        counts = (
            f"{count} of {threads} x {ops}" + (f" with up to {signals} signals" if signals else "")
            for (threads, ops, signals), count in sorted(proofs.items())
        )
        assumed = ASSUMED.get(explorations[0]["fairness"], "")
        proved = f"every reachable state seen, threads x calls of each: {', '.join(counts)}"
        yield f"{proved}; {assumed}" if assumed else proved


def _samples(explorations: list[dict[str, Any]]) -> Iterator[str]:
    """What sampling is worth, for each history that was too large for a proof."""
    for one in explorations:
        if one["method"] == "sample":
            worth = f": {one['guarantee']}" if one["guarantee"] else ""
            yield f"sampled, not proved: {one['name']}: {one['schedules']} schedules{worth}"


def _table(cells: list[dict[str, Any]]) -> Iterator[str]:
    """One line per family, one column per size."""
    rows: dict[tuple[str, str, str], dict[str, str]] = {}
    for cell in cells:
        name, size = cell["routine"], cell["size"]
        family = name.removesuffix(f"_{size}") if size else name
        rows.setdefault((cell["cpu"], cell["level"], family), {})[str(size or "any")] = cell["verdict"]
    columns = [column for column in ("1", "2", "4", "8", "any") if any(column in row for row in rows.values())]
    width = max((len(family) for _, _, family in rows), default=7)
    wide = max((len(verdict) for row in rows.values() for verdict in row.values()), default=7)
    wide = max(wide, 7)
    before = None
    for (cpu, level, family), row in rows.items():
        if before != (cpu, level):
            before = (cpu, level)
            yield f"{f'{cpu} {in_words(level)}':<{width}}  " + "  ".join(f"{column:>{wide}}" for column in columns)
        yield f"{family:<{width}}  " + "  ".join(f"{row.get(column, '-'):>{wide}}" for column in columns)


def _summary(cells: list[dict[str, Any]]) -> Iterator[str]:
    """One line per CPU and level of a compiler: its functions are too many for one line each."""
    rows: dict[tuple[str, str], Counter[str]] = {}
    for cell in cells:
        row = rows.setdefault((cell["cpu"], cell["level"]), Counter())
        row[cell["verdict"]] += 1
        row["inline" if cell["inline"] else "calling" if cell["calls"] else "none"] += 1
    yield f"{'':<10}  functions  passed  failed  budget  not explored  inline  calling"
    for (cpu, level), row in rows.items():
        counts = "  ".join(f"{row[name]:>{width}}" for name, width in _COLUMNS)
        functions = row["passed"] + row["failed"] + row["budget"] + row[NOT_EXPLORED]
        yield f"{f'{cpu} {in_words(level)}':<10}  {functions:>9}  {counts}"


_NAME = re.compile(r"nextrust_(?P<family>\w+?)_(?P<size>\d)_(?P<weak>weak_)?(?:at_(?P<form>[a-z]+)_)?\w+")


def _family(name: str) -> str:
    """The operation that a generated function is of, whatever its size and ordering."""
    match = _NAME.fullmatch(name)
    if match is None:
        return name
    return match["family"] + (" (weak)" if match["weak"] else "") + (f" at {match['form']}" if match["form"] else "")


def _wrong(cells: list[dict[str, Any]], findings: list[dict[str, Any]]) -> Iterator[str]:
    """One line per operation that is wrong: how, in which sizes, and where; cells with the same sizes together."""
    kinds: dict[str, set[str]] = {}
    for found in findings:
        kinds.setdefault(_family(found["routine"]), set()).add(found["kind"])
    sizes: dict[str, dict[tuple[str, str], set[int]]] = {}
    for cell in cells:
        if cell["verdict"] == "failed":
            where = sizes.setdefault(_family(cell["routine"]), {})
            where.setdefault((cell["cpu"], cell["level"]), set()).add(cell["size"] or 0)
    width = max(map(len, sizes), default=0)
    for family, places in sizes.items():
        places_of: dict[tuple[int, ...], list[dict[str, str]]] = {}
        for (cpu, level), found_sizes in places.items():
            places_of.setdefault(tuple(sorted(found_sizes)), []).append({"cpu": cpu, "level": level})
        for of, where_of in places_of.items():
            which = ",".join(map(str, of))
            how = ", ".join(sorted(kinds.get(family, ())))
            yield f"  wrong: {family:<{width}}  {which} bytes ({how}) for {_places({'places': where_of})}"


def _places(found: Mapping[str, Any]) -> str:
    """Where a finding about a compiler holds: levels by CPU."""
    levels: dict[str, list[str]] = {}
    for place in found.get("places", ()):
        levels.setdefault(place["cpu"], []).append(place["level"])
    return "; ".join(f"{cpu} -O{','.join(sorted(each))}" for cpu, each in sorted(levels.items()))


def _findings(findings: list[dict[str, Any]]) -> Iterator[str]:
    """The first finding of each pair of routines with its run, as far as there is room; of the others every token."""
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for found in findings:
        # What inline assembly writes is said of each place: there is no run that one could stand for.
        own = [found["message"]] if "file" in found else [found["routine"]]
        groups.setdefault(tuple(found.get("routines") or own), []).append(found)
    for routines, group in list(groups.items())[:MOST]:
        found = group[0]
        yield ""
        yield f"finding ({found['kind']}): {_named(found)}"
        if found.get("places"):
            yield f"  in code for {_places(found)}"
        for line in found.get("lines", ()):
            yield f"  {line}"
        if found["command"]:
            yield f"  run it again: {found['command']}"
        yield from _tokens(group[1:], f"of {' and '.join(routines)}")
    rest = [found for group in list(groups.values())[MOST:] for found in group]
    yield from _tokens(rest, f"of {len(groups) - MOST} other routines or pairs")


def _tokens(findings: list[dict[str, Any]], whose: str) -> Iterator[str]:
    """How many more findings there are, and a line for each that a token shows."""
    if not findings:
        return
    replayable = [found for found in findings if found["token"]]
    without = len(findings) - len(replayable)
    aside = f", {without} of them without a token (--json lists all)" if without else ""
    yield f"and {len(findings)} more {whose}{aside}:"
    for found in replayable:
        yield f"  {found['command']}  ({found['kind']}: {_named(found)})"


def _named(found: Mapping[str, Any]) -> str:
    """What is wrong, with the routine's name. A history's name begins with what it calls."""
    message = str(found["message"])
    return message if message.startswith(found["routine"]) else f"{found['routine']}: {message}"


def _notes(notes: list[dict[str, Any]]) -> Iterator[str]:
    by_reason: dict[str, list[dict[str, Any]]] = {}
    for note in notes:
        by_reason.setdefault(note["note"], []).append(note)
    for reason, members in by_reason.items():
        yield ""
        many = f"{len(members)} histories have no explanation, but " if "history" in members[0] else ""
        yield f"note: {many}{reason}" + ("" if many else f" ({len(members)} functions)")
        yield f"  first: {members[0]['message']}"
