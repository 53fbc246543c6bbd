"""What hooks write to the status log is what journal.json says, and nothing that it does not name."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from tests.unit.hooks.support import SCHEMA, asked, environment, journal, plugin, unnamed

SNAPSHOTS = sorted((Path(__file__).parents[3] / "scenarios" / "events").glob("*/snapshot/pipeline-log.json"))


def test_every_type_is_bound_to_its_details() -> None:
    """No type of the schema is left without its rule, and no rule without its type."""
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    bound = {rule["if"]["properties"]["type"]["const"]: rule["then"] for rule in SCHEMA["allOf"]}
    assert bound == {
        name: {"properties": {"details": {"$ref": f"#/$defs/{name}"}}} for name in SCHEMA["$defs"] if name in bound
    }
    assert set(SCHEMA["$defs"]) == set(bound)


@pytest.mark.parametrize("path", SNAPSHOTS, ids=lambda path: path.parents[1].name)
def test_entries_of_shipped_scenarios(path: Path) -> None:
    """Refusals, failures, prompts, requests and answers, as the shipped scenarios of events show them."""
    for entry in json.loads(path.read_text(encoding="utf-8"))["activities"]:
        assert unnamed(entry["type"], entry["details"]) == set(), entry["type"]


def test_entries_of_failures_and_overrides(tmp_path: Path) -> None:
    """A handler that crashes, and hooks that are skipped; without its message neither is sound."""
    plugin(tmp_path, "def nextrust_pre_tool_use(event):\n    raise KeyError('x')\n")
    asked(tmp_path)
    asked(tmp_path, environ=environment(tmp_path, SKIP_HOOKS="1"))
    for type in ("hook_error", "hook_block", "override"):
        (details,) = journal(tmp_path, type)
        assert unnamed(type, details) == set()
        del details["message"]
        with pytest.raises(jsonschema.ValidationError, match="'message' is a required property"):
            unnamed(type, details)
