"""What exchanges of threads do to shared memory, as a group that acts on its vectors of bytes, and how it is learned.

Every exchange of a group of threads moves bytes of which each thread has its own, and replaces names in words that
hold some. Both are tables (``Counterparts``), so that an exchange after an exchange does what both together do, and
each is undone by another one: whatever the tables say, this is a group of permutations of the vectors. Whether the
program behaves alike under it is for ``renamed_symmetry`` to find out.

What is learned from a difference is what thread it depends on: where the same step of all threads under all exchanges
touches an address, or writes a value, that is a function of whom one of them is exchanged for, that function is the
table.

Boundary: bytes and numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import permutations, product
from typing import TypeVar

from pytest_nextrust.explore.symmetry_guess import Counterparts, Partition, Renaming

__all__ = ["WORD", "MemoryExchanges", "Unlearnable", "exchanges_of"]

WORD = 4
LEAST_ADDRESS = 0x1000
"""The least number that is taken for an address."""

T = TypeVar("T")
Order = tuple[int, ...]
"""The thread whose place each thread takes, of all threads."""


class Unlearnable(Exception):
    """No renaming explains a difference."""


def exchanges_of(partition: Partition, threads: int) -> tuple[Order, ...]:
    """All exchanges of threads within their classes, the identity first."""
    orders = []
    for chosen in product(*(permutations(group) for group in partition)):
        order = list(range(threads))
        for group, others in zip(partition, chosen, strict=True):
            for thread, other in zip(group, others, strict=True):
                order[thread] = other
        orders.append(tuple(order))
    return tuple(orders)


class MemoryExchanges:
    """What each exchange does to vectors of the bytes at ``places``, which are addresses in order. Exchanges have
    numbers, 0 the identity.

    Raises Unlearnable where the renaming contradicts itself, or moves bytes to where none of ``places`` is.
    """

    def __init__(self, partition: Partition, threads: int, renaming: Renaming, places: Sequence[int]) -> None:
        self.partition = partition
        self.renaming = renaming
        self.orders = exchanges_of(partition, threads)
        number = {order: at for at, order in enumerate(self.orders)}
        self.after = tuple(
            tuple(number[tuple(second[to] for to in first)] for first in self.orders) for second in self.orders
        )
        """By two exchanges: the one that does what the second of them does, and then the first."""
        self.missing: set[int] = set()
        """Addresses that bytes would be moved to and that are not among ``places``."""
        self._places = places
        self._moved = self._moves(renaming.own)
        self.positions = self._positions()
        self.words = self._words()
        """The position and width of each word, and what each of its names becomes by each exchange."""

    # -- as tables -----------------------------------------------------------------------------------------------------

    def _images(self, counterparts: Counterparts) -> dict[int, tuple[int, ...]]:
        """What each of the numbers becomes by each exchange."""
        group, numbers = self.partition[counterparts.group], counterparts.numbers
        at = {thread: position for position, thread in enumerate(group)}
        return {
            number: tuple(numbers[at[order[thread]]] for order in self.orders)
            for thread, number in zip(group, numbers, strict=True)
        }

    def _moves(self, tables: Iterable[Counterparts]) -> dict[int, tuple[int, ...]]:
        """What all numbers of some tables become. Raises Unlearnable where one would become two things."""
        moves: dict[int, tuple[int, ...]] = {}
        for table in tables:
            for number, images in self._images(table).items():
                if moves.setdefault(number, images) != images:
                    raise Unlearnable
        return moves

    def address(self, exchange: int, address: int) -> int:
        """Where a byte goes."""
        moved = self._moved.get(address)
        return address if moved is None else moved[exchange]

    def _positions(self) -> tuple[tuple[int, ...], ...]:
        position = {address: at for at, address in enumerate(self._places)}
        self.missing = {
            image for address, images in self._moved.items() for image in images if image not in position
        } | {address for address in self._moved if address not in position}
        if self.missing:
            return ()
        return tuple(
            tuple(position[self.address(exchange, address)] for address in self._places)
            for exchange in range(len(self.orders))
        )

    def _words(self) -> tuple[tuple[int, int, Mapping[int, tuple[int, ...]]], ...]:
        position = {address: at for at, address in enumerate(self._places)}
        addresses = (*self.renaming.own, *self.renaming.addresses)
        tables: dict[int, dict[int, tuple[int, ...]]] = {}
        found, covered = [], set[int]()
        for address, width in self.renaming.words:
            images = self._word(address, width)
            if images is None or covered.intersection(range(address, address + width)):
                raise Unlearnable
            covered.update(range(address, address + width))
            family = min(images)
            if family not in tables:
                small = [names for first, names in self.renaming.names if first == family]
                tables[family] = self._moves((*(addresses if width == WORD else ()), *small))
            places = [position.get(byte) for byte in range(address, address + width)]
            if None in places or (first := places[0]) is None or places != list(range(first, first + width)):
                self.missing |= {byte for byte in range(address, address + width) if byte not in position}
                continue
            found.append((first, width, tables[family]))
        return tuple(found)

    def _word(self, address: int, width: int) -> tuple[int, ...] | None:
        """Where a word goes by each exchange; None where its bytes do not stay together."""
        images = tuple(self.address(exchange, address) for exchange in range(len(self.orders)))
        for exchange, image in enumerate(images):
            if any(self.address(exchange, address + byte) != image + byte for byte in range(width)):
                return None
        return images

    def name(self, exchange: int, word: Sequence[int], value: int) -> int:
        """What a value becomes that a word holds, which is the addresses of its bytes."""
        for position, width, names in self.words:
            if self._places[position] == word[0] and len(word) == width:
                return names[value][exchange] if value in names else value
        return value

    def own_words(self) -> list[tuple[int, ...]]:
        """What threads have of their own, as the addresses of bytes that stay together, one word for each group."""
        words: list[list[int]] = []
        for table in sorted(self.renaming.own, key=lambda table: table.numbers[0]):
            byte = table.numbers[0]
            together = words and len(words[-1]) < WORD and byte == words[-1][-1] + 1
            if together and self._word(words[-1][0], len(words[-1]) + 1) is not None:
                words[-1].append(byte)
            else:
                words.append([byte])
        return [tuple(word) for word in words]

    def read(self, exchange: int, word: Sequence[int], vector: bytes) -> int:
        """What is where an exchange moves a word to."""
        place = {address: at for at, address in enumerate(self._places)}
        return int.from_bytes(bytes(vector[place[self.address(exchange, byte)]] for byte in word), "big")

    def exchanged(self, exchange: int, vector: bytes) -> bytes:
        """A vector after an exchange."""
        positions = self.positions[exchange]
        after = bytearray(len(vector))
        for at, byte in zip(positions, vector, strict=True):
            after[at] = byte
        for position, width, names in self.words:
            images = names.get(int.from_bytes(vector[position : position + width], "big"))
            if images is not None:
                to = positions[position]
                after[to : to + width] = images[exchange].to_bytes(width, "big")
        return bytes(after)

    # -- learned -------------------------------------------------------------------------------------------------------

    def with_own(self, accesses: Sequence[Sequence[int]], thread: int) -> Renaming:
        """The renaming by which bytes are where an access was under each exchange. Raises Unlearnable."""
        more = tuple(self._counterparts(addresses, thread) for addresses in zip(*accesses, strict=True))
        moved = [table for table in more if len(set(table.numbers)) > 1]
        return self._checked(replace(self.renaming, own=_united(self.renaming.own, moved)))

    def with_names(self, word: Sequence[int], values: Sequence[int], thread: int) -> Renaming:
        """The renaming by which a word holds what was written to it under each exchange. Raises Unlearnable."""
        width = len(word)
        found = self._counterparts(values, thread)
        images = self._word(word[0], width)
        if images is None:
            raise Unlearnable
        words = _united(self.renaming.words, sorted((image, width) for image in set(images)))
        learned = replace(self.renaming, words=words)
        if width == WORD and min(found.numbers) >= LEAST_ADDRESS:
            learned = replace(learned, addresses=_united(learned.addresses, (found,)))
        else:
            learned = replace(learned, names=_united(learned.names, ((min(images), found),)))
        return self._checked(learned)

    def _checked(self, learned: Renaming) -> Renaming:
        """Raises Unlearnable where nothing was learned."""
        if learned == self.renaming:
            raise Unlearnable
        return learned

    def _counterparts(self, values: Sequence[int], thread: int) -> Counterparts:
        """The table by which these values, by exchange, depend on whom one thread is exchanged for; the given thread,
        where it may be. Raises Unlearnable.
        """
        candidates = [(number, own) for number, group in enumerate(self.partition) for own in group]
        for number, own in sorted(candidates, key=lambda candidate: candidate[1] != thread):
            group = self.partition[number]
            table: dict[int, int] = {}
            if all(
                table.setdefault(order[own], value) == value for order, value in zip(self.orders, values, strict=True)
            ) and len(set(table.values())) == len(group):
                return Counterparts(number, tuple(table[other] for other in group))
        raise Unlearnable


def _united(known: tuple[T, ...], more: Iterable[T]) -> tuple[T, ...]:
    return tuple(dict.fromkeys((*known, *more)))
