"""Takes the jitter out of tracked poses: One-Euro as they come, Savitzky–Golay over the finished run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from tracker.types import FrameResult, Poses, concatenate

Smooth = Callable[[FrameResult], FrameResult]
"""Gives each result of a source anew, its keypoints moved; results come in their order."""

FORGET_SECONDS = 1.0  # a person away for longer begins anew


@dataclass
class _Filtered:
    """One person's filter: where the joints are, how fast they move, and when each was last seen."""

    points: NDArray[np.float64]  # (K, 2) pixels
    speed: NDArray[np.float64]  # (K, 2) pixels a second
    seen: NDArray[np.float64]  # (K,) seconds


class OneEuro:
    """The One-Euro filter (Casiez, Roussel, Vogel, CHI 2012) on every joint of every person.

    A low-pass filter whose cut-off rises with speed: a resting joint is held still, a fast one followed
    without lag. Speeds are measured in heights of the person a second, so that the same settings suit people
    near and far. Only what is before a frame counts: usable live.

    Args:
        min_cutoff: Hz at rest; lower is smoother.
        beta: Hz added per person height a second; higher follows faster.
        speed_cutoff: Hz of the filter on the speed.
        joint_threshold: joints with a lower score pass unchanged and are forgotten.
    """

    def __init__(
        self,
        min_cutoff: float = 1.0,
        beta: float = 4.0,
        speed_cutoff: float = 2.0,
        joint_threshold: float = 0.4,
    ) -> None:
        self._min_cutoff = min_cutoff
        self._beta = beta
        self._speed_cutoff = speed_cutoff
        self._threshold = joint_threshold
        self._people: dict[int, _Filtered] = {}

    def __call__(self, result: FrameResult) -> FrameResult:
        """The same result with smoothed keypoints."""
        now = float(result.frame.time)
        if result.shot_change:
            self._people.clear()
        points = result.poses.keypoints.copy()
        for i, track_id in enumerate(result.poses.track_ids.tolist()):
            points[i] = self._smooth(track_id, result.poses[i : i + 1], now)
        self._people = {k: p for k, p in self._people.items() if now - p.seen.max() <= FORGET_SECONDS}
        return replace(result, poses=replace(result.poses, keypoints=points))

    def _smooth(self, track_id: int, person: Poses, now: float) -> NDArray[np.float32]:
        points, present = person.keypoints[0].astype(np.float64), person.scores[0] >= self._threshold
        state = self._people.get(track_id)
        if state is None:
            state = _Filtered(points, np.zeros_like(points), np.where(present, now, -np.inf))
            if present.any():
                self._people[track_id] = state
            return person.keypoints[0]
        height = max(float(person.boxes[0, 3] - person.boxes[0, 1]), 1.0)
        step = now - state.seen
        known = present & (step <= FORGET_SECONDS) & (step > 0)
        step = np.where(known, step, 1.0)[:, None]
        speed = _mix(_weight(self._speed_cutoff, step), (points - state.points) / step, state.speed)
        pace = np.linalg.norm(speed, axis=1, keepdims=True) / height
        smooth = _mix(_weight(self._min_cutoff + self._beta * pace, step), points, state.points)
        known = known[:, None]
        self._people[track_id] = _Filtered(
            np.where(known, smooth, points),
            np.where(known, speed, 0.0),
            np.where(present, now, state.seen),
        )
        return np.where(known, smooth, points).astype(np.float32)


def _weight(cutoff: NDArray | float, step: NDArray) -> NDArray:
    """Share of the new value for a cut-off frequency in Hz and a time step in seconds."""
    return 1 / (1 + 1 / (2 * np.pi * cutoff * step))


def _mix(weight: NDArray, new: NDArray, old: NDArray) -> NDArray:
    return weight * new + (1 - weight) * old


def savitzky_golay(
    results: Sequence[FrameResult],
    joint_threshold: float = 0.4,
    window: int = 9,
    order: int = 2,
    max_gap: int = 5,
) -> list[FrameResult]:
    """Smooth a finished run, fill its short gaps, and give the results anew.

    Every joint's way is fitted by a polynomial in a window around each frame (Savitzky and Golay 1964), so
    nothing lags. A person or joint that is away for at most `max_gap` frames is put on the straight line
    between where it went and came; its score is the lower of the two.

    Args:
        results: of consecutive frames.
        joint_threshold: joints with a lower score count as away.
        window: frames, odd; a stretch shorter than that is left as it is.
        order: degree of the polynomial, below `window`.
        max_gap: frames.
    """
    people: dict[int, list[tuple[int, int]]] = {}
    for at, result in enumerate(results):
        for i, track_id in enumerate(result.poses.track_ids.tolist()):
            people.setdefault(track_id, []).append((at, i))
    smoothed: list[list[tuple[Poses, bool, bool]]] = [[] for _ in results]
    for places in people.values():
        for stretch in _stretches([at for at, _ in places], max_gap):
            rows = places[stretch]
            track = _Track.gather(results, rows)
            track.smooth(joint_threshold, window, order, max_gap)
            for at, pose, tentative, carried in track.poses():
                smoothed[at].append((pose, tentative, carried))
    return [_with_people(result, found) for result, found in zip(results, smoothed, strict=True)]


