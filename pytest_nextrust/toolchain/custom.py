"""Toolchains of the project's own: command templates from its settings, for a compiler that emits Mach-O or ELF.

``[toolchain.NAME]`` of ``nextrust.toml`` (``[tool.nextrust.toolchain.NAME]`` of ``pyproject.toml``). Commands are
arrays of words, never given to a shell; in each word ``{source}``, ``{out}``, ``{cpu}``, ``{profile}``, ``{opt}``,
``{root}`` (the project), ``{target}`` (a target specification), ``{build}`` (what its own build command made) and
``{launcher}`` are replaced, and a word that is ``{sources}``, ``{objects}`` or ``{flags}`` becomes as many words as
there are.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pytest_nextrust import macho
from pytest_nextrust.base.convert import option, read_document
from pytest_nextrust.errors import BuildFailed, ConfigError, Fault, UsageFault
from pytest_nextrust.linker import ELF_MAGIC, is_macho
from pytest_nextrust.project.documents import ProjectConfig
from pytest_nextrust.project.matrix import CPUS
from pytest_nextrust.project.mends import MENDED
from pytest_nextrust.project.releases import release_of
from pytest_nextrust.toolchain import cache
from pytest_nextrust.toolchain.cruntime import (
    ATOMICS,
    PREFIX,
    assembled_runtime,
    c_runtime,
    libgcc,
    missing_tools,
    remedy_for,
)
from pytest_nextrust.toolchain.elf import image_of
from pytest_nextrust.toolchain.interface import LANGUAGES, BuildRequest, BuildResult, Probe, language_of, require
from pytest_nextrust.toolchain.output import RUNTIME, link, refuse_defects, workspace, write_program
from pytest_nextrust.toolchain.tool_runner import ToolRunner, first_line

__all__ = ["BuildStep", "CustomSettings", "CustomToolchain", "read_custom"]

SCRIPT = RUNTIME / "next.ld"
"""The linker script that an ELF executable is to be linked with."""

LAST_LINES = 40
"""Lines of a failed build command's output that its error shows; all of them are in the log."""

EMITS = ("macho-executable", "macho-object", "elf-executable", "elf-object")
"""What a compiler may make."""

RESERVED = ("gnu", "clang", "rust")
"""The toolchains of this package: their tables are not command templates."""
_PLACEHOLDER = re.compile(r"\{([a-z]*)\}")
_ONE = frozenset({"source", "out", "cpu", "profile", "opt", "root", "build", "launcher", "script", "target"})
_MANY = frozenset({"sources", "objects", "flags"})


@dataclass(frozen=True)
class BuildStep:
    """How the toolchain itself is built: once for every hash of its ``inputs`` (globs under the project) and CPU.

    ``log``: where its output is kept, under the project; by default beside what it made.
    """

    command: tuple[str, ...]
    inputs: tuple[str, ...] = ()
    log: str | None = None
    timeout: float = option(default=7200.0, minimum=1.0)


