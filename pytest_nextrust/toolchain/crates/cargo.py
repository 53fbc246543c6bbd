"""Building a cargo package for the NeXT by cargo itself: what is to be built, the build, and what came out.

cargo resolves the package, its features, profiles and dependencies, runs build scripts and compiles procedural macros;
this package names the compiler (``tools``). Which targets there are is asked first (``--unit-graph``), so that a
choice that cannot be made is told before anything is compiled. Nothing is written into the user's project: the target
folder and the lock file are in the build cache, by the workspace's path and the tools.

Always offline. Sources: the cargo book ("External tools", "Unstable features: unit-graph, lockfile-path").
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from pytest_nextrust.base.progress import say
from pytest_nextrust.errors import BuildFailed, ToolchainError, UsageFault
from pytest_nextrust.toolchain import cache
from pytest_nextrust.toolchain.crates.failures import explained
from pytest_nextrust.toolchain.crates.linker import recorded_inputs
from pytest_nextrust.toolchain.crates.options import CrateOptions
from pytest_nextrust.toolchain.crates.tools import CrateTools
from pytest_nextrust.toolchain.interface import OBJECTS
from pytest_nextrust.toolchain.tool_runner import ToolRunner

__all__ = ["PROFILES", "BuiltTarget", "CargoPackage", "CargoTarget"]

PROFILES = {"debug": "dev", "release": "release"}
"""cargo's names of this package's profiles."""

BUILD_SECONDS = 3600.0
"""Seconds for a whole build of a package and all that it depends on."""

WORKSPACE = "workspace"
"""In a folder of the cache: which workspace it is of."""

_STEP = re.compile(r" +(?:Blocking|Building|Compiling|Downloaded|Downloading|Locking|Updating) [^(]+")
"""What cargo prints of its progress, without the folder in brackets."""

LIBRARY, PROGRAMS = "lib", ("bin", "example", "test")
_LIBRARY_KINDS = frozenset({"lib", "rlib", "staticlib", "cdylib", "dylib"})


@dataclass(frozen=True, slots=True)
class CargoTarget:
    """One target of a package: ``kind`` is lib, bin, example or test; ``profile`` what cargo has decided of it."""

    package: str
    kind: str
    name: str
    source: Path
    profile: Mapping[str, Any]

    @property
    def option(self) -> tuple[str, ...]:
        """How cargo is asked for it."""
        return ("--lib",) if self.kind == LIBRARY else (f"--{self.kind}", self.name)

    @property
    def package_name(self) -> str:
        """Its package's name, out of the identifier (``path+file:///folder#name@0.1.0`` or ``...#0.1.0``)."""
        folder, _, fragment = self.package.partition("#")
        return fragment.partition("@")[0] if "@" in fragment else folder.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class BuiltTarget:
    """What cargo made: a library as a static archive with all that it depends on, or a Mach-O executable.

    ``inputs`` are the linker's for it: the archive alone, or objects, archives and what rustc says of them.
    """

    target: CargoTarget
    file: Path
    inputs: tuple[str, ...]

    @property
    def linked(self) -> bool:
        """Whether it is an executable."""
        return self.target.kind != LIBRARY


