"""What is made ahead: the same results in the same order, bounded, and never left behind."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ticklake.convert.prefetch import map_ahead

LONG_S = 20.0


@dataclass(frozen=True)
class Piece:
    number: int
    size_bytes: int


def pieces(sizes: list[int]) -> Iterator[Piece]:
    return (Piece(number, size) for number, size in enumerate(sizes))


@given(
    sizes=st.lists(st.integers(0, 40), max_size=30),
    workers=st.integers(1, 4),
    max_bytes=st.integers(1, 60),
)
def test_it_is_map_with_a_bounded_number_of_bytes_ahead(sizes, workers, max_bytes):
    taken: list[Piece] = []
    most = 0

    def watched() -> Iterator[Piece]:
        for piece in pieces(sizes):
            taken.append(piece)
            yield piece

    def ahead(read: int) -> int:
        # The last one that was taken may still wait for room.
        return sum(piece.size_bytes for piece in taken[read:-1])

    read = []
    for number in map_ahead(lambda p: p.number, watched(), workers=workers, max_bytes=max_bytes):
        most = max(most, ahead(len(read) + 1))
        read.append(number)
    assert read == list(range(len(sizes)))
    assert most <= max(max_bytes, *sizes, 0)


def test_pieces_are_made_while_the_reader_is_busy():
    made = [threading.Event() for _ in range(4)]

    def make(piece: Piece) -> int:
        made[piece.number].set()
        return piece.number

    results = map_ahead(make, pieces([1] * 4), workers=2, max_bytes=10)
    assert next(results) == 0
    assert all(event.wait(LONG_S) for event in made)
    assert list(results) == [1, 2, 3]


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_of_the_function_comes_where_its_result_would(workers):
    def make(piece: Piece) -> int:
        if piece.number == 2:
            raise ValueError("the third")
        return piece.number

    results = map_ahead(make, pieces([1] * 9), workers=workers, max_bytes=100)
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(ValueError, match="the third"):
        next(results)


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_of_the_pieces_comes_behind_those_before_it(workers):
    def cut() -> Iterator[Piece]:
        yield from pieces([1] * 3)
        raise ValueError("cut short")

    results = map_ahead(lambda p: p.number, cut(), workers=workers, max_bytes=100)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="cut short"):
        next(results)


def test_who_stops_reading_leaves_no_thread_behind():
    before = set(threading.enumerate())
    results = map_ahead(lambda p: p.number, pieces([5] * 1000), workers=2, max_bytes=10)
    assert next(results) == 0
    results.close()
    assert set(threading.enumerate()) == before


def test_no_piece_is_made_beside_one_that_is_larger_than_all():
    """Not before the reader is done with its result, too."""
    made: list[int] = []

    def watched() -> Iterator[Piece]:
        for piece in pieces([1, 99, 1, 99, 1]):
            made.append(piece.number)
            yield piece

    for number in map_ahead(lambda p: p.number, watched(), workers=2, max_bytes=10):
        if number in (1, 3):
            assert made[-1] == number
    assert made == [0, 1, 2, 3, 4]


def test_a_result_that_is_smaller_than_its_piece_makes_room_for_others():
    """Before anybody reads it: of pieces as large as all there may be, each result is half."""
    made = [threading.Event() for _ in range(3)]

    def make(piece: Piece) -> int:
        made[piece.number].set()
        return piece.number

    results = map_ahead(make, pieces([6, 6, 6]), workers=2, max_bytes=10, result_bytes=lambda _: 3)
    assert next(results) == 0
    assert all(event.wait(LONG_S) for event in made)
    assert list(results) == [1, 2]
