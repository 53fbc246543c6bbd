"""What ``nextrust init --rust`` writes: cargo's settings for a project, and where there is none, a small package.

cargo's settings are somebody's file: only keys that are missing are added, as lines, and nothing else is touched. What
is there and says something else is told and left.

Boundary: texts; where and whether they are written is ``init``'s.
"""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass
from typing import Any

__all__ = ["CONFIG", "Merged", "merged_config", "sample"]

CONFIG = ".cargo/config.toml"
TARGET = "m68k-unknown-none-elf"

WANTED: tuple[tuple[str, str, Any], ...] = (
    ("build", "rustdoc", "nextrust-rustdoc"),
    ("build", "rustc-wrapper", "nextrust-rustc"),
    ("build", "target", TARGET),
    (f"target.{TARGET}", "runner", ["nextrust", "runner"]),
)
"""Table, key and value: nothing in them is of one machine. Each is put at the head of its table, the last above."""

HEAD = """\
# For the NeXT: `cargo build`, `run` and `test` build m68k Mach-O and run it on nextrust's machine.
# NEXTRUST_CPU, NEXTRUST_TOOLCHAIN and NEXTRUST_BUDGET change how; `cargo clean` after the first two.
"""

MANIFEST = """\
[package]
name = "{name}"
version = "0.1.0"
edition = "2021"

[lib]
doctest = false
"""

LIBRARY = """\
//! A library and its tests, which `cargo test` runs on the machine, each on its own.
#![no_std]

/// The checksum of a block: its words added, the carry added in again.
pub fn checksum(words: &[u16]) -> u16 {
    let mut sum = 0u32;
    for word in words {
        sum += u32::from(*word);
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_nothing() {
        assert!(checksum(&[]) == 0);
    }

    #[test]
    fn with_a_carry() {
        assert!(checksum(&[0xffff, 2]) == 2);
    }
}
"""

PROGRAM = """\
//! A program: `cargo run` runs it on the machine.
#![cfg_attr(not(test), no_main)]
#![no_std]

extern crate next;

#[cfg(not(test))]
#[no_mangle]
extern "C" fn main(_argc: i32, _argv: *const *const u8) -> i32 {
    let right = LIBRARY::checksum(&[0xffff, 2]) == 2;
    next::write_all(1, if right { b"hello from a NeXT\\n" } else { b"miscompiled\\n" });
    i32::from(!right)
}
"""


@dataclass(frozen=True, slots=True)
class Merged:
    """The text with the wanted keys in it, or why there is none."""

    text: str
    refused: str = ""


def merged_config(text: str) -> Merged:
    """cargo's settings with what is wanted; ``text`` is what the file holds, "" where there is none."""
    try:
        have = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return Merged(text, f"is not TOML: {error}")
    expected, out = have, text if text.strip() else HEAD
    for table, key, value in WANTED:
        there = _table(expected, table).get(key)
        if there == value:
            continue
        if there is not None:
            return Merged(text, f"says {table}.{key} = {json.dumps(there)}; here it is {json.dumps(value)}")
        out = _with(out, table, f"{key} = {json.dumps(value)}")
        expected = _joined(expected, table, key, value)
    try:
        unharmed = tomllib.loads(out) == expected
    except tomllib.TOMLDecodeError:
        unharmed = False
    if not unharmed:
        lines = "".join(f"\n[{table}]\n{key} = {json.dumps(value)}" for table, key, value in WANTED)
        return Merged(text, f"is written in a way that nothing can be added to as it is; it should hold:{lines}")
    return Merged(out)


def _table(document: dict[str, Any], dotted: str) -> dict[str, Any]:
    table: Any = document
    for name in dotted.split("."):
        table = table.get(name, {}) if isinstance(table, dict) else {}
    return table if isinstance(table, dict) else {}


def _joined(document: dict[str, Any], dotted: str, key: str, value: Any) -> dict[str, Any]:
    name, _, rest = dotted.partition(".")
    inner = document.get(name, {})
    inner = inner if isinstance(inner, dict) else {}
    return {**document, name: _joined(inner, rest, key, value) if rest else {**inner, key: value}}


def _with(text: str, table: str, line: str) -> str:
    """The text with a line at the head of a table, which is added where it is not there."""
    header = re.search(rf"^[ \t]*\[[ \t]*{re.escape(table)}[ \t]*\][^\n]*$", text, re.MULTILINE)
    if header is not None:
        return f"{text[: header.end()]}\n{line}{text[header.end() :]}"
    gap = "" if not text or text.endswith("\n") else "\n"
    return f"{text}{gap}\n[{table}]\n{line}\n"


def sample(folder: str) -> dict[str, str]:
    """The files of a package for a folder of this name."""
    name = re.sub(r"[^a-z0-9-]+", "-", folder.lower()).strip("-") or "sample"
    name = f"next-{name}" if name[0].isdigit() or name in ("test", "core", "std", "next") else name
    library = name.replace("-", "_")
    return {
        "Cargo.toml": MANIFEST.format(name=name),
        "src/lib.rs": LIBRARY,
        "src/main.rs": PROGRAM.replace("LIBRARY", library),
    }
