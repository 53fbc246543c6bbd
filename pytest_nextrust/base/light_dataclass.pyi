# What type checkers see of it: dataclasses as they are.
from collections.abc import Mapping
from dataclasses import dataclass as dataclass
from dataclasses import field as field
from dataclasses import replace as replace
from typing import Any

__all__ = ["dataclass", "field", "fits", "light_fields", "replace"]

def light_fields(cls: type) -> Mapping[str, Mapping[str, Any]] | None: ...
def fits(cls: type, values: Mapping[str, Any]) -> bool: ...
