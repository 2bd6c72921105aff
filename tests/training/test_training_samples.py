"""Samples: repeatable, cut by inference's convention, masked where nothing is known, robust to bad files."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from models.crops import box_to_crop, crop_matrix, extract_crops, to_crop
from models.errors import InputError
from models.keypoints import keypoint_set
from training.augmentation import half_body_crop, jitter_crop
from training.detector_samples import DetectorSamples, mosaic
from training.drawing import Mix
from training.people import read_people
from training.pose_samples import PoseSamples, mirrored
from training.recipe import Augmentation, DataSource, Recipe
from training.recipe_files import load_recipe

COCO = keypoint_set("coco")
PLAIN = Augmentation(rotation=0, rotation_probability=0, scale=0, flip=0)


def recipe(tiny: Path, **changes: Any) -> Recipe:
    return replace(load_recipe(str(tiny)), **changes)


def test_a_round_draws_each_entry_as_often_as_its_weight_says() -> None:
    mix = Mix([np.arange(10), np.arange(100, 104)], [1.5, 3], seed=1)
    assert len(mix) == 27
    drawn = [mix.draw(place) for place in range(54)]
    for half in (drawn[:27], drawn[27:]):
        counts = {entry: half.count(entry) for entry in set(half)}
        assert all(counts[1, entry] == 3 for entry in range(100, 104))
        assert all(counts[0, entry] in (1, 2) for entry in range(10))
    assert drawn[:27] != drawn[27:]
    again = Mix([np.arange(10), np.arange(100, 104)], [1.5, 3], seed=1)
    assert again.draw(30) == drawn[30]


def test_nothing_to_learn_from() -> None:
    with pytest.raises(InputError, match="nothing to learn from"):
        Mix([np.arange(0)], [1])


@pytest.mark.parametrize("kind", [PoseSamples, DetectorSamples])
def test_a_sample_is_always_the_same(people: Path, tiny: Path, kind: type) -> None:
    options = Augmentation(half_body=0.5, half_body_joints=3, colour=0.3, blur=0.5, cut_out=0.5, mosaic=0.5)
    one, other = (kind(recipe(tiny, augmentation=options), people) for _ in range(2))
    different = kind(recipe(tiny, augmentation=options, seed=1), people)
    _ = [one[place] for place in range(5)]  # what came before does not matter
    for key, value in one[17].items():
        np.testing.assert_array_equal(value, other[17][key])
    assert (one[17]["image"] != different[17]["image"]).any()


def test_training_and_inference_cut_the_same_crop(people: Path, tiny: Path) -> None:
    samples = PoseSamples(recipe(tiny, augmentation=PLAIN), people)
    data = samples.people[0].data
    for place in range(4):
        _, person = samples.mix.draw(place)
        sample = samples[place]
        image = cv2.imread(str(data.images[data.image_index[person]]))
        window = box_to_crop(data.boxes[person], samples.size)
        np.testing.assert_array_equal(sample["image"].numpy(), extract_crops(image, window, samples.size)[0])
        points = to_crop(data.keypoints[person], crop_matrix(window[0], samples.size))
        np.testing.assert_allclose(sample["points"].numpy(), points, atol=1e-4)


@pytest.mark.parametrize("half_pixel", [True, False])
def test_a_marked_joint_stays_marked(tmp_path: Path, tiny: Path, half_pixel: bool) -> None:
    """A blob in the picture lies at its joint in the crop, whatever the augmentation."""
    image = np.zeros((200, 160, 3), np.uint8)
    joints = np.array([[50.0, 60.0], [100.0, 60.0], [75.0, 130.0]])
    colours = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255]])
    grid = np.stack(np.meshgrid(np.arange(160), np.arange(200)), axis=-1)
    for joint, colour in zip(joints, colours, strict=True):
        blob = np.exp(-0.5 * ((grid - joint) ** 2).sum(axis=-1) / 9)
        image += (blob[..., None] * colour).astype(np.uint8)
    cv2.imwrite(str(tmp_path / "picture.png"), image)
    keypoints = np.zeros((len(COCO), 3))
    names = ("left_shoulder", "right_shoulder", "nose")
    for name, joint in zip(names, joints, strict=True):
        keypoints[COCO.index(name)] = *joint, 2
    write(
        tmp_path,
        [{"id": 1, "image_id": 1, "bbox": [30, 40, 90, 110], "keypoints": keypoints.ravel().tolist()}],
    )
    settings = recipe(tiny, augmentation=Augmentation(flip=0.5))
    settings = replace(
        settings, network=replace(settings.network, input_size=(128, 96), half_pixel=half_pixel)
    )
    samples = PoseSamples(settings, tmp_path)
    flips = 0
    for place in range(12):
        sample = samples[place]
        picture, points = sample["image"].numpy().astype(float), sample["points"].numpy()
        found = [centre_of(picture[..., channel]) for channel in range(3)]
        labels = [points[COCO.index(name)] for name in names]
        mirror = np.linalg.norm(found[0] - labels[0]) > np.linalg.norm(found[0] - labels[1])
        flips += mirror  # the left shoulder of a mirror image is its right one
        expected = [labels[1], labels[0], labels[2]] if mirror else labels
        for place_found, label in zip(found, expected, strict=True):
            if ((label > 8) & (label < (88, 120))).all():
                np.testing.assert_allclose(place_found, label, atol=0.35)
    assert 0 < flips < 12


def centre_of(channel: np.ndarray) -> np.ndarray:
    y, x = np.mgrid[: channel.shape[0], : channel.shape[1]]
    return np.array([(x * channel).sum(), (y * channel).sum()]) / channel.sum()


def write(folder: Path, annotations: list[dict[str, Any]], names: tuple[str, ...] = ("picture.png",)) -> None:
    document = {
        "images": [{"id": i, "file_name": name} for i, name in enumerate(names, 1)],
        "annotations": annotations,
    }
    (folder / "people.json").write_text(json.dumps(document))


def test_mirroring_joints_is_the_microsoft_codes(shared: Path) -> None:
    expected = np.load(shared / "reference" / "decode" / "mirror_joints.npz")
    width = int(expected["width"])
    whole = np.array([[1.0, 0, 0], [0, 1, 0]])
    joints = to_crop(expected["joints"][..., :2], mirrored(whole, width, half_pixel=True))[:, COCO.flip_index]
    visible = expected["vis"][:, COCO.flip_index]
    np.testing.assert_allclose(joints * visible[..., :2], expected["out_joints"][..., :2], atol=1e-9)
    np.testing.assert_array_equal(visible, expected["out_vis"])


def test_the_mirrored_crop_is_the_crop_of_the_mirrored_picture() -> None:
    """The Microsoft code mirrors the picture and the box's centre, then cuts."""
    random = np.random.default_rng(0)
    image = random.integers(0, 256, (90, 70, 3), np.uint8)
    crop = np.array([30.0, 50.0, 48.0, 64.0])
    for half_pixel in (True, False):
        matrix = mirrored(crop_matrix(crop, (64, 48), half_pixel=half_pixel), 48, half_pixel)
        ours = cv2.warpAffine(image, matrix, (48, 64))
        flipped_crop = crop * [-1, 1, 1, 1] + [image.shape[1] - 1, 0, 0, 0]
        flipped = extract_crops(image[:, ::-1].copy(), flipped_crop[None], (64, 48), half_pixel)[0]
        np.testing.assert_array_equal(ours, flipped)


