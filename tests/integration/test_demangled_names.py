"""Rust's names are demangled wherever commands show them, and JSON answers have both forms."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pytest_nextrust.cli import main

PROGRAM = """#![no_std]
#![no_main]
extern crate next;
pub mod deep {
    pub struct Well<T>(pub *mut T);
    impl<T> Well<T> {
        #[inline(never)] pub fn fall(&self, what: T) { unsafe { self.0.write_volatile(what) } }
    }
}
#[unsafe(no_mangle)]
extern "C" fn main(argc: i32, _argv: *const *const u8, _envp: *const *const u8) -> i32 {
    deep::Well::<u16>(core::hint::black_box(4) as *mut u16).fall(argc as u16);
    0
}
"""
TEST = """#![no_std]
#![no_main]
extern crate next;
pub mod counting {
    pub static mut COUNT: u32 = 0;
    #[inline(never)] pub fn add() {
        unsafe {
            let old = core::hint::black_box((&raw const COUNT).read_volatile());
            (&raw mut COUNT).write_volatile(old + 1)
        }
    }
}
#[unsafe(no_mangle)] extern "C" fn nextrust_thread_0() { counting::add() }
#[unsafe(no_mangle)] extern "C" fn nextrust_thread_1() { counting::add() }
#[unsafe(no_mangle)] extern "C" fn nextrust_check() -> i32 { unsafe { counting::COUNT as i32 - 2 } }
"""

pytestmark = pytest.mark.needs_compiler("rust")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Failing programs are saved under the current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_fault_and_its_file(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """run names the function that died, inspect lists it, in the source's words; JSON has the mangled name too."""
    (folder / "well.rs").write_text(PROGRAM)
    assert main(["build", "well.rs", "-o", "well", "--profile", "release"]) == 0
    assert main(["run", "well"]) == 128 + 10
    assert "<program::deep::Well<u16>>::fall" in capsys.readouterr().err
    assert main(["run", "well", "--json", "-"]) == 128 + 10
    fault: dict[str, Any] = json.loads(capsys.readouterr().out)["fault"]
    assert fault["symbol"].startswith("__RN")
    assert fault["demangled"].startswith("<program::deep::Well<u16>>::fall")
    assert any(step.get("demangled", "").startswith("<program::deep") for step in fault["last"])
    assert main(["inspect", "well", "--json", "-"]) == 0
    symbols = {symbol["name"]: symbol for symbol in json.loads(capsys.readouterr().out)["symbols"]}
    (name,) = (name for name in symbols if "4Well" in name and "4fall" in name)
    assert symbols[name]["demangled"] == "<program::deep::Well<u16>>::fall"
    assert "demangled" not in symbols["_main"]
    assert main(["inspect", "well"]) == 0
    assert f"{name}  <program::deep::Well<u16>>::fall\n" in capsys.readouterr().out


def test_a_finding_and_its_replay(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Traces of explore and replay name functions and objects in the source's words."""
    (folder / "count.rs").write_text(TEST)
    assert main(["explore", "count.rs", "--json", "found.json"]) == 1
    told = capsys.readouterr().out
    assert "program::counting::add" in told
    assert "program::counting::COUNT <-" in told
    assert "_R" not in told.partition("run it again")[0]
    (finding,) = json.loads(Path("found.json").read_text())["findings"]
    steps = [step for step in finding["trace"] if "counting" in step["function"]]
    assert steps
    assert {step["demangled"].partition("+")[0] for step in steps} == {"program::counting::add"}
    assert all(step["function"].lstrip("_").startswith("R") for step in steps)
    assert main(["replay", finding["token"]]) == 1
    assert "program::counting::add" in capsys.readouterr().out
