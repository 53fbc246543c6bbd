"""From an answer to a token and back: what is saved is what is found, and a search that is run again finds the same."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from pytest_nextrust.explore import store
from pytest_nextrust.explore.replay import replay, request_for, token_of
from pytest_nextrust.explore.token import LENGTH, decode
from tests.unit.explore import threads as code
from tests.unit.explore.test_worker import InProcess, explored

PING = "7028 4ab9 00004000 66f8 23fc 00000001 00004000 5380 66ea 4e75"
"""moveq #40,d0; wait until COUNTER is 0; make it 1; forty times"""
PONG = "7028 4ab9 00004000 67f8 42b9 00004000 5380 66ee 4e75"


def test_a_saved_program_is_found_with_its_settings(tmp_path: Path) -> None:
    """The file has the name of its hash, and the settings beside it make the same request again."""
    request = explored(code.LOST_UPDATE, signals=0)[0]
    path = store.save(tmp_path, request)
    assert path == tmp_path / f"{store.sha256(code.LOST_UPDATE).hex()}.macho"
    saved = store.find(path)
    assert (path.read_bytes(), saved.name, saved.build) == (code.LOST_UPDATE, "test", None)
    (settings,) = saved.settings
    again = store.request_of(code.LOST_UPDATE, settings, saved.name)
    assert store.settings_of(again) == store.settings_of(request)


@pytest.mark.parametrize("settings", [{}, {"method": "random"}])
def test_a_run_of_many_switches_is_searched_for_again(tmp_path: Path, settings: dict[str, object]) -> None:
    """Its switches do not fit into a token: the search does, and has every state that it needs to find the same."""
    program = code.concurrent({"thread_0": PING, "thread_1": PONG, "check": "7001 4e75"})
    request, answer = explored(program, **settings)
    assert answer.finding is not None
    text = token_of(request, answer.finding)
    token = decode(text)
    assert (len(text) <= LENGTH, token.slices) == (True, None)
    store.save(tmp_path, request)
    assert request_for(token, tmp_path).max_states > answer.states
    _, again = replay(InProcess(), text, tmp_path)
    assert again.finding == answer.finding


def test_a_run_of_few_switches_is_run_again(tmp_path: Path) -> None:
    """Nothing is searched for: the switches alone show the same."""
    request, answer = explored(code.LOST_UPDATE)
    assert answer.finding is not None
    store.save(tmp_path, request)
    repeated, again = replay(InProcess(), token_of(request, answer.finding), tmp_path)
    assert repeated.schedule == tuple((piece.thread, piece.instructions) for piece in answer.finding.slices)
    assert again.finding == dataclasses.replace(answer.finding, state=0)
