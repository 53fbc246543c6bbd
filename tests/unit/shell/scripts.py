"""Scripts by lot, in all the notations in which bash runs a command; every command has a name of its own.

Boundary: writes texts, runs nothing. What it writes ``bash -n`` takes, and the test of it says so.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TypeVar

__all__ = ["Maker", "make"]

T = TypeVar("T")

WORDS = (
    "a", "-x", "'a b; c'", '"it\'s"', "x#y", "$v", '"$v"', "${v}", "$#", "$$", "$'it\\'s; z'", "{a,b}", "*.c", "a\\ b",
    "\\;", "'('", "\\)", "'$(z)'", "'`z`'", "a=b", "$((1 + (2)))", "${#v}", "${v%%)*}", "${v:-a b}", '"${v:-\'it\'}"',
    "${v:-'}'}", '${v:-"}"}', "if", "then", "}", "{", "!", "[[", "case", "in", "esac", "~", "a$", '"$"', "''",
    '"a\\"b"', '$"t"', "2", "function", "done", "coproc", "time", '"${v#*\\}}"', "${v/)/(}",
)  # fmt: skip
REDIRECTS = (
    "> /dev/null", "2>&1", ">>/dev/null", "< /dev/null", "&>/dev/null", "2>/dev/null", "{fd}>/dev/null",
    ">|/dev/null", "<>/dev/null", ">&2", "3<&-", "&>> /dev/null",
)  # fmt: skip
TESTS = (
    "-n $v", "a == b*", "a < b", "( a > b ) && ! -e c", "a =~ ^(x|y)$", "$# -gt 0", "a = 'b ]] c'", '-z "$v" || -f x',
)  # fmt: skip
NUMBERS = ("i++", "i > 3", "i = (1 + 2)", "a[1] << 2", "x && y || z", "(i) < (3)")
PATTERNS = ("a", "a|b", "*", "a | 'b)'", "[a-z]*", '"x y"', "esac2", "a#", "if", "$v", "\\)")
LINES = ("text", "it's", 'a "quote', "a ) b", "$v", "EOF x", "#", "\\$(z)", "{ (", "a\\\\")


UNKNOWN_TO_ORACLE = ("${v/)/(}", "{fd}>/dev/null", "<>/dev/null")


def make(seed: int, size: int = 10, *, common: bool = False) -> tuple[str, list[str]]:
    """A script and the names of its commands, in the order in which they were made. ``common``: without the notations
    that tree-sitter-bash does not know."""
    maker = Maker(random.Random(seed), size, common=common)
    return maker.script(), maker.names


class Maker:
    """One script. ``left``: commands that it may yet have; ``waiting``: the texts of the here-documents that begin at
    the next end of a line; ``flat``: where more than none, no line may end."""

    def __init__(self, lot: random.Random, size: int, *, common: bool = False) -> None:
        self.lot = lot
        self.common = common
        self.words = [word for word in WORDS if not (common and word in UNKNOWN_TO_ORACLE)]
        self.redirects = [word for word in REDIRECTS if not (common and word in UNKNOWN_TO_ORACLE)]
        self.left = size
        self.names: list[str] = []
        self.waiting: list[str] = []
        self.flat = 0

    def pick(self, *choices: T) -> T:
        return self.lot.choice(choices)

    def say(self, *choices: str | Callable[[], str]) -> str:
        """One of them; those that are made are made when they are chosen."""
        chosen = self.lot.choice(choices)
        return chosen if isinstance(chosen, str) else chosen()

    def chance(self, of: float) -> bool:
        return self.left > 0 and self.lot.random() < of

    def some(self) -> range:
        return range(self.pick(0, 0, 0, 1, 1, 2))

    def newline(self, flat: str = " ") -> str:
        """The end of a line and the here-documents that it begins; ``flat`` where no line may end."""
        if self.flat:
            return flat
        waiting, self.waiting = self.waiting, []
        return "\n" + "".join(waiting)

    def script(self) -> str:
        text = ""
        while not text or self.chance(0.7):
            text += self.list(0) + self.pick("", "", ";", " &", " # a word; and 'more") + self.newline()
        return text

    def list(self, depth: int) -> str:
        """Pipelines and what joins them, without an operator at the end."""
        text = self.pipeline(depth)
        while self.chance(0.3):
            text += self.say(" && ", "||", "; ", " & ", " \\\n&& ", lambda: "&&" + self.newline())
            text += self.pipeline(depth)
        return text

    def pipeline(self, depth: int) -> str:
        text = self.pick(*[""] * 8, "! ", "time ", "time -p ") + self.command(depth)
        while self.chance(0.2):
            text += self.pick(" | ", "|", " |& ") + self.command(depth)
        return text

    def command(self, depth: int) -> str:
        kinds: list[Callable[[int], str]] = [self.simple] * 6
        if depth < 4 and self.left > 1:
            kinds += [
                self.group, self.subshell, self.conditional, self.loop, self.for_each, self.for_number, self.case,
                self.function, self.test, self.arithmetic, self.coproc, self.select, self.array,
            ]  # fmt: skip
        return self.lot.choice(kinds)(depth)

    def simple(self, depth: int) -> str:
        before = [self.redirect(depth, first=True) for _ in self.some()] + [self.assign(depth) for _ in self.some()]
        self.lot.shuffle(before)
        words = [*before, self.name(), *(self.word(depth) for _ in range(self.lot.randint(0, 3)))]
        words += [self.redirect(depth) for _ in self.some()]
        return self.pick(" ", " ", " ", "  ", "\t", " \\\n ").join(words)

    def name(self) -> str:
        """The next command, its name written in one of the ways that mean the same."""
        self.left -= 1
        name = f"n{len(self.names)}_"
        self.names.append(name)
        at = self.lot.randint(1, len(name) - 1)
        front, back = name[:at], name[at:]
        return self.pick(
            *[name] * 6, f"/bin/{name}", f"'{name}'", f'"{name}"', f"{front}''{back}", f"n\\{name[1:]}",
            name if self.common else f"{front}\\\n{back}", f'{front}"{back}"',
        )  # fmt: skip

    def word(self, depth: int) -> str:
        if depth < 4 and self.chance(0.4):
            return self.pick(self.substitution, self.quoted, self.process, self.braced, self.counted)(depth)
        return self.pick(*self.words)

    def substitution(self, depth: int) -> str:
        return self.say(
            lambda: f"$({self.inside(depth)})",
            lambda: f"a$({self.inside(depth)} )b",
            lambda: f"`{self.name()} a`",
            lambda: f"`{self.name()} \\`{self.name()}\\``",
        )

    def quoted(self, depth: int) -> str:
        return '"' + self.say(
            lambda: f"$({self.inside(depth)})",
            lambda: f"it's $({self.inside(depth)}) ) done",
            lambda: f"${{v:-$({self.on_one_line(depth)})}}",
            lambda: f"${{v:-'it'}} $({self.inside(depth)}) ${{v:-'s'}}",
            lambda: f"'$({self.inside(depth)})'\\\"'",
            lambda: f"a `{self.name()}` b",
            lambda: f"$(( 1 + $({self.on_one_line(depth)}) ))",
        ) + '"'  # fmt: skip

    def process(self, depth: int) -> str:
        return self.pick("<(", ">(") + self.inside(depth) + ")"

    def braced(self, depth: int) -> str:
        inside = self.on_one_line(depth)
        start = self.pick("${v:-", "${v-", "${v:=", "${v/x/", "${v#", "${v:-it\\'s ")
        return start + self.pick(f"$({inside})", f'"$({inside})"', f'"}}$({inside})"', f"'}}'$({inside})") + "}"

    def counted(self, depth: int) -> str:
        return f"$(($({self.on_one_line(depth)}) + 1))"

    def inside(self, depth: int) -> str:
        """What stands between the brackets of a substitution, on one line where a here-document waits for its text."""
        if self.waiting:
            return self.on_one_line(depth)
        text = self.list(depth + 1)
        if self.waiting:
            text += self.newline()
        elif not self.flat and self.lot.random() < 0.1:
            text += self.pick(" # ) no end\n", "\n", ";", " &")
        return " " + text if text.startswith("(") else text

    def on_one_line(self, depth: int) -> str:
        self.flat += 1
        text = self.list(depth + 1)
        self.flat -= 1
        return " " + text if text.startswith("(") else text

    def block(self, depth: int) -> str:
        """The body of a compound command, with its end."""
        text = self.list(depth + 1)
        return text + (self.newline("; ") if self.waiting or self.lot.random() < 0.3 else "; ")

    def assign(self, depth: int) -> str:
        return self.pick("A=", "B+=", "C=a", "D[1]=") + (self.word(depth) if self.lot.random() < 0.5 else "")

    def array(self, depth: int) -> str:
        """An array, alone or declared; a command follows, so that something has a name."""
        elements = [self.pick("", "", "[k]=") + self.word(depth) for _ in range(self.lot.randint(0, 3))]
        between = self.pick(" ", "  ", "\n" if not self.waiting and not self.flat else " ")
        head = self.pick("E=", "E+=", "declare -a E=", "local F=", "export -n x; readonly G=")
        return f"{head}({between.join(elements)}); {self.simple(depth)}"

    def redirect(self, depth: int, *, first: bool = False) -> str:
        if not self.flat and not (self.common and first) and self.lot.random() < 0.3:
            return self.here(depth)
        if self.lot.random() < 0.2:
            return "<<< " + self.word(depth)
        if depth < 4 and self.chance(0.2):
            return f"< <({self.inside(depth)})"
        return self.pick(*self.redirects)

    def here(self, depth: int) -> str:
        """The start of a here-document, whose text is put by."""
        end, dash = f"E{self.lot.randint(0, 99)}_", self.pick("", "-")
        written = self.pick(end, end, end, f"'{end}'", f'"{end}"', f"\\{end}", f"E''{end[1:]}")
        lines = [self.pick(*LINES, " " + end) for _ in range(self.lot.randint(1, 3))]
        if written != end:
            lines.append("$(z0) `z1`")
        elif depth < 4 and self.chance(0.5):
            lines.append(self.pick("a ", '"', "it's ") + f"$({self.on_one_line(depth)})" + self.pick("", " b", "'"))
        tab = "\t" if dash else ""
        self.waiting.append("".join(f"{tab}{line}\n" for line in [*lines, end]))
        return f"<<{dash}{written}"

    def group(self, depth: int) -> str:
        return "{ " + self.block(depth) + "}" + self.after()

    def subshell(self, depth: int) -> str:
        text = self.list(depth + 1) + (self.newline() if self.waiting else "")
        return ("( " if text.startswith("(") else self.pick("(", "( ")) + text + ")" + self.after()

    def after(self) -> str:
        return self.pick("", "", "", " > /dev/null", " 2>&1", " < /dev/null")

    def conditional(self, depth: int) -> str:
        text = f"if {self.block(depth)}then{self.newline()}{self.block(depth)}"
        if self.chance(0.3):
            text += f"elif {self.block(depth)}"
            text += f"then {self.simple(depth)}{self.newline('; ')}"
        if self.chance(0.3):
            text += f"else {self.block(depth)}"
        return text + "fi" + self.after()

    def loop(self, depth: int) -> str:
        text = f"{self.pick('while', 'until')} {self.block(depth)}"
        return text + self.body(depth)

    def body(self, depth: int) -> str:
        return f"do {self.block(depth)}done{self.after()}" if self.left > 0 else "do :; done"

    def for_each(self, depth: int) -> str:
        head = self.say(
            "for x; " if self.common else "for x ", "for x; ", "for x in a b; ", "for x in\\\n a; ", "for x in; ",
            "for in in in; ",
            lambda: "for x in; " if self.flat else f"for x{self.newline()}in a{self.newline()}",
            lambda: f"for x in {self.word(depth)} {self.word(depth)}; ",
        )  # fmt: skip
        if self.common or self.left < 1 or self.lot.random() < 0.5:
            return head + self.body(depth)
        return head + "{ " + self.block(depth) + "}"

    def select(self, depth: int) -> str:
        return "select x in a b; " + self.body(depth)

    def for_number(self, depth: int) -> str:
        head = self.say(
            "for ((i=0; i<3; i++)); ", "for ((i=(1); i>2; ))", "for ((i = 0 ; i < 1 ; i++)) ",
            lambda: "for (( ; ; ))" + self.newline(),
        )  # fmt: skip
        return head + " " + self.body(depth)

    def case(self, depth: int) -> str:
        text = "case " + self.pick("x", "$v", '"$v"', "in", "'a in'")
        text += self.say(" in ", lambda: " in" + self.newline(), lambda: self.newline() + "in ")
        for _ in range(self.lot.randint(0, 2)):
            if self.left > 0:
                text += self.pick("", "(") + self.pick(*PATTERNS)
                text += self.say(") ", ")", lambda: ")" + self.newline(), " )") + self.block(depth)
                text += self.say(";;", ";& ", ";;& ", lambda: ";;" + self.newline())
                text += "" if self.flat else self.pick("", " # c )") + self.newline()
        if self.chance(0.3):
            text += "z) " + self.block(depth)
        return text + " esac" + self.after()

    def function(self, depth: int) -> str:
        name = f"f{self.lot.randint(0, 9)}"
        head = self.say(
            f"{name}() ", f"{name}()", f"function {name}() ", f"function {name} () ",
            lambda: f"{name} ( )" + self.newline(), lambda: f"function {name}()" + self.newline(),
        )  # fmt: skip
        kind = self.pick(self.group, self.subshell, self.conditional, self.loop, self.case, self.group, self.for_each)
        body = kind(depth)
        return self.pick(head, f"function {name} ") + body if kind == self.group else head + body

    def test(self, depth: int) -> str:
        inner = self.pick(*TESTS)
        if self.left > 1 and self.chance(0.4):
            inner += f" && -n $({self.on_one_line(depth)})"
        return f"[[ {inner} ]] && {self.simple(depth)}"

    def arithmetic(self, depth: int) -> str:
        inner = self.pick(*NUMBERS)
        if self.left > 1 and self.chance(0.4):
            inner += f" + $({self.on_one_line(depth)})"
        return f"(({inner})) && {self.simple(depth)}"

    def coproc(self, depth: int) -> str:
        return "coproc " + self.say(
            lambda: "P " + self.group(depth), lambda: self.group(depth), lambda: f"{self.name()} a b",
            lambda: "P " + self.subshell(depth), lambda: "P " + self.loop(depth),
        )  # fmt: skip
