"""The runtime against the NeXT kernel's rules: stubs, errno, registers, and the formatter against Python's."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import pytest

from pytest_nextrust import macho
from pytest_nextrust.errors import BuildFailed
from pytest_nextrust.toolchain import BuildResult
from tests.unit.toolchain.conftest import Build, Run

pytestmark = pytest.mark.needs_compiler("gnu")


def test_a_failed_call_sets_errno_and_returns_minus_one(build: Build, run: Run) -> None:
    """Carry set becomes -1 and errno; carry clear leaves errno alone; the registers of the caller are kept."""
    text = """
#include <errno.h>
#include <stdio.h>
#include <unistd.h>
int main(void)
{
	int a = open("/absent", O_RDONLY), e = errno, b;
	errno = 99;
	b = write(1, "", 0);
	int kept = errno, c = close(77);
	printf("%d %d %d %d %d %d\\n", a, e, b, kept, c, errno == EBADF);
	return getpagesize() == 0x2000 ? 0 : 1;
}
"""
    record = run(build(text, optimise="2"))
    assert record.stdout == b"-1 2 0 99 -1 1\n"
    assert record.end.value == 0


def test_stubs_keep_what_the_caller_keeps(build: Build, run: Run) -> None:
    """Calls with four, five and six arguments leave d2-d7 as they were."""
    text = """
	.globl main
main:	movem.l	%d2-%d7/%a2-%a6,-(%sp)
	move.l	#0x22222222,%d2
	move.l	#0x33333333,%d3
	move.l	#0x44444444,%d4
	move.l	#0x55555555,%d5
	move.l	#0x66666666,%d6
	move.l	#0x77777777,%d7
	lea	-28(%sp),%sp
	clr.l	(%sp)
	clr.l	4(%sp)
	clr.l	8(%sp)
	clr.l	12(%sp)
	clr.l	16(%sp)
	clr.l	20(%sp)
	bsr.l	getdirentries
	bsr.l	map_fd
	bsr.l	msg_rpc
	lea	28(%sp),%sp
	sub.l	#0x22222222,%d2
	sub.l	#0x33333333,%d3
	sub.l	#0x44444444,%d4
	sub.l	#0x55555555,%d5
	sub.l	#0x66666666,%d6
	sub.l	#0x77777777,%d7
	or.l	%d3,%d2
	or.l	%d4,%d2
	or.l	%d5,%d2
	or.l	%d6,%d2
	or.l	%d7,%d2
	sne	%d0
	and.l	#1,%d0
	movem.l	(%sp)+,%d2-%d7/%a2-%a6
	rts
"""
    record = run(build(text, ".S"))
    assert (record.end.kind, record.end.value) == ("exit", 0)
    # Between them a failed call asks whose errno it is.
    assert [trap.name for trap in record.traps if trap.name in ("getdirentries", "map_fd")] == [
        "getdirentries",
        "map_fd",
    ]


def test_mach_memory_by_message(build: Build, run: Run) -> None:
    """vm_allocate gives zeroed pages, vm_protect takes rights away, vm_deallocate the pages."""
    text = """
#include <mach/mach.h>
#include <stdio.h>
int main(void)
{
	vm_address_t a = 0;
	port_t port = 0;
	int made = vm_allocate(task_self(), &a, 0x4000, TRUE), zero = *(int *)(a + 0x3ffc) == 0;
	*(int *)a = 5;
	printf("%d %d %d ", made, zero, vm_protect(task_self(), a, 0x2000, FALSE, VM_PROT_READ));
	printf("%d ", *(int *)a);
	printf("%d ", vm_deallocate(task_self(), a, 0x4000));
	printf("%d ", port_allocate(task_self(), &port));
	printf("%d\\n", port != 0);
	*(int *)a = 1;
	return 0;
}
"""
    record = run(build(text))
    assert record.stdout == b"0 1 0 5 0 0 1\n"
    assert (record.end.kind, record.end.value) == ("signal", 11)


def test_abort_dies_of_sigabrt_whatever_is_handled(build: Build, run: Run) -> None:
    """abort ends the program by signal 6 though it is blocked and has a handler; a failed assertion says where."""
    text = """
