"""Formats, and what is said about files that are wrong; the command line as its users call it."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evaluation.__main__ import main
from evaluation.posetrack.formats import read_sequences
from evaluation.posetrack.joints import JOINTS
from evaluation.posetrack.protocol import POSEVAL
from evaluation.posetrack.scoring import evaluate
from models.errors import InputError, exit_status
from models.keypoints import COCO, POSETRACK18

Json = dict[str, Any]
NAME = "000500_mpii_test"


def content(keypoints: tuple[str, ...] = POSETRACK18.names, frames: int = 3, people: int = 2) -> Json:
    """A sequence of upright people who stand still, each joint at its own place."""
    images = [
        {"id": 10 + frame, "file_name": f"images/val/{NAME}/{frame:06d}.jpg", "is_labeled": True}
        for frame in range(frames)
    ]
    place = {name: (100 + 7 * i, 50 + 11 * i) for i, name in enumerate((*POSETRACK18.names, *COCO.names))}
    annotations = []
    for frame in range(frames):
        for person in range(people):
            joints = [(place[name][0] + 300 * person, place[name][1], 1) for name in keypoints]
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": 10 + frame,
                    "track_id": person,
                    "category_id": 1,
                    "keypoints": [value for joint in joints for value in joint],
                    "scores": [0.9 - 0.1 * person - 0.01 * frame] * len(keypoints),
                    "bbox_head": [100 + 300 * person, 50, 30, 40],
                }
            )
    categories = [{"id": 1, "name": "person", "keypoints": list(keypoints)}]
    return {"images": images, "annotations": annotations, "categories": categories}


def write(folder: Path, gt: Json | str, pred: Json | str, name: str = NAME) -> tuple[Path, Path]:
    for side, given in (("gt", gt), ("pred", pred)):
        path = folder / side / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(given if isinstance(given, str) else json.dumps(given))
    return folder / "gt", folder / "pred"


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "evaluation", "posetrack18", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_the_sample_scores_100(tmp_path: Path) -> None:
    result = evaluate(*write(tmp_path, content(), content()))
    assert result.tracking is not None
    np.testing.assert_allclose(result.precision.ap, 100)
    np.testing.assert_allclose(result.tracking.mota, 100)


def _set(key: str, value: object) -> Callable[[Json], None]:
    def change(given: Json) -> None:
        given["annotations"][3][key] = value

    return change


def _coordinate(value: object) -> Callable[[Json], None]:
    def change(given: Json) -> None:
        given["annotations"][3]["keypoints"][5] = value

    return change


def _drop(key: str) -> Callable[[Json], None]:
    def change(given: Json) -> None:
        del given["annotations"][3][key]

    return change


def _categories(value: list) -> Callable[[Json], None]:
    def change(given: Json) -> None:
        given["categories"] = value

    return change


def _file_name(given: Json) -> None:
    given["images"][1]["file_name"] = "holiday/frame1.jpg"


FRAME = f"{NAME}/000001.jpg, person 2"
FAULTS = [
    ("pred", _set("track_id", 0), f"{FRAME}: track_id 0 is given twice"),
    ("pred", _set("track_id", 10_000), f"{FRAME}: track_id 10000 must be below 10000"),
    ("pred", _set("track_id", "a"), f"{FRAME}: 'track_id' must be a whole number, found a"),
    ("gt", _drop("track_id"), f"{FRAME}: 'track_id' must be a whole number, found None"),
    ("gt", _drop("bbox_head"), f"{NAME}/000001.jpg: an annotated person has no 'bbox_head'"),
    ("gt", _set("bbox_head", [1, 2]), "a 'bbox_head' does not hold four numbers"),
    ("pred", _drop("keypoints"), f"{FRAME}: 'keypoints' must hold 51 numbers, found none"),
    ("pred", _set("keypoints", [1, 2, 3]), f"{FRAME}: 'keypoints' must hold 51 numbers, found 3 numbers"),
    ("pred", _coordinate(None), f"{FRAME}: 'keypoints' holds a value that is not a finite number"),
    ("pred", _coordinate(float("nan")), f"{FRAME}: 'keypoints' holds a value that is not a finite number"),
    ("pred", _coordinate("x"), f"{FRAME}: 'keypoints' holds a value that is not a finite number"),
    ("pred", _set("scores", [0.5]), f"{FRAME}: 'scores' must hold 17 numbers, found 1 numbers"),
    ("gt", _categories([]), "categories must hold one entry named person (found: none)"),
    ("gt", _categories([{"name": "cat"}]), "categories must hold one entry named person (found: cat)"),
    ("pred", _categories([{"name": "person", "keypoints": list(COCO.names)}]), "lacks head_bottom, head_top"),
    ("pred", _file_name, "file name 'holiday/frame1.jpg' is not PoseTrack's"),
    ("pred", lambda given: given["images"].pop(), "2 predicted frames for 3 annotated ones"),
    ("pred", lambda given: given.pop("images"), "no list 'images'"),
    ("gt", lambda given: given["annotations"].clear(), "no frame with an annotated person"),
]


@pytest.mark.parametrize(("side", "change", "message"), FAULTS, ids=[message[-40:] for *_, message in FAULTS])
def test_faults_are_named(tmp_path: Path, side: str, change: Callable, message: str) -> None:
    files = {"gt": content(), "pred": content()}
    change(files[side])
    with pytest.raises(InputError) as error:
        evaluate(*write(tmp_path, files["gt"], files["pred"]))
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"images": [],\n "annotations": [,]}', "line 2: malformed JSON"),
        ('{"images": [NaN]', "line 1: malformed JSON"),
        (
            '{"images": [{"id": 1}], "annotations": [5], "categories": []}',
            "file name 'None' is not PoseTrack's",
        ),
        ('{"annolist": [{"image": 3}]}', "malformed: TypeError"),
        ('{"annolist": 3}', "malformed: TypeError"),
        ('{"format": "simpleposetrack"}', "malformed: KeyError: 'model'"),
        (
            '{"images": [], "annotations": [5], "categories": [{"name": "person", "keypoints": ["nose"]}]}',
            "lacks",
        ),
        ("[1, 2]", "holds a list, expected an object"),
        ("", "malformed JSON"),
    ],
)
def test_malformed_files_are_named_with_their_line(tmp_path: Path, text: str, message: str) -> None:
    gt, pred = write(tmp_path, content(), text)
    with pytest.raises(InputError) as error:
        evaluate(gt, pred)
    assert message in str(error.value)
    assert str(pred / f"{NAME}.json") in str(error.value)


@pytest.mark.parametrize("odd", [float("nan"), None, "x"])
def test_scores_of_joints_that_are_not_there_are_not_looked_at(tmp_path: Path, odd: object) -> None:
    pred = content()
    person = pred["annotations"][3]
    person["keypoints"][6:9] = [0, 0, 0]
    person["scores"] = [0.9, 0.9, odd, *[0.9] * 14]
    assert evaluate(*write(tmp_path, content(), pred)).precision.ap.mean() > 90
    person["scores"][1] = odd
    with pytest.raises(InputError, match=f"{FRAME}: 'scores' holds a value that is not a finite number"):
        evaluate(*write(tmp_path, content(), pred))


def test_posetrack17_takes_the_first_point_of_an_id_and_knows_fifteen(tmp_path: Path) -> None:
    points = [{"id": [joint], "x": [10 * joint], "y": [5]} for joint in (0, 3, 0, 15, -1)]
    points[2] |= {"x": [900]}
    person = {"track_id": [1], "annopoints": [{"point": points}]}
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"annolist": [{"image": [{"name": "1.jpg"}], "annorect": [person]}]}))
    (sequence,) = read_sequences(path, POSEVAL, ground_truth=False)
    assert np.flatnonzero(sequence.people.present[0]).tolist() == [0, 3]
    assert sequence.people.keypoints[0, [0, 3], 0].tolist() == [0, 30]


def test_missing_and_extra_files(tmp_path: Path) -> None:
    gt, pred = write(tmp_path, content(), content())
    write(tmp_path, content(), content(), "000501_mpii_test")
    (pred / "000501_mpii_test.json").rename(pred / "other.json")
    with pytest.raises(InputError, match=r"no prediction file '000501_mpii_test\.json'"):
        evaluate(gt, pred)
    (gt / "000501_mpii_test.json").unlink()
    assert any("other.json" in note for note in evaluate(gt, pred).notes)
    with pytest.raises(InputError, match="no such folder"):
        evaluate(gt, tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"no \.json file"):
        evaluate(tmp_path / "empty", pred)


def test_a_sequence_without_annotated_people_is_not_listed(tmp_path: Path) -> None:
    write(tmp_path, content() | {"annotations": []}, content(), "000501_mpii_test")
    result = evaluate(*write(tmp_path, content(), content()))
    assert result.frames.sequences == (NAME,)
    assert result.notes == ("000501_mpii_test: no frame with an annotated person",)


def test_strict_converts_coco_and_says_so(tmp_path: Path) -> None:
    gt, pred = write(tmp_path, content(), content(COCO.names))
    result = evaluate(gt, pred, protocol="strict")
    assert any("head_bottom and head_top inferred" in note for note in result.notes)
    assert result.precision.ap[JOINTS.index("left_knee")] == 100
    with pytest.raises(InputError, match=r"do not map to PoseTrack's: no left_ankle"):
        evaluate(*write(tmp_path, content(), content(COCO.names[:15])), protocol="strict")


def test_poseval_takes_15_keypoints_in_any_order(tmp_path: Path) -> None:
    result = evaluate(*write(tmp_path, content(), content(JOINTS[::-1])))
    np.testing.assert_allclose(result.precision.ap, 100)


def test_strict_pairs_frames_by_id_and_takes_any_name(tmp_path: Path) -> None:
    gt, pred = content(), content()
    for image in gt["images"] + pred["images"]:
        image["file_name"] = f"clip {image['id']}.png"
    pred["images"].reverse()
    del pred["images"][0], gt["annotations"][4]["scores"]
    pred["annotations"] = [p for p in pred["annotations"] if p["image_id"] != 12]
    result = evaluate(*write(tmp_path, gt, pred, "holiday"), protocol="strict")
    assert result.precision.precision[0] == 100
    assert result.precision.recall[0] == pytest.approx(200 / 3)
    pred["images"][0] |= {"id": 99, "file_name": "unknown.png"}
    pred["annotations"] = []
    stray = write(tmp_path, gt, pred, "holiday")
    with pytest.raises(InputError, match=r"predicted frame 99 \('unknown.png'\) is not among the annotated"):
        evaluate(*stray, protocol="strict")


def test_strict_splits_a_file_of_several_videos(tmp_path: Path) -> None:
    both = content()
    for image in both["images"]:
        image["video_id"] = 1 if image["id"] < 12 else 2
    both["videos"] = [{"id": 1, "name": "first"}, {"id": 2, "name": "second"}]
    result = evaluate(*write(tmp_path, both, both), protocol="strict")
    assert result.frames.sequences == ("first", "second")
    assert len(evaluate(*write(tmp_path, both, both)).frames.sequences) == 1


def test_the_trackers_own_json(tmp_path: Path) -> None:
    """Its joints are COCO's, its frames counted; joints below its threshold are not there."""
    truth = content(COCO.names)
    frames: list[Json] = []
    for frame in range(3):
        people = []
        for person in truth["annotations"]:
            if person["image_id"] == 10 + frame:
                joints = np.array(person["keypoints"], float).reshape(-1, 3)
                joints[:, 2] = np.where(np.arange(len(joints)) == COCO.index("left_knee"), 0.1, 0.9)
                people.append(
                    {
                        "id": person["track_id"] + 1,
                        "score": 0.9,
                        "box": [0, 0, 10, 10],
                        "keypoints": joints.tolist(),
                    }
                )
        frames.append({"frame": frame, "time": frame / 25, "people": people})
    own = {
        "format": "simpleposetrack",
        "version": 1,
        "model": {"keypoint_set": "coco", "keypoints": list(COCO.names)},
        "options": {"joint_threshold": 0.4},
        "frames": frames,
    }
    result = evaluate(*write(tmp_path, content(), own), protocol="strict")
    assert result.tracking is not None
    assert result.tracking.mota[JOINTS.index("right_knee")] == 100
    assert result.tracking.recall[JOINTS.index("left_knee")] == 0


