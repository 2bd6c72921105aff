"""What a command's inputs mean: a pattern of videos is several inputs, a pattern of pictures is one."""

from __future__ import annotations

import glob
import os

from models.errors import InputError
from tracker.video.images import is_pictures


def expand_inputs(inputs: list[str]) -> list[str]:
    """One entry for each source to open; raises InputError for a pattern that nothing matches."""
    sources: list[str] = []
    for given in inputs:
        if os.path.exists(given) or "://" in given or not glob.has_magic(given) or is_pictures(given):
            sources.append(given)
            continue
        found = sorted(path for path in glob.glob(given) if os.path.isfile(path))
        if not found:
            raise InputError(f"nothing matches '{given}'")
        sources += found
    return sources
