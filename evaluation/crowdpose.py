"""CrowdPose: AP by OKS, and for easy, medium and hard images by how crowded they are."""

from __future__ import annotations

from evaluation.benchmark import Benchmark, oks_scorer, reader
from evaluation.oks import OksRules
from models.keypoints import CROWDPOSE

COLUMNS = ("AP", "AP50", "AP75", "AP_easy", "AP_medium", "AP_hard")
BENCHMARK = Benchmark(
    name="crowdpose",
    title="CrowdPose",
    keypoint_set=CROWDPOSE,
    annotations=(
        "annotations/mmpose_crowdpose_test.json",
        "annotations/crowdpose_test.json",
        "json/crowdpose_test.json",
        "crowdpose_test.json",
    ),
    images=("images", "."),
    box_files=("annotations/det_for_crowd_test_0.1_0.5.json",),
    columns=COLUMNS,
    homepage="github.com/Jeff-sjtu/CrowdPose",
    terms="non-commercial research",
    read=reader(CROWDPOSE),
    score=oks_scorer(OksRules(CROWDPOSE, area="box", crowding=True), COLUMNS),
)