@pytest.mark.parametrize("count", [74, 170])
def test_label_versions_are_recognised(tmp_path: Path, count: int) -> None:
    for number in range(count):
        small = content(frames=2, people=1)
        write(tmp_path, small, small, f"{number:06d}_mpii_test")
    labels = evaluate(tmp_path / "gt", tmp_path / "pred").labels
    assert labels is not None
    assert f"{count} validation sequences" in labels


def test_command_prints_and_writes(tmp_path: Path) -> None:
    gt, pred = write(tmp_path, content(), content())
    done = run(
        "--gt", gt, "--pred", pred, "--full", "--json", tmp_path / "o" / "a.json", "--csv", tmp_path / "a.csv"
    )
    assert done.returncode == 0, done.stderr
    words = "Head", "Ankl", "Total", "MOTA", "MOTP", "HOTA", "IDF1", "Mostly tracked", "poseval protocol"
    for word in words:
        assert word in done.stdout
    written = json.loads((tmp_path / "o" / "a.json").read_text())
    assert written["MOT"]["mota"][15] == 100
    assert written["HOTA"]["hota"][15] == pytest.approx(100)
    rows = list(csv.DictReader((tmp_path / "a.csv").open()))
    assert [row["measure"] for row in rows] == ["AP", "MOTA"]
    assert float(rows[0]["Total"]) == 100


