"""Plain values as one line of JSON: dict, list, str, int, float, bool, None and bytes.

Bytes are ``{"$b": base64}``; a mapping that looks so itself stands in ``{"$d": mapping}``. Pickle is not used: a guest
may end up controlling what its child writes.
"""

from __future__ import annotations

import base64
import json
from typing import Any

__all__ = ["dumps", "loads"]

_OURS = ({"$b"}, {"$d"})


def dumps(plain: Any) -> bytes:
    """Encode plain types as one line of JSON."""
    return json.dumps(_armour(plain), separators=(",", ":"), allow_nan=True).encode()


def loads(data: bytes) -> Any:
    """Decode what ``dumps`` made. Raises ValueError for anything else."""
    return _unarmour(json.loads(data))


def _armour(plain: Any) -> Any:
    if isinstance(plain, bytes):
        return {"$b": base64.b64encode(plain).decode("ascii")}
    if isinstance(plain, (list, tuple)):
        return [_armour(item) for item in plain]
    if isinstance(plain, dict):
        armoured = {key: _armour(item) for key, item in plain.items()}
        return {"$d": armoured} if plain.keys() in _OURS else armoured
    return plain


def _unarmour(plain: Any) -> Any:
    if isinstance(plain, list):
        return [_unarmour(item) for item in plain]
    if isinstance(plain, dict):
        if plain.keys() == {"$b"}:
            try:
                return base64.b64decode(plain["$b"], validate=True)
            except (ValueError, TypeError) as error:
                raise ValueError(f"bytes that are not base64: {error}") from error
        if plain.keys() == {"$d"} and isinstance(plain["$d"], dict):
            plain = plain["$d"]
        return {key: _unarmour(item) for key, item in plain.items()}
    return plain
