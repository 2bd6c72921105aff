"""How far the live view is behind its camera, and whether it keeps the camera's rate.

    python benchmarks/live.py                       720p at 30 frames a second, three people, made by itself
    python benchmarks/live.py --clip street.avi     on a clip, with the networks that ship with the project
    python benchmarks/live.py --minutes 10          does the latency grow?

A clip plays at its real rate through the same capture as a camera's pictures. Latency runs from the moment at
which a picture is due from the camera to the moment at which its people are known, and for viewers to the
moment at which the picture has come through the server. Setups take turns, so that what else the machine does
hits all alike. Without ``--clip`` the networks have seeded random weights, which takes as long as with
trained ones, and a script that knows where the people are replaces what they find.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.track import R50, ScriptedPose, Setup, build, make_clip
from benchmarks.walkers import Walkers
from models.command import Parser, positive
from models.errors import InputError, exit_status
from tracker.live.cameras import FileCamera
from tracker.live.capture import Capture
from tracker.live.controller import RateController
from tracker.live.server import live_app
from tracker.live.session import LiveSession
from tracker.live.web import Address, run_app
from tracker.pipeline import PoseTracker
from tracker.pose import PoseStage
from tracker.results.sink import RunInfo
from tracker.types import Frame, FrameResult
from tracker.video import open_source

PEOPLE, VIEWERS, CLIP_FRAMES = 3, 10, 300
QUALITY = Setup("default network", ("pose_resnet_18_d128", (256, 192)))
FAST = Setup("fast network", ("pose_resnet_18_3layers_d64", (128, 96)), shipped="fast")
LARGE = Setup("R50 256x192", R50)


@dataclass(frozen=True)
class Case:
    """One row: which network, whether the fast one may take over, how many watch."""

    name: str
    setup: Setup
    adaptive: bool = False
    viewers: int = 0


CASES = (
    Case("fast network", FAST),
    Case(f"fast network, {VIEWERS} viewers", FAST, viewers=VIEWERS),
    Case("default network", QUALITY),
    Case("default network, adaptive", QUALITY, adaptive=True),
    Case("R50 256x192", LARGE),
)


@dataclass
class Seen:
    """What was measured: milliseconds of latency, seconds at which results came, pictures of the camera."""

    latency: list[float] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    viewed: list[float] = field(default_factory=list)
    captured: int = 0

    def held(self, rate: float) -> float:
        """Part of the whole seconds in which at least 95 % of the camera's pictures were tracked."""
        whole = np.floor(np.array(self.times) - self.times[0]).astype(int)
        counts = np.bincount(whole)[:-1]
        return float((counts >= np.floor(0.95 * rate)).mean()) if len(counts) else 0.0


class ScriptedTracker(PoseTracker):
    """Tells the script which picture of the clip it is."""

    def step(self, frame: Frame) -> FrameResult:
        """As `PoseTracker.step`; the clip begins anew after its last frame."""
        frame = Frame(frame.index % CLIP_FRAMES, frame.time, frame.image)
        if isinstance(self.pose, ScriptedPose):
            self.pose.index = frame.index
        return super().step(frame)


def new_tracker(setup: Setup, scene: Walkers | None) -> PoseTracker:
    """The tracker of a setup, scripted where there is a scene."""
    tracker = build(setup, scene)
    if scene is None:
        return tracker
    return ScriptedTracker(tracker.detector, tracker.pose, tracker.options)


def run(case: Case, clip: Path, seconds: float, scene: Walkers | None) -> Seen:
    """Play the clip for some seconds and measure."""
    tracker = new_tracker(case.setup, scene)
    fast: PoseStage | None = new_tracker(FAST, scene).pose if case.adaptive else None
    camera = FileCamera(str(clip), loop=True)
    keypoints = tracker.pose.description.keypoints
    seen = Seen()
    with (
        Capture(camera, lambda: camera) as capture,
        LiveSession(
            capture,
            tracker,
            RateController(float(camera.frame_rate), tracker.options.detect_every, adaptive=fast is not None),
            lambda source: RunInfo(source, keypoints, 0.4),
            Path(),
            fast=fast,
        ) as session,
        watched(session, case.viewers, seen) if case.viewers else nullcontext(),
    ):
        if session.wait_newer(0, 120) is None:
            raise RuntimeError(f"no result: {session.failure}")
        time.sleep(3)  # the controller settles
        number, before, end = 0, session.status.frames, time.monotonic() + seconds
        seen.viewed.clear()
        while time.monotonic() < end:
            live = session.wait_newer(number, 1)
            if session.failure:
                raise session.failure
            if live is not None:
                number = live.number
                seen.latency.append(1000 * (live.ready - live.captured))
                seen.times.append(live.ready)
        seen.captured = session.status.frames - before
    return seen


@contextmanager
def watched(session: LiveSession, viewers: int, seen: Seen) -> Iterator[None]:
    """Serve the session and let viewers watch it from another process, as browsers would."""
    import subprocess

    address, urls, up = Address("127.0.0.1", 0), [], threading.Event()
    loop = asyncio.new_event_loop()

    def started(url: str) -> None:
        urls.append(url)
        up.set()

    def no_tracker() -> PoseTracker:
        raise RuntimeError("nobody brings pictures here")

    task = loop.create_task(run_app(live_app(address, session, no_tracker, 0), address, started))

    def serve() -> None:
        with suppress(asyncio.CancelledError):
            loop.run_until_complete(task)

    server = threading.Thread(target=serve)
    server.start()
    up.wait()
    process = subprocess.Popen(
        [sys.executable, __file__, "--watch", urls[0], "--viewers", str(viewers)],
        stdout=subprocess.PIPE,
        text=True,
    )

    def read() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            seen.viewed.append(float(line))

    reader = threading.Thread(target=read)
    reader.start()
    try:
        yield
    finally:
        process.terminate()
        reader.join()
        loop.call_soon_threadsafe(task.cancel)
        server.join()


