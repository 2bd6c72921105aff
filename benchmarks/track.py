"""Frames a second of the whole tracker, by stage, beside the naive loop in the same run.

    python benchmarks/track.py                      on a clip that it makes itself: 720p, five people
    python benchmarks/track.py --clip street.avi    on the pictures of a clip
    python benchmarks/track.py --memory             resident memory along 6,000 frames

The networks run with seeded random weights, which takes as long as with trained ones, so that everybody can
repeat this. A script that knows where five people are replaces what they find, so that flow, matching and
drawing have five people to work on. ``--shipped`` takes the networks that ship with the project at their word
instead: as many people as there are.

The naive loop is what one would write first: `fasterrcnn_resnet50_fpn_v2` at 800 pixels on every frame and
the keypoint network, both as PyTorch modules in float32, then tracking, drawing and encoding, one after the
other. PyTorch may use all cores within a network, as it does by itself.

"networks alone" is how many frames a second there would be if nothing else took time: the keypoint network on
as many crops as there are people a frame, and every third frame the detector.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.networks import quantised
from benchmarks.walkers import Walkers
from models.architectures import create_pose_network
from models.command import Parser, positive
from models.engines import CompiledNetwork, Engine, create_engine
from models.engines.choice import Choice
from models.errors import exit_status
from models.speed import seconds_per_call
from tracker.detectors import Detector, NetworkDetector, create_detector, own_detector
from tracker.draw import Painter
from tracker.options import TrackerOptions
from tracker.pipeline import PoseTracker
from tracker.pose import PoseStage
from tracker.progress import STAGES, Summary
from tracker.threads import WriteBehind, read_ahead
from tracker.types import Frame, FrameResult
from tracker.video import open_source
from tracker.video.overlay import OverlayVideo

SIZE, PEOPLE = (720, 1280), 5
OWN_WORK = ("decode", "flow", "crop", "match", "draw")


@dataclass(frozen=True)
class Setup:
    """One row of the table.

    Attributes:
        name: what is measured.
        pose: architecture, and height and width of its crops.
        video: write the overlay.
        naive: the naive loop.
        shipped: the network that takes this one's place with ``--shipped``.
        int8: the keypoint network quantised.
    """

    name: str
    pose: tuple[str, tuple[int, int]]
    video: bool = True
    naive: bool = False
    shipped: str = "default"
    int8: bool = False


R50, R18 = ("pose_resnet_50", (256, 192)), ("pose_resnet_18", (128, 96))
SETUPS = (
    Setup("R50 256x192, with video", R50),
    Setup("R18 128x96, with video", R18, shipped="fast"),
    Setup("R18 128x96, without video", R18, video=False, shipped="fast"),
    Setup("naive loop: R50 256x192, with video", R50, naive=True),
)
INT8 = tuple(replace(s, name=s.name.replace(",", " int8,"), int8=True) for s in SETUPS if not s.naive)


class ScriptedPose(PoseStage):
    """Runs the network, then gives the script's joints; `index` is the frame's number."""

    index = 0

    def __init__(self, engine: Engine, scene: Walkers) -> None:
        super().__init__(engine)
        self._scene = scene

    def locate(self, pictures: NDArray[np.uint8], windows: NDArray) -> tuple[NDArray, NDArray]:
        super().locate(pictures, windows)
        half = windows[:, 2:] / 2 / self.description.padding
        boxes = np.concatenate((windows[:, :2] - half, windows[:, :2] + half), axis=1)
        return self._scene.find_joints(self.index, boxes)


def scripted(detector: Detector, scene: Walkers) -> Detector:
    """Runs the detector, then gives the script's boxes."""

    def detect(frame: Frame) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        detector(frame)
        return scene.detect(frame)

    return detect


def eager(module: Any, mean: tuple[float, ...], std: tuple[float, ...]) -> CompiledNetwork:
    """A PyTorch module as it is."""
    import torch

    from models.engines.image_network import ImageNetwork

    network = ImageNetwork(module, mean, std).eval()

    def run(images: NDArray[np.uint8]) -> tuple[NDArray[np.float32], ...]:
        with torch.inference_mode():
            outputs = network(torch.from_numpy(np.ascontiguousarray(images)))
        return tuple(o.numpy() for o in (outputs if isinstance(outputs, tuple) else (outputs,)))

    return CompiledNetwork(run, Choice("torch", "cpu", "fp32"))