class CargoPackage:
    """One package or workspace, built with these tools; ``profile`` and ``level`` as in a build request.

    ``level`` None is what the profile in ``Cargo.toml`` says.
    """

    def __init__(
        self,
        manifest: Path,
        options: CrateOptions,
        tools: CrateTools,
        runner: ToolRunner,
        *,
        profile: str = "debug",
        level: str | None = None,
        lines: bool = False,
    ) -> None:
        self.manifest = manifest
        self.options = options
        self.tools = tools
        self.runner = runner
        self.profile = PROFILES[profile]
        self.level = level
        self.lines = lines
        self.root = self._locate()
        self.folder = cache.cache_root() / "crates" / f"{self.root.name}-{self._key()[:20]}"

    def targets(self) -> tuple[CargoTarget, ...]:
        """The targets that the options leave, of the packages that they name. Raises BuildFailed, UsageFault."""
        words = ["build", *self._common(), *self.options.target, "--unit-graph"]
        text = self._run(words)
        graph = self._graph(text)
        self.runner.output[-1] = _without_messages(text)
        return tuple(_targets(graph, self.tools.target))

    def choose(self) -> CargoTarget:
        """The one target that is meant. Raises UsageFault, naming them, where there are several or none."""
        found = self.targets()
        if not found:
            raise UsageFault(
                "SOURCE",
                "nothing in it is built for the NeXT: procedural macros run where the compiler does",
                place=str(self.manifest),
                remedy="name a package of the workspace with -p",
            )
        programs = [target for target in found if target.kind != LIBRARY]
        libraries = [target for target in found if target.kind == LIBRARY]
        wanted = libraries or programs if self.options.prefer_library else programs or libraries
        if len(wanted) > 1:
            wanted = [target for target in wanted if target.name == self._default_run(target)] or wanted
        if len(wanted) > 1:
            listed = ", ".join(f"{' '.join(target.option)} (-p {target.package_name})" for target in wanted)
            fault = f"it has several targets: {listed}"
            remedy = "choose one: -p PACKAGE, --lib, --bin NAME, --example NAME or --test NAME"
            raise UsageFault("SOURCE", fault, place=str(self.manifest), remedy=remedy)
        return wanted[0]

    def build(self, target: CargoTarget, folder: Path) -> BuiltTarget:
        """Build one target and copy what came of it into ``folder``. Raises BuildFailed, ToolchainError."""
        if not (self.folder / WORKSPACE).is_file():
            _sweep(self.folder.parent)
            self.folder.mkdir(parents=True, exist_ok=True)
            (self.folder / WORKSPACE).write_text(f"{self.root}\n", encoding="utf-8")
        try:
            # cargo's own lock ends with cargo, and the next build puts another library at the same name.
            with FileLock(self.folder / "nextrust.lock", timeout=cache.LOCK_SECONDS):
                return self._build(target, folder)
        except Timeout as error:
            fault = f"another process has been building it for {cache.LOCK_SECONDS:g} s"
            raise ToolchainError(
                "cargo", fault, place=str(self.root), remedy="wait for it, or end it and try again"
            ) from error

    def environment(self, target: CargoTarget | None = None) -> dict[str, str]:
        """The variables of every call of cargo for this package."""
        name = f"CARGO_PROFILE_{self.profile.upper()}"
        variables = {
            **self.tools.environment,
            "CARGO_TARGET_DIR": str(self.folder / "target"),
            "CARGO_BUILD_BUILD_DIR": str(self.folder / "target"),
            "CARGO_RESOLVER_LOCKFILE_PATH": str(self.folder / "lock" / "Cargo.lock"),
            "CARGO_INCREMENTAL": "0",
            "CARGO_TERM_COLOR": "never",
            "CARGO_TERM_PROGRESS_WHEN": "never",
        }
        if self.level is not None:
            variables[f"{name}_OPT_LEVEL"] = self.level
        if self.lines and target is not None and not target.profile.get("debuginfo"):
            variables[f"{name}_DEBUG"] = "line-tables-only"
        return variables

    def _build(self, target: CargoTarget, folder: Path) -> BuiltTarget:
        kind = target.kind == LIBRARY
        words = ["rustc" if kind else "build", *self._common(target.package), *target.option]
        words += ["--crate-type", "staticlib"] if kind else []
        text = self._run([*words, "--message-format=json-render-diagnostics"], target)
        file = _artifact(text, target)
        self.runner.output[-1] = _without_messages(text)
        if file is None or not file.is_file():
            command = self.runner.commands[-1]
            raise BuildFailed("cargo", "ended well and left no program", command=command, output=text)
        return _kept(target, file, folder, self.folder)

    def _common(self, package: str = "") -> list[str]:
        words = ["--manifest-path", str(self.manifest), "--offline", "--target", self.tools.target]
        words += ["-Zjson-target-spec"] if self.tools.target.endswith(".json") else []
        words += ["--profile", self.profile, "-Zunstable-options", "-Zlockfile-path"]
        words += ["-Zjson-target-spec"] if self.tools.target.endswith(".json") else []
        arguments = list(self.options.arguments)
        if package:
            arguments = [*(arguments[2:] if self.options.package else arguments), "-p", package]
        return [*words, *arguments]

    def _locate(self) -> Path:
        """The folder of the workspace that the manifest belongs to."""
        words = ["locate-project", "--workspace", "--message-format", "plain"]
        text = self._run([*words, "--manifest-path", str(self.manifest)], environment=self.tools.environment)
        return Path(text.strip().splitlines()[-1]).parent

    def _key(self) -> str:
        return cache.hash_of([str(self.root), self.tools.key])

    def _run(
        self, words: Sequence[str], target: CargoTarget | None = None, environment: Mapping[str, str] | None = None
    ) -> str:
        if environment is None:
            environment = self.environment(target)
            self._copy_lock()
        command = [self.tools.cargo, *words]
        try:
            folder, place = self.manifest.parent, str(self.manifest)
            return self.runner.run(command, cwd=folder, env=environment, place=place, on_line=_report)
        except BuildFailed as error:
            raise explained(error, _without_messages(error.output)) from error

    def _copy_lock(self) -> None:
        """The project's lock file decides the versions; a newer one of cargo's making is not written back."""
        own, copied = self.root / "Cargo.lock", self.folder / "lock" / "Cargo.lock"
        copied.parent.mkdir(parents=True, exist_ok=True)
        if own.is_file():
            shutil.copyfile(own, copied)
        else:
            copied.unlink(missing_ok=True)

    def _graph(self, text: str) -> dict[str, Any]:
        line = next((line for line in text.splitlines() if line.startswith('{"version"')), "")
        try:
            graph: dict[str, Any] = json.loads(line)
        except ValueError as error:
            command = self.runner.commands[-1]
            raise BuildFailed("cargo", "printed no unit graph", command=command, output=text) from error
        return graph

    def _default_run(self, target: CargoTarget) -> str:
        words = ["metadata", "--no-deps", "--offline", "--format-version", "1", "-Zunstable-options", "-Zlockfile-path"]
        text = self._run([*words, "--manifest-path", str(self.manifest)])
        line = next((line for line in text.splitlines() if line.startswith("{")), "{}")
        packages = json.loads(line).get("packages", [])
        return next((package.get("default_run") or "" for package in packages if package["id"] == target.package), "")


