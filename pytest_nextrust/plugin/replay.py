"""``--nextrust-replay TOKEN``: one item, which runs the failing exploration again and fails with its trace.

Boundary: pytest's side of ``explore.replay``.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_nextrust.errors import NextrustError, UsageFault
from pytest_nextrust.explore import store, text
from pytest_nextrust.explore.replay import replay
from pytest_nextrust.explore.token import decode

__all__ = ["Replay", "ReplayItem", "check_token"]


def check_token(token: str) -> None:
    """Raise UsageError for what is no token."""
    try:
        decode(token)
    except UsageFault as error:
        raise pytest.UsageError(f"--nextrust-replay: {error}") from None


class Replay:
    """Collects the replay in place of everything else."""

    def __init__(self, token: str, root: Path) -> None:
        self.token = token
        self.root = root

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self, session: pytest.Session) -> bool:
        item: pytest.Item = ReplayItem.from_parent(
            session, name=f"replay::{self.token}", token=self.token, root=self.root
        )
        session.items = [item]
        session.testscollected = 1
        session.config.hook.pytest_collection_finish(session=session)
        return True


class ReplayItem(pytest.Item):
    """The run that a token describes."""

    def __init__(self, *, token: str, root: Path, **rest: object) -> None:
        super().__init__(**rest)  # type: ignore[arg-type]
        self.token = token
        self.root = root

    def runtest(self) -> None:
        """Replay; a finding fails."""
        from pytest_nextrust.emu.sandbox import Sandbox

        with Sandbox() as machine:
            request, answer = replay(machine, self.token, self.root / store.FOLDER)
        if answer.finding is not None:
            lines = [f"{request.name}: {text.summary(answer)}", *text.render(answer.finding, len(request.threads))]
            raise FindingReproduced("\n".join(lines))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: object = None) -> str:
        """The trace of the run, or why it could not be run; no Python lines."""
        del style
        if isinstance(excinfo.value, (FindingReproduced, NextrustError)):
            return str(excinfo.value)
        return str(super().repr_failure(excinfo))

    def reportinfo(self) -> tuple[Path, int | None, str]:
        return self.root, None, f"replay of {self.token}"


class FindingReproduced(Exception):
    """The replay ended in the finding again."""
