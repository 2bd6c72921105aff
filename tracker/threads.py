"""Decoding ahead and writing behind in threads of their own, with bounded queues between.

A thread that fails does not end quietly: its own error comes out where the main thread next reads or writes.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator, Iterable
from types import TracebackType
from typing import Generic, TypeVar, cast

T = TypeVar("T")

_END = object()
_PATIENCE = 0.1  # seconds between looks at whether the other side is still there


def read_ahead(items: Iterable[T], size: int = 4) -> Generator[T, None, None]:
    """The same items, taken from `items` by a thread that keeps up to `size` of them ready.

    Closing the iterator ends the thread; an error of `items` is raised here after the items before it.
    """
    ready: queue.Queue[object] = queue.Queue(size)
    stop = threading.Event()
    errors: list[BaseException] = []

    def put(item: object) -> None:
        while not stop.is_set():
            try:
                return ready.put(item, timeout=_PATIENCE)
            except queue.Full:
                continue

    def work() -> None:
        try:
            for item in items:
                put(item)
                if stop.is_set():
                    return
        except BaseException as error:
            errors.append(error)
        put(_END)

    thread = threading.Thread(target=work, name="read ahead", daemon=True)
    thread.start()
    try:
        while (item := ready.get()) is not _END:
            yield cast(T, item)
        if errors:
            raise errors[0]
    finally:
        stop.set()
        thread.join()


class WriteBehind(Generic[T]):
    """Hands items to `write` in a thread, in their order. Leaving the `with` block waits for the last.

    Args:
        write: called with each item in the thread.
        size: items that may wait; `put` blocks when there are more.
    """

    def __init__(self, write: Callable[[T], None], size: int = 4) -> None:
        self._write = write
        self._waiting: queue.Queue[object] = queue.Queue(size)
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._work, name="write behind", daemon=True)
        self._thread.start()

    def put(self, item: T) -> None:
        """Add an item; raises what `write` raised for an earlier one."""
        self._raise()
        self._waiting.put(item)

    def __enter__(self) -> WriteBehind[T]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._waiting.put(_END)
        self._thread.join()
        if kind is None:
            self._raise()

    def _work(self) -> None:
        while (item := self._waiting.get()) is not _END:
            if self._error is None:  # after an error the rest is taken and dropped: nobody waits for room
                try:
                    self._write(cast(T, item))
                except BaseException as error:
                    self._error = error

    def _raise(self) -> None:
        if self._error is not None:
            raise self._error
