"""The one error that a user can mend, and the guard that turns it into a line and an exit status."""

from __future__ import annotations

import sys
from collections.abc import Callable


class InputError(ValueError):
    """Wrong input: the message says what was given, what is allowed and what to do, in one line."""


def exit_status(command: Callable[[], int]) -> int:
    """Run a command line; its exit status is 2 after an InputError (one line on stderr), 130 after Ctrl-C."""
    try:
        return command()
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
