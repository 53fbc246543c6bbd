"""An assistant's hook events as frozen values: bytes of stdin in, one ``Event`` out, every fault of them named.

Both forms are read: that of July 2025 and that of August 2026, which adds ``permission_mode``, ``tool_use_id``,
``prompt_id`` and the event PostToolUseFailure. ``tool_args`` is taken where there is no ``tool_input``, and a
PostToolUse whose response carries a non-zero ``exit_code`` is handled as a failure: older scripts were written against
both. Keys that are not known are ignored; a key that matters and has another type is a fault; one that only informs is
left out and named in ``notes``.

Also here: what holds for each kind of event, whatever is in it: its hook, its time limit and the size of its log.

Boundary: says what happened, decides nothing. Sources: docs/hooks.md ("The events").
"""

from __future__ import annotations

import json

from pytest_nextrust.base.light_dataclass import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from pytest_nextrust.errors import ConfigError, Fault

__all__ = [
    "EVENTS",
    "FAILURE",
    "HOOKS",
    "LIMITS",
    "LOGS_KEPT",
    "LOG_SIZE",
    "Event",
    "event_name",
    "parse_event",
    "read_event",
]

PRE, POST, FAILURE, STOP, PROMPT = "PreToolUse", "PostToolUse", "PostToolUseFailure", "Stop", "UserPromptSubmit"
EVENTS = (PRE, POST, FAILURE, STOP, PROMPT)

HOOKS = {
    PRE: "nextrust_pre_tool_use",
    POST: "nextrust_post_tool_use",
    FAILURE: "nextrust_post_tool_use_failure",
    STOP: "nextrust_stop",
    PROMPT: "nextrust_user_prompt_submit",
}
"""The hook that each event calls: a function's name in a handler and in a plugin."""

LIMITS: Mapping[str, float] = {PRE: 90.0, POST: 300.0, FAILURE: 300.0, STOP: 60.0, PROMPT: 30.0}
"""Seconds an event may take where ``[hooks.limits]`` does not say otherwise."""

LOG_SIZE, LOGS_KEPT = 1_000_000, 5
"""Bytes at which an event's log is put aside, and how many of those are kept, where ``[hooks.logs]`` does not say."""

_ALIASES = {"pre": PRE, "post": POST, "failure": FAILURE, "prompt": PROMPT}
_TOOL_EVENTS = (PRE, POST, FAILURE)
_NEWER_KEYS = frozenset(
    (
        "permission_mode",
        "tool_use_id",
        "prompt_id",
        "effort",
        "agent_id",
        "agent_type",
        "duration_ms",
        "is_interrupt",
        "last_assistant_message",
        "background_tasks",
        "session_crons",
    )
)
_REMEDY = "see the assistant's hook reference for this event"
_EXIT = "Exit code "
LONGEST_NUMBER = 400
"""Digits: nothing an assistant counts needs more, and converting a longer one takes quadratic time."""

LONGEST_NAME = 4096
"""Characters of an id, a tool's name or a path (PATH_MAX of Linux): what is longer is none."""


_NOTHING: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Event:
    """One event. ``handled_as`` names the handlers it goes to: an old PostToolUse that failed goes to the failure's.

    ``form`` is ``2025-07`` or ``2026-08``; ``identity`` is the assistant's own id of the event, empty where it gives
    none (then a repeat cannot be told from doing the same again).
    """

    name: str
    handled_as: str
    form: str
    session_id: str = ""
    transcript_path: str = ""
    cwd: str = ""
    permission_mode: str = ""
    prompt_id: str = ""
    agent_id: str = ""
    tool_name: str = ""
    tool_input: Mapping[str, Any] = _NOTHING
    tool_response: Any = None
    tool_use_id: str = ""
    error: str = ""
    is_interrupt: bool = False
    duration_ms: float | None = None
    prompt: str = ""
    stop_hook_active: bool = False
    last_assistant_message: str = ""
    identity: str = ""
    notes: tuple[str, ...] = ()

    @property
    def command(self) -> str:
        """The shell command of a Bash call; empty for anything else."""
        return self._input("command") if self.tool_name == "Bash" else ""

    @property
    def file_path(self) -> str:
        """The file a Write, Edit or NotebookEdit call touches; empty for anything else."""
        return self._input("file_path") or self._input("notebook_path")

    @property
    def exit_status(self) -> int | None:
        """The exit status of a tool that failed; None where it did not, or where the event does not say."""
        first = self.error.lstrip().partition("\n")[0].strip()
        code = first.removeprefix(_EXIT).strip(" :.")
        if first.startswith(_EXIT) and code.isascii() and code.isdigit() and len(code) < 6:
            return int(code)
        return _exit_code(self.tool_response) or None

    def _input(self, key: str) -> str:
        value = self.tool_input.get(key)
        return value if isinstance(value, str) else ""


