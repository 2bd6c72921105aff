"""Files of boxes in a detector's place: COCO and MOT, and what is wrong with others."""

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from models.errors import InputError
from tracker.boxes_file import BoxesFile
from tracker.types import Frame

IMAGE = np.zeros((4, 4, 3), np.uint8)
BOX = {"bbox": [10, 20, 30, 40]}


def look(detector: BoxesFile, index: int) -> list[list[float]]:
    boxes, scores = detector(Frame(index, Fraction(index, 25), IMAGE))
    assert boxes.shape == (len(scores), 4)
    assert boxes.dtype == scores.dtype == np.float32
    return [[*box, round(score, 4)] for box, score in zip(boxes.tolist(), scores.tolist(), strict=True)]


@pytest.mark.parametrize(
    "content",
    [
        [{"image_id": 3, "score": 0.5, "category_id": 1, **BOX}, {"image_id": 3, "category_id": 17, **BOX}],
        {
            "images": [{"id": f"f{i}"} for i in range(9)],
            "annotations": [{"image_id": "f3", "score": 0.5, "category_id": 1, **BOX}],
        },
        {
            "images": [{"id": 1000 + i} for i in range(9)],
            "annotations": [
                {"image_id": 1003, "score": 0.5, "category_id": 4, **BOX},
                {"image_id": 1003, "score": 0.7, "category_id": 1, **BOX},
            ],
            "categories": [{"id": 1, "name": "cat"}, {"id": 4, "name": "person"}],
        },
    ],
    ids=["results", "images", "categories"],
)
def test_coco(tmp_path: Path, content: object) -> None:
    path = tmp_path / "boxes.json"
    path.write_text(json.dumps(content))
    detector = BoxesFile(path)
    assert look(detector, 3) == [[10, 20, 40, 60, 0.5]]
    assert look(detector, 2) == look(detector, 99) == []
    assert len(detector) == 1


@pytest.mark.parametrize(
    ("line", "frame", "score"),
    [
        ("1,7,10,20,30,40,0.25,-1,-1,-1", 0, 0.25),
        ("2, -1, 10, 20, 30, 40, 0.25", 1, 0.25),
        ("2 1 10 20 30 40", 1, 1.0),
        ("5,1,10,20,30,40,-1,-1,-1,-1", 4, 1.0),
        ("5,1,10,20,30,40,37.2,-1,-1,-1", 4, 1.0),
        ("5,1,10,20,30,40,1,1,0.8", 4, 1.0),
    ],
)
def test_mot(tmp_path: Path, line: str, frame: int, score: float) -> None:
    path = tmp_path / "boxes.txt"
    path.write_text(f"9,1,1,1,2,2,1\n\n{line}\n")
    assert look(BoxesFile(path), frame) == [[10, 20, 40, 60, score]]


def test_mot_leaves_out_other_classes(tmp_path: Path) -> None:
    path = tmp_path / "gt.txt"
    path.write_text("1,1,10,20,30,40,1,7,0.8\n")
    assert look(BoxesFile(path), 0) == []


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.json", "{not json", "is not JSON"),
        ("a.json", "{}", "is not a COCO file of boxes"),
        ("a.json", '[{"image_id": 0}]', "is not a COCO file of boxes"),
        ("a.json", '[{"image_id": 0, "bbox": [1, 2, 3]}]', "is not a COCO file of boxes"),
        ("a.json", '[{"image_id": "x", "bbox": [1, 2, 3, 4]}]', "is not a COCO file of boxes"),
        ("a.json", "[5]", "is not a COCO file of boxes"),
        ("a.json", '"text"', "is not a COCO file of boxes"),
        ("a.txt", "1,1,10,20,30,40,1\nhello\n", "line 2: 'hello' is not a MOT line"),
        ("a.txt", "1,1,10\n", "line 1: '1,1,10' is not a MOT line"),
        ("a.txt", "1,1,nan,20,30,40,1\n", "not finite"),
        ("a.txt", "nan,1,10,20,30,40,1\n", "not finite"),
        ("a.txt", "0,1,10,20,30,40,1\n", "negative"),
        ("a.txt", b"\xff\xfe\x00", "is not a text file"),
    ],
)
def test_wrong_files(tmp_path: Path, name: str, content: str | bytes, message: str) -> None:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError, match=message) as caught:
        BoxesFile(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_and_empty_files(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot read '.*nowhere.txt': No such file"):
        BoxesFile(tmp_path / "nowhere.txt")
    path = tmp_path / "empty.txt"
    path.write_text("")
    assert look(BoxesFile(path), 0) == []


def test_real_mot_ground_truth(shared: Path) -> None:
    detector = BoxesFile(shared / "data/mot/adl_rundle6_first_half_gt.txt")
    assert max(len(look(detector, index)) for index in range(262)) >= 5
    assert look(detector, 262) == []
