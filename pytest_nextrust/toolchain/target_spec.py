"""A rustc target specification: every fault in it at once, each with its mend for the compiler at hand.

rustc names the first fault and stops, and takes some that it should not: a CPU that it does not know is passed over, a
wrong ``arch`` ends in a crash when the first function is compiled. So the document is held against what the compiler
says of itself (``target_facts``): its schema, and its own m68k target, from which missing and wrong values are mended.
Then the compiler is asked about the mended document, and what it still has against it is a fault too.

Boundary: judges and mends; using it is the toolchain's. Sources: the schema; ``compiler/rustc_target/src/spec/json.rs``
of several releases for keys that were renamed; NeXT's ABI (big-endian, 32 bits) and what links here (GNU ld, ELF).
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pytest_nextrust.errors import ConfigError, Fault, UsageFault
from pytest_nextrust.toolchain.target_facts import IGNORED, TargetFacts

__all__ = ["REMOVED", "ExaminedTarget", "TargetFault", "examine", "judge", "mend", "read"]

SUBJECT = "target specification"
LARGEST = 1 << 20
"""Bytes; the compiler's own have some thousands."""

REMOVED = object()
"""The mend of a key that is to go."""

MOST_TRIES = 40
"""How often the compiler is asked about a document, where each answer names one fault."""

RENAMED: Mapping[str, str] = MappingProxyType(
    {
        "default-hidden-visibility": "default-visibility",
        "eliminate-frame-pointer": "frame-pointer",
        "has-elf-tls": "has-thread-local",
        "is-like-osx": "is-like-darwin",
        "no-compiler-rt": "",
        "post-link-objects-crt": "post-link-objects-fallback",
        "pre-link-objects-crt": "pre-link-objects-fallback",
        "pre-link-objects-exe": "pre-link-objects",
        "pre-link-objects-exe-crt": "pre-link-objects-fallback",
        "target-abi": "abi",
        "target-env": "env",
        "target-os": "os",
        "target-vendor": "vendor",
        "target-word-size": "target-pointer-width",
    }
)
"""Keys of earlier releases and what they are called today."""

GONE = frozenset(
    {
        "abi-blacklist",
        "custom-unwind-resume",
        "exe-allocation-crate",
        "is-builtin",
        "is-like-emscripten",
        "is-like-fuchsia",
        "is-like-openbsd",
        "lib-allocation-crate",
        "morestack",
        "no-compiler-rt",
        "unsupported-abis",
    }
)
"""Keys that earlier releases read, of which nothing is left."""

FOREIGN = ("is-like-aix", "is-like-darwin", "is-like-msvc", "is-like-wasm", "is-like-windows")
"""What makes rustc leave the ELF objects that are linked here."""

FLAVORS = ("gnu", "gnu-cc", "unix", "unix-cc", "gcc", "ld")
"""Linker flavors that fit GNU ld; the last two are the names they had."""

ATOMIC_WIDTHS = (0, 8, 16, 32)
"""Bits of what one instruction of these CPUs changes indivisibly (``cas``). ``cas2`` is not emitted by LLVM."""

FIXED = ("arch", "target-endian", "target-pointer-width", "data-layout")
"""Keys whose value is the machine's: another one than that of the compiler's own target is wrong."""


@dataclass(frozen=True)
class TargetFault:
    """One thing wrong with ``key`` (dotted where it lies deeper), and the values that mend it, by top-level key."""

    key: str
    message: str
    remedy: str
    changes: tuple[tuple[str, Any], ...] = ()

    @property
    def fault(self) -> Fault:
        """As errors and answers have it."""
        return Fault(self.key, self.message, self.remedy)


@dataclass(frozen=True)
class ExaminedTarget:
    """A document with its faults, and the document without them."""

    faults: tuple[TargetFault, ...]
    document: dict[str, Any]

    @property
    def text(self) -> str:
        """The mended document as a file holds it."""
        return json.dumps(self.document, indent=2, sort_keys=True) + "\n"

    def require_sound(self, place: str) -> None:
        """Raise ConfigError, with every fault, where there is one."""
        if self.faults:
            raise ConfigError(SUBJECT, [fault.fault for fault in self.faults], place=place)