def test_command_leaves_out_faulty_sequences_and_says_so(tmp_path: Path) -> None:
    gt, pred = write(tmp_path, content(), content())
    write(tmp_path, content(), "{", "000501_mpii_test")
    strictly = run("--gt", gt, "--pred", pred)
    assert strictly.returncode == 2
    assert strictly.stderr.count("\n") == 1
    assert "malformed JSON" in strictly.stderr
    done = run("--gt", gt, "--pred", pred, "--per-sequence", "--json", tmp_path / "a.json")
    assert done.returncode == 2
    assert "left out: " in done.stderr
    assert NAME in done.stdout
    assert list(json.loads((tmp_path / "a.json").read_text())["left_out"]) == ["000501_mpii_test"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["posetrack"], "unknown benchmark 'posetrack' (did you mean posetrack18?): choose from posetrack18"),
        (
            ["posetrack18", "--speed"],
            "unrecognized arguments: --speed (see python -m evaluation posetrack18 --help)",
        ),
        (["posetrack18", "--protocol", "fair"], "invalid choice: 'fair'"),
    ],
)
def test_wrong_options_end_in_one_line(
    capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert exit_status(lambda: main(arguments)) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_scoring_files_loads_neither_torch_nor_opencv() -> None:
    modules = ("command", "scoring", "measures", "table")
    imports = "; ".join(f"import evaluation.posetrack.{name}" for name in modules)
    heavy = ("torch", "cv2", "scipy", "tracker")
    code = f"import sys; {imports}; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
