"""Rust names in the words of the source: both manglings, in lines, beside the mangled ones, without the library."""

from __future__ import annotations

import builtins
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_nextrust.base import rust_names
from pytest_nextrust.base.rust_names import LONGEST, beside, demangled, readable, readable_lines
from pytest_nextrust.toolchain.rust import candidates

EXAMPLES = {
    "_RNvC6_123foo3bar": "123foo::bar",
    "_RNqCs4fqI2P2rA04_11utf8_identsu30____7hkackfecea1cbdathfdh9hlq6y": "utf8_idents::საჭმელად_გემრიელი_სადილი",
    "_RNCNCNgCs6DXkGYLi8lr_2cc5spawn00B5_": "cc::spawn::{closure#0}::{closure#0}",
    "_RNCINkXs25_NgCsbmNqQUJIY6D_4core5sliceINyB9_4IterhENuNgNoBb_4iter8iterator8Iterator9rpositionNCNgNpB9_6memchr7"
    "memrchrs_0E0Bb_": "<core::slice::Iter<u8> as core::iter::iterator::Iterator>::rposition::"
    "<core::slice::memchr::memrchr::{closure#1}>::{closure#0}",
    "_RINbNbCskIICzLVDPPb_5alloc5alloc8box_freeDINbNiB4_5boxed5FnBoxuEp6OutputuEL_ECs1iopQbuBiw2_3std": "alloc::alloc::"
    "box_free::<dyn alloc::boxed::FnBox<(), Output = ()>>",
    "_RMC0INtC8arrayvec8ArrayVechKj7b_E": "<arrayvec::ArrayVec<u8, 123usize>>",
    "_ZN4test1a2bcE": "test::a::bc",
    "_ZN71_$LT$Test$u20$$u2b$$u20$$u27$static$u20$as$u20$foo..Bar$LT$Test$GT$$GT$3barE": "<Test + 'static as "
    "foo::Bar<Test>>::bar",
    "_ZN3foo17h05af221e174051e9E": "foo",
}
"""The examples of RFC 2603 and of rustc-demangle."""

NOT_MANGLED = [
    "",
    "main",
    "_main",
    "_R",
    "__sync_fetch_and_add_4",
    "_RESET",
    "_Read2",
    "_ZNX",
    "___R",
    "_Zoo",
    "R1",
    "_R1x",
]


@pytest.mark.parametrize("mangled", EXAMPLES)
def test_what_rustc_mangles(mangled: str) -> None:
    """The examples that define the manglings, as they are and with NeXT's underscore in front."""
    assert demangled(mangled) in (EXAMPLES[mangled], EXAMPLES[mangled].replace("123usize", "123"))
    assert demangled("_" + mangled) == demangled(mangled)


@pytest.mark.parametrize("name", NOT_MANGLED)
def test_other_names_stay(name: str) -> None:
    """A name of C or assembly is left as it is, however like a mangled one it looks."""
    assert demangled(name) == name
    assert readable(f"at {name}+0x12, then") == f"at {name}+0x12, then"


def test_names_in_lines() -> None:
    """In a line of a trace only the name changes: distances and punctuation stay."""
    assert (
        readable("  at 0x2000 __RNvC6_123foo3bar+0x4: jsr __ZN4test1a2bcE.")
        == "  at 0x2000 123foo::bar+0x4: jsr test::a::bc."
    )
    assert readable_lines(["_ZN4test1a2bcE", "x"]) == ["test::a::bc", "x"]


def test_both_forms_beside_each_other() -> None:
    """Values with a mangled name get the other form as a key of its own; others are as they were."""
    assert beside({"symbol": "__ZN4test1a2bcE+0x2"}, "symbol") == {
        "symbol": "__ZN4test1a2bcE+0x2",
        "demangled": "test::a::bc+0x2",
    }
    for plain in ({"symbol": "_main"}, {"symbol": ""}, {"symbol": None}, {}):
        assert beside(plain, "symbol") == plain


def test_a_name_that_goes_on_for_ever() -> None:
    """Names beyond all reason are not handed to the library: back references double what they stand for."""
    assert demangled("_RNvC6_123foo" + "3bar" * LONGEST).startswith("_RNv")


@given(st.text(alphabet="_RZN0123456789EsCtvIgBK$.xyLTGT", max_size=60))
def test_no_text_is_too_odd(text: str) -> None:
    """Whatever stands there comes back as a text, and as itself where no mangled name is in it."""
    assert isinstance(readable(text), str)
    assert demangled(text) == text or text.startswith("_")


@pytest.fixture
def no_library(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As it is where the extra is not installed."""
    real = builtins.__import__

    def refuse(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "pyderust":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)
    rust_names._library.cache_clear()
    demangled.cache_clear()
    yield
    rust_names._library.cache_clear()
    demangled.cache_clear()


@pytest.mark.usefixtures("no_library")
def test_without_the_library_names_stay() -> None:
    """Where pyderust is not installed nothing fails: names are shown as they are."""
    assert demangled("_RNvC6_123foo3bar") == "_RNvC6_123foo3bar"
    assert beside({"name": "_ZN4test1a2bcE"}, "name") == {"name": "_ZN4test1a2bcE"}


def test_the_library_is_loaded_late() -> None:
    """A program without a mangled name does not load it."""
    code = "import sys; from pytest_nextrust.base.rust_names import readable; readable('_main'); "
    code += "print('pyderust' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


SOURCE = """#![crate_type = "lib"]
#![crate_name = "named"]
pub mod inner {
    pub trait Shape<X> { fn area(&self, by: X) -> usize; }
    pub struct Grid<const N: usize, A>(pub [A; N]);
    impl<const N: usize, A> Shape<&'static str> for Grid<N, A> {
        #[inline(never)]
        fn area(&self, by: &'static str) -> usize { (|y: usize| y + by.len() + N)(self.0.len()) }
    }
    #[inline(never)] pub fn twice<F: Fn(u8) -> i64>(f: F) -> i64 { f(1) + f(2) }
}
use inner::Shape;
pub fn go() -> i64 { inner::twice(|x| i64::from(x) + inner::Grid::<7, (u8, char)>([(1, 'a'); 7]).area("x") as i64) }
"""


@pytest.mark.needs_compiler("rust")
@pytest.mark.parametrize("mangling", ["v0", "legacy"])
def test_what_this_rustc_mangles(tmp_path: Path, mangling: str) -> None:
    """Every name that rustc itself gives is read, in either mangling, and the source's words are in it."""
    (tmp_path / "named.rs").write_text(SOURCE)
    command = [list(candidates())[-1], "-Zunstable-options", "-C", f"symbol-mangling-version={mangling}", "--emit=obj"]
    options = ["-C", "opt-level=0", "named.rs", "-o", "named.o"]
    subprocess.run(
        [*command, *options], cwd=tmp_path, check=True, env={"RUSTC_BOOTSTRAP": "1", "PATH": "/usr/bin:/bin"}
    )
    told = subprocess.run(["nm", "named.o"], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    prefix = "_R" if mangling == "v0" else "_ZN"
    names = [line.split()[-1] for line in told.splitlines() if line.split()[-1].startswith(prefix)]
    assert len(names) >= 5
    shown = [demangled(name) for name in names]
    assert not set(names) & set(shown)
    generic = ["named::inner::Grid<7", "{closure#0}"] if mangling == "v0" else ["named::inner::Grid<", "{{closure}}"]
    for words in ("named::go", "named::inner::twice", "named::inner::Shape<&", *generic):
        assert any(words in name for name in shown), (words, shown)
