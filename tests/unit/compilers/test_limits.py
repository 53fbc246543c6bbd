"""A compiler's passes: the flags that limit them, and what is read of its output."""

from __future__ import annotations

import pytest

from pytest_nextrust.compilers.limits import ALL, LLVM, MIR, Pass, counters_of, passes_in
from pytest_nextrust.errors import UsageFault

OUTPUT = """\
$ clang-19 -O2 a.c
BISECT: running pass (1) ForceFunctionAttrsPass on [module]
BISECT: running pass (2) SimplifyCFGPass on pick
a.c:3:1: warning: BISECT: running pass (7) nothing on nothing
BISECT: NOT running pass (3) InlinerPass on (pick)
BISECT: NOT running pass (4) Loop Strength Reduction on loop
BISECT: NOT running pass (5) Machine Copy Propagation Pass on function (work)
BISECT: NOT running pass (6) IndVarSimplifyPass on loop %for.body in function pick
$ clang-19 -O2 b.c
BISECT: running pass (1) ForceFunctionAttrsPass on [module]
"""


def test_the_passes_of_an_output() -> None:
    """Each with its number, name and subject, whether it ran or not; a second source counts for itself."""
    found = passes_in(OUTPUT)
    assert [(each.number, each.unit) for each in found] == [(1, 0), (2, 0), (3, 0), (4, 0), (5, 0), (6, 0), (1, 1)]
    assert found[1] == Pass(2, "SimplifyCFGPass", "pick")
    assert str(found[4]) == "Machine Copy Propagation Pass on function (work)"


def test_the_function_of_a_pass() -> None:
    """A function by itself, in its group, or as code generation writes it; a module is none, nor is a loop without a
    name of its function."""
    assert [each.function for each in passes_in(OUTPUT)] == ["", "pick", "pick", "", "work", "pick", ""]
    assert Pass(1, "p", "(a, b)").function == ""


def test_the_flags() -> None:
    """clang's, rustc's for LLVM and for MIR; rustc's with nothing that changes the order of passes."""
    assert LLVM.words("c", 26) == ("-mllvm", "-opt-bisect-limit=26")
    assert LLVM.words("rust", ALL)[:2] == ("-C", "llvm-args=-opt-bisect-limit=-1")
    assert MIR.words("rust", 0)[0] == "-Zmir-opt-bisect-limit=0"
    assert int(MIR.words("rust", ALL)[0].partition("=")[2]) > 1_000_000
    assert all("codegen-units=1" in counter.words("rust", 3) for counter in (LLVM, MIR))


def test_who_counts_passes() -> None:
    """Compilers with LLVM, rustc twice; GNU C and assemblers do not."""
    assert counters_of("clang-19", "c") == (LLVM,)
    assert counters_of("mine", "rust") == (LLVM, MIR)
    for toolchain, language in (("gnu", "c"), ("clang", "asm")):
        with pytest.raises(UsageFault, match="no limit on passes"):
            counters_of(toolchain, language)