@dataclass(frozen=True)
class CustomSettings:
    """One table.

    Without ``link``, ``compile`` gets all ``{sources}`` and makes the executable; with it, one ``{source}`` at a time.
    ``cpus`` are the compiler's own names for them. ``allow_flags`` are patterns (``*``) of further flags that
    scenarios may give. ``remedy`` is shown where it is not found. ``launcher`` is a program that starts compilers
    elsewhere or keeps what they made (distcc, ccache, sccache): it starts ``compile`` once per source.

    ``emits`` is one of ``EMITS``. Where that is objects, ``compile`` makes one of each ``{source}`` and this package
    links them, with its start code and library unless ``runtime`` is false. An ELF executable has to be linked with the
    linker script ``{script}``.
    """

    compile: tuple[str, ...]
    languages: tuple[str, ...] = option(default=("c",), choices=LANGUAGES)
    link: tuple[str, ...] = ()
    version: tuple[str, ...] = ()
    cpus: dict[str, str] = field(default_factory=dict)
    build: BuildStep | None = None
    allow_flags: tuple[str, ...] = ()
    launcher: str = ""
    remedy: str = ""
    timeout: float = option(default=600.0, minimum=1.0)
    emits: str = option(default="macho-executable", choices=EMITS)
    runtime: bool = True

    @property
    def emits_objects(self) -> bool:
        """Whether ``compile`` makes objects that are yet to be linked."""
        return self.emits.endswith("-object")

    def document_faults(self) -> Iterator[Fault]:
        if not self.languages:
            yield Fault("languages", "empty", f"name some of {', '.join(LANGUAGES)}")
        commands = [("compile", self.compile), ("link", self.link), ("version", self.version)]
        if self.build is not None:
            commands.append(("build.command", self.build.command))
        for key, words in commands:
            if not words and key in ("compile", "build.command"):
                yield Fault(key, "empty", 'write an array of words, ["cc", "-o", "{out}", "{sources}"]')
            yield from _word_faults(key, words)
        if self.emits_objects and self.link:
            yield Fault("link", f"nothing is left for it to do where emits is {self.emits}", "take one of them out")
        per_source = self.link or self.emits_objects
        if (
            self.launcher
            and not per_source
            and not any("{launcher}" in word for _, words in commands for word in words)
        ):
            remedy = "give link, so that compile makes objects, or write {launcher} in a word of build.command"
            yield Fault("launcher", "starts nothing: compile links too", remedy)
        for cpu in self.cpus:
            if cpu not in CPUS:
                yield Fault(f"cpus.{cpu}", "no such CPU", f"one of {', '.join(CPUS)}")
        if self.compile and not any("{out}" in word for word in self.link or self.compile):
            yield Fault("link" if self.link else "compile", "{out} is missing", "what it makes is to be put there")


def _word_faults(key: str, words: tuple[str, ...]) -> Iterator[Fault]:
    for index, word in enumerate(words):
        for name in _PLACEHOLDER.findall(word):
            if name in _MANY and word != f"{{{name}}}":
                yield Fault(f"{key}[{index}]", f"{{{name}}} is not alone in its word", "make it a word of its own")
            elif name not in _ONE | _MANY:
                known = ", ".join(sorted(_ONE | _MANY))
                yield Fault(f"{key}[{index}]", f"nothing is called {{{name}}}", f"known: {known}")


def read_custom(project: ProjectConfig) -> tuple[CustomToolchain, ...]:
    """The toolchains that a project describes. Raises ConfigError with the faults of all of them."""
    found, faults = [], []
    for name, table in project.toolchains.items():
        path = ".".join(part for part in (project.prefix, "toolchain", name) if part)
        # ``registry`` reads what these may hold (a release, allowed flags); a compiler of one's own is not theirs.
        if name in RESERVED and "compile" not in table:
            continue
        if name in (*RESERVED, "prebuilt") or release_of(name) is not None or name in MENDED:
            faults.append(Fault(path, "the name of a toolchain of this package", "choose another name"))
            continue
        try:
            settings = read_document(
                CustomSettings, table, subject="project settings", place=project.source or "", path=path
            )
        except ConfigError as error:
            faults += error.faults
            continue
        found.append(CustomToolchain(name, settings, project.root))
    if faults:
        raise ConfigError("project settings", faults, place=str(project.source))
    return tuple(found)