#include <assert.h>
#include <signal.h>
static void handler(int n) { (void)n; }
int main(int argc, char **argv) { signal(SIGABRT, handler); sigblock(sigmask(SIGABRT)); assert(argc == 7); return 0; }
"""
    record = run(build(text))
    assert (record.end.kind, record.end.value) == ("signal", 6)
    assert record.stderr == b"program.c:5: failed assertion `argc == 7'\n"


ATOMICS = """
struct three { int a, b, c; };
static struct three whole = {1, 2, 3};
static unsigned long long wide = 0xffffffff;
int main(void)
{
	struct three found, next = {4, 5, 6}, old = {7, 8, 9};
	if (__atomic_fetch_add(&wide, 2, __ATOMIC_SEQ_CST) != 0xffffffff || wide != 0x100000001)
		return 1;
	__atomic_load(&whole, &found, __ATOMIC_SEQ_CST);
	if (found.a != 1 || found.c != 3)
		return 2;
	if (__atomic_compare_exchange(&whole, &old, &next, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST) || old.b != 2)
		return 3;
	if (!__atomic_compare_exchange(&whole, &old, &next, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST) || whole.c != 6)
		return 4;
	__atomic_exchange(&whole, &old, &found, __ATOMIC_SEQ_CST);
	__atomic_store(&whole, &next, __ATOMIC_SEQ_CST);
	return found.b == 5 && whole.a == 4 ? 0 : 5;
}
"""


@pytest.mark.parametrize("cpu", ["m68030", "m68040"])
@pytest.mark.parametrize("optimise", ["0", "2"])
@pytest.mark.parametrize("toolchain", ["gnu", pytest.param("clang", marks=pytest.mark.needs_compiler("clang"))])
def test_atomic_operations_that_are_calls(build: Build, run: Run, toolchain: str, optimise: str, cpu: str) -> None:
    """Sized and generic routines that a compiler calls for atomic operations are there, and right."""
    made = build(ATOMICS, toolchain=toolchain, optimise=optimise, cpu=cpu)
    assert {"___atomic_fetch_add_8", "___atomic_exchange", "___atomic_compare_exchange"} <= names_in(made)
    record = run(made, cpu=cpu)
    assert (record.end.kind, record.end.value) == ("exit", 0)


def test_atomic_operations_of_the_programs_own(build: Build) -> None:
    """A program with a routine of its own gets none of the runtime's beside it: they would not exclude each other."""
    own = 'int own(void *o, void *r, int m) __asm__("__atomic_load"); int own(void *o, void *r, int m) {return 0;}'
    with pytest.raises(BuildFailed) as failed:
        build(own + ATOMICS)
    assert "undefined reference to `__atomic_compare_exchange'" in failed.value.output
    assert "multiple definition" not in failed.value.output


def names_in(made: BuildResult) -> set[str]:
    file = macho.select_member(macho.read(made.path.read_bytes()), "m68030")
    return {symbol.name for symbol in file.symbols}


_NUMBERS = [0.0, -0.0, 0.5, 1.5, 2.5, 0.1, 1 / 3, 9.9995, 99999.95, 1e15, 123456789.125, 1e22, 1e23, 5e-324, 1e-5, 1e-4]
_NUMBERS += [math.pi * 10.0**n for n in range(-300, 300, 37)] + [1.7976931348623157e308, 2.2250738585072014e-308]
_DOUBLES = ["%f", "%.0f", "%.2f", "%e", "%.0e", "%.15e", "%g", "%.0g", "%.17g", "%#g", "%+12.3f", "%-12.3e|", "%012.2f"]
_INTS = ["%d", "%5d", "%-5d|", "%05d", "%+d", "% d", "%.3d", "%8.3d", "%x", "%#x", "%X", "%#o", "%u"]