def _sweep(folder: Path) -> None:
    """Delete what was built of workspaces that are no longer there."""
    for mark in folder.glob(f"*/{WORKSPACE}"):
        try:
            root = Path(mark.read_text(encoding="utf-8").rstrip("\n"))
            if not root.exists():
                mark.unlink()
                shutil.rmtree(mark.parent, ignore_errors=True)
        except OSError:
            continue


def _targets(graph: Mapping[str, Any], triple: str) -> Iterator[CargoTarget]:
    for index in graph["roots"]:
        unit = graph["units"][index]
        kinds = unit["target"]["kind"]
        kind = LIBRARY if _LIBRARY_KINDS & set(kinds) else kinds[0]
        if unit["platform"] in (triple, Path(triple).stem) and kind in (LIBRARY, *PROGRAMS):
            source = Path(unit["target"]["src_path"])
            yield CargoTarget(unit["pkg_id"], kind, unit["target"]["name"], source, unit["profile"])


def _artifact(text: str, target: CargoTarget) -> Path | None:
    """The file that cargo says it made of a target; of several the last, as when a lib is compiled twice."""
    found = None
    for line in text.splitlines():
        message = json.loads(line) if _is_message(line) else {}
        if message.get("reason") != "compiler-artifact" or message["package_id"] != target.package:
            continue
        if message["target"]["src_path"] != str(target.source) or message["target"]["name"] != target.name:
            continue
        archives = [name for name in message["filenames"] if name.endswith(".a")]
        made = archives[0] if target.kind == LIBRARY and archives else message["executable"]
        found = Path(made) if made else found
    return found


def _kept(target: CargoTarget, file: Path, folder: Path, changing: Path) -> BuiltTarget:
    """Copies of what was made in ``changing``: another build of the package may take it away."""
    out = folder / ("built.a" if target.kind == LIBRARY else "built")
    shutil.copyfile(file, out)
    if target.kind == LIBRARY:
        return BuiltTarget(target, out, (str(out),))
    recorded = recorded_inputs(file)
    if recorded is None:
        fault = "does not say what the program was linked from"
        raise ToolchainError("cargo", fault, place=str(file), remedy="delete this target folder and build again")
    inputs = []
    for number, word in enumerate(recorded):
        source = Path(word)
        if source.suffix in OBJECTS and source.is_relative_to(changing):
            word = str(folder / f"{number}-{source.name}")
            shutil.copyfile(source, word)
        inputs.append(word)
    return BuiltTarget(target, out, tuple(inputs))


def _report(line: str) -> None:
    """Say what cargo does, where a line of its output tells."""
    step = _STEP.match(line)
    if step is not None:
        words = step[0].strip()
        say(words[0].lower() + words[1:])


def _is_message(line: str) -> bool:
    return line.startswith('{"reason":')


def _without_messages(text: str) -> str:
    """What cargo printed for people."""
    return "".join(f"{line}\n" for line in text.splitlines() if not line.startswith(('{"reason":', '{"version":')))
