"""COCO keypoints: AP and AR by OKS, as pycocotools computes them."""

from __future__ import annotations

from evaluation.benchmark import OKS_COLUMNS, Benchmark, oks_scorer, reader
from evaluation.oks import OksRules
from models.keypoints import COCO

BENCHMARK = Benchmark(
    name="coco",
    title="COCO keypoints",
    keypoint_set=COCO,
    annotations=("annotations/person_keypoints_val2017.json", "person_keypoints_val2017.json"),
    images=("val2017", "images/val2017", "images", "."),
    box_files=("person_detection_results/COCO_val2017_detections_AP_H_56_person.json",),
    columns=OKS_COLUMNS,
    homepage="cocodataset.org",
    terms="annotations CC BY 4.0; images under their Flickr licences",
    read=reader(COCO),
    score=oks_scorer(OksRules(COCO)),
)
