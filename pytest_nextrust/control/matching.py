"""Which tool calls a handler wants: the assistant's own matchers.

``""``, ``*`` and None want every call. A matcher of only letters, digits, ``_``, ``-``, blanks, ``,`` and ``|`` is an
exact name, or a list of them; anything else is a regular expression that may match anywhere in the name.

Source: docs/hooks.md ("Matchers"). The assistant's expressions are JavaScript's; the two agree for what names need.
"""

from __future__ import annotations

import re

from pytest_nextrust.errors import UsageFault

__all__ = ["matches"]

_EXACT = re.compile(r"[A-Za-z0-9_\- ,|]+")


def matches(matcher: str | None, name: str) -> bool:
    """Whether ``matcher`` wants the tool ``name``. Raises UsageFault for an expression that cannot be read."""
    if matcher is None or matcher in ("", "*"):
        return True
    if _EXACT.fullmatch(matcher):
        return name in (part.strip() for part in re.split(r"[|,]", matcher))
    try:
        return re.search(matcher, name) is not None
    except re.error as error:
        raise UsageFault(
            "matcher", f"not a regular expression: {error}", place=matcher, remedy="write a name, a list or a pattern"
        ) from error
