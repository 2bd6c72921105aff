"""Run a keypoint network over a data set's pictures: cropped in threads, batched over pictures."""

from __future__ import annotations

import os
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from evaluation.annotations import Document, dataset
from evaluation.benchmark import Benchmark
from evaluation.person_boxes import (
    PersonBoxes,
    annotated_boxes,
    boxes_from_file,
    detected_boxes,
    image_files,
)
from evaluation.rescoring import keep_poses, pose_scores
from evaluation.saved import SavedPoses, digest_or_name
from models.console import table_console
from models.errors import InputError
from models.files import write_json
from models.keypoints import KeypointSet
from models.progress import progress, with_bar

if TYPE_CHECKING:
    from models.engines import Engine
    from tracker.pose import PoseStage


@dataclass(frozen=True)
class RunOptions:
    """How a network is run; the command line's options of the same names.

    ``description`` holds arguments of `models.checkpoints.load_pose_network` for what the file does not tell.
    """

    boxes: str = "gt"
    flip_test: bool = False
    save: Path | None = None
    batch: int = 32
    engine: str = "auto"
    device: str = "auto"
    precision: str = "auto"
    box_threshold: float = 0.0
    joint_threshold: float = 0.2
    oks_nms: float = 0.9
    description: Mapping[str, Any] = field(default_factory=dict)


