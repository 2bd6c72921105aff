"""Bars show on a terminal how far it is, and nowhere else."""

import io
import sys

import pytest

from models.progress import progress, with_bar


class Terminal(io.StringIO):
    """Keeps what is written to it, as a terminal's screen."""

    def isatty(self) -> bool:
        return True


def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """What stands for the terminal from now on; a fixture cannot, for pytest puts its own in after it."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    return screen


def test_a_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = terminal(monkeypatch)
    with progress("people", 7, done=2) as advance:
        advance()
        advance(3, "12.5 fps")
    for part in ("people", "6/7", "12.5 fps"):
        assert part in screen.getvalue()


def test_bytes_and_an_unknown_end(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = terminal(monkeypatch)
    with progress("weights", None, in_bytes=True) as advance:
        advance(2_500_000)
    assert "2.5" in screen.getvalue()
    assert "MB" in screen.getvalue()


def test_items_are_the_same_with_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = terminal(monkeypatch)
    assert list(with_bar("abc", "letters", 3)) == ["a", "b", "c"]
    assert "3/3" in screen.getvalue()


def test_nothing_where_it_is_not_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = terminal(monkeypatch)
    with progress("people", 3, show=False) as advance:
        advance()
    assert not screen.getvalue()


def test_nothing_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(with_bar(range(3), "numbers", 3)) == [0, 1, 2]
    assert capsys.readouterr() == ("", "")
