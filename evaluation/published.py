"""Published figures of the zoo's checkpoints, to stand beside ours."""

from __future__ import annotations

import math
from pathlib import Path

from evaluation.benchmark import Benchmark

# How the zoo's settings begin ("COCO val2017, detector AP 56.4"), by benchmark.
_SETTINGS = {
    "coco": "COCO val2017",
    "ochuman": "OCHuman",
    "crowdpose": "CrowdPose",
    "aic": "AIC",
    "mhp": "MHP",
    "mpii": "MPII val",
    "mpii-trb": "MPII-TRB",
    "jhmdb": "Sub-JHMDB",
}
_OTHER_NAMES = {"AP_easy": "AP (E)", "AP_medium": "AP (M)", "AP_hard": "AP (H)"}


def figures(benchmark: Benchmark, source: str) -> list[tuple[str, tuple[float, ...]]]:
    """Settings and rows that were published for a checkpoint on a benchmark.

    Args:
        benchmark: whose columns the rows follow; NaN where a column was not published.
        source: a zoo name, an alias, or a file with a published name; anything else has no figures.
    """
    found = published(source, _SETTINGS[benchmark.name])
    return [(setting, _row(benchmark, values)) for setting, values in found.items()]


def published(source: str, benchmark: str) -> dict[str, dict[str, float]]:
    """Setting → figures of a checkpoint, of the settings whose name begins with the benchmark's.

    Args:
        source: as for `figures`.
        benchmark: such as ``"COCO val2017"``.
    """
    from models.zoo import by_file_name, entries

    named = {name: entry for entry in entries() for name in (entry.name, *entry.aliases)}
    entry = named.get(source) or by_file_name(Path(source).name)
    known = entry.figures if entry else {}
    return {setting: values for setting, values in known.items() if setting.startswith(benchmark)}


def _row(benchmark: Benchmark, values: dict[str, float]) -> tuple[float, ...]:
    row = [values.get(name, values.get(_OTHER_NAMES.get(name, ""), math.nan)) for name in benchmark.columns]
    # some publishers of MPII figures print per cent, the others parts of 1, as the table here does
    scale = 100 if benchmark.decimals == 3 and max(row) > 1 else 1
    return tuple(value / scale for value in row)
