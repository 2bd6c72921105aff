"""Looks: what the colours along limbs tell, and what they change about ids."""

import numpy as np
import pytest

from models.keypoints import plain_set
from tracker.appearance import UNKNOWN, learn, likeness, limb_colours
from tracker.flow import small_view
from tracker.options import TrackerOptions
from tracker.relinking import within_reach
from tracker.tracks import People
from tracker.types import Poses, concatenate

RED, BLUE = (0, 0, 200), (200, 0, 0)
LIMBS = np.array([(0, 1), (1, 2), (2, 3)])


def somebody(x: float, box_score: float = 0.9) -> Poses:
    """A stick of four joints, one above the other."""
    keypoints = np.array([[(x, y) for y in (40, 80, 120, 160)]], np.float32)
    box = np.array([[x - 30, 30, x + 30, 170]], np.float32)
    scores = np.ones((1, 4), np.float32)
    return Poses(keypoints, scores, box, np.full(1, box_score, np.float32), np.zeros(1, np.int64))


def colours(*people: tuple[float, tuple[int, int, int]]) -> list[np.ndarray]:
    """The limbs' colours of people at x in plain clothes."""
    image = np.full((200, 400, 3), 128, np.uint8)
    for x, colour in people:
        image[30:170, int(x) - 20 : int(x) + 20] = colour
    sure = np.ones((1, 4), bool)
    return [limb_colours(small_view(image), somebody(x), sure, LIMBS) for x, _ in people]


@pytest.mark.parametrize(("size", "factor"), [((200, 400), 1), ((800, 1600), 4)])
def test_colours_are_those_along_the_limbs(size: tuple[int, int], factor: int) -> None:
    image = np.zeros((*size, 3), np.uint8)
    image[: 80 * factor, :] = 255  # white above the second joint, black below
    pose = somebody(100)
    pose = Poses(pose.keypoints * factor, pose.scores, pose.boxes, pose.box_scores, pose.track_ids)
    sure = np.array([[True, True, True, False]])
    found = limb_colours(small_view(image), pose, sure, LIMBS)
    np.testing.assert_allclose(found[0, :2], [(100, 0, 0), (0, 0, 0)], atol=1e-3)
    assert np.isnan(found[0, 2]).all()  # its end is not sure


def test_joints_outside_the_frame_take_the_nearest_colour() -> None:
    pose = somebody(-50)
    found = limb_colours(small_view(np.full((200, 400, 3), 255, np.uint8)), pose, pose.scores > 0, LIMBS)
    np.testing.assert_allclose(found[..., 0], 100, atol=1e-3)


def test_nobody_has_no_colours() -> None:
    found = limb_colours(
        small_view(np.zeros((9, 9, 3), np.uint8)), somebody(0)[:0], np.ones((0, 4), bool), LIMBS
    )
    assert found.shape == (0, 3, 3)
    assert likeness(found, found).shape == (0, 0)


def test_keypoints_without_limbs_have_no_looks() -> None:
    limbs = plain_set("own", ["head", "chest", "hip", "foot"]).limb_index
    pose = somebody(100)
    found = limb_colours(small_view(np.zeros((200, 400, 3), np.uint8)), pose, pose.scores > 0, limbs)
    assert found.shape == (1, 0, 3)
    assert likeness(found, found) == UNKNOWN


def test_likeness_is_high_for_the_same_clothes_and_low_for_others() -> None:
    red, blue = colours((100, RED), (300, BLUE))
    table = likeness(np.concatenate((red, blue)), np.concatenate((red, blue)))
    assert table.diagonal().tolist() == [1, 1]
    assert table[0, 1] == table[1, 0] < 0.1
    shadow = likeness(red, red - np.float32((10, 0, 0)))
    assert 0.9 < shadow[0, 0] < 1
    unseen = red.copy()
    unseen[:, 0] = np.nan
    assert likeness(red, unseen)[0, 0] == UNKNOWN


