"""The command line that the benchmarks of single pictures share."""

from __future__ import annotations

import argparse
import logging
import math
from dataclasses import fields
from pathlib import Path
from typing import Any

from evaluation.annotations import Document
from evaluation.benchmark import Benchmark
from evaluation.output import check_outputs, print_scores, write_scores
from evaluation.person_results import read_predictions
from models.command import positive
from models.errors import InputError
from models.options import add_engine_options, add_network_options, network_options


def share(text: str) -> float:
    """The type of an option that is a part of one."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"'{text}': give a number from 0 to 1")
    return value


def add_arguments(benchmark: Benchmark, parser: argparse.ArgumentParser) -> None:
    """Declare the options of one benchmark."""
    what = parser.add_argument_group("what is scored: a network, or a file of predictions")
    what.add_argument("--model", metavar="NAME|FILE", help="a checkpoint of the zoo or a file: run it")
    what.add_argument("--pred", type=Path, metavar="FILE", help="predictions to score; no picture is needed")
    data = parser.add_argument_group("data")
    data.add_argument("--data", type=Path, metavar="DIR", help=f"the folder of {benchmark.title}")
    data.add_argument(
        "--gt", type=Path, metavar="FILE", help="one annotation file instead of the folder's own"
    )
    run = parser.add_argument_group("running a network")
    boxes = "gt (the annotated ones)"
    if not benchmark.per_person:
        boxes += ", detect (our person detector), or a JSON file of detections"
    run.add_argument(
        "--boxes", default="gt", metavar="gt|detect|FILE", help=f"person boxes: {boxes} (default: gt)"
    )
    run.add_argument("--flip-test", action="store_true", help="average with the mirrored crop")
    run.add_argument("--save", type=Path, metavar="FILE", help="keep predictions here; run again to resume")
    run.add_argument("--batch", type=positive, default=32, metavar="N", help="crops at once (default: 32)")
    add_engine_options(run)
    if not benchmark.per_person:
        for option, metavar, default, about in (
            ("--box-threshold", "S", 0.0, "drop found boxes scored lower"),
            ("--joint-threshold", "S", 0.2, "keypoint scores up to this do not count for a pose's"),
            ("--oks-nms", "OKS", 0.9, "of poses more alike the best stays; 1 for all"),
        ):
            about += f" (default: {default:g})"
            run.add_argument(option, type=share, default=default, metavar=metavar, help=about)
    add_network_options(parser)
    output = parser.add_argument_group("output")
    output.add_argument("--json", type=Path, metavar="FILE", help="write the figures")
    output.add_argument(
        "--report", type=Path, metavar="DIR", help="write a page with tables, plots and pictures"
    )


def run(benchmark: Benchmark, args: argparse.Namespace) -> int:
    """Score predictions or a network and print the row; 0 for success."""
    logging.basicConfig(format="%(message)s")
    if (args.model is None) == (args.pred is None):
        raise InputError("give either --model (a network to run) or --pred (predictions to score)")
    if args.boxes == "gt" and getattr(args, "box_threshold", 0):
        raise InputError("--box-threshold: annotated boxes have no score; give --boxes detect or a file")
    path = find_annotations(benchmark, args.data, args.gt)
    page = args.report and args.report / "index.html"
    check_outputs((args.json, args.save, page), (path, args.pred, args.model, args.boxes))
    document = read_annotations(benchmark, path)
    predictions = read_predictions(args.pred) if args.pred else _run_model(benchmark, args, document, path)
    scores = benchmark.score(document, predictions)
    source = args.model or str(args.pred)
    print_scores(benchmark, scores, source)
    if args.json:
        write_scores(args.json, benchmark, scores, source, path)
    if args.report:
        from evaluation.page import write_page

        folders = _image_folders(benchmark, args, path)
        write_page(args.report, benchmark, scores, document, predictions, source, folders)
        print(f"report: {args.report / 'index.html'}")
    return 0


def find_annotations(benchmark: Benchmark, data: Path | None, gt: Path | None) -> Path:
    """The annotation file or folder: ``--gt`` if given, else the first known name below ``--data``.

    Raises InputError that says what was looked for and which JSON files are there instead.
    """
    if data is not None and not data.is_dir():
        raise InputError(f"--data '{data}' is not a folder")
    if gt is not None:
        for path in (gt, data / gt if data else gt):
            if path.exists():
                return path
        raise InputError(f"--gt '{gt}' does not exist")
    if data is None:
        raise InputError(f"give --data (the folder of {benchmark.title}) or --gt (an annotation file)")
    for name in benchmark.annotations:
        if (data / name).exists():
            return data / name
    present = sorted(
        str(p.relative_to(data)) for pattern in ("*.json", "*/*.json") for p in data.glob(pattern)
    )
    found = (
        f"JSON files there: {', '.join(present[:5])}; choose one with --gt"
        if present
        else "no JSON file there"
    )
    raise InputError(
        f"no annotations of {benchmark.title} in '{data}': "
        f"looked for {', '.join(benchmark.annotations)} ({found})"
    )


def read_annotations(benchmark: Benchmark, path: Path) -> Document:
    """The benchmark's annotations; raises InputError for whatever is wrong with the file."""
    try:
        return benchmark.read(path)
    except InputError:
        raise
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        what = f"{type(error).__name__}: {error}".splitlines()[0][:120]
        raise InputError(f"'{path}' is not in the form of {benchmark.title}'s annotations ({what})") from None


def _image_folders(benchmark: Benchmark, args: argparse.Namespace, annotations: Path) -> list[Path]:
    """Where file names may start from: known folders below ``--data``, then the annotation file's own."""
    known = [args.data / name for name in benchmark.images] if args.data else []
    return [*known, annotations if annotations.is_dir() else annotations.parent]


def _run_model(benchmark: Benchmark, args: argparse.Namespace, document: Document, annotations: Path) -> Any:
    if benchmark.per_person and args.boxes != "gt":
        raise InputError(f"{benchmark.title} scores one pose for each annotated person: use --boxes gt")
    from evaluation.runner import RunOptions, run_network

    names = {part.name for part in fields(RunOptions)}
    given = {name: value for name, value in vars(args).items() if name in names}
    options = RunOptions(**given, description=network_options(args))
    return run_network(benchmark, document, _image_folders(benchmark, args, annotations), args.model, options)
