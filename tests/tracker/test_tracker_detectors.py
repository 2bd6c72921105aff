"""Detectors on random weights: sizes, scales, engines, wrong names; ONNX layouts on arrays made by hand."""

from __future__ import annotations

import json
import re
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch

from models import zoo
from models.errors import InputError
from models.person_detector import PersonDetector
from models.torchvision_people import DETECTORS, SizeRule, build_detector
from tracker.boxes_file import BoxesFile
from tracker.detectors import TORCHVISION, create_detector
from tracker.onnx_detector import ONNXDetector, decode
from tracker.types import Frame


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Converted networks go where they are thrown away."""
    monkeypatch.setenv("SIMPLEPOSETRACK_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))


def picture(height: int = 180, width: int = 320) -> Frame:
    image = np.random.default_rng(0).integers(0, 256, (height, width, 3)).astype(np.uint8)
    return Frame(0, Fraction(0), image)


@pytest.fixture(scope="module")
def own_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's own detector with random weights that find something everywhere."""
    torch.manual_seed(0)
    network = PersonDetector()
    torch.nn.init.normal_(network.final_layer.weight, std=0.5)
    torch.nn.init.zeros_(network.final_layer.bias)
    path = tmp_path_factory.mktemp("weights") / "own.pth"
    torch.save(network.state_dict(), path)
    return path


@pytest.mark.parametrize(("height", "width"), [(180, 320), (720, 1280), (300, 200), (64, 64)])
def test_own_detector_gives_boxes_in_the_picture(own_weights: Path, height: int, width: int) -> None:
    detector = create_detector(own_weights, engine="torch", precision="fp32")
    boxes, scores = detector(picture(height, width))
    assert len(boxes) == len(scores) > 0
    assert boxes.dtype == scores.dtype == np.float32
    assert (boxes >= 0).all()
    assert (boxes <= (width, height) * 2).all()
    assert (np.diff(scores) <= 0).all()
    assert "PyTorch fp32" in str(detector)


def test_own_detector_on_openvino_agrees_with_pytorch(own_weights: Path) -> None:
    frame = picture()
    found = [
        create_detector(own_weights, engine, precision="fp32")(frame) for engine in ("torch", "openvino")
    ]
    for eager, compiled in zip(*found, strict=True):
        np.testing.assert_allclose(eager, compiled, atol=1e-2, rtol=1e-3)


@pytest.mark.parametrize(
    ("rule", "size", "expected"),
    [
        (SizeRule(800, 1333), (720, 1280), (750, 1333)),
        (SizeRule(800, 1333), (480, 640), (800, 1067)),
        (SizeRule(800, 1333), (1000, 100), (1333, 133)),
        (SizeRule(fixed=(320, 320)), (720, 1280), (320, 320)),
    ],
)
def test_sizes(rule: SizeRule, size: tuple[int, int], expected: tuple[int, int]) -> None:
    assert rule.size(*size) == expected


def test_torchvisions_detectors_are_all_there() -> None:
    assert set(DETECTORS) == set(TORCHVISION)


