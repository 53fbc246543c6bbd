"""Transcripts with known truth: lines as the assistant writes them, repeated in every way it repeats them.

``Truth`` is counted while messages are made, before anything is repeated; nothing of the package is used for it.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# US dollars per token, from the published tables: input, output, write5m, write1h (twice the input), read.
PRICES = {
    "claude-opus-4-8": (5e-6, 25e-6, 6.25e-6, 10e-6, 0.5e-6),
    "claude-sonnet-4-5-20250929": (3e-6, 15e-6, 3.75e-6, 6e-6, 0.3e-6),
    "claude-haiku-4-5": (1e-6, 5e-6, 1.25e-6, 2e-6, 0.1e-6),
}
UNKNOWN = "claude-next-9"


@dataclass
class Truth:
    """What was really used."""

    messages: int = 0
    kinds: list[int] = field(default_factory=lambda: [0] * 5)
    cost: float = 0.0
    unpriced: int = 0
    malformed: int = 0
    by_session: dict[str, int] = field(default_factory=dict)
    by_day: dict[str, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        return sum(self.kinds)


@dataclass
class Corpus:
    """Files by name, their lines, and the truth about them."""

    files: dict[str, list[str]]
    truth: Truth

    def write(self, folder: Path) -> Path:
        """Write the files below ``folder``/projects; returns ``folder``."""
        for name, lines in self.files.items():
            file = folder / "projects" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        return folder


def usage(kinds: list[int], *, old: bool = False) -> dict[str, Any]:
    """``message.usage`` of these tokens; ``old``: the sum of cache writes alone, which were all for five minutes."""
    found: dict[str, Any] = {"input_tokens": kinds[0], "output_tokens": kinds[1], "cache_read_input_tokens": kinds[4]}
    found["cache_creation_input_tokens"] = kinds[2] + kinds[3]
    if not old:
        found["cache_creation"] = {"ephemeral_5m_input_tokens": kinds[2], "ephemeral_1h_input_tokens": kinds[3]}
    return found


def line(identifier: str, session: str, time: str, model: str, kinds: list[int], **rest: Any) -> str:
    """One line about one message."""
    old = rest.pop("old", False)
    table: dict[str, Any] = {
        "type": "assistant",
        "timestamp": time,
        "sessionId": session,
        "requestId": f"req_{identifier}",
        "isSidechain": False,
        "message": {"id": f"msg_{identifier}", "model": model, "usage": usage(kinds, old=old)},
    }
    return json.dumps(table | rest)


def corpus(seed: int, *, messages: int = 200, sessions: int = 5) -> Corpus:
    """Messages of several sessions with partials, replays, copies, sidechains, gaps and rubbish."""
    draw = random.Random(seed)
    truth, files = Truth(), {f"p/s{n}.jsonl": [json.dumps({"type": "summary"})] for n in range(sessions)}
    for number in range(messages):
        session = draw.randrange(sessions)
        day = f"2026-03-{draw.randrange(1, 6):02}"
        # Times to the second and unique, so that a message's first session and day are beyond doubt.
        time = f"{day}T{number // 3600:02}:{number // 60 % 60:02}:{number % 60:02}.000Z"
        model = draw.choice([*PRICES, UNKNOWN]) if number % 10 == 0 else draw.choice(list(PRICES))
        old = draw.random() < 0.2
        kinds = [draw.randrange(50), draw.randrange(1, 4000), draw.randrange(20_000), 0, draw.randrange(200_000)]
        if not old and draw.random() < 0.5:
            kinds[3] = draw.randrange(20_000)
        _count(truth, f"s{session}", day, model, kinds)
        _tell(draw, files, f"{seed}-{number}", session, time, model, kinds, old)
    for name in files:
        _litter(draw, files[name], truth)
    return Corpus(files, truth)


def _count(truth: Truth, session: str, day: str, model: str, kinds: list[int]) -> None:
    truth.messages += 1
    truth.kinds = [a + b for a, b in zip(truth.kinds, kinds, strict=True)]
    if model in PRICES:
        truth.cost += sum(tokens * price for tokens, price in zip(kinds, PRICES[model], strict=True))
    else:
        truth.unpriced += sum(kinds)
    truth.by_session[session] = truth.by_session.get(session, 0) + sum(kinds)
    truth.by_day[day] = truth.by_day.get(day, 0) + sum(kinds)


def _tell(
    draw: random.Random,
    files: dict[str, list[str]],
    identifier: str,
    session: int,
    time: str,
    model: str,
    kinds: list[int],
    old: bool,
) -> None:
    """Write a message as a growing answer, then perhaps again elsewhere."""
    mine = files[f"p/s{session}.jsonl"]
    later = time.replace(".000Z", ".900Z")
    for _ in range(draw.randrange(4)):
        part = [kinds[0], draw.randrange(kinds[1]), *kinds[2:]]
        mine.append(line(identifier, f"s{session}", time, model, part, old=old))
    cost = {"costUSD": 123.0} if draw.random() < 0.3 else {}
    mine.append(line(identifier, f"s{session}", time, model, kinds, old=old, **cost))
    for _ in range(draw.choice((0, 0, 1, 5))):  # one line for each block of the answer, all with the whole usage
        mine.append(line(identifier, f"s{session}", later, model, kinds, old=old))
    if draw.random() < 0.2:  # replayed under another request
        mine.append(line(identifier, f"s{session}", later, model, kinds, old=old, requestId="req_other"))
    if draw.random() < 0.3:  # the session was resumed: its lines are copied to another one
        other = f"z{session}-copy"
        copied = files.setdefault(f"q/{other}.jsonl", [])
        copied.append(line(identifier, other, later, model, kinds, old=old))
    if draw.random() < 0.2:
        side = files.setdefault(f"p/s{session}/subagents/agent-1.jsonl", [])
        side.append(line(identifier, f"s{session}", time, model, kinds, old=old, isSidechain=True))


RUBBISH = (
    "not JSON",
    '{"message": {"usage": ',
    "[1, 2]",
    '{"message": {"usage": {"input_tokens": "12"}}}',
    '{"message": {"usage": {"input_tokens": -1}}}',
    '{"message": {"usage": [1]}}',
    '{"message": {"usage": {"input_tokens": 1.5}}}',
    '{"message": {"usage": {"input_tokens": NaN}}}',
    "[" * 100_000,
)
HARMLESS = (
    '{"type":"user","message":{"role":"user","content":"hi"}}',
    '{"message":"text"}',
    "{}",
    '{"message":{"usage":null}}',
)


def _litter(draw: random.Random, lines: list[str], truth: Truth) -> None:
    for _ in range(draw.randrange(4)):
        lines.insert(draw.randrange(len(lines) + 1), draw.choice(RUBBISH))
        truth.malformed += 1
    lines.insert(draw.randrange(len(lines) + 1), draw.choice(HARMLESS))
