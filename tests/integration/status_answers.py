"""What the tests of the subcommands of ``nextrust status`` share: an answer that fits its schema."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

import jsonschema
import pytest

from pytest_nextrust import cli


def schema(name: str) -> dict[str, Any]:
    """A shipped schema."""
    text = resources.files("pytest_nextrust").joinpath("schemas", f"{name}.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    jsonschema.Draft202012Validator.check_schema(found)
    return found


def answer(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> dict[str, Any]:
    """The JSON answer of ``nextrust status ARGUMENTS``, which is by the schema and alone on stdout."""
    assert cli.main(["status", *arguments, "--json", "-"]) == status
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    jsonschema.validate(found, schema("status"))
    return found
