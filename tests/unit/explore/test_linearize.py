"""The judge of histories: against every order tried out, and on the classical examples."""

from __future__ import annotations

from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from pytest_nextrust.explore.child.linearize import Apply, Linearizability
from pytest_nextrust.explore.child.local_states import OperationEvent

READ, WRITE_1, WRITE_2, ADD_1 = range(4)


def meaning(kind: int) -> Apply:
    def apply(array: bytes) -> tuple[bytes, bytes]:
        value = array[0]
        if kind == READ:
            return array, array
        if kind == ADD_1:
            return bytes([value + 1 & 0xFF]), array
        return bytes([kind]), b""

    return apply


def judge(kinds: list[int], history: list[OperationEvent]) -> bool:
    monitor = Linearizability([meaning(kind) for kind in kinds], b"\0")
    state = monitor.initial
    for event in history:
        after = monitor.advance(state, 0, (event,))
        if after is None:
            return False
        state = after
    return True


def some_order_explains(kinds: list[int], history: list[OperationEvent]) -> bool:
    """The definition: an order of all operations that keeps who came before whom and gives every result."""
    spans = {}
    results = {}
    for at, (kind, operation, result) in enumerate(history):
        if kind == "call":
            spans[operation] = (at, len(history))
        else:
            spans[operation] = (spans[operation][0], at)
            results[operation] = result
    for order in permutations(spans):
        if any(spans[b][1] < spans[a][0] for i, a in enumerate(order) for b in order[i + 1 :]):
            continue
        array, right = b"\0", True
        for operation in order:
            array, answer = meaning(kinds[operation])(array)
            right = right and results.get(operation, answer) == answer
        if right:
            return True
    return not spans


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[int], list[OperationEvent]]:
    """Complete histories of up to four operations, their results drawn from what could be."""
    kinds = draw(st.lists(st.sampled_from([READ, WRITE_1, WRITE_2, ADD_1]), min_size=1, max_size=4))
    todo = [step for operation in range(len(kinds)) for step in (operation, operation)]
    events: list[OperationEvent] = []
    called: set[int] = set()
    for operation in draw(st.permutations(todo)):
        if operation not in called:
            called.add(operation)
            events.append(("call", operation, b""))
        else:
            silent = kinds[operation] in (WRITE_1, WRITE_2)
            value = b"" if silent else bytes([draw(st.integers(0, 3))])
            events.append(("return", operation, value))
    return kinds, events


@given(histories())
def test_it_agrees_with_the_definition(drawn: tuple[list[int], list[OperationEvent]]) -> None:
    """A history is accepted exactly where some order of its operations explains it."""
    kinds, history = drawn
    assert judge(kinds, history) == some_order_explains(kinds, history)


def test_a_read_after_a_write_has_returned_must_see_it() -> None:
    """Real time counts: sequential consistency would allow this history, linearizability does not."""
    kinds = [WRITE_1, READ]
    late = [("call", 0, b""), ("return", 0, b""), ("call", 1, b""), ("return", 1, b"\0")]
    assert not judge(kinds, late)
    overlapping = [("call", 1, b""), ("call", 0, b""), ("return", 0, b""), ("return", 1, b"\0")]
    assert judge(kinds, overlapping)


def test_two_increments_cannot_both_see_nothing() -> None:
    """The lost update, as a history."""
    kinds = [ADD_1, ADD_1]
    calls = [("call", 0, b""), ("call", 1, b"")]
    assert not judge(kinds, [*calls, ("return", 0, b"\0"), ("return", 1, b"\0")])
    assert judge(kinds, [*calls, ("return", 0, b"\0"), ("return", 1, b"\1")])


def test_the_final_memory_must_be_explained_too() -> None:
    """What memory holds in the end is one of the explanations', and nothing else."""
    monitor = Linearizability([meaning(WRITE_1), meaning(WRITE_2)], b"\0")
    events = (("call", 0, b""), ("call", 1, b""), ("return", 0, b""), ("return", 1, b""))
    state = monitor.advance(monitor.initial, 0, events)
    assert state is not None
    assert monitor.explains(state, b"\1")
    assert monitor.explains(state, b"\2")
    assert not monitor.explains(state, b"\0")
