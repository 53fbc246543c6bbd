"""The guards against a simple model: claims, failures of commits and of commands, with deaths, waits and damage."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from pytest_nextrust.base.state_database import Database, state_path
from pytest_nextrust.errors import ClaimHeld, GuardError
from pytest_nextrust.guards.backoff import Backoff
from pytest_nextrust.guards.failures import Failures
from pytest_nextrust.guards.holder import Owner
from pytest_nextrust.guards.idempotency import Claim, Claims

KEYS = st.sampled_from(["00a", "b", "c"])
PIDS = st.integers(1, 4)
COMMITS = st.sampled_from(["c1", "c2"])
LEASE = 100.0


class GuardsMachine(RuleBasedStateMachine):
    """Four processes over one database. The model: who holds what since when, what was decided and answered."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.path = state_path(Path(self.folder.name))
        self.now = 0.0
        self.dead: set[Owner] = set()
        self.lives = dict.fromkeys(range(1, 5), 0)
        self.held: dict[str, tuple[int, Claim, float]] = {}
        self.stale: list[Claim] = []
        self.decided: dict[str, str] = {}
        self.answers: dict[str, str] = {}
        self.touched: set[str] = set()
        self.failed: dict[str, set[str]] = {"c1": set(), "c2": set()}
        self.commands: Counter[str] = Counter()
        self.database = Database(self.path, timeout=1)

    def teardown(self) -> None:
        self.database.close()
        self.folder.cleanup()

    def owner(self, pid: int) -> Owner:
        return Owner(pid, "here", "boot", "ns", str(self.lives[pid]))

    def claims(self, pid: int) -> Claims:
        return Claims(
            self.database,
            clock=lambda: self.now,
            sleep=lambda seconds: None,
            owner=self.owner(pid),
            alive=lambda owner, here: owner not in self.dead,
        )

    @rule(key=KEYS, pid=PIDS)
    def claim(self, key: str, pid: int) -> None:
        try:
            claim = self.claims(pid).claim(key, wait=0, lease=LEASE)
        except ClaimHeld:
            assert key in self.held
            assert self.now < self.held[key][2]
            return
        if key in self.answers:
            assert (claim.state, claim.answer) == ("done", self.answers[key])
            return
        if key in self.held:
            _holder, lost, until = self.held.pop(key)
            assert self.now >= until
            self.stale.append(lost)
        assert claim.state == ("taken-over" if key in self.touched else "new")
        assert claim.decision == self.decided.get(key)
        self.touched.add(key)
        self.held[key] = (pid, claim, self.now + LEASE)

    @rule(key=KEYS, decision=st.sampled_from(["allow", "block"]))
    def decide(self, key: str, decision: str) -> None:
        if key in self.held:
            held = self.held[key][1].decide(decision)
            assert held == self.decided.setdefault(key, decision)

    @rule(key=KEYS, answer=st.sampled_from(["x", "y"]))
    def finish(self, key: str, answer: str) -> None:
        if key in self.held:
            _, claim, _ = self.held.pop(key)
            claim.finish(answer)
            self.answers[key] = answer

    @rule(key=KEYS)
    def give_up(self, key: str) -> None:
        if key in self.held:
            _, claim, _ = self.held.pop(key)
            claim.__exit__(None, None, None)

    @rule(pid=PIDS)
    def die(self, pid: int) -> None:
        """A process dies and another gets its id."""
        self.dead.add(self.owner(pid))
        self.lives[pid] += 1
        for key in [key for key, (holder, _, _) in self.held.items() if holder == pid]:
            _, claim, _ = self.held[key]
            self.held[key] = (pid, claim, self.now)

    @rule(seconds=st.sampled_from([1.0, 60.0, LEASE]))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def a_loser_cannot_finish(self) -> None:
        for claim in self.stale:
            try:
                claim.finish("lost")
            except GuardError:
                continue
            raise AssertionError("a lost claim was finished")

    @rule(commit=COMMITS, occasion=st.sampled_from(["1", "2", "3", "4"]))
    def fail(self, commit: str, occasion: str) -> None:
        self.failed[commit].add(occasion)
        assert Backoff(self.database).fail(commit, occasion=occasion, what="x") == len(self.failed[commit])

    @rule(commit=COMMITS)
    def clear(self, commit: str) -> None:
        assert Backoff(self.database).clear(commit) == len(self.failed[commit])
        self.failed[commit] = set()

    @rule(name=st.sampled_from(["make", "cc"]), number=st.integers(0, 9))
    def run_command(self, name: str, number: int) -> None:
        self.commands[name] += 1
        assert Failures(self.database).record(f"{name} {number}", 1).failures == self.commands[name]

    @rule()
    def reopen(self) -> None:
        self.database.close()

    @invariant()
    def commits_stand_as_in_the_model(self) -> None:
        backoff = Backoff(self.database)
        for commit, occasions in self.failed.items():
            assert backoff.standing(commit).refused is (len(occasions) >= 3)
            assert backoff.standing(commit, occasion="1").refused is (len(occasions - {"1"}) >= 3)


TestGuards = GuardsMachine.TestCase
TestGuards.settings = settings(max_examples=25, stateful_step_count=30, deadline=None)