def test_joints_that_a_source_lacks_are_masked(people: Path, tiny: Path) -> None:
    crowd = DataSource(annotations="crowd/people.json", benchmark="crowdpose", weight=2)
    mixed = recipe(tiny, data=(DataSource(annotations="people.json"), crowd), augmentation=PLAIN)
    samples = PoseSamples(mixed, people)
    assert len(samples.mix) == 12 + 24
    lacks = np.array([name.split("_")[-1] in ("nose", "eye", "ear") for name in COCO.names])
    drawn = {0: 0, 1: 0}
    for place in range(36):
        source, _ = samples.mix.draw(place)
        weights = samples[place]["weights"].numpy()
        drawn[source] += 1
        if source == 1:
            assert not weights[lacks].any()
            assert weights[~lacks].any()
    assert drawn == {0: 12, 1: 24}


def test_joints_are_taken_by_name_not_by_place(people: Path) -> None:
    source = DataSource(annotations="crowd/people.json", benchmark="crowdpose")
    as_coco = read_people(source, people, COCO).data
    as_crowdpose = read_people(source, people, keypoint_set("crowdpose")).data
    elbow = as_crowdpose.keypoint_set.index("right_elbow")
    np.testing.assert_array_equal(
        as_coco.keypoints[:, COCO.index("right_elbow")], as_crowdpose.keypoints[:, elbow]
    )


