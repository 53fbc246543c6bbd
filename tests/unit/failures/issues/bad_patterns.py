"""Regular expressions that nobody should write: each with a text on which it takes for ever, or a fault in itself."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_nextrust.failures.issues.patterns import LONGEST_TEXT

__all__ = ["CATASTROPHIC", "FAULTY", "HOSTILE"]

A = "a" * 60
LONG = "a" * 60_000

_NESTED = ("(a+)+", "(a*)*", "(a+)*", "(a|a)+", "(a|aa)+", "(a?a?)+", "(aa|a|aaa)+", "([a-z]+)+", r"(\w+)+", "(.+)+")
_ENDS = ("$", "b", "[bc]$", r"\d$")


def _nested() -> Iterator[tuple[str, str]]:
    for core in _NESTED:
        for end in _ENDS:
            yield f"^{core}{end}", A + "!"


def _words() -> Iterator[tuple[str, str]]:
    text = "x " * 40 + "!"
    yield r"^(\w+\s?)*$", text
    yield r"^(\w+\s*)+$", text
    yield r"^([a-z]+ ?)+:$", text
    yield r"^(([a-z])+.)+[A-Z]([a-z])+$", A + "!"
    yield r"(x+x+)+y", "x" * 40
    yield r"^(a+a+a+)+$", A + "!"
    yield r"^((a|b|ab)*)*c", "ab" * 40
    yield r"^(?:(?:a+)+)+$", A + "!"
    yield r"^(?:a{1,9}){1,99}$", A + "!"
    yield r"^(\d+\.?)+$", "1" * 40 + "!"
    yield r"^(0|1|01|10)*2", "01" * 40
    yield r"^([01]+)*x", "01" * 40
    yield r"^(\s*\S*\s*)*\x01$", "a b " * 30
    yield r"^(.*,)*x$", "a," * 60
    yield r"^(.*?,){30}P", "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31" * 2
    yield r"^(\w|_)+@(\w|_)+\.$", "_" * 60
    yield r'^"(\\?.)*"$', '"' + "\\" * 60
    yield r"^<(\w+\s*=?\s*)*>$", "<" + "a" * 60
    yield r"^(/[^/]*)*/x\x00$", "/" + "a" * 20 + "//" * 30
    yield r"^(([^:]+:)*[^:]*)*\x00$", "a:" * 40
    yield r"^(error|err|er|e|r|o)*\x00$", "error" * 20
    yield r"(?:(?:.)*)*\x00", A
    yield r"(?s)^(.|\n)*\x00$", "\n" * 2000
    yield r"^(?=(a+)+$)b", A + "!"
    yield r"^(?!(a+)+$)(a+)+b", A + "!"
    yield r"(?<!b)(a+)+b", A
    yield r"^(\w+)\1*(\w+)+\x00", A
    yield r"(a*)*\1\x00", A
    yield r"(?i)^(A+)+B", A
    yield r"^(é+)+$", "é" * 60 + "!"
    yield r"^(\W+)+a", "!" * 60
    yield r"^([^x]+)*x", A
    yield r"^(a{0,3}){20,}b", A
    yield r"^(a{2,}){2,}b", A
    yield r"^(a+|b+|ab)+c$", A
    yield r"^((\w+)\s*)+;$", "w " * 40
    yield r"^(ld: )?(\S+ ?)+: undefined\x00$", "ld: " + "a " * 40


def _polynomial() -> Iterator[tuple[str, str]]:
    yield r"a*b", LONG
    yield r"a*a*b", LONG
    yield r"\s+$", " " * 60_000 + "x"
    yield r"\s*\n*\s*x\x00", " \n" * 30_000
    yield r".*.*.*=.*", LONG
    yield r"(.*)(.*)(.*)\1\2\3x", "a" * 3000
    yield r"\w*\w*\w*\w*\d", LONG
    yield r"^.*?.*?.*?.*?x$", LONG
    yield r"a*?a*?a*?b", LONG
    yield r"(?s).*error.*fatal.*x\x00", "error fatal " * 5000
    yield r"[a-z]*[a-f]*[a-e]*[0-9]", LONG
    yield r"x*y*z*a*b*c*\x00", "xyzabc" * 10_000
    yield r"(a|b)*?c", "ab" * 30_000
    yield r"a.*b.*c.*d.*e", "abcd" * 15_000
    yield r"(?:a.*){5}\x00", LONG
    yield r"(\w+)\s+\1\s+\1\x00", "ab " * 20_000
    yield r"(.+)\1\1\x00", "ab" * 30_000
    yield r"(?=.*a)(?=.*b)(?=.*c)\x00", "ab" * 30_000
    yield r"/\*(.|\n)*?\*/\x00", "/*" + "a" * 20_000 + "*/" * 2000
    yield r"^( *a *)*b", "a " * 30_000
    yield r"(?<=a)a*b", LONG
    yield r"[^\x00]*[^\x01]*\x00", LONG
    yield r"(\(.*\))*\x00", "()" * 30_000
    yield r"-*-*-*>", "-" * 60_000
    yield r"\d*\.?\d*e", "1" * 60_000


CATASTROPHIC: tuple[tuple[str, str], ...] = (*_nested(), *_words(), *_polynomial())

FAULTY: tuple[str, ...] = (
    "(",
    ")",
    "[",
    "*",
    "a**",
    "+a",
    "?",
    "(?P<n>a)(?P<n>b)",
    "(?P<1>a)",
    r"\1",
    "(?<=a+)b",
    "(?z)a",
    "a{2,1}",
    "[b-a]",
    r"\x1",
    r"\N{nothing of this name}",
    "(?(1)a|b|c)",
    "(?(2)a)",
    "a{99999999999999999999}",
    "(" * 500,
    "(" * 400 + "a" + ")" * 400 + "(",
    "\\",
    "a" * 3000,
    r"(?P=none)",
    "(?",
)
"""Patterns that cannot be used at all."""

HOSTILE = (
    "a" * LONGEST_TEXT,
    "undefined reference to " * 2800,
    " " * LONGEST_TEXT,
    "error: m68k-" * 5000,
    "_" * LONGEST_TEXT,
    "nan inf " * 8000,
    "gcc " * 16_000,
    "\n" * LONGEST_TEXT,
    "toolchain: clang\n" * 3800,
)
"""Texts on which a careless pattern takes long."""