class StageTimes:
    """Wall-clock seconds of the thread that runs the network, by stage; an inner stage stops the outer."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self._current: str | None = None
        self._since = time.perf_counter()

    @contextmanager
    def measure(self, stage: str) -> Iterator[None]:
        outer = self._switch(stage)
        try:
            yield
        finally:
            self._switch(outer)

    def _switch(self, stage: str | None) -> str | None:
        now, outer = time.perf_counter(), self._current
        if outer is not None:
            self.seconds[outer] += now - self._since
        self._current, self._since = stage, now
        return outer


def run_network(
    benchmark: Benchmark, document: Document, folders: list[Path], model: str, options: RunOptions
) -> list[Document]:
    """Predictions of a network for every box, rescored and suppressed as the Microsoft code does.

    Args:
        benchmark: whose keypoints and rules apply.
        document: its annotations.
        folders: where picture names may start from.
        model: name of the zoo or checkpoint file.
        options: see `RunOptions`.

    Returns:
        COCO-style results with ``box`` (left, top, right, bottom), and ``annotation_id`` of annotated boxes.

    Raises InputError for missing or unreadable pictures, wrong boxes, an unknown model.
    """
    from models.crops import box_to_crop

    people = dataset(document, benchmark.keypoint_set, "")
    names = [str(image.get("file_name", "")) for image in document["images"]]
    if options.boxes == "gt":
        boxes = annotated_boxes(people, clip=not benchmark.per_person)
        files = image_files(names, np.unique(boxes.image_index), folders)
    elif options.boxes == "detect":
        files = image_files(names, np.arange(len(names)), folders)
        boxes = _detect(files, options)
    else:
        boxes = boxes_from_file(Path(options.boxes), people, options.box_threshold)
        files = image_files(names, np.unique(boxes.image_index), folders)
    times = StageTimes()
    stage = _pose_stage(model, options, times)
    settings = [
        *(digest_or_name(model), dict(options.description), options.flip_test, boxes.boxes.tolist()),
        [str(files[i]) for i in boxes.image_index],
    ]
    with SavedPoses(options.save, settings, len(boxes), len(stage.description.keypoints)) as saved:
        _find_poses(stage, files, boxes, saved, times, options.batch)
    if times.seconds["network"]:
        print_times(times, len(boxes), str(stage.engine))
    poses = _as_keypoints_of(benchmark.keypoint_set, saved.poses, stage.description.keypoints)
    crops = box_to_crop(boxes.boxes, stage.description.input_size, stage.description.padding)
    results = _results(
        benchmark, document, people.image_ids, boxes, poses, crops[:, 2] * crops[:, 3], options
    )
    if options.save is not None:
        write_json(options.save, results)
        saved.discard()
    return results


def _as_keypoints_of(
    target: KeypointSet, poses: NDArray[np.float32], source: KeypointSet
) -> NDArray[np.float32]:
    if source.names == target.names:
        return poses
    from models.conversion import convert_keypoints

    print(f"note: the network finds {source.name} keypoints; those of {target.name} follow by name")
    points, scores = convert_keypoints(poses[..., :2], poses[..., 2], source, target)
    return np.concatenate((points, scores[..., None]), axis=2)


def _results(
    benchmark: Benchmark,
    document: Document,
    image_ids: NDArray,
    boxes: PersonBoxes,
    poses: NDArray[np.float32],
    areas: NDArray,
    options: RunOptions,
) -> list[Document]:
    scores = pose_scores(boxes.scores, poses[..., 2], options.joint_threshold)
    kept = np.arange(len(boxes))
    if not benchmark.per_person and options.oks_nms < 1:
        sigmas = benchmark.keypoint_set.sigmas
        kept = keep_poses(boxes.image_index, poses[..., :2], scores, areas, sigmas, options.oks_nms)
    category = document["categories"][0]["id"]
    rows = []
    for i in kept.tolist():
        row = {
            "image_id": int(image_ids[boxes.image_index[i]]),
            "category_id": category,
            "keypoints": np.round(poses[i].astype(np.float64), 3).reshape(-1).tolist(),
            "score": float(scores[i]),
            "box": boxes.boxes[i].tolist(),
        }
        if boxes.person_ids[i] >= 0:
            row["annotation_id"] = int(boxes.person_ids[i])
        rows.append(row)
    return rows


class _TimedEngine:
    """An engine whose calls count as the network's time."""

    def __init__(self, engine: Engine, times: StageTimes) -> None:
        self._engine = engine
        self._times = times
        self.description = engine.description

    def __call__(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        with self._times.measure("network"):
            return self._engine(crops)

    def __str__(self) -> str:
        return str(self._engine)


def _pose_stage(model: str, options: RunOptions, times: StageTimes) -> PoseStage:
    from models.engines import load_engine
    from tracker.pose import PoseStage

    engine = load_engine(model, options.engine, options.device, options.precision, **options.description)
    return PoseStage(cast("Engine", _TimedEngine(engine, times)), options.flip_test, published_scores=True)


def _find_poses(
    stage: PoseStage, files: list[Path], boxes: PersonBoxes, saved: SavedPoses, times: StageTimes, batch: int
) -> None:
    """Fill in the poses that are missing, batch by batch."""
    todo = saved.missing()
    if len(todo) < len(boxes):
        print(f"taking up a run: {len(boxes) - len(todo)} of {len(boxes)} people are done")
    batches = _crop_batches(stage, files, boxes, todo, batch)
    with progress("people", len(todo)) as advance:
        while True:
            with times.measure("waiting for pictures"):
                crops = next(batches, None)
            if crops is None:
                return
            positions, pictures, windows = crops
            with times.measure("heat maps to keypoints"):
                points, scores = stage.locate(pictures, windows)
            with times.measure("saving"):
                saved.add(positions, np.concatenate((points, scores[..., None]), axis=2))
            advance(len(positions))


Crops = tuple[NDArray[np.intp], NDArray[np.uint8], NDArray[np.float32]]


def _crop_batches(
    stage: PoseStage, files: list[Path], boxes: PersonBoxes, todo: NDArray[np.intp], batch: int
) -> Iterator[Crops]:
    """Batches of the boxes' positions, crops and windows, cut out in threads, all but the last one full."""
    from models.crops import box_to_crop, extract_crops

    net = stage.description

    def cut(positions: NDArray[np.intp]) -> Crops:
        image = read_image(files[boxes.image_index[positions[0]]])
        windows = box_to_crop(boxes.boxes[positions], net.input_size, net.padding)
        pictures = extract_crops(image, windows, net.input_size, net.half_pixel, udp=net.udp)
        return positions, pictures, windows

    if not len(todo):
        return
    order = todo[np.argsort(boxes.image_index[todo], kind="stable")]
    by_image = np.split(order, np.flatnonzero(np.diff(boxes.image_index[order])) + 1)
    held: list[Crops] = []
    for crops in ahead(cut, by_image):
        held.append(crops)
        while sum(len(positions) for positions, _, _ in held) >= batch:
            joined = [np.concatenate(part) for part in zip(*held, strict=True)]
            yield tuple(part[:batch] for part in joined)  # type: ignore[misc]
            held = [tuple(part[batch:] for part in joined)]  # type: ignore[list-item]
    if sum(len(positions) for positions, _, _ in held):
        yield tuple(np.concatenate(part) for part in zip(*held, strict=True))  # type: ignore[misc]


def read_image(path: Path) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 BGR as stored, as annotations are; raises InputError for what is no picture."""
    import cv2

    image = cv2.imread(str(path), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    if image is None:
        raise InputError(f"'{path}' cannot be read as a picture")
    return np.asarray(image, np.uint8)


Item = TypeVar("Item")
Result = TypeVar("Result")


def ahead(work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """Results of work on items, in their order, made ahead in threads; never more than a few wait."""
    workers = min(8, os.cpu_count() or 1)
    with ThreadPoolExecutor(workers) as pool:
        waiting: deque[Future[Result]] = deque()
        try:
            for item in items:
                waiting.append(pool.submit(work, item))
                if len(waiting) > 4 * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _detect(files: list[Path], options: RunOptions) -> PersonBoxes:
    from tracker.detectors import create_detector
    from tracker.types import Frame

    detector = create_detector(engine=options.engine, device=options.device, precision=options.precision)

    def found() -> Iterator[tuple[int, NDArray, NDArray]]:
        images = with_bar(ahead(read_image, files), "detecting people", len(files))
        for i, image in enumerate(images):
            yield i, *detector(Frame(i, Fraction(i), image))

    return detected_boxes(found(), options.box_threshold)


def print_times(times: StageTimes, people: int, engine: str) -> None:
    """The stage table: milliseconds a person and share of the whole."""
    from rich.table import Table

    total = max(sum(times.seconds.values()), 1e-9)
    table = Table("stage", "ms a person", "%", title=f"{engine}: {people / total:.1f} people a second")
    for column in table.columns[1:]:
        column.justify = "right"
    for name, seconds in sorted(times.seconds.items(), key=lambda item: -item[1]):
        table.add_row(name, f"{1000 * seconds / max(people, 1):.2f}", f"{100 * seconds / total:.1f}")
    table_console().print(table)
