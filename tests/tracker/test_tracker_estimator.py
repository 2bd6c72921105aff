"""Single pictures: the calls of MegEngine's hub, torch.hub, and the command."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from models.checkpoints import load_pose_network
from models.errors import InputError
from tracker.estimator import PoseEstimator

ROOT = Path(__file__).resolve().parents[2]
BOXES = np.array([[10.0, 5, 40, 70], [50, 10, 90, 75]], np.float32)


@pytest.fixture
def picture() -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (8, 12, 3), np.uint8).repeat(10, 0).repeat(10, 1)


@pytest.fixture
def estimator(tiny_model: Path, boxes_file: Path) -> PoseEstimator:
    return PoseEstimator(tiny_model, boxes_file, engine="torch", device="cpu", precision="fp32")


def test_people_keypoints_and_a_picture(estimator: PoseEstimator, picture: NDArray[np.uint8]) -> None:
    boxes = estimator.detect_persons(picture)
    assert boxes.tolist() == [[20, 24, 36, 56], [2, 30, 16, 60]]
    keypoints = estimator.predict(picture, boxes)
    assert keypoints.shape == (2, 17, 3)
    before = picture.copy()
    drawn = estimator.vis_skeletons(picture, keypoints)
    assert drawn.shape == picture.shape
    assert np.any(drawn != picture)
    np.testing.assert_array_equal(picture, before)
    assert np.array_equal(estimator.vis_skeletons(picture, keypoints, threshold=2.0), picture)


def test_one_box_and_no_box(estimator: PoseEstimator, picture: NDArray[np.uint8]) -> None:
    both = estimator.predict(picture, BOXES)
    np.testing.assert_allclose(estimator.predict(picture, BOXES[1])[0], both[1], atol=1e-3)
    assert estimator.predict(picture, np.zeros((0, 4))).shape == (0, 17, 3)
    assert np.array_equal(estimator.vis_skeletons(picture, both[:0]), picture)
    assert np.array_equal(
        estimator.vis_skeletons(picture, both[0]), estimator.vis_skeletons(picture, both[:1])
    )


def test_a_network_may_be_given(
    tiny_model: Path, picture: NDArray[np.uint8], estimator: PoseEstimator
) -> None:
    other = PoseEstimator(load_pose_network(tiny_model), engine="torch", device="cpu", precision="fp32")
    np.testing.assert_allclose(other.predict(picture, BOXES), estimator.predict(picture, BOXES), atol=1e-3)
    assert str(other) == "tiny 64x32, PyTorch fp32 on CPU"


def test_weak_people_are_left_out(tiny_model: Path, boxes_file: Path, picture: NDArray[np.uint8]) -> None:
    estimator = PoseEstimator(tiny_model, boxes_file, box_threshold=0.85, engine="torch", device="cpu")
    assert len(estimator.detect_persons(picture)) == 1


def test_torch_hub_knows_the_names(tiny_model: Path) -> None:
    network = torch.hub.load(str(ROOT), "simplebaseline_res50", source="local", pretrained=False)
    assert network.description.name == "simplebaseline_res50"
    assert tuple(network.final_layer.weight.shape) == (17, 256, 3, 3)
    again = torch.hub.load(str(ROOT), "pose_network", str(tiny_model), source="local")
    assert again.description.name == "tiny"
    with pytest.raises(InputError, match="no network 'resnet'"):
        torch.hub.load(str(ROOT), "pose_network", "resnet", source="local")


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "demos" / "pose_image.py"), *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


def test_the_command_writes_a_picture_and_keypoints(
    tiny_model: Path, picture: NDArray[np.uint8], tmp_path: Path
) -> None:
    cv2.imwrite(str(tmp_path / "photo.png"), picture)
    model = ("--pose-model", str(tiny_model), "--engine", "torch", "--precision", "fp32")
    boxes = ("--box", "10,5,30,65", "--box", "50,10,40,65")
    done = run(tmp_path, "photo.png", *model, *boxes, "--json", "photo.json")
    assert done.returncode == 0, done.stderr
    assert "2 people: photo_pose.jpg, photo.json" in done.stdout
    assert cv2.imread(str(tmp_path / "photo_pose.jpg")).shape == picture.shape
    content = json.loads((tmp_path / "photo.json").read_text())
    assert [person["box"] for person in content["people"]] == [[10, 5, 30, 65], [50, 10, 40, 65]]
    expected = PoseEstimator(tiny_model, engine="torch", device="cpu", precision="fp32").predict(
        picture, BOXES
    )
    np.testing.assert_allclose([p["keypoints"] for p in content["people"]], expected, atol=1e-3)
    again = run(tmp_path, "photo.png", *model, *boxes)
    assert (again.returncode, again.stderr.count("\n")) == (2, 1)
    assert "exists" in again.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none.jpg"], "cannot read 'none.jpg': No such file"),
        (["."], "cannot read '.': Is a directory"),
        (["long.png", "-o", "y.webp"], "cannot write 'y.webp': its format does not hold 20000x12"),
        (["photo.png", "--box", "10,10,nan,50"], "'10,10,nan,50': give numbers of up to 1,000,000 pixels"),
        (["photo.png", "--box", "10,10,1e30,50"], "give numbers of up to"),
        (["photo.png", "--box", "1,2,3,4", "--detector", "x"], "have no use beside --box"),
        (["photo.png", "--box", "1,2,3,4", "--box-threshold", "0.5"], "have no use beside --box"),
        (["photo.png", "--box-threshold", "7"], "wrong box-threshold '7.0': give a number from 0 to 1"),
        (["photo.png", "--joint-threshold", "nan"], "wrong joint-threshold 'nan'"),
        (["text.jpg"], "not a picture"),
        (["photo.png", "--box", "1,2,3"], "give four numbers"),
        (["photo.png", "--box", "1,2,0,4"], "must be positive"),
        (["photo.png", "-o", "photo.png/x.jpg"], "cannot make the folder 'photo.png'"),
        (["photo.png", "-o", "x.docx", "--pose-model", "defult"], "choose a picture's name"),
        (["photo.png", "--pose-model", "defult"], "nearest: default"),
        (["photo.png", "-o", "photo.png", "--overwrite"], "'photo.png': it is an input"),
        (["photo.png", "-o", "x.jpg", "--json", "x.jpg"], "two outputs would be 'x.jpg'"),
        (["photo.png", "--engine", "tensorrt"], "invalid choice: 'tensorrt'"),
    ],
)
def test_bad_input_is_one_line(
    arguments: list[str],
    message: str,
    tiny_model: Path,
    picture: NDArray[np.uint8],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: Callable[[list[str]], int],
) -> None:
    monkeypatch.chdir(tmp_path)
    cv2.imwrite("photo.png", picture)
    cv2.imwrite("long.png", np.zeros((12, 20000, 3), np.uint8))
    Path("text.jpg").write_text("no picture")
    before = sorted(tmp_path.iterdir())
    if "--pose-model" not in arguments:
        arguments = [*arguments, "--pose-model", str(tiny_model)]
    assert command(arguments) == 2
    text = capsys.readouterr().err
    assert message in text
    assert text.count("\n") == 1
    assert sorted(tmp_path.iterdir()) == before


@pytest.fixture
def command() -> Callable[[list[str]], int]:
    from demos import pose_image
    from models.errors import exit_status

    return lambda arguments: exit_status(lambda: pose_image.run(arguments))
