"""Building a package without cargo: dependencies, features and profile resolved here, one call of rustc for each crate.

For machines with Debian's rustc alone, and for a stranger's package: no build script, procedural macro, or program that
a project's settings name is run. A package that needs one of these is refused, by name.

Everything is compiled anew, in a folder of its own. Profiles are those of ``[profile.dev]`` and ``[profile.release]``;
``lto`` is refused.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_nextrust.base.progress import say
from pytest_nextrust.errors import UsageFault
from pytest_nextrust.toolchain.crates.collected import collected, collecting
from pytest_nextrust.toolchain.crates.manifest import (
    REMEDY,
    Dependency,
    PackageManifest,
    PackageTarget,
    Table,
    members,
    read_manifest,
    vendored,
    workspace_of,
)
from pytest_nextrust.toolchain.crates.options import CrateOptions, manifest_of
from pytest_nextrust.toolchain.crates.root import compile_linked
from pytest_nextrust.toolchain.crates.tools import RustCompiler, handler_options
from pytest_nextrust.toolchain.interface import BuildRequest
from pytest_nextrust.toolchain.output import confined
from pytest_nextrust.toolchain.tool_runner import ToolRunner

__all__ = ["OwnBuild", "chosen_target", "own_build"]

DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "debug": {"opt-level": 0, "debug": 2, "debug-assertions": True},
    "release": {"opt-level": 3, "debug": 0, "debug-assertions": False},
}
"""cargo's own of dev and release."""


@dataclass(frozen=True, slots=True)
class OwnBuild:
    """``words``: the linker's inputs; ``archives``: those among them whose members are taken by name.

    ``level``: what the target was optimised at.
    """

    target: PackageTarget
    words: tuple[str, ...]
    archives: tuple[Path, ...]
    level: str


@dataclass
class _Resolved:
    """One package of the build: its features that are on, and its dependencies by the names that it calls them."""

    manifest: PackageManifest
    features: set[str] = field(default_factory=set)
    dependencies: dict[str, _Resolved] = field(default_factory=dict)


def own_build(toolchain: RustCompiler, request: BuildRequest, runner: ToolRunner, folder: Path) -> OwnBuild:
    """Build the target that the request means. Raises as ``Toolchain.build`` says."""
    try:
        resolved, target, packages, profile = _resolve(request)
    except (AttributeError, KeyError, TypeError, ValueError, OSError) as error:
        place = str(manifest_of(request.compiled[0]))
        fault = f"not as cargo wants it: {type(error).__name__}: {error}"
        raise UsageFault("Cargo.toml", fault, place=place, remedy="see what cargo says of it") from error
    build = _PackageBuild(toolchain, request, runner, folder, profile, packages)
    words = build.run(resolved, target)
    archives = () if build.is_program(target) else tuple(map(Path, words))
    return OwnBuild(target, words, archives, build.level)


def chosen_target(request: BuildRequest) -> PackageTarget:
    """The target that the request means. Raises UsageFault where there is none, or several."""
    file = manifest_of(request.compiled[0])
    root, tables = _rooted(file)
    return _chosen(file, root, tables, request.crate)[1]


def _resolve(request: BuildRequest) -> tuple[_Resolved, PackageTarget, _Packages, dict[str, Any]]:
    """The package that is meant with its dependencies and features, the target, and the profile. Raises UsageFault."""
    options = request.crate
    file = manifest_of(request.compiled[0])
    root, tables = _rooted(file)
    manifest, target = _chosen(file, root, tables, options)
    within = (request.scenario or file.parent).resolve() if request.confined else None
    packages = _Packages(root.parent, within)
    resolved = packages.resolve(manifest, development=target.kind in ("example", "test"))
    for name in options.features:
        packages.switch_on(resolved, name, strict=True)
    for name in manifest.features if options.all_features else ():
        packages.switch_on(resolved, name)
    if not options.no_default_features:
        packages.switch_on(resolved, "default")
    packages.order(resolved)
    return resolved, target, packages, _profile(tables, request)