def event_name(text: str) -> str | None:
    """The event meant by ``PreToolUse``, ``pre-tool-use``, ``pre_tool_use`` or ``pre``; None for anything else."""
    plain = text.replace("-", "").replace("_", "").lower()
    return next((name for name in EVENTS if name.lower() == plain), _ALIASES.get(plain))


def parse_event(data: bytes, wanted: str) -> Event:
    """Read what an assistant wrote to stdin for the event ``wanted`` (one of EVENTS).

    Raises ConfigError with every fault: not UTF-8, not JSON, nested too deeply, no object, a key of another type.
    """
    table = _load(data)
    reader = _Reader(table)
    name = table.get("hook_event_name", wanted)
    if name != wanted:
        reader.fault("hook_event_name", f"{_shown(name)}, and the command was called for {wanted}", "mend the settings")
    values: dict[str, Any] = {}
    for key in ("session_id", "transcript_path", "cwd", "permission_mode", "prompt_id", "agent_id", "tool_use_id"):
        values[key] = reader.name(key)
    if wanted in _TOOL_EVENTS:
        values |= _tool(reader)
    if wanted == FAILURE:
        values |= {"error": reader.needed("error"), "is_interrupt": reader.flag("is_interrupt")}
    if wanted == PROMPT:
        values["prompt"] = reader.needed("prompt")
    if wanted == STOP:
        values["stop_hook_active"] = reader.flag("stop_hook_active")
        values["last_assistant_message"] = reader.text("last_assistant_message")
    if reader.faults:
        from pytest_nextrust.errors import ConfigError

        raise ConfigError("hook event", reader.faults, place=wanted)
    failed = wanted == POST and _exit_code(values["tool_response"]) != 0
    return Event(
        name=wanted,
        handled_as=FAILURE if failed else wanted,
        form="2026-08" if _NEWER_KEYS & table.keys() or wanted == FAILURE else "2025-07",
        duration_ms=reader.number("duration_ms"),
        identity=values["tool_use_id"] or (values["prompt_id"] and f"{values['prompt_id']}:{_digest(data)}"),
        notes=tuple(reader.notes),
        **values,
    )


def read_event(data: bytes, wanted: str) -> Event | ConfigError:
    """The event, or what ``parse_event`` raised: a fault is answered once the project's settings are known."""
    try:
        return parse_event(data, wanted)
    except _config_error() as error:
        return error


def _config_error() -> type[ConfigError]:
    """What ``except`` asks for when something was raised: until then ``errors`` is not needed."""
    from pytest_nextrust.errors import ConfigError

    return ConfigError


def _digest(data: bytes) -> str:
    import hashlib

    return hashlib.sha256(data).hexdigest()


