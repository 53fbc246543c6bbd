"""One measured value, what it must be, and how it is shown."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterable
from dataclasses import asdict, dataclass

__all__ = ["Result", "as_json"]


@dataclass(frozen=True, slots=True)
class Result:
    """``value`` in ``unit``; a bound that is None is no bound."""

    name: str
    value: float
    unit: str
    at_least: float | None = None
    at_most: float | None = None
    note: str = ""

    @property
    def ok(self) -> bool:
        low = self.at_least is None or self.value >= self.at_least
        return low and (self.at_most is None or self.value <= self.at_most)

    def __str__(self) -> str:
        bound = ""
        if self.at_least is not None:
            bound = f"  at least {self.at_least:g}"
        elif self.at_most is not None:
            bound = f"  at most {self.at_most:g}"
        state = "" if not bound else "  ok" if self.ok else "  MISSED"
        return f"{self.name:<48} {self.value:10.2f} {self.unit:<4}{bound}{state}" + (
            f"  ({self.note})" if self.note else ""
        )


def as_json(results: Iterable[Result]) -> str:
    """Every figure with its bound, and where it was taken."""
    rows = [{**asdict(result), "ok": result.ok} for result in results]
    where = {"machine": platform.machine(), "cores": os.cpu_count(), "python": platform.python_version()}
    answer = {"schema": "nextrust-bench/1", "where": where, "ok": all(row["ok"] for row in rows), "results": rows}
    return json.dumps(answer, indent=2) + "\n"
