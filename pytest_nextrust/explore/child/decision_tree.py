"""What has been executed once: a tree that asks for bytes of memory, in order, and leads to what they make happen.

Each branch names the places that are read next; its children are under the bytes that memory held there. A lookup reads
current memory on the way down, and what it does not find has not been executed yet. What a place is, an address or a
position in a vector, is the caller's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

__all__ = ["Branch", "Leaf", "Read", "Tree", "grow", "path", "walk"]

T = TypeVar("T")

Read = tuple[tuple[int, ...], bytes]
"""Places that were read together, and the bytes that memory held there."""


@dataclass(frozen=True, slots=True)
class Leaf(Generic[T]):
    """The end of a path: nothing more is read."""

    effect: T


@dataclass(frozen=True, slots=True)
class Branch(Generic[T]):
    """The bytes at ``places`` say where the path goes on."""

    places: tuple[int, ...]
    children: dict[bytes, Leaf[T] | Branch[T]]


Tree = Leaf[T] | Branch[T] | None


def grow(tree: Tree[T], reads: Sequence[Read], effect: T) -> Leaf[T] | Branch[T]:
    """The tree with one more path. Raises AssertionError where the same bytes led elsewhere before."""
    end = Leaf(effect)
    if not reads:
        if tree is not None and tree != end:
            raise AssertionError("the same instruction from the same state had two effects")
        return end
    root = at = Branch(reads[0][0], {}) if tree is None else tree
    following: Leaf[T] | Branch[T]
    for number, (places, values) in enumerate(reads, 1):
        if not isinstance(at, Branch) or at.places != places:
            raise AssertionError("the same instruction from the same state read two places")
        following = Branch(reads[number][0], {}) if number < len(reads) else end
        at = at.children.setdefault(values, following)
    if at != end:
        raise AssertionError("the same instruction from the same state had two effects")
    return root


def path(tree: Tree[T], read: Callable[[int], int]) -> tuple[list[Read], Leaf[T] | None]:
    """The reads on the way that memory leads, and the leaf that ``walk`` answers."""
    reads: list[Read] = []
    while isinstance(tree, Branch):
        values = bytes(map(read, tree.places))
        reads.append((tree.places, values))
        tree = tree.children.get(values)
    return reads, tree


def walk(tree: Tree[T], read: Callable[[int], int]) -> Leaf[T] | None:
    """The leaf that memory leads to, ``read`` giving the byte at a place; None where nothing has been executed yet."""
    while isinstance(tree, Branch):
        tree = tree.children.get(bytes(map(read, tree.places)))
    return tree
