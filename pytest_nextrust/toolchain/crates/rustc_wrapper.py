"""What cargo starts in rustc's place (``RUSTC_WRAPPER``): the compiler with the options of the NeXT target.

Calls for the host (build scripts, procedural macros) and questions about it pass as they are. A crate that is linked
needs a panic handler: where rustc says that there is none, the call is made again with one of this package's, first
the crate ``next``, which has a global allocator too, and beside an allocator of the program's own the panic handler
alone. A crate that brings its own is compiled once and meets neither.

Started as a file, by a script that names the settings in ``NEXTRUST_CRATE_TOOLS``; only the standard library is
loaded, since cargo starts it for every crate. Source: the cargo book, "Configuration", ``build.rustc-wrapper``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

__all__ = ["BUILT_AS_TEST", "FOR_TARGET", "NO_HANDLER", "SETTINGS", "TWO_ALLOCATORS", "arguments", "is_linked", "main"]

SETTINGS = "NEXTRUST_CRATE_TOOLS"
"""The variable that names the file of settings: target, flags for every crate of the target, and the handlers."""

NO_HANDLER = "`#[panic_handler]` function required, but not found"
TWO_ALLOCATORS = "global allocator"
"""What rustc says of a program that has an allocator beside the one of ``next``."""

BUILT_AS_TEST = "NEXTRUST_BUILT_AS_TEST"
"""The variable by which the linker knows that it links a program of tests."""

NO_TESTS = "error: tests of crates with std are not run on the machine; those of #![no_std] crates are\n"
FAILED = 1

LINKED = ("bin", "staticlib", "cdylib")
FOR_TARGET = "--target"


def arguments(words: list[str], target: str, flags: list[str]) -> list[str]:
    """rustc's words with those of the target, where they are about the target."""
    return [*words, *flags] if _value(words, FOR_TARGET) == target else words


def is_linked(words: list[str]) -> bool:
    """Whether a call makes something that must have a panic handler; a program is what rustc makes unasked."""
    kinds = [words[at + 1] for at, word in enumerate(words[:-1]) if word == "--crate-type"]
    kinds += [word.split("=", 1)[1] for word in words if word.startswith("--crate-type=")]
    return not kinds or "--test" in words or any(kind in LINKED for kind in kinds)


def main(argv: list[str]) -> int:
    """``argv``: rustc's path and its words. Returns its exit status; does not return where it becomes rustc."""
    settings = json.loads(Path(os.environ[SETTINGS]).read_text(encoding="utf-8"))
    rustc, given = argv[0], argv[1:]
    words = arguments(given, settings["target"], settings["flags"])
    if words is not given and "--test" in words:
        if not settings["harness"]:
            sys.stderr.write(NO_TESTS)
            return FAILED
        # The crate `test` that rustc names in the tests' main.
        words = [*words, "-L", settings["harness"]]
        os.environ[BUILT_AS_TEST] = "1"
    if words is given or not is_linked(words) or any(word.startswith("--print") for word in words):
        os.execv(rustc, [rustc, *words])
    for handler in ([], *settings["handlers"]):
        # cargo's job server is two descriptors that are inherited.
        done = subprocess.run([rustc, *words, *handler], stderr=subprocess.PIPE, close_fds=False, check=False)
        output = done.stderr.decode("utf-8", "replace")
        if done.returncode == 0 or not any(text in output for text in (NO_HANDLER, TWO_ALLOCATORS)):
            break
    sys.stderr.write(output)
    return done.returncode if done.returncode >= 0 else 128 - done.returncode


def _value(words: list[str], option: str) -> str:
    for at, word in enumerate(words):
        if word == option and at + 1 < len(words):
            return words[at + 1]
        if word.startswith(option + "="):
            return word.split("=", 1)[1]
    return ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
