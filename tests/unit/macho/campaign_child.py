"""The damage campaign, run in a process of its own: ``python -m tests.unit.macho.campaign_child FIRST COUNT``.

Reads, checks and describes COUNT damaged files, numbered from FIRST; a number alone rebuilds its file. Memory beyond
the limit ends in MemoryError, which is a failure like any other exception. Prints one JSON object.
"""

from __future__ import annotations

import json
import random
import resource
import struct
import sys
import time
from collections import Counter
from pathlib import Path

from pytest_nextrust.commands.inspect import _printable, _text
from pytest_nextrust.errors import UnreadableMacho
from pytest_nextrust.macho import read
from pytest_nextrust.macho.describe import describe
from tests.unit.macho.builders import samples

HEADROOM = 64 << 20
NUMBERS = (0, 1, 2, 7, 8, 27, 28, 0x7FFF, 0xFFFF, 0x2000, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFF0, 0xFFFF_FFFF)


def damaged(number: int, bases: list[bytes]) -> bytes:
    """File ``number`` of the campaign."""
    rng = random.Random(number)
    data = bytearray(bases[number % len(bases)])
    # The tables a file is steered by lie in front and behind the text; the bulk between them is padding.
    live = [i for i in range(0, len(data), 4) if any(data[i : i + 4])]
    for _ in range(rng.choice((1, 1, 1, 2, 4, 16))):
        kind = rng.random()
        at = rng.choice(live) if rng.random() < 0.9 else rng.randrange(len(data))
        at = min(at, len(data) - 1)
        if kind < 0.4:
            data[min(at + rng.randrange(4), len(data) - 1)] ^= 1 << rng.randrange(8)
        elif kind < 0.55:
            data[min(at + rng.randrange(4), len(data) - 1)] = rng.randrange(256)
        elif kind < 0.85:
            value = rng.choice((*NUMBERS, len(data), len(data) - 1, len(data) + 1, rng.getrandbits(32)))
            data[at : at + 4] = struct.pack(">L", value)
        elif kind < 0.95:
            del data[rng.choice((at, rng.randrange(len(data)))) :]
        else:
            source = rng.choice(live) if live else 0
            data[at : at + 64] = data[source : source + 64]
        if not data:
            break
    return bytes(data)


def one(data: bytes) -> str:
    """What became of one file; anything but a description or UnreadableMacho propagates."""
    try:
        answer = describe(read(data))
    except UnreadableMacho as error:
        return f"unreadable: {str(error) != ''}"
    answer |= {"file": {"path": "x", "size": len(data), "sha256": "", "container": answer.pop("container", None)}}
    answer["file"] |= {key: answer[key] for key in ("filetype", "filetype_name", "cputype", "cpusubtype", "flags")}
    for line in _text(answer):
        _printable(line)
    defects = answer["defects"]
    assert all(0 <= d["offset"] <= len(data) for d in defects), defects
    return "defective" if any(d["severity"] == "error" for d in defects) else "sound"


def limit_memory(size: int) -> None:
    """From here on at most ``size`` bytes more than now (where the system enforces it)."""
    status = Path("/proc/self/statm")
    if status.exists():
        now = int(status.read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (now + size, now + size))


def main(first: int, count: int) -> dict[str, object]:
    """Run the campaign."""
    bases = list(samples().values())
    for base in bases:
        one(base)
    limit_memory(HEADROOM + max(map(len, bases)))
    verdicts: Counter[str] = Counter()
    failures: list[str] = []
    slowest = (0.0, -1)
    for number in range(first, first + count):
        data = damaged(number, bases)
        start = time.process_time()
        try:
            verdicts[one(data)] += 1
        except (Exception, MemoryError) as error:  # noqa: BLE001 - the campaign's subject is which ones there are
            failures.append(f"file {number}: {type(error).__name__}: {error}")
        slowest = max(slowest, (time.process_time() - start, number))
    return {"verdicts": dict(verdicts), "failures": failures[:20], "failed": len(failures), "slowest": slowest}


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]), int(sys.argv[2]))))
