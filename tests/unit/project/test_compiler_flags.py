"""A scenario's flags change the code that is made, and nothing else: what runs, reads or writes is refused."""

from __future__ import annotations

import pytest

from pytest_nextrust.project.compiler_flags import flag_faults

HARMLESS_C = (
    "-DN=4",
    '-DTEXT="a b"',
    "-UN",
    "-O2",
    "-Os",
    "-g",
    "-std=gnu99",
    "-Wall",
    "-Wno-unused-function",
    "-Werror=implicit",
    "-m68020",
    "-mcpu=M68040",
    "-msoft-float",
    "-fno-strict-aliasing",
    "-funroll-loops",
    "-fpack-struct=2",
    "-w",
)
REFUSED_C = (
    "-wrapper",
    "-B.",
    "-B",
    "-fplugin=./evil.so",
    "-fplugin-arg-x-y",
    "-fpass-plugin=./evil.so",
    "-Xclang",
    "-load",
    "-specs=./evil",
    "--specs=./evil",
    "-T",
    "-Tevil.ld",
    "-Wl,-Tevil.ld",
    "-Wa,-I/etc",
    "-Wp,-MD,/tmp/x",
    "-Xlinker",
    "-Xassembler",
    "@evil",
    "-include",
    "-include/etc/passwd",
    "-imacros",
    "-I/etc",
    "-iquote/",
    "-isystem",
    "-idirafter/",
    "--sysroot=/",
    "-L/",
    "-l:evil.a",
    "-o",
    "-oevil",
    "-MD",
    "-MF/tmp/x",
    "-save-temps",
    "-dumpbase",
    "-fdump-rtl-all=/tmp/x",
    "-fprofile-use=/etc/passwd",
    "-fprofile-generate",
    "-fsave-optimization-record",
    "-foptimization-record-file=/tmp/x",
    "-fdiagnostics-format=sarif-file",
    "-frandom-seed=x",
    "-flto",
    "-fuse-ld=./evil",
    "--ld-path=./evil",
    "-ccc-gcc-name",
    "-no-canonical-prefixes",
    "-x",
    "-E",
    "-###",
    "source.c",
    "/etc/passwd",
    "-D",
    "-DN\n#include </etc/passwd>",
    "--config=./evil",
    "-fmodules-cache-path=/tmp",
    "-mllvm",
    "",
)
HARMLESS_RUST = (
    ("--edition=2021",),
    ("--edition", "2021"),
    ("--cfg", 'feature="std"'),
    ("-C", "opt-level=3"),
    ("-Copt-level=s",),
    ("-C", "panic=abort"),
    ("-A", "dead_code"),
    ("-Aunused",),
    ("--cap-lints=allow",),
)
REFUSED_RUST = (
    ("-C", "linker=./evil"),
    ("-Clinker=./evil",),
    ("-C", "link-arg=-Tevil"),
    ("-C", "link-args=x"),
    ("-Cllvm-args=-load=./evil",),
    ("-C", "incremental=/tmp/x"),
    ("-C", "profile-use=/etc/passwd"),
    ("-C", "save-temps"),
    ("-Zllvm-plugins=./evil.so",),
    ("-Z", "unstable-options"),
    ("--emit=link=/tmp/x",),
    ("--emit", "asm=/tmp/x"),
    ("-o", "/tmp/x"),
    ("--out-dir", "/tmp"),
    ("--extern", "x=/tmp/evil.rlib"),
    ("-L", "/tmp"),
    ("-l", "evil"),
    ("--sysroot", "/tmp"),
    ("--target", "./evil.json"),
    ("@evil",),
    ("-C",),
    ("evil.rs",),
    ("--edition", "@evil"),
)


@pytest.mark.parametrize("flag", HARMLESS_C)
def test_what_only_changes_code_is_taken(flag: str) -> None:
    """Levels, definitions, warnings, CPUs and code generation may be asked for."""
    assert list(flag_faults([flag], "c")) == []


@pytest.mark.parametrize("flag", REFUSED_C)
def test_what_runs_reads_or_writes_is_refused(flag: str) -> None:
    """Whatever else is refused, with its place and a remedy."""
    (fault,) = flag_faults(["-O2", flag], "c")
    assert fault.path == "program.flags[1]"
    assert "allow_flags" in fault.remedy


@pytest.mark.parametrize("flags", HARMLESS_RUST)
def test_rust_flags_that_are_taken(flags: tuple[str, ...]) -> None:
    """The same for rustc, joined or in two words."""
    assert list(flag_faults(flags, "rust")) == []


@pytest.mark.parametrize("flags", REFUSED_RUST)
def test_rust_flags_that_are_refused(flags: tuple[str, ...]) -> None:
    """A linker, plugins, files and anything that this list does not know."""
    assert list(flag_faults(flags, "rust"))


def test_a_value_cannot_hide_a_flag() -> None:
    """The word behind -D is its value for the compiler, and is judged with it."""
    assert list(flag_faults(["-D", "-fplugin=./evil.so"], "c"))
    assert list(flag_faults(["-D", "N=1"], "c")) == []


def test_a_project_may_allow_more() -> None:
    """A pattern of the project's own settings takes what the list does not know."""
    assert list(flag_faults(["-mpcrel"], "c"))
    assert list(flag_faults(["-mpcrel"], "c", ["-mpc*"])) == []