def _rooted(file: Path) -> tuple[Path, Table]:
    """A package's workspace and its tables, which say where it is."""
    root, tables = workspace_of(file)
    return root, {**tables, "workspace": {**tables.get("workspace", {}), "root": str(root.parent)}}


def _chosen(
    file: Path, root: Path, tables: Mapping[str, Any], options: CrateOptions
) -> tuple[PackageManifest, PackageTarget]:
    files = members(root, tables) if file == root and (options.package or "package" not in tables) else [file]
    found = [read_manifest(each, tables) for each in files]
    if options.package:
        found = [manifest for manifest in found if manifest.name == options.package] or _none(
            "-p", options.package, file, [manifest.name for manifest in found]
        )
    pairs = [(manifest, target) for manifest in found for target in manifest.targets]
    if options.target:
        kind, name = options.target[0][2:], options.target[-1]
        pairs = [pair for pair in pairs if pair[1].kind == kind and (kind == "lib" or pair[1].name == name)] or _none(
            options.target[0], name, file, [target.name for _, target in pairs if target.kind == kind]
        )
    else:
        programs = [pair for pair in pairs if pair[1].kind == "bin"]
        libraries = [pair for pair in pairs if pair[1].kind == "lib"]
        pairs = (libraries or programs) if options.prefer_library else (programs or libraries)
        pairs = [pair for pair in pairs if pair[1].name == pair[0].default_run] or pairs
    if len(pairs) != 1:
        listed = ", ".join(f"--{target.kind} {target.name} (-p {manifest.name})" for manifest, target in pairs)
        fault = f"it has several targets: {listed}" if pairs else "it has no target to build"
        remedy = "choose one: -p PACKAGE, --lib, --bin NAME, --example NAME or --test NAME"
        raise UsageFault("SOURCE", fault, place=str(file), remedy=remedy)
    return pairs[0]


def _none(option: str, name: str, file: Path, known: list[str]) -> Any:
    remedy = f"one of {', '.join(known)}" if known else "see what the package has"
    raise UsageFault(option, f"there is no {name}", place=str(file), remedy=remedy)


def _profile(tables: Mapping[str, Any], request: BuildRequest) -> dict[str, Any]:
    name = "dev" if request.profile == "debug" else "release"
    given = tables.get("profile", {}).get(name, {})
    profile = {**DEFAULTS[request.profile], **given}
    if profile.get("lto", False) not in (False, "off"):
        raise UsageFault(
            "Cargo.toml", f"profile.{name}.lto needs cargo", place=tables["workspace"]["root"], remedy=REMEDY
        )
    if request.optimise is not None:
        profile["opt-level"] = request.optimise
    return profile