def build(setup: Setup, scene: Walkers | None, max_crops: int | None = None) -> PoseTracker:
    """The tracker of a row; with a scene on random weights and a script, else on the shipped networks."""
    options = TrackerOptions(max_crops=max_crops)
    if scene is None and not setup.naive:
        from models.checkpoints import load_pose_network

        network = load_pose_network(setup.shipped)
        engine = create_engine(network, precision="int8" if setup.int8 else "auto")
        return PoseTracker(create_detector(), PoseStage(engine), options)
    scene = scene or Walkers(PEOPLE, *SIZE)
    architecture, size = setup.pose
    network = create_pose_network(architecture, input_size=size)
    if not setup.naive:
        pose = ScriptedPose(quantised(network) if setup.int8 else create_engine(network), scene)
        return PoseTracker(scripted(random_own_detector(), scene), pose, options)
    description = network.description
    engine = Engine(eager(network, description.mean, description.std), description)
    return PoseTracker(
        scripted(naive_detector(), scene), ScriptedPose(engine, scene), TrackerOptions(detect_every=1)
    )


def random_own_detector() -> NetworkDetector:
    """The project's own detector on the best engine, with seeded random weights."""
    import torch

    from models.person_detector import PersonDetector

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return own_detector(PersonDetector().eval(), "person_detector")


def naive_detector() -> NetworkDetector:
    """Faster R-CNN at 800 pixels as a PyTorch module, with seeded random weights."""
    import torch

    from models.torchvision_people import DETECTORS, PeopleOnly, build_detector, mean_and_std

    name = "fasterrcnn_resnet50_fpn_v2"
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = build_detector(name)
    return NetworkDetector(
        name,
        DETECTORS[name][0].size,
        lambda size, _padded: eager(PeopleOnly(network, size), *mean_and_std(network)),
        lambda outputs: (outputs[0], outputs[1]),
    )


def run(
    tracker: PoseTracker,
    clip: Path,
    frames: int,
    output: Path | None,
    threads: bool,
    watch: Callable[[Summary], None] = lambda summary: None,
) -> Summary:
    """Track the first frames of a clip; the overlay is written where an output is given.

    With threads, decoding and writing run beside the tracking, as the command does it.
    """
    with ExitStack() as stack:
        source = stack.enter_context(open_source(str(clip), end=f"f{frames}"))
        painter = Painter(tracker.pose.description.keypoints)
        video = OverlayVideo(output, source.info, painter, audio=False) if output else None
        pictures = stack.enter_context(closing(read_ahead(source))) if threads else source
        write: Callable[[FrameResult], None] = video.write if video else lambda result: None
        put = stack.enter_context(WriteBehind(write)).put if threads else write
        tracker.reset()
        summary = Summary()
        for frame in pictures:
            if isinstance(tracker.pose, ScriptedPose):
                tracker.pose.index = frame.index
            result = tracker.step(frame)
            summary.add(result)
            watch(summary)
            put(result)
    summary.spend({"decode": source.seconds})
    if video:
        video.close()
        summary.spend(video.seconds)
    return summary


