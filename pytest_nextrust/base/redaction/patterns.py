"""Patterns, compiled when they are first used: most texts need few of them, and a process that reads none needs none.

Boundary: text in, a pattern out.
"""

from __future__ import annotations

import re
from functools import cache

__all__ = ["compiled"]


@cache
def compiled(pattern: str) -> re.Pattern[str]:
    """The pattern, kept for as long as the process runs."""
    return re.compile(pattern)
