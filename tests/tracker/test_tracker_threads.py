"""Threads: order kept, errors passed on, nothing left running."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from tracker.threads import WriteBehind, read_ahead


def running() -> set[str]:
    return {thread.name for thread in threading.enumerate()} & {"read ahead", "write behind"}


def test_read_ahead_keeps_order_and_bounds() -> None:
    taken: list[int] = []

    def numbers() -> Iterator[int]:
        for i in range(50):
            taken.append(i)
            yield i

    ahead = []
    for i in read_ahead(numbers(), size=3):
        ahead.append(len(taken) - i)
        if i == 0:
            time.sleep(0.1)
    assert taken == list(range(50))
    assert max(ahead) <= 3 + 3  # in the queue, in the thread's hand, and here
    assert not running()


def test_error_comes_after_what_was_before_it() -> None:
    def numbers() -> Iterator[int]:
        yield 1
        yield 2
        raise OSError("camera gone")

    seen: list[int] = []
    with pytest.raises(OSError, match="camera gone"):
        seen.extend(read_ahead(numbers()))
    assert seen == [1, 2]
    assert not running()


def test_stopping_early_ends_the_thread() -> None:
    items = read_ahead(iter(range(1000)), size=2)
    assert next(items) == 0
    items.close()
    assert not running()


def test_write_behind_writes_all_in_order() -> None:
    written: list[int] = []
    with WriteBehind(written.append, size=2) as behind:
        for i in range(100):
            behind.put(i)
    assert written == list(range(100))
    assert not running()


def test_write_error_comes_out_and_nothing_hangs() -> None:
    written: list[int] = []

    def write(item: int) -> None:
        if item == 3:
            raise OSError("disk full")
        written.append(item)

    def run() -> None:
        with WriteBehind(write, size=1) as behind:
            for i in range(1000):
                behind.put(i)

    with pytest.raises(OSError, match="disk full"):
        run()
    assert written == [0, 1, 2]
    assert not running()


def test_write_error_of_the_last_item_comes_out() -> None:
    def write(item: int) -> None:
        raise OSError("disk full")

    def run() -> None:
        with WriteBehind(write) as behind:
            behind.put(1)

    with pytest.raises(OSError, match="disk full"):
        run()
