"""A whole run of the tracking command: inputs → results on disk, one after the other."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from models.errors import InputError
from tracker.assembly import build_tracker, describe, draw_options, run_info
from tracker.boxes_file import SUFFIXES
from tracker.cli import FRAME_RATE, files_read, outputs_asked
from tracker.interrupt import StopOnInterrupt
from tracker.outputs import DEFAULTS, OVERLAY, OutputPlan, close_all, plan_outputs, write_all
from tracker.pipeline import PoseTracker
from tracker.progress import Summary, with_progress
from tracker.results.sink import Sink
from tracker.smoothing import OneEuro, savitzky_golay
from tracker.threads import WriteBehind, read_ahead
from tracker.types import Frame, FrameResult
from tracker.video import open_source
from tracker.video.images import is_pictures
from tracker.video.inputs import expand_inputs
from tracker.video.overlay import OverlayVideo
from tracker.video.source import DamagedSourceError, Source

DONE, FAILED, INTERRUPTED = 0, 1, 130


def track_videos(args: argparse.Namespace) -> int:
    """Track every input of a command line; gives the exit status.

    Status 0: done; 1: something failed in mid-run, or one of several inputs could not be used; 130: stopped
    by Ctrl-C. Raises InputError, before any file is written, for wrong arguments and for a single input that
    cannot be used.
    """
    sources = expand_inputs(args.inputs)
    asked = outputs_asked(args)
    _refuse_useless(args, sources, overlay=OVERLAY in (asked or DEFAULTS))
    plans, status = [], DONE
    for plan in plan_outputs(sources, asked, files_read(args)):
        try:
            with _open(plan.source, args) as source:
                _check_second_pass(plan, source, args)
            plan.check(args.overwrite)
            plans.append(plan)
        except InputError as error:
            if len(sources) == 1:
                raise
            status = _report(error)
    if not plans:
        return status
    tracker = build_tracker(args)
    if not args.quiet:
        print(describe(tracker))
    for plan in plans:
        with StopOnInterrupt() as stop:
            try:
                _track_one(plan, tracker, args, stop)
            except InputError as error:
                if len(sources) == 1:
                    raise
                status = _report(error)
            except (DamagedSourceError, OSError) as error:
                status = _report(error)
        if stop.asked:
            print("interrupted: everything until then is written", file=sys.stderr)
            return INTERRUPTED
    return status


def _refuse_useless(args: argparse.Namespace, sources: list[str], overlay: bool) -> None:
    """Raise InputError for options that the inputs or the outputs have no use for."""
    boxes = args.detections or getattr(args, "detector", "")
    if len(sources) > 1 and Path(boxes).suffix.lower() in SUFFIXES:
        raise InputError(f"the boxes of '{boxes}' fit one video, but there are {len(sources)} inputs")
    if args.frame_rate is not None and not any(map(is_pictures, sources)):
        raise InputError(f"--frame-rate is for pictures; '{sources[0]}' has times of its own")
    for name in ("trails", "boxes", "no_ids"):
        if getattr(args, name) and not overlay:
            raise InputError(f"--{name.replace('_', '-')} needs a video to draw in: add -o FILE")


def _check_second_pass(plan: OutputPlan, source: Source, args: argparse.Namespace) -> None:
    """Raise InputError where the pictures of the first pass cannot be had a second time."""
    live = "://" in plan.source and source.info.duration is None
    if args.smooth == "savgol" and OVERLAY in plan.paths and live:
        raise InputError(
            f"--smooth savgol reads a video twice, but '{plan.source}' goes on: choose --smooth one-euro, or "
            "results without a video"
        )


def _track_one(
    plan: OutputPlan, tracker: PoseTracker, args: argparse.Namespace, stop: StopOnInterrupt
) -> None:
    summary, threshold = Summary(), tracker.options.joint_threshold
    with ExitStack() as stack:
        source = stack.enter_context(_open(plan.source, args))
        sinks = plan.open(run_info(tracker, source.info), draw_options(args, tracker))
        frames: Iterable[Frame] = source
        if args.workers:
            frames = stack.enter_context(closing(read_ahead(source)))
        name = Path(plan.source).name

        def watched(results: Iterable[FrameResult], name: str, summary: Summary) -> Iterator[FrameResult]:
            total, show = source.info.frame_count, not args.quiet
            return with_progress(stop.until(results), total, name, summary, show)

        results: Iterable[FrameResult] = watched(tracker.track(frames), name, summary)
        if args.follow is not None:
            results = (result[result.poses.track_ids == args.follow] for result in results)
        if args.smooth == "one-euro":
            results = map(OneEuro(joint_threshold=threshold), results)
        elif args.smooth == "savgol":
            again = partial(_open, plan.source, args) if OVERLAY in plan.paths else None
            second = partial(watched, name=f"{name}, smoothed", summary=Summary())
            results = smoothed_afterwards(results, again, threshold, second)
        _write(results, sinks, args.workers > 1, stop)
    _tell(plan, source, sinks, summary, args)


def smoothed_afterwards(
    results: Iterable[FrameResult],
    again: Callable[[], Source] | None,
    joint_threshold: float,
    watched: Callable[[Iterable[FrameResult]], Iterable[FrameResult]],
) -> Iterator[FrameResult]:
    """Track to the end, then smooth, then give the results with their pictures, which `again` opens anew.

    Pictures are not kept: only the poses of the whole video, about 2 KB a frame with five people. `watched`
    gets the second pass to show how far it is, and to end it.
    """
    nothing = np.zeros((0, 0, 3), np.uint8)
    tracked, failure = [], None
    try:
        for result in results:
            tracked.append(replace(result, frame=replace(result.frame, image=nothing)))
    except (DamagedSourceError, OSError) as error:
        failure = error
    smooth = savitzky_golay(tracked, joint_threshold)
    if again is None:
        yield from watched(smooth)
    else:
        with again() as source:
            pairs = zip(smooth, source, strict=False)
            yield from watched(replace(result, frame=frame) for result, frame in pairs)
    if failure:
        raise failure


def _open(source: str, args: argparse.Namespace) -> Source:
    rate = FRAME_RATE if args.frame_rate is None else args.frame_rate
    return open_source(source, args.start, args.end, rate)


def _write(results: Iterable[FrameResult], sinks: list[Sink], threaded: bool, stop: StopOnInterrupt) -> None:
    """Write all results and finish the files, whatever happens."""
    try:
        if threaded:
            with WriteBehind(partial(write_all, sinks)) as behind:
                for result in results:
                    behind.put(result)
        else:
            for result in results:
                write_all(sinks, result)
    except BaseException:
        stop.finishing = True
        with suppress(OSError):  # the first failure is the one to tell
            close_all(sinks, complete=False)
        raise
    stop.finishing = True
    close_all(sinks, complete=not stop.asked)


def _tell(
    plan: OutputPlan, source: Source, sinks: list[Sink], summary: Summary, args: argparse.Namespace
) -> None:
    """The closing table, and what the user should know."""
    summary.spend({"decode": source.seconds})
    for sink in sinks:
        if isinstance(sink, OverlayVideo):
            summary.spend(sink.seconds)
            for note in sink.notes:
                print(f"warning: {note}", file=sys.stderr)
    if not args.quiet:
        summary.show(f"{plan.source} → {', '.join(map(str, plan.paths.values()))}")
    if not summary.ids:
        print(f"warning: nobody was found in '{plan.source}'", file=sys.stderr)
    elif args.follow is not None and args.follow not in summary.ids:
        seen = ", ".join(map(str, sorted(summary.ids)[:20]))
        print(f"warning: id {args.follow} was not seen; the ids are {seen}", file=sys.stderr)


def _report(error: Exception) -> int:
    """One line on the terminal; gives the exit status of a run that failed."""
    if isinstance(error, OSError) and error.strerror:
        where = f" '{error.filename}'" if error.filename else ""
        error = OSError(f"cannot write{where}: {error.strerror}; what was written until then is kept")
    print(f"error: {error}", file=sys.stderr)
    return FAILED
