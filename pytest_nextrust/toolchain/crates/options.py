"""Which crate is built: a folder with a ``Cargo.toml`` or a crate's root, and what of it, in cargo's own words.

Boundary: values and names of files; nothing here reads a manifest or runs a tool.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pytest_nextrust.errors import UsageFault

__all__ = ["MANIFEST", "NO_OPTIONS", "CrateOptions", "is_package", "manifest_of"]

MANIFEST = "Cargo.toml"


@dataclass(frozen=True, slots=True)
class CrateOptions:
    """What of a package is built, and how it is configured.

    At most one of ``lib``, ``bin``, ``example`` and ``test`` is given: the target; none: the only program that there
    is, or with ``prefer_library`` the library where there is one. ``edition`` is for a crate's root without a
    ``Cargo.toml``, which says its own.
    """

    package: str = ""
    lib: bool = False
    bin: str = ""
    example: str = ""
    test: str = ""
    features: tuple[str, ...] = ()
    all_features: bool = False
    no_default_features: bool = False
    edition: str = ""
    prefer_library: bool = False

    @property
    def target(self) -> tuple[str, ...]:
        """The option that names the target, as cargo spells it; nothing where none was named."""
        if self.lib:
            return ("--lib",)
        named = (("--bin", self.bin), ("--example", self.example), ("--test", self.test))
        return next(((option, name) for option, name in named if name), ())

    @property
    def arguments(self) -> tuple[str, ...]:
        """Package and features as cargo's arguments."""
        words = ["-p", self.package] if self.package else []
        words += ["--features", ",".join(self.features)] if self.features else []
        words += ["--all-features"] if self.all_features else []
        words += ["--no-default-features"] if self.no_default_features else []
        return tuple(words)

    def validate(self, sources: Sequence[Path]) -> None:
        """Raise UsageFault for options that do not go together, or not with these sources."""
        targets = [
            option
            for option, given in (
                ("--lib", self.lib),
                ("--bin", self.bin),
                ("--example", self.example),
                ("--test", self.test),
            )
            if given
        ]
        if len(targets) > 1:
            raise UsageFault(targets[1], f"given beside {targets[0]}", remedy="name one target of the package")
        packaged = any(is_package(source) for source in sources)
        words = (*self.arguments, *targets)
        if words and not packaged:
            remedy = f"name a folder with a {MANIFEST}, or leave {words[0]} out"
            raise UsageFault(words[0], f"is for a package with a {MANIFEST}", remedy=remedy)
        if self.edition and packaged:
            remedy = f"write edition in {MANIFEST}, or name the crate's root (.rs)"
            raise UsageFault("--edition", f"the package says its own in {MANIFEST}", remedy=remedy)


NO_OPTIONS = CrateOptions()


def is_package(path: Path) -> bool:
    """Whether a path means a cargo package or workspace: its folder, or its manifest itself."""
    return path.name == MANIFEST or (path.is_dir() and (path / MANIFEST).is_file())


def manifest_of(path: Path) -> Path:
    """The manifest that such a path means, as an absolute path."""
    return (path if path.name == MANIFEST else path / MANIFEST).absolute()
