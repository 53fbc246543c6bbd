"""Packages as their ``Cargo.toml`` says, for building without cargo: targets, features, dependencies.

What is read is what a package of ``no_std`` crates needs: members of workspaces and what they inherit, dependencies by
path, vendored ones (a ``[source]`` with a ``directory`` in ``.cargo/config.toml``), optional ones, renamed ones. What
is not supported is refused by name, with cargo as the remedy, and never left out silently.

Boundary: files to values; nothing is compiled. Sources: the cargo book, "The Manifest Format", "Specifying
Dependencies", "Features", "Source Replacement".
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_nextrust.errors import UsageFault

__all__ = ["Dependency", "PackageManifest", "PackageTarget", "read_manifest", "vendored", "workspace_of"]

REMEDY = "install the cargo of the same release as rustc (apt-get install cargo-web)"
Table = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PackageTarget:
    """``kind``: lib, bin, example or test."""

    kind: str
    name: str
    source: Path

    @property
    def crate(self) -> str:
        """The crate's name."""
        return self.name.replace("-", "_")


@dataclass(frozen=True, slots=True)
class Dependency:
    """``name`` is what the crate calls it, ``package`` what it is; ``path`` None: of a registry, by ``requirement``."""

    name: str
    package: str
    path: Path | None
    requirement: str
    features: tuple[str, ...] = ()
    default: bool = True
    optional: bool = False


@dataclass(frozen=True, slots=True)
class PackageManifest:
    """One package. ``development`` are the dependencies that examples and tests have beside the others."""

    file: Path
    name: str
    version: str
    edition: str
    targets: tuple[PackageTarget, ...]
    features: Mapping[str, tuple[str, ...]]
    dependencies: tuple[Dependency, ...]
    development: tuple[Dependency, ...]
    default_run: str = ""
    unsupported: str = ""

    @property
    def folder(self) -> Path:
        return self.file.parent

    @property
    def library(self) -> PackageTarget | None:
        """Its library, where it has one."""
        return next((target for target in self.targets if target.kind == "lib"), None)


def read_toml(file: Path) -> Table:
    """A manifest's tables. Raises UsageFault for one that cannot be read."""
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        fault = f"cannot read: {error.strerror}"
    except (ValueError, RecursionError) as error:
        fault = f"not TOML: {error}"
    raise UsageFault("Cargo.toml", fault, place=str(file), remedy="see what cargo says of it")


def workspace_of(file: Path) -> tuple[Path, Table]:
    """The root manifest that a package belongs to, its own where there is no other, and its tables."""
    table = read_toml(file)
    if "workspace" in table:
        return file, table
    for folder in file.parent.parents:
        above = folder / "Cargo.toml"
        if above.is_file() and "workspace" in (tables := read_toml(above)):
            return (above, tables) if file in members(above, tables) else (file, table)
    return file, table


def members(root: Path, tables: Table) -> list[Path]:
    """The manifests of a workspace's packages."""
    workspace = tables.get("workspace", {})
    out = {path.resolve() for pattern in workspace.get("exclude", ()) for path in root.parent.glob(pattern)}
    found = [root] if "package" in tables else []
    for pattern in workspace.get("members", ()):
        folders = sorted(root.parent.glob(pattern))
        found += [folder / "Cargo.toml" for folder in folders if folder.resolve() not in out]
    return [file for file in dict.fromkeys(found) if file.is_file()]


def read_manifest(file: Path, root: Table) -> PackageManifest:
    """The package in ``file``, with what it inherits from its workspace's tables. Raises UsageFault."""
    try:
        return _ManifestReader(file, read_toml(file), root.get("workspace", {})).manifest()
    except (AttributeError, KeyError, TypeError) as error:
        fault = f"not as cargo wants it: {type(error).__name__}: {error}"
        raise UsageFault("Cargo.toml", fault, place=str(file), remedy="see what cargo says of it") from error


