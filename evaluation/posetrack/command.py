"""``python -m evaluation posetrack18``: score files of predicted tracks, or run the tracker and score it."""

from __future__ import annotations

import argparse
import re
import sys
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evaluation.output import check_outputs
from models.command import positive
from models.errors import InputError
from models.options import add_engine_options

if TYPE_CHECKING:
    from evaluation.posetrack.running import RunOptions


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command line."""
    add = parser.add_argument_group("scoring files").add_argument
    add("--gt", metavar="DIR", type=Path, help="annotation files, one a sequence, or a single file")
    add("--pred", metavar="DIR", type=Path, help="prediction files of the same names, or a single file")
    add(
        "--protocol",
        choices=("poseval", "strict"),
        default="poseval",
        help="poseval: exactly the official figures (default); strict: without its quirks, any file names",
    )
    add("--ap-only", action="store_true", help="no tracking; persons need no track_id")
    add = parser.add_argument_group("output").add_argument
    add("--full", action="store_true", help="HOTA, IDF1, trajectories, by height, by crowding")
    add("--sweep", action="store_true", help="AP and MOTA against the score thresholds")
    add("--per-sequence", action="store_true", help="each sequence too; faulty ones are left out")
    add("--report", metavar="DIR", type=Path, help="write a page with curves, timelines and the worst frames")
    add("--images", metavar="DIR", type=Path, help="where the frames' images lie, for --report")
    add("--json", metavar="FILE", type=Path, help="write all figures as JSON")
    add("--csv", metavar="FILE", type=Path, help="write the tables as CSV")
    _add_run_arguments(parser)


def _add_run_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("running a network or the tracker")
    add = group.add_argument
    add("--data", metavar="DIR", type=Path, help="PoseTrack18's folder: annotations/val, images/val")
    add("--split", metavar="NAME", help="which annotations below --data (default: val)")
    add("--model", metavar="NAME|FILE", help="a checkpoint of the zoo or a file")
    add(
        "--boxes",
        default="gt",
        metavar="gt|detect|FILE",
        help="person boxes; FILE is COCO-style (default: gt)",
    )
    add("--detector", metavar="NAME|FILE", help="for --boxes detect (default: person_detector)")
    add("--track", action="store_true", help="run the tracker; without it, AP of single frames")
    add("--ablation", action="store_true", help="the paper's six rows: propagation and each similarity")
    add("--flip-test", action="store_true", help="average with the mirrored crop")
    add(
        "--save",
        metavar="DIR",
        type=Path,
        help="prediction files; run again to resume (default: below runs/)",
    )
    add("--jobs", type=positive, default=2, metavar="N", help="sequences at a time (default: 2)")
    add_engine_options(group)
    add(
        "--set",
        nargs="+",
        default=[],
        metavar="KEY=VALUE",
        help="settings of the tracker, such as similarity=flow joint_threshold=0.3 (default: the tracker's "
        "own, with detect_every=1, remember=0 and new_track_joints=0, as in the paper)",
    )


def run(args: argparse.Namespace) -> int:
    """Score, print and write; 2 where sequences had to be left out."""
    if args.data is None and (args.gt is None or args.pred is None):
        raise InputError("give --gt and --pred (files to score), or --data and --model (a network to run)")
    if args.data is not None and (args.model is None or args.pred is not None):
        raise InputError("--data needs --model, the network to run, and no --pred")
    _refuse_useless(args)
    gt = args.gt or _annotations_below(args.data, args.split or "val")
    page = args.report and args.report / "index.html"
    check_outputs((args.json, args.csv, page), (gt, args.pred, args.model, args.boxes, args.detector))
    if args.data is None:
        return _score(args, gt, args.pred, tracking=not args.ap_only)
    from evaluation.posetrack.running import predict

    name = re.sub(r"[^\w.-]+", "_", Path(args.model).stem)
    folder = args.save or Path("runs") / "posetrack18" / name
    options = _run_options(args)
    if args.ablation:
        return _ablation(args, gt, options, folder)
    predict(gt, args.data, options, folder)
    print(f"predictions: {folder}")
    if not args.track:
        return _score(args, gt, folder / "poses", tracking=False)
    return _score(args, gt, folder / "tracks", tracking=True, poses=folder / "poses")


def _annotations_below(data: Path, split: str) -> Path:
    from evaluation.posetrack.running import annotation_folder

    return annotation_folder(data, split)


def _refuse_useless(args: argparse.Namespace) -> None:
    """Raise InputError for options that would have no effect, beside the others or by themselves."""
    tracking = not args.ap_only if args.data is None else args.track
    of_scoring = args.report or args.csv or args.full or args.sweep or args.per_sequence
    for useless, advice in (
        (args.gt and args.split, "--split names annotations below --data: give it without --gt"),
        (args.detector and args.boxes != "detect", "--detector is for --boxes detect"),
        (
            args.ablation and of_scoring,
            "--ablation prints its own table: of the outputs it takes --json alone",
        ),
        (
            args.ap_only and (args.track or args.ablation),
            "--ap-only leaves tracking out: give it without --track and --ablation",
        ),
        (args.images and not args.report, "--images is for the page that --report writes"),
        (
            args.sweep and not tracking,
            "--sweep weighs AP against MOTA: it needs tracking (--track, and no --ap-only)",
        ),
    ):
        if useless:
            raise InputError(advice)
    if args.images and not args.images.is_dir():
        raise InputError(f"--images '{args.images}' is not a folder")


def _score(
    args: argparse.Namespace, gt: Path, pred: Path, *, tracking: bool, poses: Path | None = None
) -> int:
    """Evaluate predictions and show what was asked for; ``poses`` are the same with every joint, for AP."""
    # imported here, so that --help is instant
    from evaluation.posetrack.measures import measure
    from evaluation.posetrack.scoring import evaluate
    from evaluation.posetrack.sweep import sweep
    from evaluation.posetrack.table import precision_row, print_tables, to_csv, to_json
    from models.files import write_json, write_whole

    result = evaluate(gt, pred, protocol=args.protocol, tracking=tracking, skip_faulty=args.per_sequence)
    for note in result.notes:
        print(f"note: {note}", file=sys.stderr)
    for reason in result.left_out.values():
        print(f"left out: {reason}", file=sys.stderr)
    more = {}
    if poses:
        all_joints = evaluate(
            gt, poses, protocol=args.protocol, tracking=False, skip_faulty=args.per_sequence
        )
        more["AP, all joints"] = precision_row(all_joints.precision)
    if args.model:
        from evaluation.published import published

        for setting, figures in published(args.model, "PoseTrack").items():
            more[f"published: {setting}"] = figures
    measures = measure(result) if args.full or args.report else None
    grid = sweep(result) if args.sweep else None
    print_tables(
        result,
        per_sequence=args.per_sequence,
        measures=measures if args.full else None,
        grid=grid,
        more=more,
    )
    if args.json:
        content = to_json(result, per_sequence=args.per_sequence, measures=measures, grid=grid)
        write_json(args.json, content | ({"table": more} if more else {}), indent=True)
    if args.csv:
        write_whole(args.csv, to_csv(result, per_sequence=args.per_sequence).encode())
    if args.report and measures:
        from evaluation.posetrack.page import write_page

        print(f"report: {write_page(args.report, result, measures, grid, _image_folders(args, gt))}")
    return 2 if result.left_out else 0


def _image_folders(args: argparse.Namespace, gt: Path) -> list[Path]:
    """Where images may lie: the folder given, or those around the annotations, as PoseTrack18 has them."""
    given = args.images or args.data
    return [given] if given else [gt.resolve(), *gt.resolve().parents[:2]]


def _run_options(args: argparse.Namespace) -> RunOptions:
    from evaluation.posetrack.running import RunOptions

    names = {part.name for part in fields(RunOptions)}
    given = {name: value for name, value in vars(args).items() if name in names and value is not None}
    return RunOptions(**given, tracker=tracker_settings(args.set))


def tracker_settings(pairs: list[str]) -> dict[str, Any]:
    """``key=value`` texts as values of the tracker's own types; raises InputError for any other."""
    from tracker.options import TrackerOptions

    known = asdict(TrackerOptions())
    settings: dict[str, Any] = {}
    for pair in pairs:
        key, _, text = pair.partition("=")
        name = key.replace("-", "_")
        if name not in known:
            raise InputError(f"--set {pair}: no such setting; the tracker has {', '.join(known)}")
        kind = int if known[name] is None else type(known[name])
        try:
            settings[name] = {"true": True, "false": False}[text.lower()] if kind is bool else kind(text)
        except (KeyError, ValueError):
            raise InputError(f"--set {pair}: expected a value of type {kind.__name__}") from None
    return settings


def _ablation(args: argparse.Namespace, gt: Path, options: RunOptions, folder: Path) -> int:
    from evaluation.posetrack.ablation import COLUMNS, ablation
    from evaluation.posetrack.table import print_table
    from models.files import write_json

    table = ablation(gt, args.data, options, folder, args.protocol)
    print_table(f"PoseTrack18, {args.model}: {args.protocol} protocol", COLUMNS, table)
    if args.json:
        write_json(args.json, {"protocol": args.protocol, "ablation": table}, indent=True)
    return 0