@dataclass
class _Packages:
    """The packages of a build, each once. ``within``: the folder that all must be in; None: anywhere."""

    root: Path
    within: Path | None
    known: dict[Path, _Resolved] = field(default_factory=dict)

    def resolve(self, manifest: PackageManifest, *, development: bool = False) -> _Resolved:
        """A package and, without end at a circle, what it always depends on."""
        if manifest.file not in self.known:
            self._judge(manifest)
            resolved = self.known[manifest.file] = _Resolved(manifest)
            wanted = (*manifest.dependencies, *(manifest.development if development else ()))
            for dependency in wanted:
                if not dependency.optional:
                    self.add(resolved, dependency)
        return self.known[manifest.file]

    def _judge(self, manifest: PackageManifest) -> None:
        place = str(manifest.file)
        if manifest.unsupported:
            fault = f"{manifest.name} has {manifest.unsupported}, which only cargo builds"
            raise UsageFault("SOURCE", fault, place=place, remedy=REMEDY)
        if self.within is not None and not manifest.file.resolve().is_relative_to(self.within):
            # What a compiler may read is the folders of the packages: a stranger's would name any.
            fault = f"{manifest.name} is outside {self.within}, and these sources are not trusted"
            raise UsageFault("SOURCE", fault, place=place, remedy="vendor it beside the package")

    def add(self, resolved: _Resolved, dependency: Dependency) -> _Resolved:
        """Take a dependency up, with the features that are asked of it."""
        name = dependency.name.replace("-", "_")
        if dependency.path is not None:
            file = dependency.path / "Cargo.toml"
            tables = _rooted(file)[1]
        else:
            file, tables = vendored(dependency, resolved.manifest.folder), {}
        found = resolved.dependencies[name] = self.resolve(read_manifest(file, tables))
        if dependency.default:
            self.switch_on(found, "default")
        for feature in dependency.features:
            self.switch_on(found, feature, strict=True)
        return found

    def switch_on(self, resolved: _Resolved, name: str, *, strict: bool = False) -> None:
        """Switch a feature on, with all that it asks for. Raises UsageFault for one that there is not, if strict."""
        manifest = resolved.manifest
        if name in resolved.features:
            return
        optional = {each.name: each for each in manifest.dependencies if each.optional}
        if name in manifest.features:
            resolved.features.add(name)
            for asked in manifest.features[name]:
                self._ask(resolved, asked, optional)
        elif name in optional:
            resolved.features.add(name)
            self.add(resolved, optional[name])
        elif "/" in name:
            self._ask(resolved, name, optional)
        elif strict:
            known = ", ".join(manifest.features) or "none"
            fault = f"{manifest.name} has no feature {name}"
            raise UsageFault("--features", fault, place=str(manifest.file), remedy=f"those that it has: {known}")

    def _ask(self, resolved: _Resolved, asked: str, optional: Mapping[str, Dependency]) -> None:
        if asked.startswith("dep:"):
            self.add(resolved, optional[asked[4:]])
        elif "/" in asked:
            name, _, feature = asked.partition("/")
            weak, name = name.endswith("?"), name.removesuffix("?")
            if name in optional and not weak:
                self.switch_on(resolved, name)
            found = resolved.dependencies.get(name.replace("-", "_"))
            if found is not None:
                self.switch_on(found, feature, strict=True)
        else:
            self.switch_on(resolved, asked, strict=True)

    def order(self, resolved: _Resolved) -> list[_Resolved]:
        """What is compiled, each after what it depends on. Raises UsageFault for a circle."""
        done: list[_Resolved] = []
        under_way: list[str] = []

        def visit(each: _Resolved) -> None:
            if any(each is other for other in done):
                return
            if each.manifest.name in under_way:
                circle = " -> ".join([*under_way[under_way.index(each.manifest.name) :], each.manifest.name])
                remedy = "take one of these dependencies away"
                raise UsageFault("Cargo.toml", f"cyclic: {circle}", place=str(each.manifest.file), remedy=remedy)
            under_way.append(each.manifest.name)
            for dependency in each.dependencies.values():
                visit(dependency)
            under_way.pop()
            done.append(each)

        visit(resolved)
        crates = [each.manifest.library.crate for each in done if each.manifest.library is not None]
        twice = sorted({crate for crate in crates if crates.count(crate) > 1})
        if twice:
            fault = f"it needs two versions of {', '.join(twice)}, which only cargo builds"
            raise UsageFault("Cargo.toml", fault, place=str(resolved.manifest.file), remedy=REMEDY)
        return done


