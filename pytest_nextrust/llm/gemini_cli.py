"""The Gemini CLI: a review asked for by ``gemini -p INSTRUCTIONS -m MODEL -o json`` with the material on stdin.

It runs in an empty folder of its own, with the project's GEMINI.md (redacted) as the only file: in the project it could
read what no request may hold, and an ``@path`` in a difference would be taken for an order to read it. That folder is
trusted by a variable, since an older CLI refuses a flag that it does not know. Of the environment it gets everything
but the secrets that are not its own.

Boundary: one run, one ModelReply or ExternalError; ``providers`` decides what is asked when this fails.
Sources: gemini-cli 0.56, packages/cli (config.ts: a strict parser; headless mode: JSON on stdout, an error's JSON on
stderr; exit codes 0, 1, 41, 42, 44, 52, 53, 54, 55, 130), docs/cli/headless.md; 0.61 as it answered.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_nextrust.base.redaction import VARIABLES
from pytest_nextrust.base.scratch import ScratchFolder
from pytest_nextrust.errors import ExternalError
from pytest_nextrust.llm.gemini_api import KEYS
from pytest_nextrust.llm.replies import ModelReply, Usage

if TYPE_CHECKING:
    from pytest_nextrust.base.redaction import Redactor
    from pytest_nextrust.hookapi.settings import ReviewRules
    from pytest_nextrust.llm.queue import QueuedRequest

__all__ = ["EXITS", "Exit", "ask", "find", "parse"]


@dataclass(frozen=True)
class Exit:
    """What an exit status means; ``kind`` as ExternalError's. ``broken``: the CLI cannot work here at all, and the API
    may be asked in its place."""

    what: str
    kind: str
    remedy: str = ""
    broken: bool = False


EXITS: Mapping[int, Exit] = {
    1: Exit("failed", "later", "read its message; an unknown flag means another release of the CLI"),
    41: Exit("is not logged in", "setup", "set GEMINI_API_KEY, or run gemini once and log in", broken=True),
    42: Exit("refused the input", "final", "the request itself is refused"),
    44: Exit("has no working sandbox", "setup", "mend GEMINI_SANDBOX or tools.sandbox of its settings", broken=True),
    52: Exit("cannot read its settings", "setup", "mend ~/.gemini/settings.json", broken=True),
    53: Exit("reached its limit of turns", "final", "raise model.maxSessionTurns of its settings"),
    54: Exit("failed in a tool", "later", "read its message"),
    55: Exit("does not trust the folder", "setup", "let GEMINI_CLI_TRUST_WORKSPACE through", broken=True),
    126: Exit("cannot be run", "setup", "make it executable", broken=True),
    127: Exit("was not found", "setup", "npm install -g @google/gemini-cli", broken=True),
    130: Exit("was interrupted", "later"),
}

_LARGEST = 4_000_000
_GUIDE = 20_000


def find(rules: ReviewRules, environ: Mapping[str, str]) -> str:
    """The CLI's path; empty where it is not found."""
    return shutil.which(rules.command, path=environ.get("PATH", "")) or ""


def ask(
    program: str,
    entry: QueuedRequest,
    rules: ReviewRules,
    environ: Mapping[str, str],
    *,
    limit: float,
    redactor: Redactor,
    guide: Path,
) -> ModelReply:
    """One run, ended after ``limit`` seconds with all that it started. ``guide``: the project's GEMINI.md.

    Raises ExternalError.
    """
    command = [program, "-p", entry.instructions, "-m", rules.model, "-o", "json"]
    with ScratchFolder("nextrust-review-") as folder:
        inside = folder / "work"
        inside.mkdir()
        with contextlib.suppress(OSError):
            text = guide.read_text(encoding="utf-8", errors="replace")
            (inside / "GEMINI.md").write_text(redactor.text(text)[:_GUIDE], encoding="utf-8")
        (folder / "in").write_text(entry.text, encoding="utf-8")
        status = _run(command, inside, folder, _environment(environ, redactor), limit)
        out, err = _read(folder / "out"), _read(folder / "err")
    if status != 0:
        raise _failed(status, out, err, redactor)
    return parse(out, rules.model, redactor)