def test_the_formatter_prints_what_the_bits_say(build: Build, run: Run, tmp_path: Path) -> None:
    """printf agrees with Python's exact formatting of the same doubles and integers, over 500 combinations."""
    cases, expected = [], []
    for form, number in itertools.product(_DOUBLES, _NUMBERS):
        cases.append(f'printf("{form}\\n", {number.hex()});')
        expected.append(form % number)
    for form, number in itertools.product(_INTS, (0, 1, -1, 42, -2147483648, 2147483647)):
        cases.append(f'printf("{form}\\n", (int){number}LL);')
        unsigned = number & 0xFFFFFFFF
        plain = form.replace("#o", "o")
        value = number if form[-1] in "d|" else unsigned
        text = plain % value
        expected.append("0" + text if "#o" in form and value else "0" if form == "%#x" and not value else text)
    halves = [cases[at : at + 60] for at in range(0, len(cases), 60)]
    bodies = "".join(f"static void part{n}(void) {{ {' '.join(half)} }}\n" for n, half in enumerate(halves))
    calls = " ".join(f"part{n}();" for n in range(len(halves)))
    record = run(build(f"#include <stdio.h>\n{bodies}int main(void) {{ {calls} return 0; }}\n"))
    got = record.stdout.decode().splitlines()
    wrong = [(case, want, have) for case, want, have in zip(cases, expected, got, strict=True) if want != have]
    assert wrong == []
    assert len(cases) > 400


def test_text_and_64_bit_formats(build: Build, run: Run) -> None:
    """Strings, characters, widths from arguments, sizes and 64-bit numbers, and the count that is returned."""
    text = r"""
#include <stdio.h>
int main(void)
{
	char small[6];
	int n = snprintf(small, sizeof small, "%s", "truncated");
	printf("%s %d|%.2s|%-4s|%4s|%c|%%|%*d|%-*d|%.*s|", small, n, "abc", "l", "r", 'x', 4, 7, 4, 7, 2, "xyz");
	printf("%lld %llu %llx %hd %hhd %ld %zu %p\n", -9223372036854775807LL - 1, 18446744073709551615ULL,
		0x123456789abcdefULL, (short)70000, (signed char)300, -5L, sizeof n, (void *)0x2000);
	return printf("%s", "") + n;
}
"""
    record = run(build(text, flags=("-Wno-format",)))
    assert record.stdout == (
        b"trunc 9|ab|l   |   r|x|%|   7|7   |xy|"
        b"-9223372036854775808 18446744073709551615 123456789abcdef 4464 44 -5 4 0x2000\n"
    )
    assert record.end.value == 9


def test_the_heap_and_the_numbers(build: Build, run: Run) -> None:
    """Blocks do not overlap and are joined again when freed; strtol ends where the number does; qsort sorts."""
    text = r"""
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static int compare(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }
int main(void)
{
	char *blocks[200], *end, *first, *again;
	int i, bad = 0, numbers[100];
	for (i = 0; i < 200; i++) memset(blocks[i] = malloc(i * 37 % 1500), i, i * 37 % 1500);
	for (i = 0; i < 200; i++) { int j; for (j = 0; j < i * 37 % 1500; j++) bad += blocks[i][j] != (char)i; }
	for (i = 0; i < 200; i += 2) free(blocks[i]);
	for (i = 1; i < 200; i += 2) free(blocks[i]);
	first = malloc(60000); free(first); again = malloc(60000);
	for (i = 0; i < 100; i++) numbers[i] = i * 7919 % 1000 - 500;
	qsort(numbers, 100, sizeof *numbers, compare);
	for (i = 1; i < 100; i++) bad += numbers[i - 1] > numbers[i];
	printf("%d %d %d ", bad, first == again, malloc(0x7ffffff0) == 0 && errno == ENOMEM);
	printf("%ld ", strtol(" -0x1Fz", &end, 0));
	printf("%s %ld ", end, strtol("077", 0, 0));
	errno = 0;
	printf("%d ", strtol("99999999999", 0, 10) == LONG_MAX);
	printf("%d ", errno == ERANGE);
	printf("%d %d\n", strtol("-2147483648", 0, 10) == LONG_MIN, strtoul("4294967295", 0, 10) == ULONG_MAX);
	return 0;
}
"""
    assert run(build(text, optimise="1")).stdout == b"0 1 1 -31 z 63 1 1 1 1\n"
