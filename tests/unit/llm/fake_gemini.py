"""A `gemini` for the tests, as strict as the real one: an unknown flag, choice or combination ends it with status 1.

What it does is in GEMINI_FAKE (a JSON file): exit status, stdout, stderr, a pipe to hold for ever, together with a
process that it starts. What it was given goes to GEMINI_FAKE_LOG. The flags are those of gemini-cli 0.56
(packages/cli/src/config/config.ts), which parses with yargs' strict mode.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NoReturn

VALUES = {
    "-m": "model",
    "--model": "model",
    "-p": "prompt",
    "--prompt": "prompt",
    "-i": "prompt-interactive",
    "--prompt-interactive": "prompt-interactive",
    "-o": "output-format",
    "--output-format": "output-format",
    "--approval-mode": "approval-mode",
    "--include-directories": "include-directories",
    "--session-id": "session-id",
    "-e": "extensions",
    "--extensions": "extensions",
    "-r": "resume",
    "--resume": "resume",
}
FLAGS = {"-s", "--sandbox", "-d", "--debug", "-y", "--yolo", "--skip-trust", "-l", "--list-extensions"}
CHOICES = {
    "output-format": {"text", "json", "stream-json"},
    "approval-mode": {"default", "auto_edit", "yolo", "plan"},
}


def refuse(why: str) -> NoReturn:
    print(f"{why}\n\nUsage: gemini [options] [command]", file=sys.stderr)
    sys.exit(1)


def parsed(arguments: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    words = list(arguments)
    while words:
        word = words.pop(0)
        name, equals, value = word.partition("=")
        if name in VALUES:
            if not equals:
                if not words:
                    refuse(f"Not enough arguments following: {name.lstrip('-')}")
                value = words.pop(0)
            if VALUES[name] in found:
                refuse(f"{name} given twice")
            found[VALUES[name]] = value
        elif word in FLAGS:
            found[word] = True
        elif word.startswith("-"):
            refuse(f"Unknown argument: {word.lstrip('-')}")
        else:
            found.setdefault("query", []).append(word)
    for name, choices in CHOICES.items():
        if found.get(name, next(iter(choices))) not in choices:
            refuse(f"Invalid values: Argument: {name}, Given: {found[name]!r}")
    if found.get("prompt") and found.get("query"):
        refuse("Cannot use both a positional prompt and the --prompt (-p) flag together")
    return found


def main() -> None:
    found = parsed(sys.argv[1:])
    given = sys.stdin.read()
    here = Path.cwd()
    names = sorted(file.name for file in here.iterdir())
    guide = (here / "GEMINI.md").read_text() if "GEMINI.md" in names else None
    entry = {"args": found, "stdin": given, "cwd": str(here), "files": names, "guide": guide}
    with Path(os.environ["GEMINI_FAKE_LOG"]).open("a") as stream:
        stream.write(json.dumps({**entry, "env": dict(os.environ)}) + "\n")
    if os.environ.get("GEMINI_CLI_TRUST_WORKSPACE") != "true" and "--skip-trust" not in found:
        print(
            json.dumps({"error": {"type": "FatalUntrustedWorkspaceError", "message": "not trusted", "code": 55}}),
            file=sys.stderr,
        )
        sys.exit(55)
    script = json.loads(Path(os.environ["GEMINI_FAKE"]).read_text())
    if "hold" in script:
        with Path(script["hold"]).open("w") as pipe:
            child = subprocess.Popen(["sleep", "600"], pass_fds=[pipe.fileno()])
            pipe.write("held")
            pipe.flush()
            child.wait()
    sys.stdout.write(script.get("stdout", "") * script.get("times", 1))
    sys.stderr.write(script.get("stderr", ""))
    sys.stdout.flush()
    if script.get("signal"):
        os.kill(os.getpid(), script["signal"])
    sys.exit(script.get("exit", 0))


main()
