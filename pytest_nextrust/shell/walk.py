"""Every command that a script would run, with its arguments, folder, redirections and what is piped into it.

Followed are pipes, subshells, functions, substitutions, ``cd``, assignments, ``eval``, the commands that run another
(``sudo``, ``env``, ``xargs``, ``timeout``, ``find -exec``, ...), and shells that are given a script: by ``-c``, by a
here-document, or by a pipe from something that prints a literal. Both sides of ``&&``, ``||`` and ``if`` are taken to
run.

Boundary: runs nothing and judges nothing. Sources: POSIX.1-2017; the options of the wrappers from their manual pages.
"""

from __future__ import annotations

import os
import re

from pytest_nextrust.base.light_dataclass import dataclass
from pytest_nextrust.shell.expand import COST, SUBSTITUTED, UNKNOWN, Scope, fields, literal, text_of
from pytest_nextrust.shell.parse import parse
from pytest_nextrust.shell.words import unescaped
from pytest_nextrust.shell.wrappers import SHELLS, base_name, language_of, unwrap

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_nextrust.shell.tree import Command, Pipeline, Word
    from pytest_nextrust.shell.wrappers import Unwrapped

__all__ = ["CommandStep", "walk"]

_SOURCES = frozenset(("source", "."))
_STDIN = frozenset(("/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"))
_FETCHERS = frozenset(("curl", "wget", "fetch", "nc", "ncat", "netcat", "socat", "ftp", "scp", "lwp-request"))
_SILENT = frozenset((":", "[", "false", "set", "test", "true"))
DEEPEST = 12
"""Scripts in scripts that are followed."""


@dataclass(frozen=True, slots=True)
class CommandStep:
    """One command.

    ``arguments`` begins with the program's name without its folder; quoted signs are hidden in it (``expand.literal``).
    ``cwd`` is None where it is unknown. ``writes``: targets of output redirections. ``stages``: the names of the
    commands in its pipeline. ``rest_unknown``: more arguments come from a pipe (``xargs``). ``functions``: the names of
    those defined so far. ``environment``: the names of variables set for it. ``given``: what it reads on stdin, where
    that is known. ``fetched``: what it runs as a script comes from the network.
    """

    arguments: tuple[str, ...]
    cwd: str | None
    writes: tuple[str, ...] = ()
    stages: tuple[str, ...] = ()
    rest_unknown: bool = False
    functions: frozenset[str] = frozenset()
    environment: tuple[str, ...] = ()
    given: str | None = None
    fetched: bool = False

    @property
    def name(self) -> str:
        """The program."""
        return self.arguments[0] if self.arguments else ""

    @property
    def literals(self) -> tuple[str, ...]:
        """The arguments after the name as the program gets them."""
        return tuple(literal(text) for text in self.arguments[1:])

    @property
    def line(self) -> str:
        """The command as one line, unquoted: for patterns and messages."""
        return " ".join((self.name, *self.literals)).replace(UNKNOWN, "?")


def walk(script: str, *, cwd: str | None, environ: Mapping[str, str]) -> Iterator[CommandStep]:
    """The steps of a script, in the order of its text. Raises UsageFault for one that cannot be read."""
    yield from _Walker(0).script(parse(script), Scope(environ, cwd), None)