def test_scores_of_joints_are_weights(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "picture.png"), np.zeros((50, 50, 3), np.uint8))
    keypoints = [10.0, 10.0, 2.0] * len(COCO)
    scores = np.linspace(0, 1, len(COCO)).tolist()
    write(
        tmp_path,
        [{"id": 1, "image_id": 1, "bbox": [0, 0, 40, 40], "keypoints": keypoints, "keypoint_scores": scores}],
    )
    weights = read_people(DataSource(annotations="people.json"), tmp_path, COCO).data.weights
    np.testing.assert_allclose(weights[0], scores, atol=1e-6)


def test_people_who_cannot_teach_are_left_out(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "picture.png"), np.zeros((50, 50, 3), np.uint8))
    seen, unseen = [10.0, 10.0, 2.0] * len(COCO), [0.0] * 3 * len(COCO)
    boxes = {
        1: ([0, 0, 40, 40], seen),
        2: ([60, 0, 40, 40], seen),
        3: ([0, 0, 0, 0], seen),
        4: ([0, 0, 9, 9], unseen),
    }
    document = {
        "images": [{"id": 1, "file_name": "picture.png", "width": 50, "height": 50}],
        "annotations": [
            {"id": i, "image_id": 1, "bbox": box, "keypoints": keypoints}
            for i, (box, keypoints) in boxes.items()
        ],
    }
    (tmp_path / "people.json").write_text(json.dumps(document))
    found = read_people(DataSource(annotations="people.json"), tmp_path, COCO)
    np.testing.assert_array_equal(found.teaches, [True, False, False, False])
    np.testing.assert_array_equal(found.ignore, [False, True, True, False])


def test_half_bodies(people: Path) -> None:
    random = np.random.default_rng(0)
    keypoints = np.column_stack((np.arange(17.0) * 3, np.arange(17.0) * 5))
    centres = {
        tuple(half_body_crop(keypoints, np.ones(17), COCO, (64, 48), random)[:2].tolist())  # type: ignore[index]
        for _ in range(20)
    }
    upper, lower = keypoints[:11].mean(axis=0), keypoints[11:].mean(axis=0)
    assert centres == {tuple(upper), tuple(lower)}
    only_legs = np.arange(17) >= 13
    crop = half_body_crop(keypoints, only_legs, COCO, (64, 48), random)
    assert crop is not None
    np.testing.assert_allclose(crop[:2], keypoints[13:].mean(axis=0))
    assert crop[3] == pytest.approx(1.5 * 15)
    assert half_body_crop(keypoints, np.arange(17) < 2, COCO, (64, 48), random) is None


def test_jitter_stays_within_its_limits() -> None:
    random = np.random.default_rng(0)
    options = Augmentation(rotation=40, scale=0.3, shift=0.1, rotation_probability=0.6)
    crop = np.array([100.0, 100, 60, 80])
    changed = [jitter_crop(crop, options, random) for _ in range(500)]
    factors = np.array([c[2] / 60 for c, _ in changed])
    angles = np.array([angle for _, angle in changed])
    shifts = np.array([(c[:2] - 100) / c[2:] * f for (c, _), f in zip(changed, factors, strict=True)])
    assert factors.min() == pytest.approx(0.7)
    assert factors.max() == pytest.approx(1.3)
    assert abs(angles).max() == 80
    assert (angles != 0).mean() == pytest.approx(0.6, abs=0.07)
    assert abs(shifts).max() <= 0.2 + 1e-9


