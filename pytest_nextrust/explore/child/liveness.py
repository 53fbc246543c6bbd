"""What can never finish, read off the graph of whole states.

A bottom component (one that no path leaves) without a final state is a set of states from which the program never ends:
a *deadlock* where shared memory is the same in all of them (spinning on what nobody will release counts), a *livelock*
where it changes, a *divergence* where a thread loops in memory that is its own.

Sources: Tarjan, "Depth-first search and linear graph algorithms", SIAM J. Comput. 1(2), 1972.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

__all__ = ["bottom_components", "components"]


def components(edges: Sequence[Sequence[int]]) -> Iterator[list[int]]:
    """The strongly connected components, each after all that it leads to (Tarjan, without recursion)."""
    order = [0] * len(edges)
    low = [0] * len(edges)
    on_stack = bytearray(len(edges))
    stack: list[int] = []
    counter = 0
    for root in range(len(edges)):
        if order[root]:
            continue
        work = [(root, iter(edges[root]))]
        counter += 1
        order[root] = low[root] = counter
        stack.append(root)
        on_stack[root] = 1
        while work:
            node, rest = work[-1]
            for child in rest:
                if not order[child]:
                    counter += 1
                    order[child] = low[child] = counter
                    stack.append(child)
                    on_stack[child] = 1
                    work.append((child, iter(edges[child])))
                    break
                if on_stack[child]:
                    low[node] = min(low[node], order[child])
            else:
                work.pop()
                if work:
                    parent = work[-1][0]
                    low[parent] = min(low[parent], low[node])
                if low[node] == order[node]:
                    component = []
                    while True:
                        member = stack.pop()
                        on_stack[member] = 0
                        component.append(member)
                        if member == node:
                            break
                    yield component


def bottom_components(edges: Sequence[Sequence[int]], good: frozenset[int]) -> Iterator[list[int]]:
    """The components that nothing leaves and that hold none of the ``good`` states, sorted."""
    for component in components(edges):
        members = set(component)
        if members & good:
            continue
        if all(child in members for node in component for child in edges[node]):
            yield sorted(component)
