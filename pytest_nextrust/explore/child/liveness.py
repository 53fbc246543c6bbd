"""The strongly connected components of a graph, and which of them nothing leaves.

Sources: Tarjan, "Depth-first search and linear graph algorithms", SIAM J. Comput. 1(2), 1972.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

__all__ = ["bottom_components", "components", "is_bottom"]


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


def bottom_components(edges: Sequence[Sequence[int]]) -> Iterator[list[int]]:
    """The components that nothing leaves, each sorted."""
    for component in components(edges):
        if is_bottom(edges, component):
            yield sorted(component)


def is_bottom(edges: Sequence[Sequence[int]], component: Sequence[int]) -> bool:
    """Whether nothing leaves a component."""
    members = set(component)
    return all(child in members for node in component for child in edges[node])