def make_clip(path: Path, frames: int, size: tuple[int, int] = SIZE, people: int = PEOPLE) -> Path:
    """The scene of walkers as H.264, with a little noise, so that it costs what a film costs."""
    import av

    scene, rng = Walkers(people, *size), np.random.default_rng(0)
    noise = rng.normal(0, 3, (8, *size, 1)).astype(np.int16)
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("libx264", rate=scene.frame_rate)
        stream.height, stream.width, stream.pix_fmt = *size, "yuv420p"
        stream.options = {"preset": "veryfast", "crf": "20"}
        for index in range(frames):
            image = np.clip(scene.image(index) + noise[index % len(noise)], 0, 255).astype(np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
        container.mux(stream.encode(None))
    return path


@dataclass
class Row:
    """What a setup gave.

    Attributes:
        rates: frames a second of each round.
        stages: milliseconds a frame by stage, without threads.
        networks_alone: frames a second that the networks by themselves would allow; None where not measured.
    """

    rates: list[float] = field(default_factory=list)
    stages: dict[str, float] = field(default_factory=dict)
    networks_alone: float | None = None


def measure(args: argparse.Namespace, clip: Path, folder: Path) -> dict[str, Row]:
    """Every setup in turn, several rounds, so that what else the machine does hits all alike."""
    with open_source(str(clip)) as source:
        size = source.info.height, source.info.width
    scene = None if args.shipped else Walkers(PEOPLE, *size)
    setups = SETUPS + INT8 if args.int8 else SETUPS
    chosen = [setup for setup in setups if args.naive_frames or not setup.naive]
    trackers = {setup.name: build(setup, scene, args.max_crops) for setup in chosen}
    rows = {setup.name: Row() for setup in chosen}
    for number in range(-1, args.rounds):  # the round before the first warms everything up
        for setup in chosen:
            frames = args.naive_frames if setup.naive else args.frames
            output, row = folder / "overlay.mp4" if setup.video else None, rows[setup.name]
            if number < 0:
                summary = run(trackers[setup.name], clip, min(frames, 10), output, False)
                continue
            began = perf_counter()
            run(trackers[setup.name], clip, frames, output, threads=not setup.naive)
            row.rates.append(frames / (perf_counter() - began))
            if number == args.rounds - 1:
                summary = run(trackers[setup.name], clip, min(frames, 60), output, False)
                row.stages = {s: 1000 * v / summary.frames for s, v in summary.seconds.items()}
                if not setup.naive and not args.max_crops:
                    row.networks_alone = networks_alone(
                        trackers[setup.name], summary.people / summary.frames, size
                    )
            print(f"round {number + 1}: {setup.name}: {row.rates[-1]:.2f} frames a second", flush=True)
    return rows


def networks_alone(tracker: PoseTracker, people: float, size: tuple[int, int]) -> float:
    """Frames a second if only the networks took time; `people` a frame, `size` its height and width."""
    picture = Frame(0, Fraction(0), np.zeros((*size, 3), np.uint8))
    detections = []
    for _ in range(7):
        began = perf_counter()
        tracker.detector(picture)
        detections.append(perf_counter() - began)
    batch = max(1, round(people))
    pose = seconds_per_call(tracker.pose.engine, batch) * people / batch
    return 1 / (pose + statistics.median(detections) / tracker.options.detect_every)


def show(rows: dict[str, Row]) -> None:
    """The table: frames a second with threads and at most, milliseconds by stage one after the other."""
    from rich.console import Console
    from rich.table import Table

    table = Table("", "frames/s", "networks alone", *STAGES, "no network, no encoding")
    for name, row in rows.items():
        rest = sum(row.stages.get(stage, 0) for stage in OWN_WORK)
        cells = (f"{row.stages[stage]:.2f}" if stage in row.stages else "" for stage in STAGES)
        most = f"{row.networks_alone:.2f}" if row.networks_alone else ""
        table.add_row(name, f"{statistics.median(row.rates):.2f}", most, *cells, f"{rest:.2f}")
    Console(width=160).print(table)
    naive = next((row for name, row in rows.items() if name.startswith("naive")), None)
    if naive:
        for name, row in rows.items():
            ratio = statistics.median(row.rates) / statistics.median(naive.rates)
            print(f"{name}: {ratio:.1f} times the naive loop")


def show_memory(folder: Path, frames: int = 6000, first: int = 300) -> None:
    """The most memory held so far, after the first frames and at the end of one long run with video."""
    clip = make_clip(folder / "long.mp4", frames, (360, 640))
    peaks = {}

    def watch(summary: Summary) -> None:
        if summary.frames in (first, frames // 2, frames):
            peaks[summary.frames] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

    tracker = build(SETUPS[1], Walkers(PEOPLE, 360, 640))
    run(tracker, clip, frames, folder / "overlay.mp4", True, watch)
    for count, peak in peaks.items():
        print(f"peak resident memory after {count} frames: {peak:.0f} MiB")


def main() -> int:
    """The command line."""
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clip", help="a video; by default one is made: 720p, five people")
    parser.add_argument("--frames", type=positive, default=300, help="of each round (default: 300)")
    parser.add_argument(
        "--rounds", type=positive, default=3, help="interleaved; the median counts (default: 3)"
    )
    parser.add_argument("--naive-frames", type=int, default=5, help="of the naive loop; 0 leaves it out")
    parser.add_argument("--shipped", action="store_true", help="the shipped networks, and no script")
    parser.add_argument("--max-crops", type=positive, metavar="N", help="as the tracker's option")
    parser.add_argument("--int8", action="store_true", help="also with the keypoint networks in int8 (NNCF)")
    parser.add_argument("--memory", action="store_true", help="memory along 6,000 frames, nothing else")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if args.memory:
            show_memory(Path(folder))
            return 0
        clip = Path(args.clip) if args.clip else make_clip(Path(folder) / "walkers.mp4", args.frames)
        people = "as many people as there are" if args.shipped else "random weights, five scripted people"
        print(f"{clip.name}: {people}; {os.cpu_count()} cores")
        show(measure(args, clip, Path(folder)))
    return 0


if __name__ == "__main__":
    sys.exit(exit_status(main))
