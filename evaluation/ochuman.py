"""OCHuman: COCO's keypoints and measure on heavily occluded people."""

from __future__ import annotations

from functools import partial

from evaluation import command
from evaluation.benchmark import Benchmark, oks_scorer, reader
from evaluation.oks import OksRules
from models.keypoints import OCHUMAN

BENCHMARK = Benchmark(
    name="ochuman",
    title="OCHuman",
    keypoint_set=OCHUMAN,
    annotations=(
        "annotations/ochuman_coco_format_test_range_0.00_1.00.json",
        "ochuman_coco_format_test_range_0.00_1.00.json",
    ),
    images=("images", "."),
    columns=("AP", "AP50", "AP75", "AR", "AR50"),
    homepage="github.com/liruilong940607/OCHumanApi",
    terms="research, by form",
    read=reader(OCHUMAN),
    score=oks_scorer(OksRules(OCHUMAN, labelled="count", skip_blank=True)),
)

add_arguments = partial(command.add_arguments, BENCHMARK)
run = partial(command.run, BENCHMARK)
