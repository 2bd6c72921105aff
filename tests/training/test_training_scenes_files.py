"""What ``python -m training.scenes`` writes is what readers of the formats expect; wrong input is refused."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from pycocotools.coco import COCO

from models.keypoints import COCO as COCO_17
from models.keypoints import POSETRACK18
from training.scenes.datasets import write_sequences, write_stills
from training.scenes.figure import JOINTS, Figure
from training.scenes.sample import FRAMES, RATE, SIZE, footsteps, sample_scene
from training.scenes.scene import Scene
from training.scenes.writing import coco_annotation, is_annotated, posetrack_annotation

ROOT = Path(__file__).resolve().parents[2]
CLIP = ROOT / "demos" / "sample.mp4"


def scenes(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "training.scenes", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)


def figure(visible: Sequence[str], covered: Sequence[str] = (), outside: Sequence[str] = ()) -> Figure:
    visible, covered, outside = (
        np.array([joint in chosen for joint in JOINTS]) for chosen in (visible, covered, outside)
    )
    joints = np.arange(2.0 * len(JOINTS)).reshape(-1, 2) + 10
    return Figure(
        person=3,
        joints=joints,
        inside=~outside,
        visible=visible,
        covered=covered,
        box=np.array([5.0, 6, 25, 46]),
        area=300,
        head_box=np.array([1.0, 2, 4, 6]),
        seen=0.5,
    )


LIMBS = ["left_wrist", "right_wrist", "left_knee", "right_knee"]


@pytest.mark.parametrize(
    ("joint", "visible", "covered", "outside", "expected"),
    [
        ("left_wrist", LIMBS, [], [], 2),
        ("left_ankle", LIMBS, [], [], 1),  # behind the own body
        ("left_ankle", LIMBS, ["left_ankle"], [], 1),
        ("left_ankle", LIMBS, [], ["left_ankle"], 0),
        ("nose", LIMBS, [], [], 0),  # a face turned away
        ("nose", [*LIMBS, "nose"], [], [], 2),
        ("left_wrist", LIMBS[:2], [], [], 0),  # too little of the person to tell
    ],
)
def test_visibility_in_coco(joint: str, visible: list, covered: list, outside: list, expected: int) -> None:
    annotation = coco_annotation(figure(visible, covered, outside))
    triples = np.array(annotation["keypoints"]).reshape(-1, 3)
    assert triples[COCO_17.index(joint), 2] == expected
    assert annotation["num_keypoints"] == (triples[:, 2] > 0).sum()
    assert (triples[triples[:, 2] == 0] == 0).all()
    assert annotation["bbox"] == [5, 6, 20, 40]


@pytest.mark.parametrize(
    ("joint", "covered", "expected"),
    [("left_ankle", [], 1), ("left_ankle", ["left_ankle"], 0), ("left_ear", [], 0), ("nose", [], 0)],
)
def test_joints_that_others_hide_are_not_annotated_in_posetrack(
    joint: str, covered: list, expected: int
) -> None:
    annotation = posetrack_annotation(figure([*LIMBS, "left_ear"], covered))
    triples = np.array(annotation["keypoints"]).reshape(-1, 3)
    assert triples[POSETRACK18.index(joint), 2] == expected
    kept = triples[triples[:, 2] > 0, :2]
    margin = 0.15 * np.ptp(kept, axis=0)  # on each side, as the data set's own boxes
    expected_box = [*(kept.min(axis=0) - margin), *(np.ptp(kept, axis=0) + 2 * margin)]
    np.testing.assert_allclose(annotation["bbox"], expected_box, atol=0.01)
    assert annotation["bbox_head"] == [1, 2, 3, 4]
    assert not is_annotated(figure([], JOINTS[2:]))


def test_stills_are_coco_files_whatever_the_number_of_processes(tmp_path: Path) -> None:
    counts = [write_stills(tmp_path / str(jobs), 3, (96, 64), seed=40, jobs=jobs) for jobs in (1, 2)]
    assert counts[0] == counts[1] > 3
    files = [(tmp_path / name / "annotations.json").read_bytes() for name in ("1", "2")]
    assert files[0] == files[1]
    coco = COCO(str(tmp_path / "1" / "annotations.json"))
    assert len(coco.getImgIds()) == 3
    for image in coco.loadImgs(coco.getImgIds()):
        assert cv2.imread(str(tmp_path / "1" / image["file_name"])).shape == (64, 96, 3)
    for person in coco.loadAnns(coco.getAnnIds()):
        x, y, w, h = person["bbox"]
        assert 0 <= x < x + w <= 96
        assert 0 <= y < y + h <= 64
        assert 0 < person["area"] <= w * h


def test_sequences_are_posetrack_files_that_score_100_against_themselves(tmp_path: Path) -> None:
    (path,) = write_sequences(tmp_path, 1, 8, (128, 96), seed=7)
    content = json.loads(path.read_text())
    assert [image["is_labeled"] for image in content["images"]] == [True] * 8
    assert all((tmp_path / image["file_name"]).is_file() for image in content["images"])
    ids = [annotation["id"] for annotation in content["annotations"]]
    assert len(set(ids)) == len(ids) > 8
    for annotation in content["annotations"]:
        annotation["scores"] = [1.0] * 17
    (tmp_path / "found").mkdir()
    (tmp_path / "found" / path.name).write_text(json.dumps(content))
    pairs = ("--gt", path.parent), ("--pred", tmp_path / "found"), ("--json", tmp_path / "figures.json")
    command = [
        sys.executable,
        "-m",
        "evaluation",
        "posetrack18",
        *(str(part) for pair in pairs for part in pair),
    ]
    scored = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert scored.returncode == 0, scored.stderr
    figures = json.loads((tmp_path / "figures.json").read_text())
    np.testing.assert_allclose(list(figures["AP"]["table"].values()), 100)
    np.testing.assert_allclose(figures["MOT"]["mota"], 100)


def test_a_video_has_all_frames_at_its_rate(tmp_path: Path) -> None:
    done = scenes(
        "--output",
        tmp_path,
        "--format",
        "video",
        "--count",
        1,
        "--frames",
        5,
        "--rate",
        10,
        "--size",
        "96x64",
    )
    assert (done.returncode, done.stderr) == (0, "")
    with av.open(str(tmp_path / "000000_mpii_test.mp4")) as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height, stream.average_rate) == (96, 64, 10)
        assert sum(1 for _ in container.decode(stream)) == 5
    assert (tmp_path / "annotations" / "val" / "000000_mpii_test.json").is_file()
    assert not list(tmp_path.glob("*.part*"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--output", "x", "--size", "640"], "--size 640: expected WIDTHxHEIGHT"),
        (["--output", "x", "--size", "33x64"], "must be even and at least 64"),
        (["--output", "x", "--count", "0"], "--count: '0': give a whole number"),
        (["--output", "x", "--frames", "-1"], "--frames: '-1': give a whole number"),
        (["--output", "x", "--seed", "-1"], "--seed -1: give a whole number from 0"),
        (["--output", "x", "--sample", "x.mp4"], "--sample: not allowed with argument --output"),
        ([], "one of the arguments --output --sample is required"),
    ],
)
def test_wrong_input_is_one_line(arguments: list[str], message: str) -> None:
    done = scenes(*arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.fixture(scope="module")
def sample() -> Scene:
    return sample_scene()


def test_the_sample_clip_is_what_its_command_renders(sample: Scene) -> None:
    with av.open(str(CLIP)) as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height, stream.frames) == (*SIZE, FRAMES)
        assert stream.average_rate == RATE
        assert container.streams.audio
        shown = next(container.decode(stream)).to_ndarray(format="bgr24")
    rendered, _ = sample.at(0.0)
    error = np.mean((shown.astype(float) - rendered) ** 2)
    assert 10 * np.log10(255**2 / error) > 30
    assert CLIP.stat().st_size < 1_500_000


def test_the_sample_sounds_with_its_steps(sample: Scene) -> None:
    sound = footsteps(sample, 4.0)
    steps = np.concatenate([p.movement.footfalls(np.arange(0, 4, 0.01)) for p in sample.people])
    assert len(steps) > 10
    loud = [np.abs(sound[int(t * 32_000) : int(t * 32_000) + 640]).mean() for t in steps if t < 3.9]
    assert np.median(loud) > 1.5 * np.median(np.abs(sound))
