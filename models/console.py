"""Where commands print their tables."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


def table_console() -> Console:
    """Standard output: as wide as the terminal, and wide where it is a file, so that no column is cut."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else 200)
