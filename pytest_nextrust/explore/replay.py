"""From an answer to a token, and from a token back to the same run.

A token names its program and settings by hash. The program is looked for among the saved ones, or given; the settings
beside it, or, for a program of the convention, made from it and the token. Anything of another hash is refused.

Boundary: the parent's side.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

from pytest_nextrust.errors import ConfigError, HarnessFault, UsageFault
from pytest_nextrust.explore import store
from pytest_nextrust.explore.answer import ExploreAnswer, Finding
from pytest_nextrust.explore.client import Caller, OnProgress, explore, rerun
from pytest_nextrust.explore.program import Build, build, conventional
from pytest_nextrust.explore.request import ExploreRequest
from pytest_nextrust.explore.token import HASH, LENGTH, SearchSettings, Token, decode, encode
from pytest_nextrust.project.compiler_flags import check_flags
from pytest_nextrust.toolchain.interface import language_of

__all__ = ["replay", "request_for", "token_of"]

SEARCH_SECONDS = 600.0


def token_of(request: ExploreRequest, finding: Finding) -> str:
    """The token of a finding: its switches, or the search where they do not fit."""
    token = Token(
        program=store.sha256(request.program)[:HASH],
        settings=store.settings_hash(request)[:HASH],
        kind=finding.kind,
        cpu=request.cpu,
        threads=len(request.threads) or finding.threads,
        signals=request.signals,
        nested=request.nested,
        loop=request.loop,
        daemons=request.daemons,
        slices=finding.slices,
        loop_from=finding.loop_from,
    )
    text = encode(token)
    if len(text) <= LENGTH:
        return text
    sampled = request.method != "graph"
    search = SearchSettings(
        method=request.method,
        reduce=request.reduce,
        seed=request.seed if sampled else 0,
        depth=request.depth if sampled else 0,
        schedules=request.schedules if sampled else 0,
        state=finding.state,
    )
    return encode(dataclasses.replace(token, slices=None, loop_from=-1, search=search))


def replay(
    machine: Caller,
    text: str,
    folder: Path,
    program: Path | None = None,
    on_progress: OnProgress = lambda _: None,
    *,
    may_build: bool = False,
) -> tuple[ExploreRequest, ExploreAnswer]:
    """Run what a token says again; the answer has the finding.

    ``may_build``: compile a program that is not there from the sources that its settings name. They may be a
    stranger's, so nothing is compiled unless the user says so, and then with the flags that scenarios may give.

    Raises UsageFault for a token that is damaged or of another program, and HarnessFault where the same program under
    the same settings does something else.
    """
    token = decode(text)
    request = request_for(token, folder, program, may_build=may_build)
    if token.search is None:
        slices = tuple((piece.thread, piece.instructions) for piece in token.slices or ())
        choices = tuple(piece.choices for piece in token.slices or ())
        request = dataclasses.replace(
            request, schedule=slices, choices=choices, loop_from=token.loop_from, kind=token.kind
        )
        return request, rerun(machine, request, on_progress)
    answer = explore(machine, request, on_progress)
    if answer.finding is None or (answer.finding.kind, answer.finding.state) != (token.kind, token.search.state):
        found = "nothing" if answer.finding is None else f"{answer.finding.kind} at {answer.finding.state}"
        raise HarnessFault("replay", f"the search found {found}, not {token.kind} at {token.search.state} as before")
    return request, answer


def request_for(token: Token, folder: Path, program: Path | None = None, *, may_build: bool = False) -> ExploreRequest:
    """The request that a token was made for. Raises UsageFault."""
    saved, data = _program(token, folder, program, may_build)
    for request in _candidates(token, saved, data):
        if store.settings_hash(request)[:HASH] == token.settings:
            break
    else:
        found = [store.settings_hash(request)[:HASH].hex() for request in _candidates(token, saved, data)]
        raise UsageFault(
            "TOKEN",
            f"made under settings {token.settings.hex()}; of this program there are {', '.join(found) or 'none'}",
            place=str(saved.path),
            remedy="keep the .json file that was saved beside the program with it",
        )
    search = token.search
    if search is None:
        return request
    return dataclasses.replace(
        request,
        method=search.method,
        reduce=search.reduce,
        seed=search.seed,
        depth=search.depth,
        schedules=search.schedules,
        max_seconds=SEARCH_SECONDS,
        max_states=1 << 40,
    )


def _program(token: Token, folder: Path, program: Path | None, may_build: bool) -> tuple[store.Saved, bytes]:
    wanted = token.program.hex()
    if program is not None:
        try:
            data = program.read_bytes()
        except OSError as error:
            raise UsageFault(
                "--program", f"cannot read: {error.strerror}", place=str(program), remedy="name the saved program"
            ) from error
        return store.find(program), _same(token, data, str(program))
    for path in sorted(folder.glob(f"{wanted}*.macho")):
        return store.find(path), _same(token, path.read_bytes(), str(path))
    described = next(iter(sorted(folder.glob(f"{wanted}*.json"))), None)
    if described is not None:
        saved = store.find(folder / (described.name.split(".")[0] + ".macho"))
        if saved.build is not None:
            return saved, _same(token, _rebuilt(saved.build, described, may_build), "built again from its sources")
    raise UsageFault(
        "TOKEN",
        f"its program {wanted}... is not there",
        place=str(folder),
        remedy="copy the saved .macho there, or give it by --program FILE",
    )


def _rebuilt(saved: Build, described: Path, may_build: bool) -> bytes:
    """Compile the program that a settings file says. Raises UsageFault, ToolchainError."""
    if not may_build:
        raise UsageFault(
            "TOKEN",
            f"its program is not there; {described.name} says that it was built of {', '.join(saved.sources)}",
            place=str(described.parent),
            remedy="where you trust those sources, compile them again: nextrust replay TOKEN --build",
        )
    language = language_of(tuple(Path(source) for source in saved.sources))
    check_flags(saved.flags, language, subject="saved settings", place=described)
    return build(saved)


def _same(token: Token, data: bytes, where: str) -> bytes:
    found = store.sha256(data)
    if found[:HASH] != token.program:
        raise UsageFault(
            "TOKEN",
            f"made of the program {token.program.hex()}..., and this is {found.hex()[: 2 * HASH]}...",
            place=where,
            remedy="give the program that was saved with the token",
        )
    return data


def _candidates(token: Token, saved: store.Saved, data: bytes) -> Iterator[ExploreRequest]:
    for settings in saved.settings:
        try:
            yield store.request_of(data, settings, saved.name)
        except (KeyError, TypeError, ConfigError):
            continue
    try:
        asked = conventional(
            data,
            token.cpu,
            name=saved.name,
            signals=token.signals,
            nested=token.nested,
            loop=token.loop,
            daemons=token.daemons,
        )
    except UsageFault:
        return
    yield from (dataclasses.replace(asked, spurious_wakeups=wake) for wake in (False, True))
