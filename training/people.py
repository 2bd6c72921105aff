"""Annotated people ready for sampling: any benchmark's file, its keypoints in the order that is trained."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evaluation.annotations import Document, KeypointDataset, dataset
from evaluation.benchmark import Benchmark
from models.errors import InputError
from models.keypoints import KeypointSet
from tracker.propagation import joint_boxes
from training.recipe import DataSource

log = logging.getLogger(__name__)

# name in a recipe → module with a `BENCHMARK` that reads and scores its files
BENCHMARKS = {
    **{
        name: f"evaluation.{name}"
        for name in ("coco", "crowdpose", "ochuman", "aic", "mhp", "mpii", "mpii_trb", "jhmdb")
    },
    "posetrack18": "training.posetrack18",
}


@dataclass(frozen=True)
class Source:
    """A data source as its file says it: the document that its benchmark scores predictions against."""

    benchmark: Benchmark
    document: Document
    path: Path
    pictures: Path


@dataclass(frozen=True)
class People:
    """People of one source; N of them in P pictures.

    Attributes:
        data: their arrays, keypoints in the order of the set that is trained, weights 0 for those that the
            source lacks; without the file's further fields.
        teaches: (N,) has a labelled joint and a box that can be cropped.
        ignore: (N,) neither positive nor negative for a detector.
        complete: (P,) every person of the picture is boxed.
    """

    data: KeypointDataset
    teaches: NDArray[np.bool_]
    ignore: NDArray[np.bool_]
    complete: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.data)


def read_source(source: DataSource, folder: Path) -> Source:
    """Read a source's file below the data folder; raises InputError where it is missing or malformed."""
    benchmark = find_benchmark(source.benchmark)
    path = folder / source.annotations
    if not path.exists():
        raise InputError(
            f"no annotations '{path}': give the folder that holds {source.annotations} as --data"
        )
    pictures = folder / source.images if source.images else path.parent
    return Source(benchmark, benchmark.read(path), path, pictures)


def read_people(source: DataSource, folder: Path, target: KeypointSet) -> People:
    """The people of a source below the data folder; see `people_of`."""
    return people_of(read_source(source, folder), source, target)


def people_of(read: Source, source: DataSource, target: KeypointSet) -> People:
    """The people of a source that has been read.

    Args:
        read: its document.
        source: how its boxes are meant.
        target: keypoint set that is trained; joints that the source lacks get weight 0.

    Raises:
        InputError: nobody in it, no keypoint in common, or its pictures are elsewhere.
    """
    data = dataset(read.document, read.benchmark.keypoint_set, read.pictures)
    nothing = np.full(len(data), None, object)
    pseudo = data.person_fields.get("box_from", nothing) == "pseudo"
    score = np.array([1.0 if s is None else s for s in data.person_fields.get("score", nothing)])
    all_boxed = data.image_fields.get("all_people_boxed", np.full(len(data.images), None, object))
    data = _in_order_of(data, target)
    _check_pictures(data, read.path)
    if source.boxes == "joints":
        data = replace(data, boxes=joint_boxes(data.keypoints, data.weights > 0))
    labelled = (data.weights > 0).any(axis=1) & ~data.crowd
    sound = _boxes_in_pictures(data)
    if (labelled & ~sound).any():
        count = int((labelled & ~sound).sum())
        log.warning("%s: %d people left out: no box, or one outside the picture", read.path, count)
    return People(
        data=data,
        teaches=labelled & sound,
        ignore=data.crowd | (pseudo & (score < source.ignore_below)) | ~sound,
        complete=np.array([value is None or bool(value) for value in all_boxed], bool),
    )


def find_benchmark(name: str) -> Benchmark:
    """The benchmark of that name; raises InputError that lists the known ones."""
    if name not in BENCHMARKS:
        raise InputError(f"unknown benchmark '{name}' of a data source: choose from {', '.join(BENCHMARKS)}")
    benchmark: Benchmark = import_module(BENCHMARKS[name]).BENCHMARK
    return benchmark


def _in_order_of(people: KeypointDataset, target: KeypointSet) -> KeypointDataset:
    """The same people with the target's keypoints, by name."""
    origin = target.positions_in(people.keypoint_set)
    if (origin < 0).all():
        raise InputError(f"{people.keypoint_set.name} and {target.name} have no keypoint in common")
    known = (origin >= 0)[None]
    return replace(
        people,
        keypoint_set=target,
        keypoints=people.keypoints[:, origin] * known[..., None],
        visibility=people.visibility[:, origin] * known,
        weights=people.weights[:, origin] * known,
        person_fields={},
        image_fields={},
    )


def _check_pictures(people: KeypointDataset, path: Path) -> None:
    """One look at the first picture tells a wrong folder from a picture that is missing."""
    if not len(people):
        raise InputError(f"'{path}' holds nobody")
    first = people.images[people.image_index[0]]
    if not first.is_file():
        raise InputError(f"no picture '{first}' of '{path}': set the data source's 'images' to their folder")


def _boxes_in_pictures(people: KeypointDataset) -> NDArray[np.bool_]:
    """(N,) the box has an area, and a part of it in the picture where its size is known."""
    sizes = people.image_sizes[people.image_index]
    last = np.where(sizes > 0, sizes, np.inf)
    low, high = np.maximum(people.boxes[:, :2], 0), np.minimum(people.boxes[:, 2:], last)
    return np.asarray((high - low >= 1).all(axis=1), bool)