@dataclass
class _Track:
    """One person over consecutive frames from `first` on; rows of absent frames are filled by lines."""

    first: int
    track_id: int
    keypoints: NDArray[np.float64]  # (T, K, 2)
    scores: NDArray[np.float64]  # (T, K)
    boxes: NDArray[np.float64]  # (T, 4)
    box_scores: NDArray[np.float64]  # (T,)
    flags: NDArray[np.bool_]  # (T, 2) tentative, carried

    @classmethod
    def gather(cls, results: Sequence[FrameResult], rows: Sequence[tuple[int, int]]) -> _Track:
        times = np.array([at for at, _ in rows])
        span = np.arange(times[0], times[-1] + 1)
        nearest = np.searchsorted(times, span, side="right") - 1

        def filled(values: list[NDArray]) -> NDArray[np.float64]:
            flat = np.array(values, np.float64).reshape(len(rows), -1)
            lines = np.stack([np.interp(span, times, column) for column in flat.T], axis=1)
            return lines.reshape(len(span), *np.shape(values[0]))

        poses = [(results[at].poses, i) for at, i in rows]
        flags = np.array([(results[at].tentative[i], results[at].carried[i]) for at, i in rows], bool)
        track = cls(
            int(times[0]),
            int(poses[0][0].track_ids[poses[0][1]]),
            filled([p.keypoints[i] for p, i in poses]),
            filled([p.scores[i] for p, i in poses]),
            filled([p.boxes[i] for p, i in poses]),
            filled([p.box_scores[i] for p, i in poses]),
            flags[nearest],
        )
        absent = ~np.isin(span, times)
        following = np.minimum(nearest + 1, len(rows) - 1)
        ends = np.array([p.scores[i] for p, i in poses])
        track.scores[absent] = np.minimum(ends[nearest], ends[following])[absent]
        return track

    def smooth(self, threshold: float, window: int, order: int, max_gap: int) -> None:
        from scipy.signal import savgol_filter

        times = np.arange(len(self.scores))
        for joint in range(self.scores.shape[1]):
            seen = np.flatnonzero(self.scores[:, joint] >= threshold)
            for stretch in _stretches(seen.tolist(), max_gap):
                at = seen[stretch]
                span = times[at[0] : at[-1] + 1]
                way = np.stack([np.interp(span, at, self.keypoints[at, joint, c]) for c in (0, 1)], axis=1)
                away = np.setdiff1d(span, at)
                before = at[np.searchsorted(at, away) - 1]
                after = at[np.searchsorted(at, away)]
                self.scores[away, joint] = np.minimum(self.scores[before, joint], self.scores[after, joint])
                if len(span) >= window:
                    way = savgol_filter(way, window, order, axis=0)
                self.keypoints[span, joint] = way
        if len(times) >= window:
            self.boxes = savgol_filter(self.boxes, window, order, axis=0)

    def poses(self) -> list[tuple[int, Poses, bool, bool]]:
        """Frame position, pose, tentative, carried."""
        return [
            (
                self.first + t,
                Poses(
                    self.keypoints[t : t + 1].astype(np.float32),
                    self.scores[t : t + 1].astype(np.float32),
                    self.boxes[t : t + 1].astype(np.float32),
                    self.box_scores[t : t + 1].astype(np.float32),
                    np.array([self.track_id]),
                ),
                bool(self.flags[t, 0]),
                bool(self.flags[t, 1]),
            )
            for t in range(len(self.scores))
        ]


def _stretches(times: Sequence[int], max_gap: int) -> list[slice]:
    """Slices of increasing numbers between which at most `max_gap` are missing."""
    breaks = [i for i in range(1, len(times)) if times[i] - times[i - 1] - 1 > max_gap]
    edges = [0, *breaks, len(times)]
    return [slice(a, b) for a, b in pairwise(edges) if b > a]


def _with_people(result: FrameResult, found: list[tuple[Poses, bool, bool]]) -> FrameResult:
    if not found:
        return result
    poses = concatenate([pose for pose, _, _ in found])
    order = np.argsort(poses.track_ids, kind="stable")
    return replace(
        result,
        poses=poses[order],
        tentative=np.array([t for _, t, _ in found])[order],
        carried=np.array([c for _, _, c in found])[order],
    )