def _load(data: bytes) -> dict[str, Any]:
    fault: tuple[str, str, str]
    try:
        table = json.loads(data.decode("utf-8").removeprefix("\ufeff"), parse_constant=_no_constant, parse_int=_integer)
        if b"\\ud" in data or b"\\uD" in data:
            table = _whole_characters(table)
    except UnicodeDecodeError as error:
        fault = (f"(byte {error.start})", "not UTF-8", "an event is UTF-8 JSON")
    except RecursionError:
        fault = ("(document)", "nested too deeply", "no event nests as deep")
    except ValueError as error:
        fault = ("(document)", f"not JSON: {str(error)[:200]}" if data.strip() else "empty", _REMEDY)
    else:
        if isinstance(table, dict):
            return table
        fault = ("(document)", f"not an object but {_shown(table)}", _REMEDY)
    from pytest_nextrust.errors import ConfigError, Fault

    raise ConfigError("hook event", [Fault(*fault)], place="stdin")


def _whole_characters(table: Any) -> Any:
    """``table`` with U+FFFD for every half of a surrogate pair: no file, database or command takes such a text."""
    text = json.dumps(table, ensure_ascii=False)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return json.loads(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))
    return table


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


def _integer(digits: str) -> int:
    if len(digits) > LONGEST_NUMBER:
        raise ValueError(f"a number of {len(digits)} digits")
    return int(digits)


def _shown(value: object) -> str:
    """A short name for a value of unknown size."""
    if isinstance(value, (str, int, float, bool)) or value is None:
        return repr(value[:60]) if isinstance(value, str) else repr(value)[:60]
    return "an array" if isinstance(value, list) else "an object"


def _tool(reader: _Reader) -> dict[str, Any]:
    key = "tool_input" if "tool_input" in reader.table or "tool_args" not in reader.table else "tool_args"
    given = reader.table.get(key)
    if not isinstance(given, dict):
        reader.fault(key, "missing" if key not in reader.table else f"not an object but {_shown(given)}")
        given = {}
    name = reader.needed("tool_name", LONGEST_NAME)
    if name == "Bash" and not isinstance(given.get("command"), str):
        reader.fault(f"{key}.command", f"not a string but {_shown(given.get('command'))}")
    for path in ("file_path", "notebook_path"):
        if path in given and not isinstance(given[path], str):
            reader.fault(f"{key}.{path}", f"not a string but {_shown(given[path])}")
    return {"tool_name": name, "tool_input": given, "tool_response": reader.table.get("tool_response")}


def _exit_code(response: object) -> int:
    """The exit code a response of the older scripts carries; 0 where there is none."""
    code = response.get("exit_code", 0) if isinstance(response, dict) else 0
    if isinstance(code, str) and code.isascii() and code.isdigit() and len(code) < 6:
        return int(code)
    return code if isinstance(code, int) else 0


class _Reader:
    """Takes known keys out of one event; collects faults and notes."""

    def __init__(self, table: Mapping[str, Any]) -> None:
        self.table = table
        self.faults: list[Fault] = []
        self.notes: list[str] = []

    def fault(self, key: str, message: str, remedy: str = _REMEDY) -> None:
        from pytest_nextrust.errors import Fault

        self.faults.append(Fault(key, message, remedy))

    def needed(self, key: str, longest: float = float("inf")) -> str:
        value = self.table.get(key)
        if isinstance(value, str):
            if len(value) > longest:
                self.fault(key, f"{len(value)} characters, more than {longest}")
            return value
        self.fault(key, "missing" if key not in self.table else f"not a string but {_shown(value)}")
        return ""

    def text(self, key: str) -> str:
        return str(self._optional(key, str, ""))

    def name(self, key: str) -> str:
        """An id or a path; left out where it is too long to be one."""
        value = self.text(key)
        if len(value) <= LONGEST_NAME:
            return value
        self.notes.append(f"{key}: left out: {len(value)} characters")
        return ""

    def flag(self, key: str) -> bool:
        return bool(self._optional(key, bool, False))

    def number(self, key: str) -> float | None:
        value = self.table.get(key)
        if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e15:
            return float(value)
        self._optional(key, type(None), None)
        return None

    def _optional(self, key: str, kind: type, missing: Any) -> Any:
        value = self.table.get(key)
        if isinstance(value, kind):
            return value
        if value is not None:
            self.notes.append(f"{key}: left out: {_shown(value)}")
        return missing
