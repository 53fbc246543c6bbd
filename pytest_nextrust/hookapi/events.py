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

from pytest_nextrust.base.light_dataclass import dataclass, fits

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from pytest_nextrust.errors import ConfigError

    _Faults = list[tuple[str, str, str]]

__all__ = [
    "EVENTS",
    "FAILURE",
    "HOOKS",
    "INNER",
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

INNER = "PreSkillShellCommand"
"""A command that a skill or a slash command runs before the model is asked: a tool call in all but its name."""

_ALIASES = {INNER.lower(): PRE, "pre": PRE, "post": POST, "failure": FAILURE, "prompt": PROMPT}
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
_NOTICE = "<task-notification>"
_BACKGROUND = 'Background command "'
LONGEST_NUMBER = 400
"""Digits: nothing an assistant counts needs more, and converting a longer one takes quadratic time."""

LONGEST_NAME = 4096
"""Characters of an id, a tool's name or a path (PATH_MAX of Linux): what is longer is none."""

_LONGEST_TIME = 1e15
_NAMES = ("session_id", "transcript_path", "cwd", "permission_mode", "prompt_id", "agent_id", "tool_use_id")
_CALL = ("tool_input", "tool_name")
_NEEDED = {PRE: _CALL, POST: _CALL, FAILURE: (*_CALL, "error"), STOP: (), PROMPT: ("prompt",)}
"""The keys on which decisions rest, by event."""

_SHELL_TOOLS = ("Bash", "Monitor", "PowerShell")
"""Tools that are nothing without a command; others may carry one too."""

_NO_SHELL = ("apply_patch",)
"""Tools whose ``command`` is no command of a shell."""

_ANY = (*_NAMES, "duration_ms")
_INFORMING = {
    PRE: (*_ANY, "tool_response"),
    POST: (*_ANY, "tool_response"),
    FAILURE: (*_ANY, "tool_response", "is_interrupt"),
    STOP: (*_ANY, "stop_hook_active", "last_assistant_message"),
    PROMPT: _ANY,
}
"""The keys that only inform: what does not fit is left out."""

_NOTHING: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Event:
    """One event. ``handled_as`` names the handlers it goes to: an old PostToolUse that failed goes to the failure's.

    ``called`` is the assistant's own name for the event where that is another (``PreSkillShellCommand``). ``form`` is
    ``2025-07`` or ``2026-08``; ``identity`` is the assistant's own id of the event, empty where it gives none (then a
    second delivery looks like doing the same again). ``notification``: the state of a background task (``completed``,
    ``failed``, ...) where the assistant gives notice of one as a prompt, which nobody wrote; that of a failed command
    goes to the handlers of failures.
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
    called: str = ""
    notification: str = ""

    @property
    def delivery(self) -> str:
        """What tells this event from others: ``identity`` and a hash of the tool's name and input; empty without one.

        An assistant may give an id again, to another call: one that was let pass must not vouch for the next.
        """
        if not (self.identity and self.tool_name):
            return self.identity
        call = json.dumps([self.tool_name, self.tool_input], sort_keys=True, separators=(",", ":"))
        return f"{self.identity}:{_digest(call.encode())}"

    @property
    def command(self) -> str:
        """The shell command of a call, whatever the tool is called; empty where it carries none."""
        if self.tool_name in _NO_SHELL:
            return ""
        given = self.tool_input.get("command", self.tool_input.get("cmd"))
        if isinstance(given, list) and all(isinstance(word, str) for word in given):
            import shlex

            return shlex.join(given)
        return given if isinstance(given, str) else ""

    @property
    def language(self) -> str:
        """Whose command it is: ``bash``, for every POSIX shell, or ``powershell``."""
        return "powershell" if self.tool_name.lower() in ("powershell", "pwsh") else "bash"

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
    faults: _Faults = []
    notes: list[str] = []
    name = table.get("hook_event_name", wanted)
    if name != wanted and not (name == INNER and wanted == PRE):
        called = f"{_shown(name)}, and the command was called for {wanted}"
        faults.append(("hook_event_name", called, "mend the settings"))
    values = _values(table, wanted, faults, notes)
    if faults:
        raise _refused(faults, wanted)
    failed = wanted == POST and _exit_code(values.get("tool_response")) != 0
    notice = _notification(values) if wanted == PROMPT else ""
    failed = failed or (notice == "failed" and "tool_use_id" in values)
    use, prompt = values.get("tool_use_id", ""), values.get("prompt_id", "")
    return Event(
        name=wanted,
        handled_as=FAILURE if failed else wanted,
        form="2026-08" if _NEWER_KEYS & table.keys() or wanted == FAILURE else "2025-07",
        identity=use or (prompt and f"{prompt}:{_digest(data)}"),
        notes=tuple(notes),
        notification=notice,
        called=INNER if name == INNER else "",
        **values,
    )


def _notification(values: dict[str, Any]) -> str:
    """The state in a background task's notice; of a command that failed, ``values`` gets what a failed call has."""
    text = values.get("prompt", "").strip()
    if not (text.startswith(_NOTICE) and text.endswith(_NOTICE.replace("<", "</"))):
        return ""
    state, summary = _tagged(text, "status"), _tagged(text, "summary")
    if state == "failed" and summary.startswith(_BACKGROUND):
        described, _, why = summary.removeprefix(_BACKGROUND).rpartition('" failed')
        code = why.rpartition(" ")[2]
        status = f"{_EXIT}{code}\n" if code.isdigit() else ""
        values |= {
            "tool_name": "Bash",
            "tool_use_id": _tagged(text, "tool-use-id")[:LONGEST_NAME],
            "tool_input": {"command": described, "output_file": _tagged(text, "output-file")},
            "error": f"{status}{summary}",
        }
    return state


def _tagged(text: str, name: str) -> str:
    return text.partition(f"<{name}>")[2].partition(f"</{name}>")[0].strip()


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
        fault = ("(document)", f"expected an object, found {_shown(table)}", _REMEDY)
    raise _refused([fault], "stdin")


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
    from pytest_nextrust.base.convert import shown

    return shown(value)


def _refused(faults: _Faults, place: str) -> ConfigError:
    from pytest_nextrust.errors import ConfigError, Fault

    return ConfigError("hook event", [Fault(*fault) for fault in faults], place=place)


def _values(table: Mapping[str, Any], wanted: str, faults: _Faults, notes: list[str]) -> dict[str, Any]:
    """The values that the event has; what does not fit goes into ``faults`` or, where it only informs, ``notes``."""
    needed = _NEEDED[wanted]
    source = {key: key for key in (*needed, *_INFORMING[wanted])}
    if "tool_input" not in table and "tool_args" in table:
        source["tool_input"] = "tool_args"
    values = {key: table[name] for key, name in source.items() if name in table}
    values = {key: value for key, value in values.items() if key in needed or value is not None}
    faults += [(source[key], "missing", _REMEDY) for key in needed if key not in values]
    if type(values.get("duration_ms")) is int and values["duration_ms"] < _LONGEST_TIME:
        values["duration_ms"] = float(values["duration_ms"])
    unfit: _Faults = []
    if not fits(Event, values):
        # What an assistant writes fits, and a decision has no time to load the reader for it.
        from pytest_nextrust.base.convert import read_fields

        values, found = read_fields(Event, values)
        unfit = [(key, message, _REMEDY) for key, message, _ in found]
    unfit += _too_large(values)
    faults += [(source[key], message, remedy) for key, message, remedy in unfit if key in needed]
    notes += [f"{key}: left out: {message}" for key, message, _ in unfit if key not in needed]
    faults += _call_faults(source.get("tool_input", ""), values)
    return values


def _too_large(values: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Take away what nothing of its kind can be: a name too long to be one, a time longer than any."""
    for key in (*_NAMES, "tool_name"):
        if len(values.get(key, "")) > LONGEST_NAME:
            yield key, f"{len(values.pop(key))} characters", f"at most {LONGEST_NAME}"
    if not abs(values.get("duration_ms", 0.0)) < _LONGEST_TIME:
        yield "duration_ms", f"found {values.pop('duration_ms')}", ""


def _call_faults(key: str, values: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """What a decision rests on in a tool's input, of which each tool has its own keys."""
    given = values.get("tool_input")
    if given is None:
        return
    texts = ["command"] if values.get("tool_name") in _SHELL_TOOLS else []
    texts += [name for name in ("file_path", "notebook_path") if name in given]
    for name in texts:
        if not isinstance(given.get(name), str):
            yield f"{key}.{name}", f"expected a string, found {_shown(given.get(name))}", _REMEDY


def _exit_code(response: object) -> int:
    """The exit code a response of the older scripts carries; 0 where there is none."""
    code = response.get("exit_code", 0) if isinstance(response, dict) else 0
    if isinstance(code, str) and code.isascii() and code.isdigit() and len(code) < 6:
        return int(code)
    return code if isinstance(code, int) else 0
