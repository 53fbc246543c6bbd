"""GitHub's own OpenAPI description (npm ``@octokit/openapi``), and requests and answers held against it.

It is fetched once into ``~/.cache/nextrust-tests/github-openapi-VERSION`` (or the folder that NEXTRUST_GITHUB_OPENAPI
names), by the test itself where ``NEXTRUST_TOOLCHAINS=required``, else by hand: ``python -m
tests.github_api``. Of the package, which holds the descriptions of all of GitHub's products, the one of
github.com is kept.

Sources: OpenAPI 3.0.3 (4.7.12 parameters, 4.7.24 schema object: ``nullable``).
"""

from __future__ import annotations

import functools
import json
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote

import pytest
from filelock import FileLock
from jsonschema import Draft202012Validator

from tests.conftest import REQUIRED

VERSION = "23.0.2"
NAME = "api.github.com.json"

# Taken now: pytester gives every test a home of its own.
FOLDER = Path(
    os.environ.get("NEXTRUST_GITHUB_OPENAPI") or Path.home() / ".cache" / "nextrust-tests" / f"github-openapi-{VERSION}"
).absolute()


def fetch() -> Path:
    """Fetch the description where it is not there; its file."""
    found = FOLDER / NAME
    FOLDER.mkdir(parents=True, exist_ok=True)
    with FileLock(FOLDER / "fetch.lock", timeout=300):
        if not found.exists():
            with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
                command = ["npm", "pack", "--silent", f"@octokit/openapi@{VERSION}"]
                subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=300)
                (package,) = Path(folder).glob("*.tgz")
                with tarfile.open(package) as archive:
                    archive.extract(f"package/generated/{NAME}", folder, filter="data")
                (Path(folder) / "package" / "generated" / NAME).replace(found)
    return found


def description_file() -> Path:
    """The description's file; fetches it, skips or fails where it is not there."""
    found = FOLDER / NAME
    if found.exists():
        return found
    if REQUIRED and shutil.which("npm") is not None:
        return fetch()
    needs = "needs GitHub's description of its API: python -m tests.github_api (Debian: npm)"
    if REQUIRED:
        pytest.fail(needs, pytrace=False)
    pytest.skip(needs)


@functools.cache
def description() -> Description:
    """The description, read once in a process."""
    return Description(json.loads(description_file().read_bytes()))


@dataclass(frozen=True)
class Operation:
    """One operation: its template, the values in its path, and what the description says of it."""

    method: str
    template: str
    values: Mapping[str, str]
    plain: Mapping[str, Any]


