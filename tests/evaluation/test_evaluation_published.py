"""The zoo's figures beside ours: every row that was published, in its column order."""

from importlib import import_module

import numpy as np
import pytest

from evaluation.annotations import read_json
from evaluation.published import figures

# How the published tables name their benchmarks.
BENCHMARKS = {
    "COCO": "coco",
    "OCHuman": "ochuman",
    "CrowdPose": "crowdpose",
    "AIC": "aic",
    "MHP": "mhp",
    "MPII val": "mpii",
    "MPII-TRB": "mpii_trb",
    "Sub-JHMDB": "jhmdb",
}


def benchmark_of(title):
    module = next((m for start, m in BENCHMARKS.items() if title.startswith(start)), None)
    return module and import_module(f"evaluation.{module}").BENCHMARK


def test_every_published_row_is_shown(shared):
    published = read_json(shared / "reference" / "published.json")["mmpose"]
    checkpoints = [row for row in published if "config" in row]  # the others are means of three
    for row in checkpoints:
        benchmark = benchmark_of(row["benchmark"])
        if benchmark is None:
            assert row["benchmark"].startswith("PoseTrack")
            continue
        crowded = {
            f"AP_{name}": row["figures"].get(f"AP ({name[0].upper()})") for name in ("easy", "medium", "hard")
        }
        expected = [{**crowded, **row["figures"]}[name] for name in benchmark.columns]
        rows = [values for _, values in figures(benchmark, row["config"])]
        assert any(np.allclose(values, expected, atol=5e-4) for values in rows), (row["config"], rows)
    assert len(checkpoints) == 38


@pytest.mark.parametrize("module", BENCHMARKS.values())
def test_unknown_sources_have_no_figures(module):
    assert figures(import_module(f"evaluation.{module}").BENCHMARK, "my_own_run/best.pth") == []


def test_file_names_are_recognised():
    benchmark = import_module("evaluation.coco").BENCHMARK
    name = "downloads/res50_coco_256x192-ec54d7f3_20200709.pth"
    assert figures(benchmark, name) == figures(benchmark, "res50_coco_256x192") != []


def test_per_cent_becomes_parts_of_one():
    benchmark = import_module("evaluation.mpii").BENCHMARK
    ((_, row),) = figures(benchmark, "microsoft_pose_resnet_50_mpii_256x256")
    assert row == pytest.approx((0.88532, 0.33911))
