"""Which tool calls a handler wants: the assistant's own matchers.

``""``, ``*`` and None want every call. A matcher of only letters, digits, ``_``, ``-``, blanks, ``,`` and ``|`` is an
exact name, or a list of them; anything else is a regular expression that may match anywhere in the name.

Source: docs/hooks.md ("Matchers"). The assistant's expressions are JavaScript's; the two agree for what names need.
"""

from __future__ import annotations

import re

__all__ = ["matches"]

_EXACT = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_- ,|")


def matches(matcher: str | None, name: str) -> bool:
    """Whether ``matcher`` wants the tool ``name``. Raises UsageFault for an expression that cannot be read."""
    if matcher is None or matcher in ("", "*"):
        return True
    if _EXACT.issuperset(matcher):
        return name in (part.strip() for part in matcher.replace(",", "|").split("|"))
    try:
        return re.search(matcher, name) is not None
    except re.error as error:
        from pytest_nextrust.errors import UsageFault

        raise UsageFault(
            "matcher", f"not a regular expression: {error}", place=matcher, remedy="write a name, a list or a pattern"
        ) from error