def parse(out: str, model: str, redactor: Redactor) -> ModelReply:
    """A ModelReply from what the CLI printed with exit status 0. Raises ExternalError for all but one object."""
    try:
        plain = json.loads(out)
    except (ValueError, RecursionError) as error:
        raise _unusable("it is not JSON") from error
    if not isinstance(plain, dict):
        raise _unusable("it is no JSON object")
    if plain.get("error"):
        raise _unusable(f"it holds an error: {_message(plain, redactor)}")
    text = plain.get("response")
    if not isinstance(text, str) or not text.strip():
        raise _unusable("no response in it")
    names, usage = _used(plain.get("stats"))
    session = plain.get("session_id")
    return ModelReply(
        text=text,
        # Several: the CLI asked helpers too, and no one price holds.
        model=names[0] if len(names) == 1 else "+".join(names) or model,
        via="gemini-cli",
        response_id=session if isinstance(session, str) else "",
        usage=usage,
    )


def _run(command: list[str], inside: Path, folder: Path, environ: Mapping[str, str], limit: float) -> int:
    with (folder / "in").open("rb") as given, (folder / "out").open("wb") as out, (folder / "err").open("wb") as err:
        try:
            process = subprocess.Popen(
                command, cwd=inside, env=environ, stdin=given, stdout=out, stderr=err, start_new_session=True
            )
        except OSError as error:
            return 127 if isinstance(error, FileNotFoundError) else 126
        try:
            return process.wait(timeout=limit)
        except subprocess.TimeoutExpired:
            raise ExternalError("Gemini CLI", f"did not end within {limit:.0f} s", kind="later", charged=True) from None
        finally:
            # All it started goes with it, also where this process is told to stop.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _environment(environ: Mapping[str, str], redactor: Redactor) -> dict[str, str]:
    own = {*KEYS, "GOOGLE_APPLICATION_CREDENTIALS"}
    others = {*VARIABLES, *redactor.names} - own
    kept = {name: value for name, value in environ.items() if name not in others}
    token = environ.get("GEMINI_TOKEN", "")
    if token and not environ.get("GEMINI_API_KEY"):
        kept["GEMINI_API_KEY"] = token
    return kept | {"GEMINI_CLI_TRUST_WORKSPACE": "true", "NO_COLOR": "1"}


def _read(file: Path) -> str:
    with file.open("rb") as stream:
        data = stream.read(_LARGEST + 1)
    if len(data) > _LARGEST:
        raise _unusable(f"longer than {_LARGEST} bytes")
    return data.decode("utf-8", "replace")


def _failed(status: int, out: str, err: str, redactor: Redactor) -> ExternalError:
    known = EXITS.get(status) or Exit(
        f"died of signal {-status}" if status < 0 else "ended with a status nobody knows", "later"
    )
    message = ""
    for text in (out, err):
        with contextlib.suppress(ValueError, RecursionError):
            message = message or _message(json.loads(text), redactor)
    lines = [line for line in redactor.text(err).splitlines() if line.strip()]
    reason = message or " ".join(lines[:3])[:300]
    return ExternalError(
        "Gemini CLI",
        f"{known.what} (exit status {status})" + (f": {reason}" if reason else ""),
        kind=known.kind,
        # It may have asked the model before it failed, unless it never got that far.
        charged=not known.broken,
        remedy=known.remedy,
    )


def _message(plain: object, redactor: Redactor) -> str:
    error = plain.get("error") if isinstance(plain, dict) else None
    message = error.get("message") if isinstance(error, dict) else None
    return redactor.text(message)[:300] if isinstance(message, str) else ""


def _unusable(why: str) -> ExternalError:
    return ExternalError("Gemini CLI", f"the answer cannot be used: {why}", kind="later", charged=True)


def _used(stats: object) -> tuple[list[str], Usage | None]:
    """Names of the models that were asked, and all their tokens together."""
    models = stats.get("models") if isinstance(stats, dict) else None
    names, total = [], [0, 0, 0, 0]
    for name, model in models.items() if isinstance(models, dict) else ():
        tokens = model.get("tokens") if isinstance(model, dict) else None
        if not isinstance(tokens, dict):
            continue
        names.append(name)
        thoughts = _count(tokens, "thoughts")
        given = _count(tokens, "prompt") + _count(tokens, "tool")
        for index, count in enumerate(
            (given, _count(tokens, "cached"), _count(tokens, "candidates") + thoughts, thoughts)
        ):
            total[index] += count
    if not names:
        return [], None
    return sorted(names), Usage(input=total[0], cached=total[1], output=total[2], reasoning=total[3])


def _count(table: Mapping[str, Any], name: str) -> int:
    value = table.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**12 else 0
