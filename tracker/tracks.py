"""The people being tracked: their queue of poses, their ids, their life-cycle.

A person is *tentative* until seen in a few frames, then *confirmed*; *lost* while no pose is theirs;
*re-linked* when a pose is like one of the queue, or lies where the Kalman filter expects them, or looks like
them not far from where they were; forgotten when nothing of this can happen any longer. Ids count from 1 and
are never used again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tracker.appearance import UNKNOWN, learn, likeness
from tracker.kalman import BoxFilter
from tracker.matching import MATCHERS
from tracker.nms import box_iou
from tracker.options import TrackerOptions
from tracker.propagation import LEAST_JOINTS, carry, mostly_found
from tracker.relinking import LIKE_OVERLAP, LIKENESS, OVERLAP, within_reach
from tracker.similarity import similarity_to_people
from tracker.types import Poses, concatenate

CERTAIN_BOX = 0.7  # score from which somebody new need show no joints


@dataclass
class Track:
    """One person: the Kalman filter on their box, the last pose, their colours, when and how often seen."""

    filter: BoxFilter
    pose: Poses
    colours: NDArray[np.float32]
    seen: float
    frames: int = 1


class People:
    """Everybody whom the tracker has in mind.

    Args:
        options: the tracker's settings.
        keypoints: K.
        sigmas: K per-keypoint constants of OKS, or None.
    """

    def __init__(self, options: TrackerOptions, keypoints: int, sigmas: ArrayLike | None) -> None:
        self._options = options
        self._sigmas = sigmas
        self._match = MATCHERS[options.match]
        self._nobody = Poses.empty(keypoints)
        self._next_id = 1
        self.forget()

    def forget(self) -> None:
        """Let go of everybody, as at a shot change; ids go on."""
        frames = self._options.queue if self._options.similarity == "multi-flow" else 1
        self._queue = self._nobody  # the people of the last frames, oldest first, where they would be now
        self._lengths: deque[int] = deque(maxlen=frames)  # how many of them are of each frame
        self._previous = self._nobody
        self._tracks: dict[int, Track] = {}

    def carry(
        self, flow: Callable[[NDArray], tuple[NDArray[np.float32], NDArray[np.bool_]]], time: float
    ) -> tuple[Poses, NDArray[np.bool_]]:
        """Carry the queued poses and the filters to the next frame.

        Args:
            flow: (P, 2) points in the previous frame → where they are now, and (P,) whether that is sure.
            time: seconds of the next frame.

        Returns:
            The previous frame's people in the next frame, and (N,) whether the flow has each reliably.
        """
        drift = {}
        for track_id, track in self._tracks.items():
            before = track.filter.box
            drift[track_id] = (track.filter.predict(time) - before).reshape(2, 2).mean(axis=0)
        queue = self._queue
        followed = self._worth_following(queue)
        moved, found = np.zeros_like(queue.keypoints), np.zeros_like(followed)
        moved[followed], found[followed] = flow(queue.keypoints[followed])
        drifts = np.array([drift[i] for i in queue.track_ids.tolist()], np.float32).reshape(-1, 2)
        self._queue = carry(queue, moved, found, drifts)
        last = slice(len(queue) - len(self._previous), None)
        return self._queue[last], mostly_found(found[last], followed[last])

    def sure(self, poses: Poses) -> NDArray[np.bool_]:
        """(N, K) joints that are sure enough to be compared."""
        return poses.scores >= self._options.joint_threshold

    def _worth_following(self, poses: Poses) -> NDArray[np.bool_]:
        """(N, K) the sure joints; all of a person who has hardly any, as they still lie on the person."""
        sure = self.sure(poses)
        return sure | (sure.sum(axis=1) < LEAST_JOINTS)[:, None]

    def identify(self, poses: Poses, colours: NDArray[np.float32], time: float) -> Poses:
        """Give the poses of a frame their ids; poses that are nobody known and may not be anybody new go.

        Args:
            poses: N people; `track_ids` says whose box each was found in, 0 for a box of the detector.
            colours: (N, L, 3) of their limbs, see `tracker.appearance`.
            time: seconds of the frame, the one that `carry` was called with.
        """
        options = self._options
        ids, similarity = similarity_to_people(
            options.similarity, self._previous, self._queue, poses, self._sigmas, options.joint_threshold
        )
        track_ids = np.zeros(len(poses), np.int64)
        similarity = similarity * self._likeness([self._tracks[i] for i in ids.tolist()], colours)
        rows, columns = self._match(similarity, options.min_similarity)
        track_ids[columns] = ids[rows]
        self._relink(track_ids, poses, colours, time)
        same = (track_ids == 0) & ~np.isin(poses.track_ids, track_ids)
        track_ids[same] = poses.track_ids[same]  # like nobody, but found where the flow carried somebody
        track_ids = self._start(track_ids, poses)
        known = track_ids > 0
        poses = replace(poses, track_ids=track_ids)[known]
        self._remember(poses, colours[known], time)
        return poses

    def _likeness(self, tracks: list[Track], colours: NDArray[np.float32]) -> NDArray[np.float64]:
        """(T, N) how much people look like known ones; 1 where looks are not to count."""
        if not self._options.remember:
            return np.ones((len(tracks), len(colours)))
        known = np.array([track.colours for track in tracks], np.float32)
        like = likeness(known.reshape(len(tracks), *colours.shape[1:]), colours)
        young = np.array([track.frames < self._options.confirm for track in tracks], bool)
        return np.where(young[:, None], UNKNOWN, like)

    def _relink(
        self, track_ids: NDArray[np.int64], poses: Poses, colours: NDArray[np.float32], time: float
    ) -> None:
        """Further chances for poses without an id: where somebody is expected, then near where they were."""
        options = self._options
        for seconds, place, minimum in (
            (options.carry, _overlap_expected, LIKE_OVERLAP if options.remember else OVERLAP),
            (options.remember, _near_last, LIKENESS),
        ):
            free = np.flatnonzero(track_ids == 0)
            away = {i: track for i, track in self._away(time, seconds).items() if i not in track_ids}
            if not len(free) or not away:
                continue
            tracks = list(away.values())
            similarity = place(tracks, poses.boxes[free], time) * self._likeness(tracks, colours[free])
            rows, columns = self._match(similarity, minimum)
            track_ids[free[columns]] = np.array(list(away))[rows]

    def _away(self, time: float, seconds: float) -> dict[int, Track]:
        """Who has not been seen at a time, but in so many seconds before."""
        return {i: track for i, track in self._tracks.items() if track.seen < time <= track.seen + seconds}

    def _start(self, track_ids: NDArray[np.int64], poses: Poses) -> NDArray[np.int64]:
        """New ids for poses in strong boxes of the detector, best first, as far as there is room."""
        options = self._options
        room = len(poses) if options.max_people is None else options.max_people
        known = np.flatnonzero(track_ids > 0)
        result = np.zeros_like(track_ids)
        stay = known[np.argsort(track_ids[known])][:room]
        result[stay] = track_ids[stay]
        strong = (poses.track_ids == 0) & (poses.box_scores >= options.new_track_threshold)
        asked = min(options.new_track_joints, poses.scores.shape[1])
        shown = (self.sure(poses).sum(axis=1) >= asked) | (poses.box_scores >= CERTAIN_BOX)
        new = np.flatnonzero((track_ids == 0) & strong & shown)
        new = new[np.argsort(-poses.box_scores[new], kind="stable")][: room - len(stay)]
        result[new] = self._next_id + np.arange(len(new))
        self._next_id += len(new)
        return result

    def _remember(self, poses: Poses, colours: NDArray[np.float32], time: float) -> None:
        for pose, seen in zip(poses, colours, strict=True):
            track_id = int(pose.track_ids[0])
            track = self._tracks.get(track_id)
            if track is None:
                self._tracks[track_id] = Track(BoxFilter(pose.boxes[0], time), pose, seen, time)
                continue
            track.filter.update(pose.boxes[0])
            track.pose, track.colours = pose, learn(track.colours, seen)
            track.seen, track.frames = time, track.frames + 1
        self._previous = poses
        self._lengths.append(len(poses))
        everybody = concatenate((self._queue, poses))
        self._queue = everybody[len(everybody) - sum(self._lengths) :]
        queued = set(self._queue.track_ids.tolist())
        oldest = time - max(self._options.carry, self._options.remember)
        self._tracks = {i: track for i, track in self._tracks.items() if i in queued or track.seen >= oldest}

    def lost_sight(self, carried: Poses, poses: Poses) -> bool:
        """Whether somebody carried to this frame is not among its poses, or has hardly a sure joint left."""
        expected, shown = (p.track_ids[self.sure(p).sum(axis=1) >= LEAST_JOINTS] for p in (carried, poses))
        return not np.isin(expected, shown).all()

    def tentative(self, poses: Poses) -> NDArray[np.bool_]:
        """(N,) which of the people just identified are not confirmed yet."""
        frames = [self._tracks[i].frames for i in poses.track_ids.tolist()]
        return np.array(frames, int).reshape(-1) < self._options.confirm

    def lost(self, time: float) -> Poses:
        """Confirmed people missing from the frame at a time, where the Kalman filter expects them."""
        away = self._away(time, self._options.carry).values()
        missing = [track for track in away if track.frames >= self._options.confirm]
        return concatenate([self._nobody, *(_moved_to(track.pose, track.filter.box) for track in missing)])


def _overlap_expected(away: list[Track], boxes: NDArray[np.float32], time: float) -> NDArray[np.float32]:
    """(T, N) overlap of boxes with those where the Kalman filter expects people."""
    return box_iou(np.stack([track.filter.box for track in away]), boxes)


def _near_last(away: list[Track], boxes: NDArray[np.float32], time: float) -> NDArray[np.bool_]:
    """(T, N) whether people may have come to the boxes from where they were last seen."""
    last = np.concatenate([track.pose.boxes for track in away])
    return within_reach(last, boxes, time - np.array([track.seen for track in away]))


def _moved_to(pose: Poses, box: NDArray[np.float32]) -> Poses:
    """One person, moved with the middle of their box."""
    step = (box - pose.boxes[0]).reshape(2, 2).mean(axis=0)
    return replace(pose, keypoints=pose.keypoints + step, boxes=box[None])