class Description:
    """The description as read from JSON."""

    def __init__(self, plain: Mapping[str, Any]) -> None:
        self._plain = plain
        self._paths = [(template, _pattern(template)) for template in sorted(plain["paths"], key=_specific)]
        self._validators: dict[str, Draft202012Validator] = {}

    def operation(self, method: str, path: str) -> Operation | None:
        """The operation that a request is for."""
        for template, pattern in self._paths:
            match = pattern.fullmatch(path)
            operations = self._plain["paths"][template]
            if match is not None and method.lower() in operations:
                values = {name: unquote(value) for name, value in match.groupdict().items()}
                return Operation(method, template, values, operations[method.lower()])
        return None

    def faults_of_request(self, operation: Operation, query: str, body: bytes) -> list[str]:
        """What in a request is against the description."""
        faults = list(self._faults_of_parameters(operation, dict(parse_qsl(query, keep_blank_values=True))))
        content = self._resolved(operation.plain.get("requestBody", {})).get("content", {})
        if not content:
            return faults + (["a body where none is described"] if body else [])
        required = self._resolved(operation.plain["requestBody"]).get("required", False)
        if not body:
            return faults + (["no body"] if required else [])
        try:
            plain = json.loads(body)
        except ValueError:
            return [*faults, "the body is not JSON"]
        schema = content["application/json"]["schema"]
        unknown = set(plain) - _properties(schema) if isinstance(plain, dict) else set()
        faults += [f"unknown key in the body: {key}" for key in sorted(unknown) if _properties(schema)]
        where = f"{operation.method} {operation.template} request"
        return faults + [f"body: {error.json_path} {error.message}" for error in self._errors(where, schema, plain)]

    def faults_of_answer(self, operation: Operation, status: int, plain: object) -> list[str]:
        """What in an answer of this status is against the description; None for no body."""
        responses = operation.plain["responses"]
        if str(status) not in responses:
            return [f"status {status} is not described for {operation.method} {operation.template}"]
        content = self._resolved(responses[str(status)]).get("content", {})
        if not content or plain is None:
            return [] if bool(content) == (plain is not None) else ["a body, or none, against the description"]
        where = f"{operation.method} {operation.template} {status}"
        errors = self._errors(where, content["application/json"]["schema"], plain)
        return [f"{error.json_path} {error.message}"[:500] for error in errors]

    def example(self, name: str) -> Any:
        """A copy of one of the description's examples."""
        return json.loads(json.dumps(self._plain["components"]["examples"][name]["value"]))

    def _faults_of_parameters(self, operation: Operation, query: Mapping[str, str]) -> Any:
        each = [self._resolved(parameter) for parameter in operation.plain.get("parameters", ())]
        described = {(one["in"], one["name"]): one for one in each}
        for name in query:
            if ("query", name) not in described:
                yield f"unknown parameter: {name}"
        for (place, name), one in described.items():
            given = (query if place == "query" else operation.values).get(name)
            if given is None:
                if one.get("required"):
                    yield f"missing parameter: {name}"
                continue
            where = f"{operation.method} {operation.template} {name}"
            for error in self._errors(where, one["schema"], _typed(given, one["schema"])):
                yield f"parameter {name}: {error.message}"

    def _errors(self, where: str, schema: Mapping[str, Any], plain: object) -> Any:
        if where not in self._validators:
            named: dict[str, Any] = {}
            converted = self._converted(schema, named)
            self._validators[where] = Draft202012Validator(
                {**converted, "$defs": named}, format_checker=Draft202012Validator.FORMAT_CHECKER
            )
        return self._validators[where].iter_errors(plain)

    def _resolved(self, plain: Mapping[str, Any]) -> Mapping[str, Any]:
        while "$ref" in plain:
            kind, name = plain["$ref"].split("/")[-2:]
            plain = self._plain["components"][kind][name]
        return plain

    def _converted(self, schema: Any, named: dict[str, Any]) -> Any:
        """A schema of OpenAPI 3.0 as one of JSON Schema; those that it refers to go into ``named``."""
        if isinstance(schema, list):
            return [self._converted(each, named) for each in schema]
        if not isinstance(schema, dict):
            return schema
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            if name not in named:
                named[name] = True  # a schema may refer to itself
                named[name] = self._converted(self._plain["components"]["schemas"][name], named)
            return {"$ref": f"#/$defs/{name}"}
        given = {key: value for key, value in schema.items() if key not in ("nullable", "example", "examples")}
        if "properties" in given:
            given["properties"] = {k: self._converted(v, named) for k, v in given["properties"].items()}
        for key in ("items", "additionalProperties", "not", "oneOf", "anyOf", "allOf"):
            if key in given:
                given[key] = self._converted(given[key], named)
        return {"anyOf": [given, {"type": "null"}]} if schema.get("nullable") else given


def _specific(template: str) -> tuple[int, str]:
    """Sorts templates with fewer parameters first: ``/user`` before ``/{name}``."""
    return template.count("{"), template


def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(template)))


def _properties(schema: Mapping[str, Any]) -> set[str]:
    found = set(schema.get("properties", ()))
    for key in ("oneOf", "anyOf", "allOf"):
        for each in schema.get(key, ()):
            found |= _properties(each)
    return found


def _typed(given: str, schema: Mapping[str, Any]) -> object:
    """A parameter's text as the type that it is described with."""
    kind = schema.get("type")
    if kind == "integer" and re.fullmatch(r"-?\d+", given):
        return int(given)
    if kind == "boolean" and given in ("true", "false"):
        return given == "true"
    return given
