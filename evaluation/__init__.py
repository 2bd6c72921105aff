"""Benchmarks: readers, metrics, tables and reports. Importing this package loads neither torch nor OpenCV.

A benchmark's module (`evaluation.coco` …) names its files and its rules. Its reader makes annotations a
COCO-style document (`annotations`); predictions are a network's (`runner`) or a file's (`person_results`);
`oks` and `pck` give the figures, `output` and `page` the tables. PoseTrack18 has a package of its own.
"""