def read(path: Path) -> tuple[dict[str, Any], tuple[TargetFault, ...]]:
    """The document in a file, and the keys that it has twice. Raises UsageFault for a file that holds none."""
    remedy = "name a JSON file: rustc -Zunstable-options --print target-spec-json --target m68k-unknown-none-elf"
    try:
        if not path.is_file():
            fault = "is a folder" if path.is_dir() else "not a file" if path.exists() else "no such file"
            raise UsageFault("--target", fault, place=str(path), remedy=remedy)
        data = path.read_bytes()
    except OSError as error:
        raise UsageFault("--target", f"cannot read: {error.strerror}", place=str(path), remedy=remedy) from error
    if path.suffix != ".json":
        # Else rustc takes it for the name of a target that it should have itself.
        raise UsageFault("--target", "its name does not end in .json", place=str(path), remedy="rename it")
    twice: list[str] = []

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        names = [name for name, _ in pairs]
        twice.extend(dict.fromkeys(name for name in names if names.count(name) > 1))
        return dict(pairs)

    try:
        if len(data) > LARGEST:
            raise ValueError(f"{len(data)} bytes are no target specification")
        document = json.loads(data.decode("utf-8-sig"), object_pairs_hook=unique)
    except (ValueError, RecursionError) as error:
        raise UsageFault("--target", f"not JSON: {error}", place=str(path), remedy=remedy) from error
    if not isinstance(document, dict):
        raise UsageFault("--target", "not a JSON object", place=str(path), remedy=remedy)
    faults = (TargetFault(key, "is there twice", "keep one: the last is kept here") for key in dict.fromkeys(twice))
    return document, tuple(faults)


def judge(document: Mapping[str, Any], facts: TargetFacts) -> Iterator[TargetFault]:
    """Every fault that can be told without trying the document."""
    found = list(_by_schema(document, facts))
    # A value in the right form may still be a wrong one: then that is what the fault's mend must see to.
    for fault in _by_machine(mend(document, tuple(found)), facts):
        place = next((at for at, each in enumerate(found) if fault.key in dict(each.changes)), None)
        if place is None:
            found.append(fault)
        else:
            changes = {**dict(found[place].changes), **dict(fault.changes)}
            found[place] = replace(found[place], remedy=fault.remedy, changes=tuple(changes.items()))
    yield from found


def mend(document: Mapping[str, Any], faults: tuple[TargetFault, ...]) -> dict[str, Any]:
    """The document with every change that its faults name."""
    out = dict(document)
    for fault in faults:
        for key, value in fault.changes:
            if value is REMOVED:
                out.pop(key, None)
            else:
                out[key] = value
    return out


def examine(
    document: Mapping[str, Any],
    facts: TargetFacts,
    refusal: Callable[[Mapping[str, Any]], tuple[str, ...]],
    known: tuple[TargetFault, ...] = (),
) -> ExaminedTarget:
    """All faults of a document, and the mended one, which the compiler takes.

    ``refusal`` asks the compiler what it has against a document. Raises UsageFault where no mend satisfies it.
    """
    faults = [*known, *judge(document, facts)]
    out = mend(document, tuple(faults))
    for _ in range(MOST_TRIES):
        words = refusal(out)
        if not words:
            return ExaminedTarget(tuple(faults), out)
        more = [_told(word, out, facts) for word in words]
        if not any(fault.changes for fault in more):
            more = _blamed(words, out, facts, refusal)
        changed = mend(out, tuple(more))
        faults += more
        if changed == out:
            break
        out = changed
    listed = "; ".join(dict.fromkeys(str(fault.fault) for fault in faults))
    remedy = "begin with what rustc -Zunstable-options --print target-spec-json prints"
    raise UsageFault("--target", f"no mend of it is taken by {facts.release}: {listed}", remedy=remedy)


def _blamed(
    words: tuple[str, ...],
    document: Mapping[str, Any],
    facts: TargetFacts,
    refusal: Callable[[Mapping[str, Any]], tuple[str, ...]],
) -> list[TargetFault]:
    """The one key without which the compiler takes a document, where it does not say what it has against it."""
    message = f"{facts.release} says: {'; '.join(words)}"
    for key in document:
        without = {name: value for name, value in document.items() if name != key}
        if key not in facts.own and not refusal(without):
            return [TargetFault(key, message, "leave it out", ((key, REMOVED),))]
    return [TargetFault("(document)", message, "")]