def test_broken_pictures_are_left_out_and_counted(people: Path, tmp_path: Path, tiny: Path) -> None:
    folder = tmp_path / "broken"
    shutil.copytree(people, folder)
    for name in ("2.png", "5.png"):
        (folder / name).write_bytes(b"not a picture")
    samples = PoseSamples(recipe(tiny, augmentation=PLAIN), folder)
    skipped = [int(samples[place]["skipped"]) for place in range(12)]
    assert sum(skipped) >= 4  # four people are in the two
    detector = DetectorSamples(recipe(tiny, augmentation=PLAIN), folder)
    assert sum(int(detector[place]["skipped"]) for place in range(6)) == 2
    for picture in folder.glob("*.png"):
        picture.write_bytes(b"not a picture")
    with pytest.raises(InputError, match="none of 20 pictures"):
        samples[0]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "not JSON"),
        ('{"images": []}', "no COCO-style annotations"),
        ('{"images": [], "annotations": []}', "holds nobody"),
        (
            '{"images": [{"id": 1, "file_name": "x.png"}], "annotations": [{"id": 1, "image_id": 1}]}',
            "no 'keypoints'",
        ),
    ],
)
def test_malformed_annotations(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "people.json").write_text(content)
    with pytest.raises(InputError, match=message):
        read_people(DataSource(annotations="people.json"), tmp_path, COCO)


def test_missing_annotations_and_pictures(people: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--data"):
        read_people(DataSource(annotations="none.json"), people, COCO)
    with pytest.raises(InputError, match="set the data source's 'images'"):
        read_people(DataSource(annotations="people.json", images="elsewhere"), people, COCO)
    with pytest.raises(InputError, match="has 17 keypoints"):
        read_people(DataSource(annotations="people.json", benchmark="crowdpose"), people, COCO)


def test_detector_boxes_frame_their_people(people: Path, tiny: Path) -> None:
    samples = DetectorSamples(recipe(tiny, augmentation=PLAIN), people)
    height, width = samples.recipe.network.input_size
    for place in range(6):
        sample = samples[place]
        kind, boxes = sample["kind"].numpy(), sample["boxes"].numpy()
        assert set(kind) <= {0, 1, 2}
        shown = boxes[kind > 0]
        assert ((shown[:, 2:] > shown[:, :2]).all(axis=1)).all()
        assert (shown >= 0).all()
        assert (shown <= (width, height, width, height)).all()


def test_mosaics_fill_the_picture() -> None:
    tiles = mosaic(320, 288, 3, np.random.default_rng(0))
    covered = np.zeros((288, 320), int)
    for left, top, right, bottom in tiles:
        covered[top:bottom, left:right] += 1
    assert len(tiles) == 9
    assert (covered == 1).all()


@pytest.mark.parametrize(
    "name", ["mpii", "mpii_trb", "crowdpose", "aic", "mhp", "ochuman", "jhmdb", "posetrack18"]
)
def test_every_benchmarks_own_files_are_read(shared: Path, name: str) -> None:
    folders = {"mpii_trb": "mpii"}
    files = {"jhmdb": "test_jhmdb_sub1.json", "posetrack18": "annotations/val"}
    source = DataSource(
        annotations=f"{folders.get(name, name)}/{files.get(name, f'test_{name}.json')}",
        images=folders.get(name, name),
        benchmark=name,
    )
    target = keypoint_set(name)
    people = read_people(source, shared / "data" / "samples", target)
    assert people.teaches.any()
    rows = np.flatnonzero(people.teaches)
    sizes = people.data.boxes[rows, 2:] - people.data.boxes[rows, :2]
    inside = np.abs(people.data.keypoints[rows] - people.data.boxes[rows, None, :2]) < 1.5 * sizes[:, None]
    assert inside.all(axis=-1)[people.data.weights[rows] > 0].mean() > 0.9
