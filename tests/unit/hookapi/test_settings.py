"""The ``[hooks]`` table: expressions that Python cannot read are faults, whatever it raises for them."""

from __future__ import annotations

import pytest

from pytest_nextrust.base.convert import read_document
from pytest_nextrust.errors import ConfigError
from pytest_nextrust.hookapi.settings import HookSettings


@pytest.mark.parametrize("pattern", ["(", "a{99999999999}", "(" * 3000])
def test_an_expression_that_cannot_be_read_is_a_fault(pattern: str) -> None:
    """At its place, with what is wrong with it."""
    table = {"commits": {"pattern": pattern}, "guarded": [{"commands": ["make", pattern], "phases": ["phase-1"]}]}
    with pytest.raises(ConfigError) as caught:
        read_document(HookSettings, table, subject="hooks")
    assert [fault.path for fault in caught.value.faults] == ["commits.pattern", "guarded[0].commands[1]"]
    assert all(fault.message.startswith("not a regular expression: ") for fault in caught.value.faults)