@dataclass
class _ManifestReader:
    file: Path
    table: Table
    workspace: Table
    unsupported: list[str] = field(default_factory=list)

    def manifest(self) -> PackageManifest:
        package = self.table["package"]
        folder = self.file.parent
        if package.get("build") or ("build" not in package and (folder / "build.rs").is_file()):
            self.unsupported.append("a build script")
        if self.table.get("lib", {}).get("proc-macro") or self.table.get("lib", {}).get("proc_macro"):
            self.unsupported.append("a procedural macro")
        if any(
            key.endswith("dependencies") and each[key] for each in self.table.get("target", {}).values() for key in each
        ):
            self.unsupported.append("dependencies for some targets only")
        return PackageManifest(
            self.file,
            package["name"],
            self._own("version") or "0.0.0",
            self._own("edition") or "2015",
            tuple(self._targets(package["name"])),
            {name: tuple(values) for name, values in self.table.get("features", {}).items()},
            tuple(self._dependencies("dependencies")),
            tuple(self._dependencies("dev-dependencies")),
            package.get("default-run", ""),
            " and ".join(self.unsupported),
        )

    def _own(self, key: str) -> str:
        value = self.table["package"].get(key, "")
        if isinstance(value, dict):
            value = self.workspace["package"][key]
        return str(value)

    def _targets(self, name: str) -> Iterator[PackageTarget]:
        folder = self.file.parent
        library = self.table.get("lib", {})
        source = folder / library.get("path", "src/lib.rs")
        if library or source.is_file():
            yield PackageTarget("lib", library.get("name", name.replace("-", "_")), source)
        found: dict[tuple[str, str], Path] = {}
        if (folder / "src/main.rs").is_file() and self._finds("bin"):
            found["bin", name] = folder / "src/main.rs"
        for kind, place in (("bin", "src/bin"), ("example", "examples"), ("test", "tests")):
            if self._finds(kind):
                for path in sorted((folder / place).glob("*.rs")):
                    found[kind, path.stem] = path
                for path in sorted((folder / place).glob("*/main.rs")):
                    found[kind, path.parent.name] = path
            for given in self.table.get(kind, ()):
                default = found.get((kind, given["name"]), folder / place / f"{given['name']}.rs")
                found[kind, given["name"]] = folder / given["path"] if "path" in given else default
        for (kind, each), path in found.items():
            yield PackageTarget(kind, each, path)

    def _finds(self, kind: str) -> bool:
        """Whether targets of a kind are those whose files there are."""
        return bool(self.table["package"].get(f"auto{kind}s", True))

    def _dependencies(self, key: str) -> Iterator[Dependency]:
        for name, given in self.table.get(key, {}).items():
            entry: dict[str, Any] = {"version": given} if isinstance(given, str) else dict(given)
            base = self.file.parent
            if entry.pop("workspace", False):
                shared = self.workspace["dependencies"][name]
                shared = {"version": shared} if isinstance(shared, str) else shared
                features = [*shared.get("features", ()), *entry.pop("features", ())]
                entry = {**shared, **entry, "features": features}
                base = Path(self.workspace["root"])
            if "git" in entry and "path" not in entry:
                self.unsupported.append(f"the dependency {name} from git")
            yield Dependency(
                name,
                entry.get("package", name),
                (base / entry["path"]).resolve() if "path" in entry else None,
                entry.get("version", "*"),
                tuple(entry.get("features", ())),
                entry.get("default-features", entry.get("default_features", True)),
                entry.get("optional", False),
            )


def vendored(dependency: Dependency, start: Path) -> Path:
    """The manifest of a registry's package among the vendored ones. Raises UsageFault where there is none."""
    for folder in (start, *start.parents):
        for name in ("config.toml", "config"):
            if not (folder / ".cargo" / name).is_file():
                continue
            for source in read_toml(folder / ".cargo" / name).get("source", {}).values():
                found = _newest(folder / source["directory"], dependency) if "directory" in source else None
                if found is not None:
                    return found
    raise UsageFault(
        "Cargo.toml",
        f"depends on {dependency.package} {dependency.requirement}, which is not on this machine",
        place=str(start),
        remedy="vendor it (cargo vendor, with the [source] tables that it prints in .cargo/config.toml)",
    )


def _newest(folder: Path, dependency: Dependency) -> Path | None:
    found: list[tuple[tuple[int, ...], Path]] = []
    for file in folder.glob(f"{dependency.package}*/Cargo.toml"):
        package = read_toml(file).get("package", {})
        if package.get("name") == dependency.package and satisfies(package.get("version", "0"), dependency.requirement):
            found.append((_numbers(package.get("version", "0")), file))
    return max(found)[1] if found else None


def satisfies(version: str, requirement: str) -> bool:
    """Whether a version is one that a requirement means. Pre-releases count as their release."""
    have = (*_numbers(version), 0, 0, 0)[:3]
    for part in requirement.split(","):
        match = re.fullmatch(r"\s*(\^|~|=|>=|<=|>|<)?\s*([0-9]+(?:\.[0-9]+)*)?(?:[-+].*|\.?\*)?\s*", part)
        if match is None:
            return False
        numbers = _numbers(match[2] or "")
        wanted = (*numbers, 0, 0, 0)[:3]
        match match[1]:
            case ">=" | ">" | "<=" | "<" as sign:
                fits = {">=": have >= wanted, ">": have > wanted, "<=": have <= wanted, "<": have < wanted}[sign]
            case "=":
                fits = have[: len(numbers)] == numbers
            case "~":
                fits = have >= wanted and have[: min(len(numbers), 2)] == numbers[:2]
            case _:
                # Up to the first number that is not 0, which may not change.
                fixed = next((at + 1 for at, number in enumerate(numbers) if number), len(numbers))
                fits = have >= wanted and have[:fixed] == wanted[:fixed]
        if not fits:
            return False
    return True


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.split(r"[-+]", version)[0].split(".") if part.isdigit())
