"""A whole run of the live view: camera → tracker → window or browser."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from collections.abc import Callable
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path

from models.errors import InputError
from tracker.assembly import build_tracker, describe, draw_options, run_info
from tracker.cli import outputs_asked, tracker_options
from tracker.live.cameras import open_camera
from tracker.live.capture import Capture
from tracker.live.controller import RateController
from tracker.live.session import LiveSession
from tracker.outputs import NAMES, OutputPlan, plan_outputs
from tracker.pipeline import PoseTracker
from tracker.pose import PoseStage
from tracker.smoothing import OneEuro, Smooth

DONE, FAILED = 0, 1
BROWSER = "browser"  # the source that says: pages bring their own pictures
BROWSER_SOURCES = 2  # pages that may bring their own at a time, where the options do not say
FAST_MODEL = "fast"


def live_view(args: argparse.Namespace) -> int:
    """Show a camera, tracked; gives the exit status.

    Raises InputError for wrong arguments, a camera that is not there, and a window without a screen.
    """
    _refuse_useless(args)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends everything as Ctrl-C does
    address = None
    if args.serve is not None:
        from tracker.live.web import Address

        address = Address.parse(args.serve, args.allow_remote)
    else:
        from tracker.live.window import check_screen

        check_screen()
    if args.fps is not None and not 0 < args.fps <= 1000:
        raise InputError(f"wrong --fps {args.fps:g}: give frames a second, such as 30")
    plan = _plan(args)

    with ExitStack() as stack:
        session = None
        if args.source != BROWSER:
            session = _session(args, stack)
            stack.callback(_ignore_signals)  # the first step of the end, before the session's
            if plan:
                session.start_recording(draw_options(args, session.tracker), plan)
        if address is not None:
            from tracker.live.server import live_app
            from tracker.live.web import print_address, run_app

            limit = args.browser_sources or BROWSER_SOURCES
            makers = _tracker_maker(args, session is None), limit, partial(_new_smooth, args)
            app = live_app(address, session, *makers)
            asyncio.run(run_app(app, address, print_address))
        elif session is not None:
            from tracker.live.window import LiveWindow

            window = LiveWindow(session, draw_options(args, session.tracker), args.follow)
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, window.quit)  # an exception could come while a lock is taken
            window.run()
    return _tell(session) if session else DONE


def _refuse_useless(args: argparse.Namespace) -> None:
    """Raise InputError for options that the source or the view has no use for."""
    own_source, window = args.source != BROWSER, args.serve is None
    if window and not own_source:
        raise InputError("the source 'browser' needs --serve")
    of_source = (*NAMES, "fps", "adaptive", "loop", "camera_size", "detections", "recordings")
    for useful, need, names in (
        (own_source, "needs a camera, a stream or a file as the source", of_source),
        (not window, "needs --serve", ("allow_remote", "browser_sources")),
        (window, "is for the window; on the page click on the person to follow", ("follow",)),
        (window or args.output, "is for the window and for --output", ("boxes", "no_ids", "trails")),
        (bool(outputs_asked(args)), "needs a file to write, as --output", ("overwrite",)),
    ):
        for name in names:
            if not useful and getattr(args, name):
                raise InputError(f"--{name.replace('_', '-')} {need}")


def _ignore_signals() -> None:
    """For the rest of the program, in which files are given their end, nothing interrupts."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


def _tracker_maker(args: argparse.Namespace, at_once: bool) -> Callable[[], PoseTracker]:
    """Makes the trackers of pages; `at_once`: the first is made now, so that wrong options come out now."""
    made = [build_tracker(args)] if at_once else []

    def new_tracker() -> PoseTracker:
        with suppress(IndexError):
            return made.pop()
        return build_tracker(args)

    return new_tracker


def _session(args: argparse.Namespace, stack: ExitStack) -> LiveSession:
    """The camera's session, running."""
    open_it = partial(open_camera, args.source, args.camera_size, args.loop)
    camera = open_it()
    with ExitStack() as loading:
        loading.callback(camera.close)
        tracker = build_tracker(args)
        fast = faster_stage(args, tracker) if args.adaptive else None
        loading.pop_all()  # from here on the capture closes it, in the thread that reads it
    print(describe(tracker), flush=True)
    capture = stack.enter_context(Capture(camera, open_it))
    target = float(args.fps or camera.frame_rate)
    controller = RateController(target, tracker.options.detect_every, adaptive=fast is not None)
    session = LiveSession(
        capture,
        tracker,
        controller,
        partial(run_info, tracker),
        Path(args.recordings or "."),
        fast=fast,
        smooth=_new_smooth(args),
        follow=args.follow,
    )
    return stack.enter_context(session)


def faster_stage(args: argparse.Namespace, tracker: PoseTracker) -> PoseStage | None:
    """The network that `--adaptive` may change to; None where the chosen one is that already."""
    from models.checkpoints import load_pose_network
    from models.engines import create_engine

    if tracker.pose.description.name == FAST_MODEL:
        print(f"warning: --adaptive changes nothing: '{FAST_MODEL}' runs already", file=sys.stderr)
        return None
    engine = create_engine(load_pose_network(FAST_MODEL), args.engine, args.device, args.precision)
    if engine.description.keypoints != tracker.pose.description.keypoints:
        raise InputError(
            f"--adaptive cannot change from {tracker.pose.description.name} to {FAST_MODEL}: they have other "
            "keypoints"
        )
    return PoseStage(engine)


def _new_smooth(args: argparse.Namespace) -> Smooth | None:
    """What takes the jitter out of one source."""
    if args.smooth == "none":
        return None
    return OneEuro(joint_threshold=tracker_options(args).joint_threshold)


def _plan(args: argparse.Namespace) -> OutputPlan | None:
    """The files of the whole session that were asked for; raises InputError where they may not be written."""
    asked = outputs_asked(args)
    if not asked:
        return None
    plan = plan_outputs([args.source], asked)[0]
    plan.check(args.overwrite)
    return plan


def _tell(session: LiveSession) -> int:
    """What became of it."""
    for path in session.saved:
        print(f"saved {path}")
    problems = [p for p in (session.failure, session.note, session.status.message) if p]
    for problem in problems:
        print(f"error: {problem}", file=sys.stderr)
    return FAILED if problems else DONE