class _Walker:
    def __init__(self, depth: int, unfolded: frozenset[str] = frozenset()) -> None:
        self.depth = depth
        self.unfolded = unfolded
        self.run_next: str | None = None

    def script(self, pipelines: tuple[Pipeline, ...], scope: Scope, piped: str | None) -> Iterator[CommandStep]:
        defined = ""
        for pipeline in pipelines:
            if defined:
                scope.functions[defined] = pipeline
            defined = pipeline.commands[0].function
            names = tuple(self._name(command, scope) for command in pipeline.commands)
            given = piped
            for command in pipeline.commands:
                single = len(pipeline.commands) == 1
                yield from self.command(command, scope if single else scope.copy(), given, names)
                printed = self._printed(command, scope, given)
                self._written(command, scope, printed)
                given = None if _to_file(command) else printed

    def command(
        self, command: Command, scope: Scope, piped: str | None, stages: tuple[str, ...]
    ) -> Iterator[CommandStep]:
        scope.spend(COST)
        yield from self._substitutions(command, scope)
        for redirect in command.redirects:
            if redirect.operator in ("<<", "<<-"):
                piped = text_of(redirect.body, scope, self.output)
            elif redirect.operator == "<<<":
                piped = text_of(redirect.target, scope, self.output) + "\n"
        writes = tuple(
            target
            for redirect in command.redirects
            if redirect.operator in (">", ">>", ">|", "&>", "&>>", "<>", ">&")
            for target in fields(redirect.target, scope, self.output)
        )
        if command.function:
            scope.functions[command.function] = None
        if command.loop:
            self._loop(command, scope)
        if command.body or command.loop:
            if writes:
                yield CommandStep(("(group)",), scope.cwd, writes)
            yield from self.script(command.body, scope.copy() if command.subshell else scope, piped)
            return
        arguments = [text for word in command.words for text in fields(word, scope, self.output)]
        values_ = {name: text_of(word, scope, self.output) for name, word in command.assignments if name != "_"}
        if not arguments:
            scope.variables |= {name: None if UNKNOWN in value else value for name, value in values_.items()}
            if writes:
                yield CommandStep((":",), scope.cwd, writes)
            return
        called = literal(arguments[0])
        if called in scope.aliases and called not in self.unfolded:
            line = " ".join((scope.aliases[called], *map(_quoted, arguments[1:])))
            yield from self._nested(line, scope, (), piped, called)
            return
        fetched = _FETCHERS & self._inside(command, scope)
        yield from self._simple(unwrap(arguments), scope, piped, writes, stages, tuple(values_), bool(fetched))

    def _loop(self, command: Command, scope: Scope) -> None:
        """Give the variable of a ``for`` all of its values at once."""
        if command.loop:
            values = [literal(text) for word in command.words for text in fields(word, scope, self.output)]
            scope.variables[command.loop] = " ".join(values) if values else None

    def _simple(
        self,
        found: Unwrapped,
        scope: Scope,
        piped: str | None,
        writes: tuple[str, ...],
        stages: tuple[str, ...],
        environment: tuple[str, ...],
        fetched: bool = False,
    ) -> Iterator[CommandStep]:
        arguments = found.arguments
        more = tuple(piped.split()) if found.takes_input and piped is not None else ()
        arguments = (*arguments, *more)
        scripts = [(script, (*positional, *more)) for script, positional in found.scripts]
        piped = self._read_by(found, arguments, scope, piped)
        reads = found.reads_script or arguments[0] in _SOURCES
        piece = arguments[0] in SHELLS and any(text.startswith(SUBSTITUTED) for text in arguments[1:2])
        fetched = (fetched and (reads or piece or any(UNKNOWN in script for script, _ in scripts))) or (
            reads and piped is None and bool(_FETCHERS & set(stages))
        )
        yield CommandStep(
            arguments,
            scope.cwd,
            writes,
            stages,
            found.takes_input and piped is None,
            frozenset(scope.functions),
            environment,
            piped,
            fetched,
        )
        self._remember(arguments, scope)
        for script, positional in scripts:
            yield from self._nested(script, scope, positional, None)
        yield from self._called(arguments, scope)
        yield from self._code(arguments, scope, piped)
        for inner in found.commands:
            yield from self._simple(unwrap(list(inner)), scope, piped, (), stages, environment)
        if reads and piped is not None:
            yield from self._nested(piped, scope, (), None)

    def _read_by(self, found: Unwrapped, arguments: tuple[str, ...], scope: Scope, piped: str | None) -> str | None:
        """What a program reads: stdin, or the script that it is given or is itself, where this script wrote it."""
        name = arguments[0]
        plain = [literal(text) for text in arguments[1:] if not text.startswith("-")]
        if name in _SOURCES:
            file = plain[0] if plain else ""
        elif name in SHELLS or language_of(name):
            file = "" if found.reads_script or found.scripts or not plain else plain[0]
        else:
            file = found.program if "/" in found.program else ""
        if not file:
            return piped
        path = scope.path(file)
        if path in _STDIN:
            return piped
        if path is None or path not in scope.files:
            return None if name in _SOURCES or name in SHELLS else piped
        content = scope.files[path]
        if content is not None and name not in _SOURCES and not found.reads_script:
            self.run_next = content
        return content

    def _called(self, arguments: tuple[str, ...], scope: Scope) -> Iterator[CommandStep]:
        """The body of a function; of one that calls itself only with arguments of its own."""
        name = arguments[0]
        body = scope.functions.get(name)
        if body is None or self.depth >= DEEPEST or (len(arguments) == 1 and name in self.unfolded):
            return
        inner = scope.copy()
        values = [literal(text) for text in arguments]
        inner.variables |= {str(number): value for number, value in enumerate(values)}
        inner.variables |= {sign: " ".join(values[1:]) for sign in "@*"}
        yield from _Walker(self.depth + 1, self.unfolded | {name}).script((body,), inner, None)

    def _code(self, arguments: tuple[str, ...], scope: Scope, given: str | None) -> Iterator[CommandStep]:
        """What a program of another language stands for, and the script in a file that this one wrote."""
        language = language_of(arguments[0])
        content, self.run_next = self.run_next, None
        if not language:
            if content is not None:
                yield from self._nested(content, scope, (), None)
            return
        from pytest_nextrust.shell.code import acts_of, inline_code

        code = content or inline_code(language, tuple(literal(text) for text in arguments[1:]), given)
        if code is None:
            return
        for act in acts_of(language, code, scope.value("HOME") or ""):
            scope.spend(COST)
            if isinstance(act, str):
                yield from self._nested(act, scope, (), None)
            elif act:
                yield from self._simple(unwrap(list(act)), scope, None, (), (), ())

    def _written(self, command: Command, scope: Scope, printed: str | None) -> None:
        """Remember what the command writes to files, for who runs them later in the script."""
        for redirect in command.redirects:
            if redirect.operator in (">", ">|", "&>", ">>", "&>>"):
                path = scope.path("".join(literal(text) for text in fields(redirect.target, scope, self.output)))
                if path is not None:
                    before = scope.files.get(path, "") if redirect.operator in (">>", "&>>") else ""
                    scope.files[path] = None if before is None or printed is None else before + printed
        if not command.words:
            return
        words = [literal(text) for word in command.words for text in fields(word, scope, self.output)]
        plain = [scope.path(text) for text in words[1:] if not text.startswith("-")]
        if words and base_name(words[0]) == "tee":
            scope.files |= {path: printed for path in plain if path is not None}
        elif words and base_name(words[0]) in ("cp", "mv", "ln") and len(plain) == 2 and plain[0] in scope.files:
            scope.files |= {path: scope.files[plain[0]] for path in plain[1:] if path is not None}

    def _inside(self, command: Command, scope: Scope) -> set[str]:
        """The names of the commands in its substitutions."""
        return {
            self._name(one, scope)
            for word in command.words
            for part in word
            for pipeline in part.script
            for one in pipeline.commands
        }

    def _nested(
        self, script: str, scope: Scope, positional: tuple[str, ...], piped: str | None, alias: str = ""
    ) -> Iterator[CommandStep]:
        """A script within the script; one that cannot be told is nothing to follow."""
        if self.depth >= DEEPEST or not script.strip(UNKNOWN).strip():
            return
        inner = scope if alias else scope.copy()
        inner.variables |= {str(number): value for number, value in enumerate(positional)}
        inner.variables |= {sign: " ".join(positional[1:]) for sign in "@*"}
        yield from _Walker(self.depth + 1, self.unfolded | {alias}).script(parse(script), inner, piped)

    def _substitutions(self, command: Command, scope: Scope) -> Iterator[CommandStep]:
        """The commands in ``$(...)``: they run before the command that they stand in."""
        words = [*command.words, *(word for _, word in command.assignments)]
        words += [word for redirect in command.redirects for word in (redirect.target, redirect.body)]
        for word in words:
            yield from self._parts(word, scope)

    def _parts(self, word: Word, scope: Scope) -> Iterator[CommandStep]:
        for part in word:
            if part.script:
                yield from self.script(part.script, scope.copy(), None)
            if part.default is not None:
                yield from self._parts(part.default, scope)

    def _remember(self, arguments: tuple[str, ...], scope: Scope) -> None:
        """What ``cd`` and the like change for the commands after them."""
        name = arguments[0]
        rest = [literal(text) for text in arguments[1:] if not text.startswith("-") or text == "-"]
        if name in ("cd", "pushd"):
            target = rest[0] if rest else scope.value("HOME") or UNKNOWN
            known = UNKNOWN not in target and target != "-" and (target.startswith("/") or scope.cwd is not None)
            scope.cwd = os.path.normpath(os.path.join(scope.cwd or "/", target)) if known else None  # noqa: PTH118
        elif name in ("export", "declare", "local", "readonly", "typeset"):
            for text in rest:
                key, equals, value = text.partition("=")
                if equals:
                    scope.variables[key] = None if UNKNOWN in value else value
        elif name == "set" and "--" in arguments:
            given = [literal(text) for text in arguments[arguments.index("--") + 1 :]]
            scope.variables |= {str(number): text for number, text in enumerate(given, 1)}
            scope.variables |= {sign: " ".join(given) for sign in "@*"}
        elif name == "alias":
            for text in map(literal, arguments[1:]):
                key, equals, value = text.partition("=")
                if equals and UNKNOWN not in value:
                    scope.aliases[key] = value
        elif name in ("read", "mapfile", "readarray", "unset"):
            scope.variables |= dict.fromkeys(rest)

    def _name(self, command: Command, scope: Scope) -> str:
        if not command.words:
            return ""
        found = fields(command.words[0], scope, self.output)
        return base_name(found[0]) if found else ""

    def output(self, script: tuple[Pipeline, ...], scope: Scope) -> str | None:
        """What a substitution would print, where that can be told."""
        whole = ""
        for pipeline in script:
            given: str | None = None
            for command in pipeline.commands:
                printed = self._printed(command, scope, given)
                given = "" if _to_file(command) and printed is not None else printed
            if given is None:
                return None
            whole += given
        return whole if script else None

    def _printed(self, command: Command, scope: Scope, given: str | None) -> str | None:
        """What a command prints, where that can be told: echo, printf, cat, base64 -d, rev, pwd, and groups of them."""
        scope.spend(COST)
        if command.body:
            inner = scope.copy()
            self._loop(command, inner)
            return self.output(command.body, inner)
        if not command.words and not command.redirects:
            # What only steers prints nothing; an assignment would have to be followed.
            return "" if command.assignments and all(name == "_" for name, _ in command.assignments) else None
        words = [literal(text) for word in command.words for text in fields(word, scope, self.output)]
        for redirect in command.redirects:
            if redirect.operator in ("<<", "<<-"):
                given = text_of(redirect.body, scope, self.output)
            elif redirect.operator == "<<<":
                given = text_of(redirect.target, scope, self.output) + "\n"
        if not words and given is not None and any(one.operator == "<" for one in command.redirects):
            return given
        if words and base_name(words[0]) == "pwd":
            return None if scope.cwd is None else f"{scope.cwd}\n"
        return _printed(words, given)


