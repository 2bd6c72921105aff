"""Published figures of the zoo's checkpoints, beside ours."""

from __future__ import annotations

from evaluation.benchmark import Benchmark


def figures(benchmark: Benchmark, source: str) -> list[tuple[str, tuple[float, ...]]]:
    """Settings and rows published for a checkpoint on a benchmark; empty for files of one's own."""
    return []