class CustomToolchain:
    """One ``[toolchain.NAME]``."""

    def __init__(self, name: str, settings: CustomSettings, root: Path) -> None:
        self.name = name
        self.languages = frozenset(settings.languages)
        self.settings = settings
        self.root = root.absolute()
        self._probe: Probe | None = None

    def probe(self) -> Probe:
        """Ask for the version; a toolchain that is yet to be built is found when its build command is there to try."""
        if self._probe is None:
            version = self.settings.version
            if self.settings.build is not None or not version:
                self._probe = Probe(True, self.settings.compile[0], self.name)
            else:
                command = self._fill(version, {"root": str(self.root)})
                line = first_line(command)
                missing = () if line else (command[0],)
                remedy = self.settings.remedy or f"make {command[0]} run, or correct [toolchain.{self.name}]"
                self._probe = Probe(bool(line), command[0], line or "", missing, "" if line else remedy)
            launcher = self.settings.launcher
            if launcher and shutil.which(launcher) is None:
                remedy = f"install {launcher}, or take launcher out of [toolchain.{self.name}]"
                self._probe = Probe(False, self._probe.path, "", (*self._probe.missing, launcher), remedy)
            tools = (
                missing_tools("gcc", "as", "ar", "ld") if self.settings.emits_objects and self.settings.runtime else ()
            )
            if self._probe.found and tools:
                remedy = remedy_for(tools, "apt-get install gcc-m68k-linux-gnu") + ", or say runtime = false"
                self._probe = Probe(False, self._probe.path, self._probe.version, tuple(tools), remedy)
        return self._probe

    def build(self, request: BuildRequest) -> BuildResult:
        """Run the templates, then check what they made. Raises as ``Toolchain.build`` says."""
        request.validate()
        if request.link != "executable":
            raise UsageFault("link", "makes executables only", place=self.name, remedy='use link = "executable"')
        if language_of(request.sources) not in self.languages:
            raise UsageFault("--toolchain", f"{self.name} builds {', '.join(sorted(self.languages))} only")
        probe = require(self)
        runner = ToolRunner(self.name, self.settings.timeout)
        one = self._values(request.cpu, request.profile, request.level, request.target)
        with workspace(self.name) as folder:
            data = self._compile(runner, request, one, folder)
            version = self._version(one) or probe.version
            return write_program(request, data, self.name, version, runner)

    def object_command(
        self, source: Path, out: Path, cpu: str, level: str, flags: tuple[str, ...] = ()
    ) -> tuple[str, ...]:
        """The command line that compiles one source to an object, of a toolchain that emits such.

        Raises BuildFailed where the toolchain itself does not build.
        """
        one = self._values(cpu, "debug" if level == "0" else "release", level, None)
        paths = {"source": str(source.absolute()), "out": str(out.absolute())}
        return self._fill(self.settings.compile, {**one, **paths}, {"sources": (paths["source"],), "flags": flags})

    def _values(self, cpu: str, profile: str, level: str, target: Path | None) -> dict[str, str]:
        """What the placeholders of one word become, but for the files'."""
        one = {
            "cpu": self.settings.cpus.get(cpu, cpu),
            "profile": profile,
            "opt": level,
            "root": str(self.root),
            "launcher": self.settings.launcher,
            "script": str(SCRIPT),
            "target": str(target.absolute()) if target else "",
        }
        return {**one, "build": str(self._built(cpu, one)) if self.settings.build else ""}

    def _compile(self, runner: ToolRunner, request: BuildRequest, one: dict[str, str], folder: Path) -> bytes:
        out = folder / "program"
        sources = tuple(str(source.absolute()) for source in request.sources)
        many: dict[str, tuple[str, ...]] = {"sources": sources, "flags": request.flags}
        if self.settings.emits_objects:
            return self._link(runner, request, self._objects(runner, request.compiled, one, many, folder), folder)
        if not self.settings.link:
            one = {**one, "out": str(out), "source": sources[0]}
            runner.run(self._fill(self.settings.compile, one, many), cwd=folder, place=sources[0])
        else:
            made = self._objects(runner, request.compiled, one, many, folder)
            many["objects"] = tuple(map(str, (*made, *(each.absolute() for each in request.objects))))
            runner.run(self._fill(self.settings.link, {**one, "out": str(out)}, many), cwd=folder)
        data = self._left_at(out, runner)
        if self.settings.emits == "elf-executable":
            return macho.write_executable(image_of(data, name=self.name, lines=request.lines))
        return data

    def _objects(
        self,
        runner: ToolRunner,
        sources: tuple[Path, ...],
        one: dict[str, str],
        many: Mapping[str, tuple[str, ...]],
        folder: Path,
    ) -> list[Path]:
        """One object for each source, each in a folder of its own under the source's name."""
        made = []
        for number, source in enumerate(sources):
            place = folder / str(number)
            place.mkdir()
            out = place / f"{source.stem}.o"
            words = {**one, "source": str(source.absolute()), "out": str(out)}
            command = self._fill(self.settings.compile, words, many)
            launched = (self.settings.launcher, *command) if self.settings.launcher else command
            runner.run(launched, cwd=folder, place=str(source))
            made.append(out)
        return made

    def _link(self, runner: ToolRunner, request: BuildRequest, objects: list[Path], folder: Path) -> bytes:
        """Link what the compiler made, checked, and the objects among the sources, with the runtime."""
        for path, source in zip(objects, request.compiled, strict=True):
            self._check_object(runner, self._left_at(path, runner), source, request.cpu)
        inputs: list[str | Path] = [*objects, *(each.absolute() for each in request.objects)]
        if self.settings.runtime:
            own = ToolRunner(self.name)
            rust = any(source.suffix == ".rs" for source in request.compiled)
            runtime = (assembled_runtime if rust else c_runtime)(own, request.cpu)
            rest: list[str | Path] = [] if rust else [runtime / ATOMICS]
            library: list[str | Path] = [
                "--start-group",
                runtime / "libnext.a",
                *rest,
                libgcc(own, request.cpu),
                "--end-group",
            ]
            inputs = [runtime / "start.gc.o", *inputs, *library]
        return link(runner, PREFIX + "ld", inputs, folder, request)

    def _check_object(self, runner: ToolRunner, data: bytes, source: Path, cpu: str) -> None:
        """Raise BuildFailed for an object of the other format, or a Mach-O one with defects."""
        found = "macho-object" if is_macho(data) else "elf-object"
        command = runner.commands[-1]
        if found != self.settings.emits:
            fault = f"made an object that is no {self.settings.emits}"
            remedy = (
                f"write emits = {found!r} in [toolchain.{self.name}]" if data[:4] == ELF_MAGIC else "see its output"
            )
            raise BuildFailed(
                self.name, fault, command=command, output=runner.log, place=str(source), remedy=remedy.replace("'", '"')
            )
        if found == "macho-object":
            refuse_defects(self.name, data, cpu, command, runner.log, str(source))

    def _left_at(self, out: Path, runner: ToolRunner) -> bytes:
        try:
            return out.read_bytes()
        except OSError as error:
            fault = f"ended well and left no file at {{out}}: {error.strerror}"
            raise BuildFailed(self.name, fault, command=runner.commands[-1], output=runner.log) from error

    def _version(self, one: Mapping[str, str]) -> str:
        return first_line(self._fill(self.settings.version, one)) or "" if self.settings.version else ""

    @staticmethod
    def _fill(
        words: tuple[str, ...], one: Mapping[str, str], many: Mapping[str, tuple[str, ...]] | None = None
    ) -> tuple[str, ...]:
        filled: list[str] = []
        for word in words:
            if word[1:-1] in _MANY and word == f"{{{word[1:-1]}}}":
                filled += (many or {}).get(word[1:-1], ())
            else:
                filled.append(_PLACEHOLDER.sub(lambda match: one.get(match[1], match[0]), word))
        return tuple(filled)

    def inputs(self) -> list[Path]:
        """The files whose contents decide whether the toolchain's own build runs again, in a fixed order."""
        step = self.settings.build
        globs = step.inputs if step else ()
        return sorted({path for pattern in globs for path in self.root.glob(pattern) if path.is_file()})

    def _built(self, cpu: str, one: Mapping[str, str]) -> Path:
        """The folder that the toolchain's own build command filled for this CPU."""
        step = self.settings.build
        assert step is not None
        parts: list[str | bytes] = [self.name, cpu, *step.command, self.settings.cpus.get(cpu, "")]
        for path in self.inputs():
            parts += [str(path.relative_to(self.root)), path.read_bytes()]
        key = cache.hash_of(parts)
        return cache.entry(
            f"toolchain-{self.name}", key, lambda folder: self._run_build(step, one, folder), in_place=True
        )

    def _run_build(self, step: BuildStep, one: Mapping[str, str], folder: Path) -> None:
        runner = ToolRunner(self.name, step.timeout)
        # A failed build takes its folder with it, not its log.
        log = self.root / step.log if step.log else folder.with_name(folder.name + ".log")
        log.parent.mkdir(parents=True, exist_ok=True)
        command = self._fill(step.command, {**one, "build": str(folder)})
        try:
            output = runner.run(command, cwd=self.root, place="build.command")
        except BuildFailed as error:
            log.write_text(error.output, encoding="utf-8")
            lines = error.output.splitlines()
            shown = "\n".join(lines[-LAST_LINES:])
            if len(lines) > LAST_LINES:
                shown = f"... the last {LAST_LINES} of {len(lines)} lines; all of them: {log}\n{shown}"
            raise BuildFailed(
                self.name, error.fault, command=command, output=shown, place="build.command", remedy=f"see {log}"
            ) from error
        log.write_text(output, encoding="utf-8")
