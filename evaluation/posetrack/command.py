"""``python -m evaluation posetrack18``: score files of predicted tracks."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from models.errors import InputError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command line."""
    parser.add_argument("--gt", metavar="DIR", help="annotation files, one a sequence, or a single file")
    parser.add_argument("--pred", metavar="DIR", help="prediction files of the same names, or a single file")
    parser.add_argument(
        "--protocol",
        choices=("poseval", "strict"),
        default="poseval",
        help="poseval: exactly the official figures; strict: without its quirks, any file names",
    )
    parser.add_argument("--ap-only", action="store_true", help="no tracking; persons need no track_id")
    parser.add_argument(
        "--full", action="store_true", help="HOTA, IDF1, trajectories, by height, by crowding"
    )
    parser.add_argument("--sweep", action="store_true", help="AP and MOTA against the score thresholds")
    parser.add_argument("--per-sequence", action="store_true", help="each sequence too; faulty ones left out")
    parser.add_argument("--report", metavar="DIR", type=Path, help="write a page with curves and timelines")
    parser.add_argument(
        "--images", metavar="DIR", type=Path, help="where the frames' images lie (for --report)"
    )
    parser.add_argument("--json", metavar="FILE", type=Path, help="write all figures as JSON")
    parser.add_argument("--csv", metavar="FILE", type=Path, help="write the tables as CSV")


def run(args: argparse.Namespace) -> int:
    """Score, print and write; 2 where sequences had to be left out."""
    if not args.gt or not args.pred:
        raise InputError("give --gt DIR and --pred DIR")
    # imported here, so that --help is instant
    from evaluation.posetrack.evaluate import evaluate
    from evaluation.posetrack.measures import measure
    from evaluation.posetrack.sweep import sweep
    from evaluation.posetrack.table import print_tables, to_csv, to_json
    from evaluation.posetrack.writing import write_json, write_whole

    result = evaluate(
        args.gt,
        args.pred,
        protocol=args.protocol,
        tracking=not args.ap_only,
        skip_faulty=args.per_sequence,
    )
    for note in result.notes:
        print(f"note: {note}", file=sys.stderr)
    for reason in result.left_out.values():
        print(f"left out: {reason}", file=sys.stderr)
    measures = measure(result) if args.full or args.report else None
    grid = sweep(result) if args.sweep and not args.ap_only else None
    print_tables(result, per_sequence=args.per_sequence, measures=measures, grid=grid)
    if args.json:
        write_json(
            args.json,
            to_json(result, per_sequence=args.per_sequence, measures=measures, grid=grid),
            indent=True,
        )
    if args.csv:
        write_whole(args.csv, to_csv(result, per_sequence=args.per_sequence).encode())
    if args.report and measures:
        from evaluation.posetrack.page import write_page

        print(f"report: {write_page(args.report, result, measures, grid, _image_folders(args))}")
    return 2 if result.left_out else 0


def _image_folders(args: argparse.Namespace) -> list[Path]:
    """Where images may lie: the folder given, or those around the annotations, as PoseTrack18 has them."""
    return [args.images] if args.images else [Path(args.gt).resolve(), *Path(args.gt).resolve().parents[:2]]