@dataclass
class _PackageBuild:
    toolchain: RustCompiler
    request: BuildRequest
    runner: ToolRunner
    folder: Path
    profile: Mapping[str, Any]
    packages: _Packages

    @property
    def level(self) -> str:
        return str(self.profile["opt-level"])

    def is_program(self, target: PackageTarget) -> bool:
        """Whether rustc makes a program of the target, and not an archive."""
        return self.toolchain.has_std and target.kind != "lib"

    def run(self, resolved: _Resolved, target: PackageTarget) -> tuple[str, ...]:
        """Compile the packages in order, and the target: the linker's words for it."""
        order = self.packages.order(resolved)
        library, own = self.toolchain.libraries(self.runner, self.request.cpu)
        handlers, handler = handler_options(self.toolchain, self.runner, self.request.cpu, library, own)
        manifests = tuple(each.manifest.file for each in order)
        specification = filter(None, [self.toolchain.specification()])
        read = (library, own, handler, *self.toolchain.more_files(), *specification)
        described = dataclasses.replace(self.request, sources=manifests)
        compiling = confined(self.runner, described, self.folder, *read)
        base = self._base(library, own)
        for each in order:
            made = each.manifest.library
            if made is None or (each is resolved and target.kind == "lib"):
                continue
            words = [*base, *self._words(each, made), "--crate-type", "rlib", "--out-dir", str(self.folder)]
            say(f"compiling {each.manifest.name} v{each.manifest.version} (lib {made.name})")
            words += [] if each.manifest.folder.is_relative_to(self.packages.root) else ["--cap-lints", "allow"]
            compile_linked(
                compiling, [*words, str(made.source)], (), self._environment(each, made), each.manifest.folder
            )
        archive = self.folder / "libprogram.a"
        program = self.is_program(target)
        kind = collecting(self.folder) if program else ["--crate-type", "staticlib", "-o", str(archive)]
        words = [*base, *self._words(resolved, target), *kind, str(target.source)]
        where = resolved.manifest.folder
        say(f"compiling {resolved.manifest.name} v{resolved.manifest.version} ({target.kind} {target.name})")
        compile_linked(compiling, words, handlers, self._environment(resolved, target), where)
        return collected(self.runner, self.folder) if program else (str(archive),)

    def _base(self, library: Path, own: Path) -> list[str]:
        profile = self.profile
        compiler = self.toolchain.compiler()
        assert compiler is not None
        checks = profile["debug-assertions"]
        debug = _debug_information(profile["debug"])
        if self.request.lines and debug in ("0", "none"):
            debug = "line-tables-only"
        return [
            compiler.path,
            *self.toolchain.code_generation(self.request.cpu),
            *("-C", f"opt-level={profile['opt-level']}", "-C", f"debuginfo={debug}"),
            *("-C", f"debug-assertions={'on' if checks else 'off'}"),
            *("-C", f"overflow-checks={'on' if profile.get('overflow-checks', checks) else 'off'}"),
            *("-C", f"codegen-units={profile.get('codegen-units', 1)}", "-C", "embed-bitcode=no"),
            *("-L", str(library), "-L", str(own), "-L", f"dependency={self.folder}"),
            *("--remap-path-prefix", f"{self.packages.root}/=", *self.request.flags),
        ]

    def _words(self, each: _Resolved, target: PackageTarget) -> list[str]:
        # A program may have the name of its library.
        known = f"{each.manifest.name}-{each.manifest.version}-{target.kind}"
        words = ["--crate-name", target.crate, f"--edition={each.manifest.edition}", "-C", f"metadata={known}"]
        for feature in sorted(each.features):
            words += ["--cfg", f'feature="{feature}"']
        externs = {name: made.manifest.library for name, made in each.dependencies.items()}
        own = each.manifest.library
        if target.kind != "lib" and own is not None:
            externs[own.crate] = own
        for name, made in externs.items():
            if made is not None:
                # A renamed dependency goes by its new name; by its own library's, where that has another.
                called = name if name in {dep.name.replace("-", "_") for dep in _renamed(each)} else made.crate
                words += ["--extern", f"{called}={self.folder / f'lib{made.crate}.rlib'}"]
        return words

    def _environment(self, each: _Resolved, target: PackageTarget) -> dict[str, str]:
        manifest = each.manifest
        major, minor, patch = (*manifest.version.split("-")[0].split("."), "0", "0", "0")[:3]
        return {
            **self.toolchain.environment,
            "CARGO_MANIFEST_DIR": str(manifest.folder),
            "CARGO_CRATE_NAME": target.crate,
            "CARGO_PKG_NAME": manifest.name,
            "CARGO_PKG_VERSION": manifest.version,
            "CARGO_PKG_VERSION_MAJOR": major,
            "CARGO_PKG_VERSION_MINOR": minor,
            "CARGO_PKG_VERSION_PATCH": patch,
        }


def _debug_information(value: object) -> str:
    """A profile's ``debug`` as rustc's ``debuginfo``."""
    return str(int(value) * 2 if isinstance(value, bool) else value)


def _renamed(each: _Resolved) -> list[Dependency]:
    listed = (*each.manifest.dependencies, *each.manifest.development)
    return [dependency for dependency in listed if dependency.package != dependency.name]