@pytest.mark.parametrize("engine", ["torch", "openvino"])
def test_a_detector_of_torchvision_gives_what_torchvision_gives(
    engine: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    name = "ssdlite320_mobilenet_v3_large"
    torch.manual_seed(0)
    network = build_detector(name)
    with torch.no_grad():
        for key, value in network.named_parameters():
            if value.ndim > 1:
                torch.nn.init.kaiming_normal_(value)
            elif "classification" in key and len(value) % 91 == 0:
                value[1::91] += 2  # people everywhere
    torch.save(network.state_dict(), tmp_path / "weights.pth")
    monkeypatch.setattr(zoo, "fetch", lambda _name: tmp_path / "weights.pth")
    frame = picture(320, 320)  # no resizing, in which the two differ by a grey level
    boxes, scores = create_detector(name, engine)(frame)
    pixels = torch.from_numpy(frame.image[..., ::-1].copy()).permute(2, 0, 1) / 255
    network.detections_per_img = 10_000  # room for people beside 89 other classes, which ours leaves out
    with torch.inference_mode():
        expected = network([pixels])[0]
    sides = expected["boxes"][:, 2:] - expected["boxes"][:, :2]
    people = (expected["labels"] == 1) & (sides > 0.01).all(dim=1)  # boxes that lie off the picture are flat
    assert people.sum() > 0
    np.testing.assert_allclose(scores, expected["scores"][people], atol=1e-3)
    apart = np.abs(boxes[:, None] - expected["boxes"][people].numpy()).max(axis=2)
    assert (apart.min(axis=1) < 0.1).all()  # near-equal scores may change places
    assert len(set(apart.argmin(axis=1))) == len(boxes)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("yolo", "unknown detector 'yolo': choose from person_detector, fasterrcnn_resnet50_fpn_v2"),
        ("nowhere.onnx", "no detector file 'nowhere.onnx'"),
        ("nowhere.txt", "cannot read 'nowhere.txt': No such file"),
        ("nowhere.pth", "no checkpoint file 'nowhere.pth'"),
    ],
)
def test_wrong_names(name: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        create_detector(name)


def test_other_files(tmp_path: Path) -> None:
    torch.save({"conv1.weight": torch.zeros(1)}, tmp_path / "other.pth")
    with pytest.raises(InputError, match="does not hold the weights of a person detector"):
        create_detector(tmp_path / "other.pth")
    (tmp_path / "text.onnx").write_text("hello")
    with pytest.raises(InputError, match="is not an ONNX detector"):
        create_detector(tmp_path / "text.onnx")
    (tmp_path / "boxes.txt").write_text("1,1,10,20,30,40,1\n")
    assert isinstance(create_detector(tmp_path / "boxes.txt"), BoxesFile)


CORNERS = np.array([[10, 20, 30, 60], [50, 50, 90, 90], [0, 0, 5, 5]], np.float32)
SCORES = np.array([0.9, 0.6, 0.01], np.float32)


def centres(*classes: float) -> np.ndarray:
    """Rows of centre, size and the classes' scores, which the table's scores multiply."""
    middle, size = (CORNERS[:, :2] + CORNERS[:, 2:]) / 2, CORNERS[:, 2:] - CORNERS[:, :2]
    return np.column_stack((middle, size, SCORES[:, None] * np.array(classes)))


FILLER = np.zeros((2000, 6), np.float32)


@pytest.mark.parametrize(
    ("outputs", "found"),
    [
        ([CORNERS, np.array([1, 1, 1]), SCORES], 2),
        ([CORNERS, np.array([1, 3, 1]), SCORES], 1),
        ([CORNERS[:1], np.array([1]), SCORES[:1]], 1),
        ([CORNERS[:0], np.zeros(0, int), SCORES[:0]], 0),
        ([np.column_stack((CORNERS, SCORES))[None], np.array([[0, 0, 0]])], 2),
        ([np.column_stack((CORNERS, SCORES, [0, 5, 0]))[None]], 1),
        ([np.zeros((1, 0, 6))], 0),
        ([np.pad(centres(1, 0.1), ((0, 97), (0, 0))).T[None]], 2),
        ([np.pad(np.column_stack((centres(), SCORES, [(1, 0.1)] * 3)), ((0, 97), (0, 0)))[None]], 2),
        ([np.vstack((np.column_stack((centres(), SCORES, np.ones(3))), FILLER))[None]], 2),
    ],
    ids=[
        *("torchvision", "other class", "one box", "no box", "mmdeploy", "with nms", "none after nms"),
        *("yolov8", "yolov5", "yolov5 of one class"),
    ],
)
def test_onnx_layouts(outputs: list[np.ndarray], found: int) -> None:
    boxes, scores = decode(outputs, None, "x.onnx")
    np.testing.assert_allclose(boxes, CORNERS[:found], atol=1e-5)
    np.testing.assert_allclose(scores, SCORES[:found], atol=1e-6)


@pytest.mark.parametrize(
    ("outputs", "shapes"),
    [
        ([np.zeros((1, 3, 4, 4))], "(1, 3, 4, 4)"),
        ([CORNERS, np.array([1, 1, 1])], "(3, 4), (3,)"),
        ([CORNERS, SCORES], "(3, 4), (3,)"),
        ([np.zeros((1, 100, 5))], "(1, 100, 5)"),
    ],
    ids=["a picture", "no scores", "no labels", "no classes"],
)
def test_unknown_onnx_layouts(outputs: list[np.ndarray], shapes: str) -> None:
    with pytest.raises(InputError, match=re.escape(f"'x.onnx' gives outputs [{shapes}]")):
        decode(outputs, None, "x.onnx")


@pytest.fixture
def onnx_file(tmp_path: Path) -> Path:
    """A network in the layout with NMS: always the same box, its score the picture's mean brightness."""
    onnx = pytest.importorskip("onnx")
    from onnx import TensorProto, helper

    value = helper.make_tensor_value_info
    box = helper.make_tensor("box", TensorProto.FLOAT, (1, 1, 4), [8.0, 16.0, 40.0, 48.0])
    kind = helper.make_tensor("kind", TensorProto.FLOAT, (1, 1, 1), [0.0])
    shape = helper.make_tensor("shape", TensorProto.INT64, (3,), [1, 1, 1])
    nodes = [
        helper.make_node("ReduceMean", ["image"], ["mean"], keepdims=0),
        helper.make_node("Reshape", ["mean", "shape"], ["score"]),
        helper.make_node("Concat", ["box", "score", "kind"], ["boxes"], axis=2),
    ]
    graph = helper.make_graph(
        nodes,
        "detector",
        [value("image", TensorProto.FLOAT, (1, 3, 64, 96))],
        [value("boxes", TensorProto.FLOAT, (1, 1, 6))],
        [box, kind, shape],
    )
    path = tmp_path / "detector.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)]), path)
    return path


def test_an_onnx_file_from_frame_to_boxes(onnx_file: Path) -> None:
    frame = Frame(0, Fraction(0), np.full((128, 192, 3), 204, np.uint8))  # twice the input's size
    boxes, scores = create_detector(onnx_file)(frame)
    np.testing.assert_allclose(boxes, [[16, 32, 80, 96]], atol=1e-4)
    np.testing.assert_allclose(scores, [0.8], atol=0.01)


def test_an_onnx_files_sidecar(onnx_file: Path) -> None:
    frame = Frame(0, Fraction(0), np.full((64, 96, 3), 102, np.uint8))
    sidecar = onnx_file.with_suffix(".json")
    sidecar.write_text(json.dumps({"mean": [0, 0, 0], "std": [204, 204, 204], "colour": "bgr"}))
    np.testing.assert_allclose(ONNXDetector(onnx_file)(frame)[1], [0.5], atol=0.01)
    sidecar.write_text(json.dumps({"person": 3}))
    assert len(ONNXDetector(onnx_file)(frame)[1]) == 0
    for wrong in ({"means": 3}, {"mean": 3}, {"std": [1, 1, 0]}, {"size": [640]}, {"colour": "grey"}, [1]):
        sidecar.write_text(json.dumps(wrong))
        with pytest.raises(InputError, match="does not describe a detector"):
            ONNXDetector(onnx_file)