async def watch(url: str, viewers: int) -> None:
    """Look at a served session; prints the latency of each picture of the first viewer in milliseconds.

    Both processes read the same clock (`time.monotonic` is the system's).
    """
    import aiohttp
    import orjson

    captured: dict[int, float] = {}

    async def people(client: aiohttp.ClientSession) -> None:
        async with client.ws_connect(f"{url}people") as page:
            async for message in page:
                frame = orjson.loads(message.data)
                if frame["type"] == "frame":
                    captured[frame["number"]] = frame["captured"]

    async def pictures(client: aiohttp.ClientSession, tell: bool) -> None:
        async with client.get(f"{url}stream.mjpg") as stream:
            reader = stream.content
            while await reader.readline():
                head = {}
                while line := (await reader.readline()).strip():
                    name, _, value = line.decode().partition(": ")
                    head[name] = value
                await reader.readexactly(int(head["Content-Length"]) + 2)
                at, number = time.monotonic(), int(head["X-Number"])
                if tell and number in captured:
                    print(1000 * (at - captured[number]), flush=True)

    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(None)) as client:
        await asyncio.gather(
            *(people(client) for _ in range(viewers)), *(pictures(client, i == 0) for i in range(viewers))
        )


def show(seen: dict[str, list[Seen]], rate: float) -> None:
    """The table: medians over the rounds."""
    from rich.console import Console
    from rich.table import Table

    table = Table(
        "",
        "frames/s",
        "seconds at full rate",
        "latency, median",
        "95 %",
        "99 %",
        "most",
        "to a viewer, median",
        "95 %",
    )

    def over(rounds: list[Seen], value: Callable[[Seen], float]) -> float:
        return statistics.median(value(s) for s in rounds)

    for name, rounds in seen.items():
        cells = [
            f"{over(rounds, lambda s: (len(s.times) - 1) / (s.times[-1] - s.times[0])):.1f}",
            f"{over(rounds, lambda s: 100 * s.held(rate)):.0f} %",
        ]
        cells += [percentile([s.latency for s in rounds], q) for q in (50, 95, 99, 100)]
        if all(s.viewed for s in rounds):
            cells += [percentile([s.viewed for s in rounds], q) for q in (50, 95)]
        table.add_row(name, *cells)
    Console(width=150).print(table)


def percentile(rounds: list[list[float]], q: float) -> str:
    """The median over the rounds of a percentile."""
    return f"{statistics.median(float(np.percentile(values, q)) for values in rounds):.0f} ms"


def show_growth(case: Case, seen: Seen) -> None:
    """Latency at the beginning and at the end of a long run."""
    tenth = max(1, len(seen.latency) // 10)
    first, last = statistics.median(seen.latency[:tenth]), statistics.median(seen.latency[-tenth:])
    print(f"{case.name}: median latency {first:.0f} ms in the first tenth, {last:.0f} ms in the last")


def chosen(numbers: str | None) -> tuple[Case, ...]:
    """The rows that `--cases` names."""
    if numbers is None:
        return CASES
    try:
        return tuple(CASES[range(1, len(CASES) + 1).index(int(number))] for number in numbers.split(","))
    except ValueError:
        raise InputError(
            f"wrong --cases '{numbers}': give numbers from 1 to {len(CASES)}, as in 1,2"
        ) from None


def main() -> int:
    """The command line."""
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clip", help="a video; by default one is made: 720p, three people")
    parser.add_argument("--seconds", type=float, default=20, help="of each round (default: 20)")
    parser.add_argument(
        "--rounds", type=positive, default=3, help="interleaved; the median counts (default: 3)"
    )
    parser.add_argument("--minutes", type=float, help="one long run of the default network instead")
    parser.add_argument("--cases", help="comma-separated numbers of the rows, from 1 (default: all)")
    parser.add_argument("--watch", help=argparse.SUPPRESS)
    parser.add_argument("--viewers", type=int, default=VIEWERS, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.watch:
        asyncio.run(watch(args.watch, args.viewers))
        return 0
    if args.seconds < 2:
        raise InputError(f"--seconds {args.seconds:g}: give a number from 2")
    cases = chosen(args.cases)
    with tempfile.TemporaryDirectory() as folder:
        scene = None if args.clip else Walkers(PEOPLE, 720, 1280)
        clip = (
            Path(args.clip)
            if args.clip
            else make_clip(Path(folder) / "walkers.mp4", CLIP_FRAMES, people=PEOPLE)
        )
        with open_source(str(clip)) as source:
            rate = float(source.info.frame_rate)
        kind = "random weights, three scripted people" if scene else "the shipped networks"
        print(f"{clip.name} at {rate:g} frames a second: {kind}; {os.cpu_count()} cores")
        if args.minutes:
            show_growth(CASES[2], run(CASES[2], clip, 60 * args.minutes, scene))
            return 0
        seen: dict[str, list[Seen]] = {case.name: [] for case in cases}
        for number in range(args.rounds):
            for case in cases:
                seen[case.name].append(run(case, clip, args.seconds, scene))
                middle = statistics.median(seen[case.name][-1].latency)
                print(f"round {number + 1}: {case.name}: {middle:.0f} ms", flush=True)
        show(seen, rate)
    return 0


if __name__ == "__main__":
    sys.exit(exit_status(main))
