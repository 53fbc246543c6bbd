"""The compiler's own library sources with this package's platform layer in them.

The layer's files (``overlay``) are laid over a copy of ``std``'s sources. Which of a platform's modules is compiled is
said in files of the library's: there a few lines are put behind a line that has to be there exactly once, so that
another release whose files differ is refused, and nothing is compiled that nobody has looked at.

Boundary: copies and edits text; compiles nothing. Nothing of the library's is kept but in the copy.

Source: the library of Rust 1.96, ``std/src/sys``.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from pytest_nextrust.errors import ToolchainError
from pytest_nextrust.toolchain import cache

__all__ = ["EDITS", "OVERLAY", "Edit", "copied_library", "layer_hash"]

OVERLAY = Path(__file__).parent / "overlay"
"""The layer's files, at their places below ``std/src``."""

_SELECT = "cfg_select! {\n"
_SIBLINGS = ("backtrace", "portable-simd", "stdarch", "core")
"""Folders beside ``std`` whose files its sources name."""


@dataclass(frozen=True, slots=True)
class Edit:
    """``text`` is put behind ``anchor`` in ``file``, which is below ``std/src``."""

    file: str
    anchor: str
    text: str


def _arm(body: str) -> str:
    return f'    target_os = "nextstep" => {{ {body} }}\n'


def _selected(file: str, body: str, within: str = "") -> Edit:
    """An arm in front of the others of a selection by platform; ``within``: what stands before the selection."""
    return Edit(f"sys/{file}", within + _SELECT, _arm(body))


_CONSTANTS = """
#[cfg(target_os = "nextstep")]
pub mod os {
    pub const FAMILY: &str = "unix";
    pub const OS: &str = "nextstep";
    pub const DLL_PREFIX: &str = "";
    pub const DLL_SUFFIX: &str = "";
    pub const DLL_EXTENSION: &str = "";
    pub const EXE_SUFFIX: &str = "";
    pub const EXE_EXTENSION: &str = "";
}
"""

_PROCESS = "ChildPipe, Command, CommandArgs, EnvKey, ExitCode, ExitStatus, ExitStatusError, Process, Stdio, "
_PROCESS += "output, read_output"
_GETPID = "pub fn getpid() -> u32 { unsafe { crate::sys::pal::abi::getpid() as u32 } }"

EDITS = (
    _selected("pal/mod.rs", "mod nextstep; pub use self::nextstep::*;"),
    _selected("alloc/mod.rs", "mod nextstep;"),
    _selected("args/mod.rs", "mod common; mod nextstep; pub use nextstep::*;"),
    _selected("env/mod.rs", "mod common; mod nextstep; pub use nextstep::*;"),
    _selected("exit.rs", "unsafe { crate::sys::pal::abi::exit(code) }", "pub fn exit(code: i32) -> ! {\n    "),
    _selected(
        "fs/mod.rs",
        "pub(crate) mod nextstep; use nextstep as imp; pub(crate) use nextstep::{lstat, stat};",
    ),
    Edit(
        "sys/io/error/mod.rs",
        "        mod generic;\n        pub use generic::*;\n    }\n",
        _arm("mod nextstep; pub use nextstep::*;"),
    ),
    _selected("paths/mod.rs", "mod nextstep; use nextstep as imp;"),
    _selected(
        "process/mod.rs", f"mod unsupported; mod imp {{ pub use super::unsupported::{{{_PROCESS}}}; {_GETPID} }}"
    ),
    _selected("random/mod.rs", "mod nextstep; pub use nextstep::fill_bytes;"),
    _selected("stdio/mod.rs", "mod nextstep; pub use nextstep::*;"),
    _selected("thread/mod.rs", "mod nextstep; pub use nextstep::*;"),
    _selected(
        "thread_local/mod.rs",
        "mod nextstep; pub(super) use nextstep::{Key, LazyKey, get, set}; pub(crate) use nextstep::run_destructors;",
        "pub(crate) mod key {\n    ",
    ),
    _selected("time/mod.rs", "mod nextstep; use nextstep as imp; pub(crate) use nextstep::pass;"),
    _selected("sync/condvar/mod.rs", "mod nextstep; pub use nextstep::Condvar;"),
    _selected("sync/mutex/mod.rs", "mod nextstep; pub use nextstep::Mutex;"),
    _selected("sync/once/mod.rs", "mod futex; pub use futex::{Once, OnceState};"),
    _selected("sync/rwlock/mod.rs", "mod nextstep; pub use nextstep::RwLock;"),
    _selected("sync/thread_parking/mod.rs", "mod futex; pub use futex::Parker;"),
    # A channel's waiting for a message that is being written: on one CPU nobody writes it while somebody spins, and a
    # counter of spins that has no bound would make states without end.
    Edit("sync/mpmc/utils.rs", "    pub fn spin_heavy(&self) {\n", "        self.step.set(SPIN_LIMIT + 1);\n"),
    Edit("sync/mpmc/utils.rs", "    pub fn spin_light(&self) {\n", "        self.step.set(0);\n"),
    Edit("sys/env_consts.rs", "\ncfg_unordered! {\n", _CONSTANTS),
)


def layer_hash() -> str:
    """What tells this layer from that of another version of this package."""
    files = sorted(path for path in OVERLAY.rglob("*") if path.is_file())
    parts: list[str | bytes] = [
        item for path in files for item in (path.relative_to(OVERLAY).as_posix(), path.read_bytes())
    ]
    parts += [word for edit in EDITS for word in (edit.file, edit.anchor, edit.text)]
    return cache.hash_of(parts)


def copied_library(library: Path, release: str, folder: Path) -> Path:
    """A library folder in ``folder`` whose ``std`` is that of ``library`` with the layer in it.

    Raises ToolchainError where the release's files are not those that the layer was written for.
    """
    std = folder / "library" / "std"
    shutil.copytree(library / "std" / "src", std / "src", copy_function=shutil.copyfile)
    for name in _SIBLINGS:
        if (library / name).is_dir():
            (std.parent / name).symlink_to(library / name)
    for edit in EDITS:
        _apply(edit, std / "src", release, library)
    for path in OVERLAY.rglob("*.rs"):
        place = std / "src" / path.relative_to(OVERLAY)
        if place.exists():
            raise _unfit(place.name, "has a file of this name already", release, library)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, place)
    return std.parent


def _apply(edit: Edit, source: Path, release: str, library: Path) -> None:
    place = source / edit.file
    text = place.read_text(encoding="utf-8") if place.is_file() else ""
    count = text.count(edit.anchor)
    if count != 1:
        where = edit.anchor.strip().splitlines()[0]
        fault = f"{where!r} is there {count} times, and should be once" if text else "is not there"
        raise _unfit(edit.file, fault, release, library)
    before, anchor, after = text.partition(edit.anchor)
    place.write_text(before + anchor + edit.text + after, encoding="utf-8")


def _unfit(file: str, fault: str, release: str, library: Path) -> ToolchainError:
    return ToolchainError(
        "std",
        f"the platform layer does not fit rustc {release}: std/src/{file}: {fault}",
        place=str(library),
        remedy="use rustc 1.96, for which it was written; programs with #![no_std] need no std",
    )
