"""Result files: whole or not there, also on a full disk, and in their owners' formats."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from models.errors import InputError
from models.keypoints import COCO, CROWDPOSE, MPII, KeypointSet
from tracker.results.annotations import CocoResults, PoseTrackResults
from tracker.results.files import RecordFile
from tracker.results.json_file import JsonResults
from tracker.results.openpose import BODY_25, OpenPoseResults, check_folder
from tracker.results.sink import RunInfo, Sink, stem_of
from tracker.results.tables import CsvResults, MotResults
from tracker.types import Frame, FrameResult, Poses
from tracker.video.source import SourceInfo

SOURCE = SourceInfo("walk.mp4", 640, 480, Fraction(30000, 1001), Fraction(1, 30000))


def run_of(keypoints: KeypointSet = COCO) -> RunInfo:
    return RunInfo(SOURCE, keypoints, joint_threshold=0.4)


def result(index: int, people: int = 2, keypoints: KeypointSet = COCO) -> FrameResult:
    k = len(keypoints)
    points = np.arange(people * k * 2, dtype=np.float32).reshape(people, k, 2) + 100.126
    scores = np.tile(np.linspace(0.3, 0.9, k, dtype=np.float32), (people, 1))
    boxes = np.tile(np.array([90, 95, 190.5, 300], np.float32), (people, 1))
    poses = Poses(points, scores, boxes, np.full(people, 0.87654, np.float32), np.arange(1, people + 1))
    no = np.zeros(people, bool)
    frame = Frame(index, index / SOURCE.frame_rate, np.zeros((2, 2, 3), np.uint8))
    return FrameResult(frame, poses, no, no, True, False, {})


def write(sink: Sink, *results: FrameResult, complete: bool = True) -> None:
    for one in results:
        sink.write(one)
    sink.close(complete)


def test_json_numbers_are_short_and_exact(tmp_path: Path) -> None:
    write(JsonResults(tmp_path / "r.json", run_of()), result(0), result(1, people=0), complete=False)
    content = json.loads((tmp_path / "r.json").read_text())
    person = content["frames"][0]["people"][0]
    assert person["box"] == [90, 95, 100.5, 205]
    assert person["score"] == 0.8765
    assert person["keypoints"][0] == [100.13, 101.13, 0.3]
    assert content["frames"][1] == {"frame": 1, "time": 0.033367, "people": []}
    assert content["summary"] == {"frames": 2, "ids": 2, "complete": False}


@pytest.mark.parametrize(
    ("source", "stem"),
    [
        ("clips/street.mp4", "street"),
        ("folder/walk [1080p].mp4", "walk [1080p]"),
        ("folder", "folder"),
        ("folder/take.2/", "take.2"),
        ("folder/*.png", "folder"),
        ("http://host:80/live/street.m3u8?token=a/b.c", "street"),
        ("rtsp://user:secret@192.168.0.7", "stream"),
    ],
)
def test_results_are_called_as_their_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, stem: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("folder/take.2").mkdir(parents=True)
    Path("folder/walk [1080p].mp4").touch()
    assert stem_of(source) == stem
    run = replace(run_of(), source=replace(SOURCE, path=source))
    write(OpenPoseResults(Path("folder"), run), result(0))
    assert Path("folder", f"{stem}_000000000000_keypoints.json").is_file()


@pytest.mark.parametrize("kind", [JsonResults, CsvResults, MotResults, PoseTrackResults, CocoResults])
def test_without_frames_there_is_no_file(tmp_path: Path, kind: type) -> None:
    kind(tmp_path / "r", run_of()).close()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", [JsonResults, CsvResults, MotResults, PoseTrackResults, CocoResults])
def test_the_name_appears_with_the_whole_file(tmp_path: Path, kind: type) -> None:
    (tmp_path / "r").write_text("the run before")
    sink = kind(tmp_path / "r", run_of())
    sink.write(result(0))
    assert (tmp_path / "r").read_text() == "the run before"
    sink.close()
    assert (tmp_path / "r").read_text() != "the run before"
    assert len(list(tmp_path.iterdir())) == 1


def test_posetrack_joints(tmp_path: Path) -> None:
    write(PoseTrackResults(tmp_path / "p.json", run_of()), result(3))
    content = json.loads((tmp_path / "p.json").read_text())
    image, person = content["images"][0], content["annotations"][1]
    assert image["file_name"] == "images/val/000001_mpii_test/000003.jpg"
    assert person["image_id"] == image["id"] == image["frame_id"]
    assert (person["id"], person["track_id"]) == (2, 2)
    joints = np.array(person["keypoints"]).reshape(17, 3)
    scores = np.array(person["scores"])
    absent = scores < 0.4
    assert absent[0]  # the nose has 0.3
    assert not joints[absent].any()
    assert (joints[~absent] != 0).all()
    left_ankle = content["categories"][0]["keypoints"].index("left_ankle")
    assert joints[left_ankle, :2] == pytest.approx(
        result(3).poses.keypoints[1, COCO.index("left_ankle")], abs=0.006
    )


def test_posetrack_of_other_keypoints(tmp_path: Path) -> None:
    hand = KeypointSet("hand", ("thumb", "palm"), (), None, (1.0, 1.0))
    with pytest.raises(InputError, match="'hand' cannot become 'posetrack18'"):
        PoseTrackResults(tmp_path / "p.json", run_of(hand))
    assert list(tmp_path.iterdir()) == []


def test_coco_counts_from_one(tmp_path: Path) -> None:
    write(CocoResults(tmp_path / "c.json", run_of()), result(0), result(1, people=0), result(2, people=1))
    content = json.loads((tmp_path / "c.json").read_text())
    assert [a["id"] for a in content["annotations"]] == [1, 2, 3]
    assert [a["image_id"] for a in content["annotations"]] == [1, 1, 3]
    person = content["annotations"][0]
    assert set(person["keypoints"][2::3]) == {0, 2}
    assert person["keypoints"][2::3].count(2) == person["num_keypoints"]
    assert person["area"] == pytest.approx(100.5 * 205)


def test_openpose_leaves_the_files_of_other_videos(tmp_path: Path) -> None:
    """Also of those whose names begin alike; its own go with the first frame of a new run, not before."""
    for stem, frames in (("clip_2", 1), ("clip", 2)):
        run = replace(run_of(), source=replace(SOURCE, path=f"{stem}.mp4"))
        write(OpenPoseResults(tmp_path, run), *map(result, range(frames)))
    write(OpenPoseResults(tmp_path, run))
    names = ("clip_000000000000", "clip_000000000001", "clip_2_000000000000")
    files = [tmp_path / f"{name}_keypoints.json" for name in names]
    assert sorted(tmp_path.iterdir()) == files
    write(OpenPoseResults(tmp_path, run), result(0))
    assert sorted(tmp_path.iterdir()) == [files[0], files[2]]
    check_folder(tmp_path, "clip_2_0", overwrite=False)
    for stem in ("clip", "clip_2"):
        with pytest.raises(InputError, match=f"holds results of '{stem}'"):
            check_folder(tmp_path, stem, overwrite=False)


@pytest.mark.parametrize("keypoints", [COCO, MPII, CROWDPOSE])
def test_openpose_order(tmp_path: Path, keypoints: KeypointSet) -> None:
    shown = result(7, people=1, keypoints=keypoints)
    shown.poses.scores[:] = 0.8
    write(OpenPoseResults(tmp_path, run_of(keypoints)), shown)
    person = json.loads((tmp_path / "walk_000000000007_keypoints.json").read_text())["people"][0]
    joints = np.array(person["pose_keypoints_2d"]).reshape(25, 3)
    given = shown.poses.keypoints[0]
    for name in ("right_wrist", "left_knee"):
        assert joints[BODY_25.index(name), :2] == pytest.approx(given[keypoints.index(name)], abs=1e-3)
    hips = given[[keypoints.index("left_hip"), keypoints.index("right_hip")]].mean(axis=0)
    assert joints[BODY_25.index("mid_hip"), :2] == pytest.approx(hips, abs=1e-3)
    assert joints[BODY_25.index("neck"), 2] == pytest.approx(0.8)
    assert not joints[BODY_25.index("left_heel")].any()


class Disk:
    """A file handle with room for so many bytes."""

    def __init__(self, handle: object, room: int) -> None:
        self._handle, self._room = handle, room

    def write(self, data: memoryview) -> int:
        left = self._room - self._handle.tell()  # type: ignore[attr-defined]
        if left <= 0:
            raise OSError(28, "No space left on device")
        return self._handle.write(data[:left])  # type: ignore[attr-defined]

    def __getattr__(self, name: str) -> object:
        return getattr(self._handle, name)

    def __enter__(self) -> Disk:
        return self

    def __exit__(self, *_: object) -> None:
        self._handle.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize("room", [60, 100, 101, 150, 153])
def test_full_disk_makes_room_for_the_tail(tmp_path: Path, room: int) -> None:
    file = RecordFile(tmp_path / "r", b"[", separator=b",")
    file._handle = Disk(file._handle, room)  # type: ignore[assignment]

    def fill() -> None:
        for _ in range(100):
            file.append(b'"0123456"')

    with pytest.raises(OSError, match="No space"):
        fill()
    file.finish(lambda records: b", " + str(records).encode() + b"]")
    *content, records = json.loads((tmp_path / "r").read_text())
    assert len(content) == records >= (room - 20) // 10
    assert list(tmp_path.iterdir()) == [tmp_path / "r"]