# -- by the compiler's schema ------------------------------------------------------------------------------------------


def _by_schema(document: Mapping[str, Any], facts: TargetFacts) -> Iterator[TargetFault]:
    """Unknown keys, missing ones, wrong types and values, as far as the compiler tells its schema."""
    if not facts.schema:
        return
    for key in document:
        if key not in facts.keys:
            yield _unknown(key, document, facts)
    for key in facts.schema.get("required", ()):
        if key not in document and not _renamed_to(key, document):
            yield _missing(key, facts)
    for key, value in document.items():
        if key in facts.keys:
            yield from _wrong_value(key, value, facts)


def _renamed_to(key: str, document: Mapping[str, Any]) -> bool:
    return any(RENAMED.get(old) == key for old in document)


def _missing(key: str, facts: TargetFacts) -> TargetFault:
    value = facts.own.get(key)
    return TargetFault(key, f"is missing, and {facts.release} needs it", _write(key, value), ((key, value),))


def _unknown(key: str, document: Mapping[str, Any], facts: TargetFacts) -> TargetFault:
    """A key that the compiler does not read: renamed, gone, spelled wrongly, or nothing it ever had."""
    away = (key, REMOVED)
    names = [RENAMED.get(key, ""), *(old for old, new in RENAMED.items() if new == key)]
    new = next((name for name in names if name and name in facts.keys), "")
    if not new and key not in GONE:
        spelled = key.strip().lower().replace("_", "-")
        close = [spelled] if spelled in facts.keys else difflib.get_close_matches(spelled, facts.keys, 1, 0.8)
        new = close[0] if close else ""
        message = f"{facts.release} reads no such key"
    else:
        message = f"an earlier or later release's key, which {facts.release} does not read"
    if not new or new in document:
        remedy = f"leave it out; {new} is there" if new else "leave it out"
        return TargetFault(key, message, remedy, (away,))
    value = _value_after_renaming(key, new, document[key], facts)
    if value is REMOVED:
        return TargetFault(key, message, f"leave it out; it is {new} now, with another meaning", (away,))
    return TargetFault(key, message, f"it is {new} now: {_write(new, value)}", (away, (new, value)))


def _value_after_renaming(old: str, new: str, value: Any, facts: TargetFacts) -> Any:
    if old == "eliminate-frame-pointer":
        return "may-omit" if value is True else "always"
    if old == "default-hidden-visibility":
        return "hidden" if value is True else REMOVED
    found = value if _accepts(new, value, facts) else _converted(new, value, facts)
    return REMOVED if found is None else found


def _wrong_value(key: str, value: Any, facts: TargetFacts) -> Iterator[TargetFault]:
    """The first reason for which a value is refused; the others are reasons of the same fault."""
    error = next(_errors(key, value, facts), None)
    if error is None:
        return
    place = ".".join([key, *map(str, error.absolute_path)])
    mended = _converted(key, value, facts)
    changes: tuple[tuple[str, Any], ...]
    if mended is None and key in facts.own and _accepts(key, facts.own[key], facts):
        mended = facts.own[key]
    if mended is None:
        yield TargetFault(place, _reason(value, error), "leave it out", ((key, REMOVED),))
        return
    changes = ((key, mended),)
    yield TargetFault(place, _reason(value, error), _write(key, mended), changes)


def _reason(value: Any, error: Any) -> str:
    text = str(error.message)
    shown = json.dumps(error.instance)
    if error.validator == "type":
        wanted = error.validator_value
        names = [name for name in ([wanted] if isinstance(wanted, str) else wanted) if name != "null"]
        return f"{shown} is of the wrong type: {' or '.join(names)} is read"
    choices = _choices(error)
    if choices:
        return f"{shown} is none of {', '.join(choices)}"
    return text if len(text) < 200 else f"{json.dumps(value)[:80]} is not what is read"


