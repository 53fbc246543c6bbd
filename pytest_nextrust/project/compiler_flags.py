"""Which compiler flags a scenario may ask for.

A scenario may come with a stranger's pull request, and many flags make a compiler run a command, load a plugin, or read
and write files of its caller's choice (``-wrapper``, ``-B``, ``-fplugin``, ``@file``, ``-T``, ``-specs``, rustc's
``-C linker``). So flags are taken from a list of what only changes the code that is made; everything else is refused
unless the project's own settings, outside the scenario, allow it (``[toolchain.NAME] allow_flags``).

Boundary: judges words; nothing is run. Sources: the option summaries of the GCC manual, clang's command-line reference,
and ``rustc -C help``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from pytest_nextrust.errors import ConfigError, Fault

__all__ = ["check_flags", "flag_faults"]

_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
# A value of -D is text for the preprocessor; it reaches no shell, and a line end would begin a directive of its own.
_C = re.compile(
    rf"-D{_NAME}(=[^\n\r\0]*)?|-U{_NAME}|-O[0-3sgz]?|-g[0-3]?|-ggdb[0-3]?|-std=[a-z0-9+:]+|-ansi|-w|-pedantic(-errors)?"
    r"|-W(?![lap],)(no-)?[a-z][a-z0-9+-]*(=[a-z0-9]+)?"
    r"|-m(68000|68010|68020|68030|68040|68881|cpu=[Mm]?680[0-4]0|soft-float|hard-float|short|no-short|rtd|no-rtd)"
    r"|-f(no-)?(aggressive-loop-optimizations|asynchronous-unwind-tables|builtin(-[a-z0-9_]+)?|common|cse-follow-jumps"
    r"|data-sections|delete-null-pointer-checks|expensive-optimizations|fast-math|finite-math-only|float-store"
    r"|freestanding|function-sections|gcse|if-conversion2?|inline(-functions|-small-functions)?|ivopts|jump-tables"
    r"|keep-inline-functions|math-errno|merge-constants|omit-frame-pointer|optimize-sibling-calls|pack-struct(=[1248])?"
    r"|peephole2?|reorder-blocks|rounding-math|schedule-insns2?|short-enums|short-wchar|signaling-nans|signed-char"
    r"|signed-zeros|stack-protector|strict-aliasing|strict-overflow|thread-jumps|trapping-math|trapv|tree-[a-z-]+"
    r"|unroll-loops|unsafe-math-optimizations|unsigned-char|unwind-tables|vectorize|slp-vectorize|verbose-asm|wrapv"
    r"|zero-initialized-in-bss)"
)
_RUST = re.compile(
    rf"--edition=(2015|2018|2021|2024)|--cfg={_NAME}(=\"[^\"\n]*\")?|--cap-lints=(allow|warn|deny|forbid)|-O|-g"
    r"|-[AWDF][a-z_:-]+"
    r"|-C(opt-level=[0-3sz]|debuginfo=[0-2a-z-]+|debug-assertions(=[a-z]+)?|overflow-checks(=[a-z]+)?|panic=abort"
    r"|codegen-units=[0-9]+|inline-threshold=[0-9]+|no-vectorize-(loops|slp)|force-frame-pointers(=[a-z]+)?"
    r"|strip=(none|debuginfo|symbols)|metadata=[a-z0-9]+)"
)
# Flags whose value may be the next word. They are judged as one, the way the compiler reads them.
_C_PAIRED, _RUST_PAIRED = ("-D", "-U"), ("-C", "--cfg", "--edition", "--cap-lints", "-A", "-W", "-D", "-F")


def check_flags(flags: Sequence[str], language: str, allowed: Sequence[str] = (), *, subject: str, place: Path) -> None:
    """Refuse what a scenario may not give. Raises ConfigError with every fault, of ``subject`` and at ``place``."""
    faults = list(flag_faults(flags, language, allowed))
    if faults:
        raise ConfigError(subject, faults, place=str(place))


def flag_faults(flags: Sequence[str], language: str, allowed: Sequence[str] = ()) -> Iterator[Fault]:
    """The flags that a scenario may not give. ``language``: c, asm or rust; ``allowed``: the project's own patterns."""
    rust = language == "rust"
    paired, known = (_RUST_PAIRED, _RUST) if rust else (_C_PAIRED, _C)
    index = 0
    while index < len(flags):
        word = text = flags[index]
        place = index
        if word in paired and index + 1 < len(flags):
            index += 1
            text += ("=" if word.startswith("--") else "") + flags[index]
        index += 1
        if not known.fullmatch(text) and not any(fnmatchcase(text, pattern) for pattern in allowed):
            remedy = 'leave it out, or allow it in the project: [toolchain.NAME] allow_flags = ["..."]'
            yield Fault(f"program.flags[{place}]", f"{text!r} is not among the flags that a scenario may give", remedy)
