"""The folder for what can be had again: downloads and converted networks."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from models.errors import InputError

VARIABLE = "SIMPLEPOSETRACK_CACHE"


def cache_folder() -> Path:
    """``SIMPLEPOSETRACK_CACHE``, or the platform's cache folder; made where it does not exist.

    Raises InputError where it cannot be made.
    """
    folder = (
        Path(os.environ[VARIABLE]) if os.environ.get(VARIABLE) else _platform_folder() / "simpleposetrack"
    )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"cannot make the cache folder '{folder}' ({error.strerror}): set {VARIABLE}"
        ) from None
    return folder


def _platform_folder() -> Path:
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