def _choices(error: Any) -> list[str]:
    """The values that a refused one could have been, where they can be counted."""
    found: list[str] = []
    for each in (error, *(error.context or ())):
        if each.validator == "enum":
            found += map(str, each.validator_value)
        elif each.validator == "const":
            found.append(str(each.validator_value))
    return found


def _write(key: str, value: Any) -> str:
    return f'write "{key}": {json.dumps(value)}'


def _property(key: str, facts: TargetFacts) -> dict[str, Any]:
    return {**facts.schema["properties"][key], "$defs": facts.schema.get("$defs", {})}


def _errors(key: str, value: Any, facts: TargetFacts) -> Iterator[Any]:
    try:
        from jsonschema import Draft202012Validator
    except ImportError:
        # What the compiler itself says, one fault after the other, is left then.
        return
    yield from Draft202012Validator(_property(key, facts)).iter_errors(value)


def _accepts(key: str, value: Any, facts: TargetFacts) -> bool:
    return next(_errors(key, value, facts), None) is None


def _converted(key: str, value: Any, facts: TargetFacts) -> Any:
    """The value in the form that the compiler reads, where one is meant without doubt; else None."""
    for candidate in _forms(value):
        if _accepts(key, candidate, facts):
            return candidate
    return None


def _forms(value: Any) -> Iterator[Any]:
    """Other forms of a value, the likeliest first."""
    if isinstance(value, bool):
        yield from (str(value).lower(), {"kind": "inline" if value else "none"})
    elif isinstance(value, int):
        yield str(value)
    elif isinstance(value, str):
        text = value.strip()
        if text.isascii() and text.isdigit() and len(text) < 10:
            yield int(text)
        if text.lower() in ("true", "yes", "false", "no"):
            yield text.lower() in ("true", "yes")
        yield from (text.lower(), text.lower().replace("_", "-"), text.lower().replace("macho", "mach-o"))
        yield from (text.split(), {"kind": text})
    elif isinstance(value, list) and len(value) == 1:
        yield value[0]
    elif isinstance(value, list) and all(isinstance(word, str) for word in value):
        yield " ".join(value)
        yield {"gnu-cc": value}


# -- by what runs and links it -----------------------------------------------------------------------------------------


def _by_machine(document: Mapping[str, Any], facts: TargetFacts) -> Iterator[TargetFault]:
    """What a compiler may take and a NeXT's CPU, its back end or the linker does not."""
    own = facts.own
    for key in FIXED:
        # Endianness is little where nothing is said.
        given = document.get(key, "little" if key == "target-endian" else own.get(key))
        if given != own.get(key):
            value = own[key]
            where = (
                "is missing, which means little" if key not in document else f"{json.dumps(given)} is not the m68k's"
            )
            yield TargetFault(key, where, _write(key, value), ((key, value),))
    llvm = document.get("llvm-target", own.get("llvm-target"))
    if isinstance(llvm, str) and llvm.partition("-")[0] != str(own.get("llvm-target")).partition("-")[0]:
        message = f"{json.dumps(llvm)} is not a triple of LLVM's m68k back end"
        yield _own_value("llvm-target", message, facts)
    yield from _processor(document, facts)
    if document.get("panic-strategy", "unwind") == "unwind":
        given = "is missing, which means unwind" if "panic-strategy" not in document else '"unwind" cannot be had'
        message = f"{given}: nothing here unwinds a stack, and core is built to abort"
        yield TargetFault("panic-strategy", message, _write("panic-strategy", "abort"), (("panic-strategy", "abort"),))
    yield from _linking(document, facts)
    width = document.get("max-atomic-width")
    if isinstance(width, int) and width not in ATOMIC_WIDTHS:
        message = f"{width} bits: the m68k's cas changes 8, 16 or 32 at once, and LLVM emits no cas2"
        mended = 32 if width > 32 else max(each for each in ATOMIC_WIDTHS if each <= max(width, 0))
        yield TargetFault(
            "max-atomic-width", message, _write("max-atomic-width", mended), (("max-atomic-width", mended),)
        )
    if document.get("target-c-int-width", 32) != 32:
        message = f"{json.dumps(document['target-c-int-width'])} bits: a C int of NeXT's compilers has 32"
        yield TargetFault("target-c-int-width", message, "leave it out", (("target-c-int-width", REMOVED),))


