"""How far a long piece of work is, on the terminal's standard error; nothing where that is no terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Protocol, TypeVar

Item = TypeVar("Item")


class Advance(Protocol):
    """Moves a bar by so many steps; a note stands beside it."""

    def __call__(self, steps: int = 1, note: str = "") -> None: ...


@contextmanager
def progress(
    name: str, total: int | None, done: int = 0, *, in_bytes: bool = False, show: bool = True
) -> Iterator[Advance]:
    """A bar with the time left, gone when the work is; gives the function that moves it.

    Args:
        name: stands before the bar.
        total: steps of the whole work, or None where nobody knows.
        done: steps that were done before.
        in_bytes: count in KB, MB, …
        show: without it there is no bar.
    """
    if not show or not sys.stderr.isatty():
        yield lambda steps=1, note="": None
        return

    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn() if in_bytes else MofNCompleteColumn(),
        TextColumn("{task.fields[note]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(name, total=total, completed=done, note="")
        yield lambda steps=1, note="": bar.update(task, advance=steps, note=note)


def with_bar(items: Iterable[Item], name: str, total: int) -> Iterator[Item]:
    """The same items, with a bar that moves when the next one is asked for."""
    with progress(name, total) as advance:
        for item in items:
            yield item
            advance()
