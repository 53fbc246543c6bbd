"""What one rustc says of target specifications: the keys it reads, the m68k's own values, CPUs and features.

Everything is asked of the compiler at hand, since all of it changes from release to release. What is read here is
judged by ``target_spec``.

Sources: ``rustc --print`` (``target-spec-json-schema``, which compilers have since 1.90 or so, ``target-spec-json``,
``target-cpus``, ``target-features``, ``cfg``).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_nextrust.errors import BuildFailed, ToolchainError
from pytest_nextrust.toolchain.tool_runner import ToolRunner

__all__ = ["IGNORED", "TargetFacts", "ask", "own_target", "words_of"]

SECONDS = 60.0
_UNSTABLE = ("-Zunstable-options", "--print")
IGNORED = "that it does not know and passes over"
"""How ``words_of`` ends what is said of a CPU or feature, which is no error to the compiler."""
_NAME = re.compile(r"^ {4}(\S+)", re.MULTILINE)
_LOADING = re.compile(
    r"^error: (?:error loading target specification: )?(.*?)(?: at line \d+ column \d+)?$", re.MULTILINE
)
_IGNORED = re.compile(r"^'([^']*)' is not a recognized (processor|feature)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class TargetFacts:
    """``own``: the specification of the m68k target that the compiler has; ``schema``: of all keys it reads.

    ``schema`` is empty where the compiler does not tell it, and ``cpus`` and ``features`` where it cannot be asked.
    """

    release: str
    own: Mapping[str, Any]
    schema: Mapping[str, Any] = field(default_factory=dict)
    cpus: tuple[str, ...] = ()
    features: tuple[str, ...] = ()

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys that the compiler reads; none where it does not tell."""
        return tuple(self.schema.get("properties", {}))


def ask(rustc: str, target: str, environment: Mapping[str, str]) -> TargetFacts:
    """Ask ``rustc`` about its own ``target``. Raises ToolchainError where it has none or does not run."""
    runner = ToolRunner("rust", SECONDS)

    def printed(what: str, *more: str) -> str:
        try:
            return runner.run([rustc, *_UNSTABLE, what, *more], env=environment)
        except BuildFailed:
            return ""

    version = " ".join(runner.run([rustc, "-V"], env=environment).split()[:2])
    schema, value = printed("target-spec-json-schema"), own_target(rustc, target, environment)
    cpus = tuple(_NAME.findall(printed("target-cpus", "--target", target)))
    features = tuple(_NAME.findall(printed("target-features", "--target", target)))
    return TargetFacts(version, value, _schema(schema), cpus, features)


def own_target(rustc: str, target: str, environment: Mapping[str, str]) -> Mapping[str, Any]:
    """The specification of a target that ``rustc`` has. Raises ToolchainError where it has none or does not run."""
    runner = ToolRunner("rust", SECONDS)
    fault, remedy = f"does not say what target {target} is", "install a rustc that has it"
    try:
        found = json.loads(runner.run([rustc, *_UNSTABLE, "target-spec-json", "--target", target], env=environment))
    except (BuildFailed, ValueError) as error:
        raise ToolchainError("rust", fault, place=rustc, remedy=remedy) from error
    assert isinstance(found, dict)
    return found


def _schema(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text) if text else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def words_of(rustc: str, specification: Path, environment: Mapping[str, str]) -> tuple[str, ...]:
    """What ``rustc`` has against a specification: nothing where it takes it, else one fault for each line it says.

    It names one fault of the document, and then none of what comes after.
    """
    runner = ToolRunner("rust", SECONDS)
    try:
        text = runner.run([rustc, *_UNSTABLE, "cfg", "--target", str(specification)], env=environment)
    except BuildFailed as error:
        found = [line for line in _LOADING.findall(error.output) if "internal compiler error" not in line]
        # LLVM's own complaints have another form.
        first = [line.strip() for line in error.output.splitlines() if line.strip()]
        return ((found or first or [error.fault])[0],)
    return tuple(f"'{name}' is a {kind} {IGNORED}" for name, kind in dict.fromkeys(_IGNORED.findall(text)))
