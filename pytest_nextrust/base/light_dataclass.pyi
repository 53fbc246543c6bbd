# What type checkers see of it: dataclasses as they are.
from collections.abc import Mapping
from dataclasses import dataclass as dataclass
from typing import Any

__all__ = ["dataclass", "fits", "light_fields"]

def light_fields(cls: type) -> Mapping[str, tuple[Any, ...]] | None: ...
def fits(cls: type, values: Mapping[str, Any]) -> bool: ...
