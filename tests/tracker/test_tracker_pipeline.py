"""The whole frame loop on drawn figures whose boxes and joints are known."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from benchmarks.walkers import Walkers
from models.description import PoseDescription
from models.keypoints import COCO
from tracker.options import TrackerOptions
from tracker.pipeline import PoseTracker
from tracker.types import Frame, FrameResult


class Script:
    """Detector and keypoint stage that know the scene; both can be made to fail on chosen frames."""

    def __init__(self, scene: Walkers, blind: set[int] = frozenset(), lost: set[int] = frozenset()) -> None:  # type: ignore[assignment]
        self.scene, self.blind, self.lost = scene, blind, lost
        self.description = PoseDescription("script", COCO)
        self.seconds: dict[str, float] = {}
        self.index = 0
        self.asked: list[int] = []  # frames that the detector looked at
        self.crops: list[int] = []

    def detect(self, frame: Frame) -> tuple[np.ndarray, np.ndarray]:
        self.asked.append(frame.index)
        boxes, scores = self.scene.detect(frame)
        return (boxes[:0], scores[:0]) if frame.index in self.blind else (boxes, scores)

    def __call__(self, image: np.ndarray, boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        self.crops.append(len(boxes))
        points, scores = self.scene.find_joints(self.index, boxes)
        return points, scores * (0.01 if self.index in self.lost else 1)


def run(script: Script, count: int, **options: object) -> list[FrameResult]:
    tracker = PoseTracker(script.detect, script, TrackerOptions(**options))  # type: ignore[arg-type]
    results = []
    for frame in script.scene.frames(count):
        script.index = frame.index
        results.append(tracker.step(frame))
    return results


def ids(results: list[FrameResult]) -> list[list[int]]:
    return [sorted(result.poses.track_ids.tolist()) for result in results]


@pytest.fixture(scope="module")
def two() -> Walkers:
    """Two people who do not meet."""
    return Walkers(people=2, height=360, width=640, seed=1, figure=0.4)


@pytest.mark.parametrize("similarity", ["bbox", "pose", "flow", "multi-flow"])
@pytest.mark.parametrize("match", ["greedy", "hungarian"])
def test_ids_stay_and_boxes_are_right(two: Walkers, similarity: str, match: str) -> None:
    script = Script(two)
    results = run(script, 12, similarity=similarity, match=match)
    assert ids(results) == [[1, 2]] * 12
    who = [result.poses.track_ids.argsort() for result in results]
    first = [two.boxes(0).tolist().index(box.tolist()) for box in results[0].poses.boxes[who[0]]]
    for result, order in zip(results, who, strict=True):
        true = two.boxes(result.frame.index)[first]
        np.testing.assert_allclose(result.poses.boxes[order], true, atol=6)
        np.testing.assert_allclose(
            result.poses.keypoints[order], two.keypoints(result.frame.index)[first], atol=1e-3
        )


def test_the_detector_looks_at_every_third_frame_and_people_are_carried_between(two: Walkers) -> None:
    script = Script(two)
    results = run(script, 10)
    assert script.asked == [0, 3, 6, 9]
    assert [r.detected for r in results] == [i % 3 == 0 for i in range(10)]
    assert script.crops == [2] * 10
    assert not any(r.shot_change for r in results)


def test_the_detector_looks_at_once_where_the_flow_fails(two: Walkers) -> None:
    script = Script(two, lost={4})  # no sure joint in frame 4: nothing for the flow to follow to frame 5
    run(script, 8, detect_every=100)
    assert script.asked == [0, 5]


def test_somebody_hidden_comes_back_under_the_same_id(two: Walkers) -> None:
    hidden = {4, 5, 6}
    results = run(Script(two, blind=hidden, lost=hidden), 12)
    # in frame 4 they are given the benefit of the doubt; the detector, called at once, sees nobody in frame 5
    assert ids(results)[:5] == [[1, 2]] * 5
    assert ids(results)[5:8] == [[]] * 3
    assert ids(results)[8:] == [[1, 2]] * 4


def test_beyond_memory_a_person_is_new(two: Walkers) -> None:
    hidden = set(range(4, 30))
    results = run(Script(two, blind=hidden, lost=hidden), 34, carry=0.2, remember=0)
    assert ids(results)[-1] == [3, 4]


def test_people_carried_by_the_filter_are_given_when_asked_for(two: Walkers) -> None:
    hidden = {4, 5, 6}
    results = run(Script(two, blind=hidden, lost=hidden), 9, write_carried=True)
    assert ids(results) == [[1, 2]] * 9
    assert [r.carried.tolist() for r in results[4:]] == [[False] * 2, *[[True] * 2] * 3, [False] * 2]
    for result in results[5:8]:
        boxes = result.poses.boxes[result.poses.track_ids.argsort()]
        true = two.boxes(result.frame.index)
        distance = np.abs(boxes[:, None] - true[None]).max(axis=2).min(axis=1)
        assert (distance < 15).all()


def test_tentative_until_seen_often_enough(two: Walkers) -> None:
    results = run(Script(two), 5, confirm=3)
    assert [r.tentative.tolist() for r in results] == [[True] * 2] * 2 + [[False] * 2] * 3


def test_a_cut_starts_ids_anew_and_calls_the_detector() -> None:
    scenes = [Walkers(people=2, height=360, width=640, seed=seed) for seed in (1, 2)]
    script = Script(scenes[0])
    tracker = PoseTracker(script.detect, script, TrackerOptions())  # type: ignore[arg-type]
    results = []
    for index in range(10):
        script.index, script.scene = index, scenes[index >= 5]
        results.append(tracker.step(Frame(index, Fraction(index, 30), script.scene.image(index))))
    assert [r.shot_change for r in results] == [i == 5 for i in range(10)]
    assert ids(results) == [[1, 2]] * 5 + [[3, 4]] * 5
    assert script.asked == [0, 3, 5, 8]


def test_frames_of_another_size_are_a_cut(two: Walkers) -> None:
    script = Script(two)
    tracker = PoseTracker(script.detect, script, TrackerOptions())  # type: ignore[arg-type]
    small = next(iter(two.frames(1)))
    assert not tracker.step(small).shot_change
    assert tracker.step(replace(small, index=1, time=Fraction(1, 30), image=small.image[:-10])).shot_change


def test_a_run_starts_from_the_beginning_and_repeats_itself() -> None:
    scene = Walkers(people=4, height=360, width=640, seed=3)
    runs = [run(Script(scene), 40) for _ in range(2)]
    for first, second in zip(*runs, strict=True):
        assert first.poses.track_ids.tolist() == second.poses.track_ids.tolist()
        np.testing.assert_array_equal(first.poses.keypoints, second.poses.keypoints)
    script = Script(scene)
    tracker = PoseTracker(script.detect, script)  # type: ignore[arg-type]
    for _ in range(2):
        (result,) = tracker.track(scene.frames(1))
        assert sorted(result.poses.track_ids.tolist()) == list(range(1, len(result.poses) + 1))


def test_ids_are_unique_in_a_frame_and_never_used_again() -> None:
    scene = Walkers(people=6, height=360, width=640, seed=7)
    here: set[int] = set()
    for result in run(Script(scene), 120, queue=2, carry=0):
        now = result.poses.track_ids.tolist()
        assert len(set(now)) == len(now)
        assert min(now, default=1) >= 1
        here |= set(now)
    assert here == set(range(1, max(here) + 1))


def test_no_more_people_than_asked_for() -> None:
    scene = Walkers(people=5, height=360, width=640, seed=3)
    results = run(Script(scene), 20, max_people=2)
    assert all(len(result.poses) <= 2 for result in results)
    assert ids(results)[0] == [1, 2]


def test_thresholds_of_boxes(two: Walkers) -> None:
    assert ids(run(Script(two), 2, box_threshold=0.95)) == [[], []]
    assert ids(run(Script(two), 2, new_track_threshold=0.95)) == [[], []]
    assert ids(run(Script(two), 2, min_height=200)) == [[], []]
    assert ids(run(Script(two), 2, min_height=100)) == [[1, 2], [1, 2]]


def test_nobody_at_all(two: Walkers) -> None:
    results = run(Script(two, blind=set(range(5))), 5, write_carried=True)
    assert ids(results) == [[]] * 5
    assert results[0].poses.keypoints.shape == (0, 17, 2)


def test_times_of_the_stages_are_told(two: Walkers) -> None:
    (result,) = run(Script(two), 1)
    assert set(result.seconds) == {"flow", "detect", "match"}
    assert all(value >= 0 for value in result.seconds.values())


def test_a_person_carried_keeps_the_id_though_the_pose_is_like_nobodys(two: Walkers) -> None:
    class Jumping(Script):
        def __call__(self, image: np.ndarray, boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            points, scores = super().__call__(image, boxes)
            return points + (300 if self.index == 4 else 0), scores

    script = Jumping(two)
    results = run(script, 6, detect_every=100, carry=0, oks_nms=1.0)
    assert 4 not in script.asked
    assert ids(results[:5]) == [[1, 2]] * 5