def test_what_is_known_of_a_person_changes_slowly() -> None:
    nan = np.nan
    known = np.array([(50, 0, 0), (50, 0, 0), (nan, nan, nan)], np.float32)
    seen = np.array([(70, 0, 0), (nan, nan, nan), (30, 1, 2)], np.float32)
    np.testing.assert_allclose(learn(known, seen), [(51, 0, 0), (50, 0, 0), (30, 1, 2)])


@pytest.mark.parametrize(
    ("box", "seconds", "expected"),
    [
        ((0, 0, 40, 100), 0.1, True),
        ((34, 0, 74, 100), 0.1, True),
        ((40, 0, 80, 100), 0.1, False),  # further than they can have come
        ((40, 0, 80, 100), 1.0, True),
        ((0, 20, 40, 80), 0.1, False),  # too small to be them
    ],
)
def test_reach_grows_with_time(box: tuple[float, ...], seconds: float, expected: bool) -> None:
    last, now = np.array([(0, 0, 40, 100)], np.float32), np.array([box], np.float32)
    assert within_reach(last, now, np.array([seconds])).tolist() == [[expected]]


def follow(remember: float, back: tuple[int, int, int], at: float) -> list[int]:
    """Ids of somebody in red at 100, seen for four frames, and after a second of somebody elsewhere."""
    people = People(TrackerOptions(remember=remember, carry=0.2, queue=2), 4, None)
    ids = []
    for frame in range(20):
        people.carry(lambda points: (points, np.ones(len(points), bool)), frame / 10)
        if 4 <= frame < 14:
            people.identify(somebody(0)[:0], np.zeros((0, 3, 3), np.float32), frame / 10)
            continue
        x, colour = (100, RED) if frame < 4 else (at, back)
        seen = people.identify(somebody(x), *colours((x, colour)), frame / 10)
        ids.append(int(seen.track_ids[0]))
    return ids


@pytest.mark.parametrize(
    ("remember", "back", "at", "last"),
    [
        (3.0, RED, 160, 1),
        (3.0, BLUE, 160, 2),  # somebody else
        (3.0, RED, 300, 2),  # too far away
        (0.0, RED, 160, 2),  # looks are not to count
        (0.5, RED, 160, 2),  # forgotten
    ],
)
def test_somebody_who_was_away_is_known_by_their_looks(
    remember: float, back: tuple[int, int, int], at: float, last: int
) -> None:
    assert follow(remember, back, at) == [1] * 4 + [last] * 6


@pytest.mark.parametrize(("remember", "expected"), [(3.0, [1, 2]), (0.0, [2, 1])])
def test_of_two_in_the_same_place_looks_tell_who_is_who(remember: float, expected: list[int]) -> None:
    people = People(TrackerOptions(remember=remember, queue=1), 4, None)
    both = concatenate((somebody(100), somebody(140, 0.8)))
    for frame in range(5):
        people.carry(lambda points: (points, np.ones(len(points), bool)), frame / 10)
        if frame == 4:  # they have changed places
            both = both[[1, 0]]
            looks = np.concatenate(colours((140, RED), (100, BLUE)))
            assert people.identify(both, looks, frame / 10).track_ids.tolist() == expected
        else:
            looks = np.concatenate(colours((100, RED), (140, BLUE)))
            assert people.identify(both, looks, frame / 10).track_ids.tolist() == [1, 2]


@pytest.mark.parametrize(
    ("remember", "at", "expected"),
    [
        (3.0, 136, 1),  # an overlap of a quarter with where they are expected, and the same clothes
        (0.0, 136, 2),  # place alone asks for more,
        (0.0, 125, 1),  # as here
    ],
)
def test_somebody_missing_for_a_moment_is_expected_in_a_place(
    remember: float, at: float, expected: int
) -> None:
    people = People(TrackerOptions(remember=remember, queue=1), 4, None)
    for frame, x in enumerate([100, 100, 100, 100, None, at]):
        people.carry(lambda points: (points, np.ones(len(points), bool)), frame / 10)
        seen, looks = (somebody(0)[:0], []) if x is None else (somebody(x), colours((x, RED)))
        ids = people.identify(seen, np.array(looks, np.float32).reshape(-1, 3, 3), frame / 10).track_ids
    assert ids.tolist() == [expected]
