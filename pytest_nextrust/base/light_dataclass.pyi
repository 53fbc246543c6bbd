# What type checkers see of it: dataclasses as they are.
from collections.abc import Mapping
from dataclasses import dataclass as dataclass
from typing import Any

__all__ = ["dataclass", "light_fields"]

def light_fields(cls: type) -> Mapping[str, tuple[Any, ...]] | None: ...
