"""The one error that a user can mend, and the guard that turns errors into a line and an exit status."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable


class InputError(ValueError):
    """Wrong input: the message says what was given, what is allowed and what to do, in one line."""


def exit_status(command: Callable[[], int]) -> int:
    """Run a command line; gives its exit status.

    2 after an InputError, 1 after an error of files or of the output (each one line on stderr, none where
    nobody reads the output to its end), 130 after Ctrl-C.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal may lack letters that names and tables have
    try:
        try:
            return command()
        finally:
            _flush_output()
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        return 1
    except OSError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def _flush_output() -> None:
    """Print what waits; what cannot be printed is dropped, or Python would try and complain once more."""
    try:
        print(end="", flush=True)
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise
