"""Run a network or the tracker over PoseTrack18's images and write what it finds as submission files."""

from __future__ import annotations

import queue
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from evaluation.person_boxes import read_detections
from evaluation.posetrack.joints import SCORED
from evaluation.posetrack.reading import Json, read_json
from evaluation.posetrack.sequences import People, PoseSequence
from evaluation.posetrack.writing import posetrack18
from evaluation.saved import digest_or_name
from models.conversion import convert_keypoints
from models.errors import InputError
from models.files import write_json
from models.keypoints import KeypointSet
from models.progress import progress

if TYPE_CHECKING:
    from tracker.options import TrackerOptions
    from tracker.pipeline import PoseTracker
    from tracker.types import Frame, Poses

ANNOTATIONS = ("annotations/{split}", "posetrack_data/{split}")  # PoseTrack18's folder, and PoseTrack21's
FRAME_RATE = 25  # the data set has no times; the tracker measures some of its patience in seconds


@dataclass(frozen=True)
class RunOptions:
    """How predictions are made.

    Attributes:
        model: keypoint network, as `models.engines.load_engine` takes it.
        boxes: ``gt`` annotated boxes, ``detect`` a detector's, or a JSON file of COCO-style detections.
        detector: which detector, for ``detect``.
        track: run the tracker; without it, every labelled frame by itself.
        flip_test: average with the mirrored crop.
        tracker: settings of the tracker (`tracker.options.TrackerOptions`) that differ from the default.
        engine, device, precision: where the networks run.
        jobs: sequences at a time.
    """

    model: str
    boxes: str = "gt"
    detector: str = "person_detector"
    track: bool = False
    flip_test: bool = False
    tracker: dict[str, Any] = field(default_factory=dict)
    engine: str = "auto"
    device: str = "auto"
    precision: str = "auto"
    jobs: int = 2

    def tracker_settings(self) -> dict[str, Any]:
        """The tracker's settings, by default the paper's: the detector on every frame, ids by place alone.

        Of single frames, people as weak as they come; annotated boxes all count, however much they overlap.
        """
        settings: dict[str, Any] = {"detect_every": 1, "remember": 0.0, "new_track_joints": 0}
        if not self.track:
            settings |= {"box_threshold": 0.0, "new_track_threshold": 0.0}
            if self.boxes == "gt":
                settings |= {"nms": 1.0, "oks_nms": 1.0}
        return settings | self.tracker

    def settings(self) -> Json:
        """What the predictions depend on, to tell whether a run can be taken up again."""
        kept = asdict(self)
        kept.pop("jobs")
        return kept | {name: digest_or_name(kept[name]) for name in ("model", "boxes", "detector")}


@dataclass(frozen=True)
class Task:
    """One sequence to run over.

    Attributes:
        name: of the sequence.
        images: the file's, in order.
        needed: positions of the frames that are looked at.
        boxes: frame → annotated boxes (N, 4) left, top, right, bottom.
    """

    name: str
    images: list[Json]
    needed: list[int]
    boxes: dict[int, NDArray[np.float32]]


def annotation_folder(data: Path, split: str) -> Path:
    """Where a data set's annotations are; raises InputError that says where it looked."""
    candidates = [data / name.format(split=split) for name in ANNOTATIONS]
    for folder in candidates:
        if any(folder.glob("*.json")):
            return folder
    looked = " and ".join(f"'{folder}'" for folder in candidates)
    raise InputError(f"no annotation files of PoseTrack18 below '{data}': looked in {looked}")


def predict(gt: Path, data: Path, options: RunOptions, folder: Path) -> None:
    """Write a prediction file for every annotation file, those that are there already left as they are.

    ``poses/`` holds every joint with its score, for AP; with tracking ``tracks/`` holds those at or above the
    joint threshold, for MOTA.

    Args:
        gt: folder of annotation files, or a single one.
        data: the folder that the files' image names start from.
        options: how.
        folder: where to write.

    Raises:
        InputError: images or annotations that are missing or wrong, a folder with another run's files.
    """
    _check_settings(folder, options.settings())
    files = [gt] if gt.is_file() else sorted(gt.glob("*.json"))
    last = "tracks" if options.track else "poses"
    tasks = [_task(file, data, options) for file in files if not (folder / last / file.name).exists()]
    if not tasks:
        return
    workers, source, settings = _workers(options, tasks, data)
    threshold = settings.joint_threshold if options.track else None

    def work(task: Task) -> None:
        worker = workers.get()
        try:
            _write(folder, task, worker(task), source, threshold)
        finally:
            workers.put(worker)

    with progress("sequences", len(tasks)) as advance, ThreadPoolExecutor(options.jobs) as pool:
        jobs = [pool.submit(work, task) for task in tasks]
        try:
            for job in as_completed(jobs):
                job.result()
                advance()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _check_settings(folder: Path, settings: Json) -> None:
    """Remember what the predictions depend on; refuse a folder that holds those of another run."""
    path = folder / "run.json"
    if not path.exists() or not any((folder / "poses").glob("*.json")):
        write_json(path, settings, indent=True)
        return
    before = read_json(path)
    different = sorted(key for key in settings.keys() | before.keys() if settings.get(key) != before.get(key))
    if different:
        raise InputError(
            f"'{folder}' holds predictions made with another {' and '.join(different)}: give another --save "
            "folder, or remove it"
        )


def _task(file: Path, data: Path, options: RunOptions) -> Task:
    content = read_json(file)
    try:
        images = content["images"]
        frame_of = {image["id"]: frame for frame, image in enumerate(images)}
        found = defaultdict[int, list[NDArray]](list)
        for person in content["annotations"]:
            box = _person_box(person)
            if box is not None:
                found[frame_of[person["image_id"]]].append(box)
        labelled = [f for f, image in enumerate(images) if image.get("is_labeled", True) or f in found]
        names = [str(image["file_name"]) for image in images]
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{file}: malformed annotations: {type(error).__name__} {error}") from None
    needed = list(range(labelled[-1] + 1)) if options.track and labelled else labelled
    missing = [names[frame] for frame in needed if not (data / names[frame]).is_file()]
    if missing:
        raise InputError(
            f"{file}: {len(missing)} of {len(needed)} images are missing, such as '{data / missing[0]}'"
        )
    boxes = {frame: np.array(rows, np.float32) for frame, rows in found.items()}
    return Task(file.stem, images, needed, boxes)


def _person_box(person: Json) -> NDArray | None:
    """The annotated box, or that of the joints enlarged by 15 % (paper, section 4); None without either."""
    if person.get("bbox") and min(person["bbox"][2:]) > 0:
        left, top, width, height = person["bbox"]
        return np.array([left, top, left + width, top + height])
    joints = np.array(person["keypoints"], float).reshape(-1, 3)
    joints = joints[joints.any(1), :2]
    if len(joints) < 2:
        return None
    low, high = joints.min(0), joints.max(0)
    margin = 0.075 * (high - low)
    return np.concatenate([low - margin, high + margin])


Found = tuple[int, "Poses"]
Worker = Callable[[Task], Iterator[Found]]


def _workers(
    options: RunOptions, tasks: list[Task], data: Path
) -> tuple[queue.SimpleQueue[Worker], KeypointSet, TrackerOptions]:
    """A tracker for each of the jobs, the network's keypoints, and the tracker's settings."""
    from models.engines import load_engine
    from tracker.detectors import create_detector
    from tracker.options import TrackerOptions
    from tracker.pipeline import PoseTracker
    from tracker.pose import PoseStage

    settings = TrackerOptions(**options.tracker_settings())
    where = (options.engine, options.device, options.precision)
    from_file = None if options.boxes in ("gt", "detect") else _boxes_of_file(Path(options.boxes), tasks)
    workers: queue.SimpleQueue[Worker] = queue.SimpleQueue()
    for _ in range(min(options.jobs, len(tasks))):  # nothing is shared: engines and trackers have a memory
        detector = create_detector(options.detector, *where) if options.boxes == "detect" else None
        boxes = _Boxes(detector, from_file)
        pose = PoseStage(load_engine(options.model, *where), options.flip_test)
        workers.put(_worker(PoseTracker(boxes, pose, settings), boxes, data, options.track))
    return workers, pose.description.keypoints, settings


class _Boxes:
    """The tracker's detector: a real one, a file's boxes, or the annotated ones of the sequence at hand."""

    def __init__(self, detector: Callable[[Frame], Any] | None, from_file: dict[Any, NDArray] | None) -> None:
        self._detector = detector
        self._from_file = from_file
        self.task: Task | None = None

    def __call__(self, frame: Frame) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        assert self.task is not None
        if self._detector:
            return self._detector(frame)
        nobody = np.zeros((0, 5), np.float32)
        if self._from_file is not None:
            rows = self._from_file.get(self.task.images[frame.index]["id"], nobody)
            return rows[:, :4], rows[:, 4]
        boxes = self.task.boxes.get(frame.index, nobody[:, :4])
        return boxes, np.ones(len(boxes), np.float32)


def _boxes_of_file(path: Path, tasks: list[Task]) -> dict[Any, NDArray[np.float32]]:
    """Image id → (N, 5) left, top, right, bottom, score of a COCO-style list of detections."""
    rows = read_detections(path)
    found = defaultdict[Any, list[list[float]]](list)
    for row in rows:
        left, top, width, height = row["bbox"]
        found[row["image_id"]].append([left, top, left + width, top + height, row["score"]])
    if not any(image["id"] in found for task in tasks for image in task.images):
        raise InputError(f"'{path}': none of its {len(rows)} people is in an image of the annotations")
    return {image: np.array(boxes, np.float32) for image, boxes in found.items()}


def _worker(tracker: PoseTracker, boxes: _Boxes, data: Path, track: bool) -> Worker:
    def run(task: Task) -> Iterator[Found]:
        boxes.task = task
        tracker.reset()
        for frame in _frames(task, data):
            if not track:
                tracker.reset()  # every frame by itself: nobody is known from before
            yield frame.index, tracker.step(frame).poses

    return run


def _frames(task: Task, data: Path) -> Iterator[Frame]:
    """The frames to look at, their images decoded ahead in threads."""
    from evaluation.runner import ahead, read_image
    from tracker.types import Frame

    files = [data / str(task.images[frame]["file_name"]) for frame in task.needed]
    for index, image in zip(task.needed, ahead(read_image, files), strict=True):
        yield Frame(index, Fraction(index, FRAME_RATE), image)


def _write(
    folder: Path, task: Task, found: Iterable[Found], source: KeypointSet, threshold: float | None
) -> None:
    """All joints into ``poses/`` and, given a threshold, those that reach it into ``tracks/``."""
    parts = [_people(frame, poses, source) for frame, poses in found]
    everybody = PoseSequence(
        name=task.name,
        file_names=tuple(str(image["file_name"]) for image in task.images),
        frame_ids=tuple(image["id"] for image in task.images),
        labelled=np.ones(len(task.images), bool),
        annotated=np.ones(len(task.images), bool),
        people=People.concatenate(parts),
    )
    write_json(folder / "poses" / f"{task.name}.json", posetrack18(everybody))
    if threshold is not None:
        people = everybody.people
        people = replace(people, present=people.present & (people.scores >= threshold))
        strong = replace(everybody, people=people[np.flatnonzero(people.present.any(1))])
        write_json(folder / "tracks" / f"{task.name}.json", posetrack18(strong))


def _people(frame: int, poses: Poses, source: KeypointSet) -> People:
    points, scores = convert_keypoints(poses.keypoints, poses.scores, source, SCORED)
    count = len(points)
    return People(
        frames=np.full(count, frame),
        track_ids=poses.track_ids,
        keypoints=points.astype(np.float64),
        present=scores > 0,
        scores=scores.astype(np.float64),
        head_sizes=np.full(count, np.nan),
        heights=np.zeros(count),
        box_scores=poses.box_scores.astype(np.float64),
    )
