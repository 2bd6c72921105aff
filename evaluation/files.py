"""Files that are never seen half."""

from __future__ import annotations

import os
from pathlib import Path

from models.errors import InputError


def write_whole(path: Path, content: bytes) -> None:
    """Write a file under another name beside its place, then rename it; folders are made if need be.

    Raises InputError where it cannot be written.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(content)
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise InputError(f"cannot write '{path}': {error.strerror}") from None
