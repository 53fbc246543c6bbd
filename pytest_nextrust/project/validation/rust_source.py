"""Rust sources of the port: brackets that close, literals that end, and target files that say what m68k needs.

The text is cut into tokens as Rust does (nested comments, raw strings, lifetimes), so that a bracket in a string is
none. It is no parser: what rustc would say of types and names is rustc's to say.

Sources: The Rust Reference, "Lexical structure"; ``rustc_target::spec`` for the fields of a Target.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["check_rust"]

_TOKEN = re.compile(
    r"""(?P<line>//[^\n]*)
    |(?P<open>/\*)
    |(?P<raw>\b(?:b|c)?r(?P<hashes>\#*)")
    |(?P<string>\b[bc]?"|")
    |(?P<char>b?'(?:[^'\\\n]|\\(?:[nrt0\\'"]|x[0-9A-Fa-f]{2}|u\{[0-9A-Fa-f_]{1,8}\}))')
    |(?P<bracket>[()\[\]{}])""",
    re.VERBOSE,
)
_COMMENT = re.compile(r"/\*|\*/")
_STRING = re.compile(r'[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_PAIRS = {")": "(", "]": "[", "}": "{"}


def check_rust(text: str, *, target: bool) -> list[str]:
    """The faults, each with its line; ``target``: a file of ``rustc_target/src/spec``."""
    masked = list(text)
    found = list(_balance(text, masked))
    if not found and target:
        found = list(_target("".join(masked)))
    return [f"{text.count(chr(10), 0, at) + 1}: {message}" for at, message in found]


def _balance(text: str, masked: list[str]) -> Iterator[tuple[int, str]]:
    """Brackets and literals; comments are blanked in ``masked``."""
    open_: list[tuple[str, int]] = []
    at = 0
    while (match := _TOKEN.search(text, at)) is not None:
        at = match.end()
        if match["line"] is not None:
            masked[match.start() : at] = " " * (at - match.start())
        elif match["open"] is not None:
            end = _comment_end(text, match.end())
            if end is None:
                yield match.start(), "a comment /* without its */"
                return
            masked[match.start() : end] = " " * (end - match.start())
            at = end
        elif match["raw"] is not None or match["string"] is not None:
            closing = _string_end(text, match)
            if closing is None:
                yield match.start(), "a string without its end"
                return
            at = closing
        elif match["bracket"] is not None:
            sign = match["bracket"]
            if sign in "([{":
                open_.append((sign, match.start()))
            elif not open_:
                yield match.start(), f"a {sign} that nothing opened"
                return
            elif open_.pop()[0] != _PAIRS[sign]:
                yield match.start(), f"a {sign} that closes something else"
                return
    for sign, place in open_[-1:]:
        yield place, f"a {sign} that nothing closes"


def _comment_end(text: str, at: int) -> int | None:
    level = 1
    for match in _COMMENT.finditer(text, at):
        level += 1 if match[0] == "/*" else -1
        if level == 0:
            return match.end()
    return None


def _string_end(text: str, match: re.Match[str]) -> int | None:
    if match["raw"] is not None:
        end = text.find('"' + match["hashes"], match.end())
        return end + 1 + len(match["hashes"]) if end >= 0 else None
    closing = _STRING.match(text, match.end())
    return closing.end() if closing is not None else None


def _target(code: str) -> Iterator[tuple[int, str]]:
    """What a target file of an m68k target must hold; a file of another target, or of a base, is not judged."""
    triple = re.search(r'llvm_target\s*:\s*"([^"]*)"', code)
    if triple is None or not triple[1].startswith("m68k"):
        return
    if re.search(r"\bpub(?:\(crate\))?\s+fn\s+target\s*\(\s*\)\s*->\s*Target\b", code) is None:
        yield 0, "no `pub(crate) fn target() -> Target`: the macro supported_targets! calls it"
    width = re.search(r"pointer_width\s*:\s*(\d+)", code)
    if width is None or width[1] != "32":
        yield width.start() if width else triple.start(), "pointer_width is not 32"
    layout = re.search(r'data_layout\s*:\s*"([^"]*)"', code)
    if layout is None:
        yield triple.start(), "no data_layout: LLVM's for m68k begins with E-m:"
    elif not layout[1].startswith("E-") or "p:32" not in layout[1]:
        yield layout.start(), "data_layout is not big-endian (E-) with 32-bit pointers (p:32:16:32)"
    if re.search(r"endian\s*:\s*Endian::Big\b", code) is None:
        yield triple.start(), "no `endian: Endian::Big` in its options: it is little where it is left out"
    arch = re.search(r'\barch\s*:\s*(?:"m68k"|Arch::M68k)', code)
    if arch is None:
        yield triple.start(), 'arch is not "m68k" (Arch::M68k)'
    widest = re.search(r"max_atomic_width\s*:\s*Some\(\s*(\d+)\s*\)", code)
    if widest is not None and int(widest[1]) > 32:
        yield widest.start(), f"max_atomic_width is {widest[1]}: CAS of the 68030 takes at most 32 bits"
