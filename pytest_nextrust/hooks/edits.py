"""What a file would hold after a Write, Edit or MultiEdit call.

Boundary: texts only; the handlers read the file and judge.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

__all__ = ["text_after"]


def text_after(given: Mapping[str, Any], text: str | None) -> str | None:
    """``text`` (None: no such file) after the call; None where that is unknown: the assistant will say why it fails."""
    content = given.get("content")
    if isinstance(content, str):
        return content
    edits = given.get("edits", [given])
    if text is None or not isinstance(edits, list):
        return None
    for edit in edits:
        old, new = (edit.get("old_string"), edit.get("new_string")) if isinstance(edit, dict) else (None, None)
        if not isinstance(old, str) or not isinstance(new, str) or (old not in text and old):
            return None
        text = text.replace(old, new, -1 if edit.get("replace_all") is True else 1) if old else new
    return text