def _processor(document: Mapping[str, Any], facts: TargetFacts) -> Iterator[TargetFault]:
    cpu = document.get("cpu")
    if isinstance(cpu, str) and facts.cpus and cpu not in facts.cpus:
        digits = cpu.upper().removeprefix("MC").removeprefix("M")
        meant = f"M{digits}" if f"M{digits}" in facts.cpus else "M68030"
        listed = ", ".join(name for name in facts.cpus if name != "generic")
        message = f"{json.dumps(cpu)} is no CPU of this back end, which passes it over: {listed}"
        yield TargetFault("cpu", message, _write("cpu", meant), (("cpu", meant),))
    features = document.get("features")
    if isinstance(features, str) and facts.features:
        words = [word.strip() for word in features.split(",") if word.strip()]
        bad = [word for word in words if word[1:] not in facts.features or word[0] not in "+-"]
        if bad:
            kept = ",".join(word for word in words if word not in bad)
            message = f"{', '.join(bad)}: no features of this back end"
            change = kept or REMOVED
            yield TargetFault(
                "features", message, _write("features", kept) if kept else "leave it out", (("features", change),)
            )


def _linking(document: Mapping[str, Any], facts: TargetFacts) -> Iterator[TargetFault]:
    flavor = document.get("linker-flavor")
    if isinstance(flavor, str) and flavor not in FLAVORS:
        yield _own_value("linker-flavor", f"{json.dumps(flavor)} does not fit GNU ld, which links for the m68k", facts)
    for key in FOREIGN:
        if document.get(key) is True:
            message = "the m68k's objects are linked as ELF"
            yield TargetFault(key, message, "leave it out", ((key, REMOVED),))
    for key, right in (("binary-format", "elf"), ("archive-format", "gnu")):
        if document.get(key) not in (None, right):
            message = f"{json.dumps(document[key])}: LLVM's m68k back end writes ELF, and GNU ld reads it"
            yield TargetFault(key, message, "leave it out", ((key, REMOVED),))
    if document.get("obj-is-bitcode") is True:
        yield TargetFault("obj-is-bitcode", "GNU ld links no bitcode", "leave it out", (("obj-is-bitcode", REMOVED),))


def _own_value(key: str, message: str, facts: TargetFacts) -> TargetFault:
    value = facts.own[key]
    return TargetFault(key, message, _write(key, value), ((key, value),))


# -- by what the compiler says -----------------------------------------------------------------------------------------


def _told(words: str, document: Mapping[str, Any], facts: TargetFacts) -> TargetFault:
    """A refusal in the compiler's words, with the mend that the key it names has."""
    key = next((name for name in document if words.startswith(f"{name}:")), "")
    if not key and words.startswith("missing field `"):
        missing = words.split("`")[1]
        if missing in facts.own:
            return _missing(missing, facts)
    if not key:
        # "`is_like_darwin` must be set ...": by the key it names first, with either spelling.
        spelled = words.replace("_", "-")
        key = min(
            (name for name in document if f"`{name}`" in spelled or f'"{name}"' in spelled),
            key=spelled.index,
            default="",
        )
    passed_over = words.partition("'")[2].partition("'")[0]
    if not key and words.endswith(IGNORED):
        key = "features" if passed_over[:1] in ("+", "-") else "cpu"
    if key not in document:
        return TargetFault("(document)", f"{facts.release} says: {words}", "")
    value = facts.own.get(key, REMOVED)
    if key == "features":
        kept = [word for word in str(document[key]).split(",") if word.strip() != passed_over]
        value = ",".join(kept) or REMOVED
    elif isinstance(document[key], str) and "expected u" in words and document[key].isdigit():
        value = int(document[key])
    if value == document[key]:
        value = REMOVED
    remedy = "leave it out" if value is REMOVED else _write(key, value)
    said = words.removeprefix(f"{key}:").split(", expected one of `")[0].strip()
    return TargetFault(key, f"{facts.release} says: {said}", remedy, ((key, value),))