def _printed(words: list[str], given: str | None) -> str | None:
    if not words:
        return None
    name, rest = base_name(words[0]), words[1:]
    options = [word for word in rest if word.startswith("-") and len(word) > 1]
    plain = [word for word in rest if word not in options]
    printed: str | None = "" if name in _SILENT else None
    if name == "echo":
        printed = " ".join(rest[len(options) :] if rest[: len(options)] == options else rest) + "\n"
        printed = unescaped(printed) if "-e" in options else printed
    elif name == "printf" and plain:
        printed = _formatted(plain[0], plain[1:])
    elif (name == "cat" and not plain) or name == "tee":
        printed = given
    elif name == "base64" and options and options[0] in ("-d", "--decode", "-D") and given is not None:
        import base64
        import binascii

        try:
            printed = base64.b64decode(given, validate=False).decode("utf-8", "replace")
        except (binascii.Error, ValueError):
            printed = None
    elif name == "rev" and given is not None:
        printed = "\n".join(line[::-1] for line in given.split("\n"))
    return printed


def _to_file(command: Command) -> bool:
    """Whether what it prints goes elsewhere than to the next of its pipeline."""
    return any(redirect.operator in (">", ">>", ">|", "&>", "&>>") for redirect in command.redirects)


def _quoted(text: str) -> str:
    """An argument as it was, signs hidden, for a line that is read again."""
    plain = literal(text)
    return text if plain == text and plain.isprintable() and plain else "'" + plain.replace("'", "'\\''") + "'"


def _formatted(form: str, values: list[str]) -> str | None:
    values = [unescaped(value) for value in values] if "%b" in form else values
    pieces = re.sub("%[bcq]", "%s", unescaped(form)).split("%s")
    if any("%" in piece for piece in pieces):
        return None
    if len(pieces) == 1:
        return pieces[0]
    printed = ""
    values = values or [""]
    for start in range(0, len(values), len(pieces) - 1):
        group = values[start : start + len(pieces) - 1]
        group += [""] * (len(pieces) - 1 - len(group))
        printed += "".join(piece + value for piece, value in zip(pieces, group, strict=False)) + pieces[-1]
    return printed
