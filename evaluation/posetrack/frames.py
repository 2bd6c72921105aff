"""The frames that count of all sequences, both sides together: what every measure works on."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from evaluation.posetrack.protocol import Protocol
from evaluation.posetrack.regions import inside_regions
from evaluation.posetrack.sequences import People, Polygon, PoseSequence
from models.errors import InputError


@dataclass(frozen=True)
class Frames:
    """F evaluated frames of S sequences, one sequence after the other.

    Attributes:
        sequences: (S,) the names of those that have such a frame.
        file_names: (F,) the frames' images.
        sequence_of: (F,) sequence of each frame.
        ranks: (F,) position among the evaluated frames of its sequence.
        is_last: (F,) the last evaluated frame of its sequence.
        truth: annotated people; ``frames`` and ``track_ids`` are positions over all sequences.
        prediction: predicted people, likewise.
    """

    sequences: tuple[str, ...]
    file_names: tuple[str, ...]
    sequence_of: NDArray[np.int64]
    ranks: NDArray[np.int64]
    is_last: NDArray[np.bool_]
    truth: People
    prediction: People

    def __len__(self) -> int:
        return len(self.file_names)


def collect(pairs: Sequence[tuple[PoseSequence, PoseSequence]], protocol: Protocol) -> Frames:
    """Pair the frames of both sides and keep what counts.

    Raises:
        InputError: frames that do not pair, naming the sequence.
    """
    sequences: list[str] = []
    names: list[str] = []
    truth_side, prediction_side = _Side(), _Side()
    regions: dict[int, list[Polygon]] = {}
    ranks = [np.zeros(0, np.int64)]
    for truth, prediction in pairs:
        counted = np.flatnonzero(truth.annotated if protocol.only_frames_with_people else truth.labelled)
        pairing = _pairing(truth, prediction, protocol)
        if not len(counted):
            continue
        position = np.full(len(truth), -1)
        position[counted] = len(names) + np.arange(len(counted))
        truth_side.add(truth.people, position)
        prediction_side.add(prediction.people, position[pairing])
        regions |= {int(position[f]): r for f, r in truth.ignore_regions.items() if position[f] >= 0}
        sequences.append(truth.name)
        names += [truth.file_names[frame] for frame in counted]
        ranks.append(np.arange(len(counted)))
    rank = np.concatenate(ranks)
    return Frames(
        sequences=tuple(sequences),
        file_names=tuple(names),
        sequence_of=np.repeat(np.arange(len(sequences)), [len(part) for part in ranks[1:]]),
        ranks=rank,
        is_last=np.append(rank[1:], 0)[: len(rank)] == 0,
        truth=_outside_regions(truth_side.people(), regions, len(names)),
        prediction=_outside_regions(prediction_side.people(), regions, len(names)),
    )


class _Side:
    """Gathers the people of one side, giving frames and track ids numbers over all sequences."""

    def __init__(self) -> None:
        self._parts: list[People] = []
        self._tracks = 0

    def add(self, people: People, position: NDArray[np.int64]) -> None:
        """One sequence's people; ``position`` is each frame's place among the counted ones, or −1."""
        frames = position[people.frames]
        kept = np.flatnonzero(frames >= 0)
        kept = kept[np.argsort(frames[kept], kind="stable")]
        tracks, ids = np.unique(people.track_ids[kept], return_inverse=True)
        self._parts.append(
            replace(people[kept], frames=frames[kept], track_ids=ids.reshape(-1) + self._tracks)
        )
        self._tracks += len(tracks)

    def people(self) -> People:
        return People.concatenate(self._parts)


def _pairing(truth: PoseSequence, prediction: PoseSequence, protocol: Protocol) -> NDArray[np.int64]:
    """(F,) the annotated frame of each predicted one."""
    if protocol.official_files:
        if len(truth) != len(prediction):
            raise InputError(
                f"{truth.name}: {len(prediction)} predicted frames for {len(truth)} annotated ones; they "
                "pair by position, so must be as many (--protocol strict pairs them by id)"
            )
        return np.arange(len(truth))
    pairing = np.full(len(prediction), -1)
    for keys_of in (_ids, _names, _numbers):
        frame_of = {key: frame for frame, key in enumerate(keys_of(truth))}
        pairing = np.array([frame_of.get(key, -1) for key in keys_of(prediction)], np.int64)
        if (pairing >= 0).all():
            return pairing
    stray = int(np.argmin(pairing))
    raise InputError(
        f"{truth.name}: predicted frame {prediction.frame_ids[stray]} ('{prediction.file_names[stray]}') is "
        "not among the annotated ones, neither by id nor by the number in its name"
    )


def _ids(sequence: PoseSequence) -> Sequence[Hashable]:
    return sequence.frame_ids


def _names(sequence: PoseSequence) -> Sequence[Hashable]:
    return sequence.file_names


def _numbers(sequence: PoseSequence) -> Sequence[Hashable]:
    """The number in each image's name, or the name where there is none."""
    stems = [PurePosixPath(name).stem for name in sequence.file_names]
    return [int(stem) if stem.isdecimal() else stem for stem in stems]


def _outside_regions(people: People, regions: dict[int, list[Polygon]], frames: int) -> People:
    """Without the joints inside ignore regions and, in frames that have any, the people left with none."""
    if not regions:
        return people
    person, joint = np.nonzero(people.present & np.isin(people.frames, list(regions))[:, None])
    inside = inside_regions(people.keypoints[person, joint], people.frames[person], regions, frames)
    present = people.present.copy()
    present[person[inside], joint[inside]] = False
    kept = present.any(1) | ~np.isin(people.frames, list(regions))
    return replace(people, present=present)[kept]
