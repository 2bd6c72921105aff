"""Memory on the CPU that training frees and asks for again with every step."""

from __future__ import annotations

import ctypes
import sys

# glibc's mallopt(3)
TRIM_THRESHOLD, TOP_PAD, MMAP_MAX, ARENA_MAX = -1, -2, -4, -8


def keep_freed_memory() -> None:
    """Let this process keep what it frees.

    A step allocates and frees the same hundreds of MB. By default glibc hands every large block back to the
    system and maps it anew, and the kernel fills it with zeros page by page: a sixth of a step's time. Other
    C libraries are left alone.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is None:
        return
    for parameter, value in (
        (MMAP_MAX, 0),  # large blocks come from the heap, too
        (TRIM_THRESHOLD, 2**31 - 1),  # which does not shrink
        (TOP_PAD, 256 << 20),  # and grows in few steps
        (ARENA_MAX, 1),  # and is the same for all threads, so that one takes what another has freed
    ):
        mallopt(parameter, value)
