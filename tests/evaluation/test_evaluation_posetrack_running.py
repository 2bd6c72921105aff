"""Running a network and the tracker over a small PoseTrack18 folder; thresholds, the page, the benchmark."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from evaluation.__main__ import main
from evaluation.posetrack.command import tracker_settings
from evaluation.posetrack.joints import JOINTS
from evaluation.posetrack.measures import measure
from evaluation.posetrack.page import write_page
from evaluation.posetrack.scoring import evaluate
from evaluation.posetrack.sweep import sweep
from evaluation.posetrack.worst import worst_frames
from evaluation.report import Page, ticks
from models.errors import InputError, exit_status
from models.keypoints import POSETRACK18

ROOT = Path(__file__).parents[2]
CASE = Path("reference") / "posetrack18" / "case_3"


@dataclass(frozen=True)
class Done:
    """What a command printed and its exit status."""

    status: int
    out: str
    err: str


Run = Callable[..., Done]


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Run:
    """Runs the command line within this process, which spares loading the networks' libraries each time."""

    def command(*arguments: object) -> Done:
        capfd.readouterr()
        status = exit_status(lambda: main(["posetrack18", *map(str, arguments)]))
        return Done(status, *capfd.readouterr())

    return command


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two sequences of four pictures, of which three are labelled, with two people each."""
    folder = tmp_path_factory.mktemp("posetrack18")
    rng = np.random.default_rng(0)
    for number in (1, 2):
        name = f"{number:06d}_mpii_test"
        (folder / "images" / "val" / name).mkdir(parents=True)
        texture = cv2.resize(rng.integers(0, 255, (12, 16, 3), np.uint8), (320, 240))
        images, annotations = [], []
        for frame in range(4):
            file_name = f"images/val/{name}/{frame:06d}.jpg"
            cv2.imwrite(str(folder / file_name), np.roll(texture, 2 * frame, 1))
            images.append({"id": 100 * number + frame, "file_name": file_name, "is_labeled": frame < 3})
            for person in (0, 1) if frame < 3 else ():
                annotations.append(_person(100 * number + frame, person, 60 + 150 * person + 2 * frame))
        content = {
            "images": images,
            "annotations": [{"id": i, **annotation} for i, annotation in enumerate(annotations)],
            "categories": [{"id": 1, "name": "person", "keypoints": list(POSETRACK18.names)}],
        }
        path = folder / "annotations" / "val" / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content))
    return folder


def _person(image: int, track: int, x: int) -> dict[str, Any]:
    joints = [(x + 4 * (i % 5), 40 + 9 * i, 1) for i in range(17)]
    return {
        "image_id": image,
        "track_id": track,
        "category_id": 1,
        "bbox": [x - 20, 20, 70, 190],
        "bbox_head": [x - 5, 35, 30, 40],
        "keypoints": [value for joint in joints for value in joint],
    }


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The smallest of the networks with seeded random weights, in the Microsoft layout, for small crops."""
    import torch

    from models.architectures import create_pose_network

    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("model") / "pose_resnet_18_128x96_coco.pth"
    torch.save(create_pose_network("pose_resnet_18").state_dict(), path)
    return path


def test_single_frames_with_annotated_boxes(run: Run, data: Path, model: Path, tmp_path: Path) -> None:
    done = run(
        "--data", data, "--model", model, "--save", tmp_path, "--engine", "torch", "--json", tmp_path / "a"
    )
    assert done.status == 0, done.err
    assert "MOTA" not in done.out
    assert json.loads((tmp_path / "a").read_text())["frames_evaluated_AP"] == 6
    written = json.loads((tmp_path / "poses" / "000001_mpii_test.json").read_text())
    assert len(written["images"]) == 4
    assert sorted({person["image_id"] for person in written["annotations"]}) == [100, 101, 102]
    assert len(written["annotations"]) == 6  # annotated boxes all count, whatever the network thinks of them


def test_tracking_resumes_and_refuses_other_settings(
    run: Run, data: Path, model: Path, tmp_path: Path
) -> None:
    same = ("--data", data, "--model", model, "--save", tmp_path, "--engine", "torch", "--track")
    done = run(*same)
    assert done.status == 0, done.err
    for word in ("MOTA", "AP, all joints"):
        assert word in done.out
    files = [tmp_path / part / f"00000{n}_mpii_test.json" for part in ("poses", "tracks") for n in (1, 2)]
    assert all(file.exists() for file in files)
    people = json.loads(files[0].read_text())["annotations"]
    assert {person["track_id"] for person in people} == {1, 2}
    # the last frame is not needed
    assert sorted({person["image_id"] for person in people}) == [100, 101, 102]
    assert json.loads(files[2].read_text())["annotations"] == []  # random weights: no joint is sure enough
    files[3].unlink()
    before = files[2].stat().st_mtime_ns
    assert run(*same).status == 0
    assert files[2].stat().st_mtime_ns == before
    assert files[3].exists()
    other = run(*same, "--set", "joint_threshold=0.1")
    assert other.status == 2
    assert "predictions made with another tracker" in other.err
    assert other.err.count("\n") == 1


def test_the_papers_ablation_in_one_command(run: Run, data: Path, model: Path, tmp_path: Path) -> None:
    arguments = ("--data", data, "--model", model, "--save", tmp_path, "--engine", "torch")
    done = run(*arguments, "--json", tmp_path / "a", "--ablation", "--set", "joint_threshold=0")
    assert done.status == 0, done.err
    rows = json.loads((tmp_path / "a").read_text())["ablation"]
    assert list(rows) == ["a1", "a2", "a3", "a4", "a5", "a6"]
    assert {row["Similarity"] for row in rows.values()} == {"bbox", "pose", "flow", "multi-flow"}
    assert [row["Propagation"] for row in rows.values()] == ["no"] * 2 + ["yes"] * 4


def test_boxes_from_a_file(run: Run, data: Path, model: Path, tmp_path: Path) -> None:
    boxes = tmp_path / "boxes.json"
    row = {"image_id": 101, "category_id": 1, "bbox": [40, 20, 70, 190], "score": 0.9}
    boxes.write_text(json.dumps([row, {**row, "category_id": 2}, {**row, "image_id": 999}]))
    arguments = ("--data", data, "--model", model, "--save", tmp_path / "run", "--engine", "torch")
    done = run(*arguments, "--boxes", boxes)
    assert done.status == 0, done.err
    written = json.loads((tmp_path / "run" / "poses" / "000001_mpii_test.json").read_text())
    assert [person["image_id"] for person in written["annotations"]] == [101]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "give --gt and --pred"),
        (["--data", "."], "--data needs --model"),
        (["--gt", ".", "--pred", ".", "--track"], "no network runs: leave out --track"),
        (["--gt", ".", "--pred", ".", "--model", "fast"], "no network runs: leave out --model"),
        (["--gt", ".", "--pred", ".", "--split", "val"], "no network runs: leave out --split"),
        (["--data", ".", "--model", "x", "--gt", ".", "--split", "val"], "give it without --gt"),
        (["--data", ".", "--model", "x", "--detector", "person_detector"], "is for --boxes detect"),
        (["--gt", ".", "--pred", ".", "--sweep", "--ap-only"], "--sweep weighs AP against MOTA"),
        (["--data", ".", "--model", "x", "--sweep"], "--sweep weighs AP against MOTA"),
        (["--data", ".", "--model", "x", "--ablation", "--full"], "takes --json alone"),
        (["--data", ".", "--model", "x", "--track", "--ap-only"], "--ap-only leaves tracking out"),
        (["--data", ".", "--model", "x", "--images", "."], "--images is for the page"),
        (
            ["--gt", ".", "--pred", ".", "--report", "x", "--images", "none"],
            "--images 'none' is not a folder",
        ),
        (["--data", "DATA", "--model", "MODEL", "--json", "MODEL"], "it is an input"),
        (
            ["--data", "DATA", "--model", "MODEL", "--json", "DATA/annotations/val/000001_mpii_test.json"],
            "it is an input",
        ),
        (["--data", "DATA", "--model", "MODEL", "--json", "x.out", "--csv", "x.out"], "two outputs would be"),
        (["--data", "DATA", "--model", "MODEL", "--report", "MODEL"], "cannot make the folder"),
        (
            ["--data", "DATA", "--model", "MODEL", "--ablation", "--set", "similarity=flow"],
            "rows set similarity themselves",
        ),
        (["--data", ".", "--model", "x"], "no annotation files of PoseTrack18 below"),
        (["--data", "DATA", "--model", "MODEL", "--boxes", "none.json"], "no detections 'none.json'"),
        (["--data", "DATA", "--model", "MODEL", "--boxes", "MODEL"], "is not JSON"),
        (["--data", "DATA", "--model", "MODEL", "--set", "speed=3"], "--set speed=3: no such setting"),
        (["--data", "DATA", "--model", "MODEL", "--set", "queue=x"], "expected a value of type int"),
        (["--data", "DATA", "--model", "MODEL", "--set", "match=worst"], "wrong match 'worst'"),
        (["--data", "DATA", "--model", "MODEL", "--jobs", "0"], "--jobs: '0': give a whole number"),
    ],
)
def test_wrong_commands_end_in_one_line(
    run: Run, data: Path, model: Path, tmp_path: Path, arguments: list[str], message: str
) -> None:
    done = run(
        *(word.replace("DATA", str(data)).replace("MODEL", str(model)) for word in arguments),
        *(["--save", tmp_path] if "--data" in arguments else []),
    )
    assert done.status == 2
    assert message in done.err
    assert done.err.count("\n") == 1


def test_an_exported_network_runs(run: Run, data: Path, model: Path, tmp_path: Path) -> None:
    from models.checkpoints import load_pose_network
    from models.export import export

    export(load_pose_network(model), tmp_path / "pose.xml")
    done = run("--data", data, "--model", tmp_path / "pose.xml", "--save", tmp_path / "run")
    assert done.status == 0, done.err


def test_missing_images_are_named(run: Run, data: Path, model: Path, tmp_path: Path) -> None:
    done = run(
        "--data", tmp_path, "--gt", data / "annotations" / "val", "--model", model, "--save", tmp_path / "run"
    )
    assert done.status == 2
    assert "3 of 3 images are missing, such as" in done.err


def test_settings_have_the_trackers_types() -> None:
    given = ["similarity=flow", "queue=3", "joint-threshold=0.25", "propagate=false", "max_people=4"]
    assert tracker_settings(given) == {
        "similarity": "flow",
        "queue": 3,
        "joint_threshold": 0.25,
        "propagate": False,
        "max_people": 4,
    }


def test_sweep_agrees_with_files_that_were_thresholded(shared: Path, tmp_path: Path) -> None:
    """Dropping weak joints and people from the files gives the same as the sweep's column."""
    case = shared / CASE
    for path in (case / "pred").glob("*.json"):
        content = json.loads(path.read_text())
        kept = []
        for person in content["annotations"]:
            joints, scores = person["keypoints"], person["scores"]
            for i, score in enumerate(scores):
                if score < 0.4:
                    joints[3 * i : 3 * i + 3] = [0, 0, 0]
            if person["score"] >= 0.3 and any(joints):
                kept.append(person)
        content["annotations"] = kept
        (tmp_path / path.name).write_text(json.dumps(content))
    grid = sweep(evaluate(case / "gt", case / "pred"), (0.0, 0.4), (0.0, 0.3))
    filtered = evaluate(case / "gt", tmp_path)
    assert filtered.tracking is not None
    assert grid.ap[1, 1] == pytest.approx(filtered.precision.ap.mean())
    assert grid.mota[1, 1] == pytest.approx(filtered.tracking.mota.mean())
    best = grid.best("mota")
    assert best.mota == grid.mota.max()
    assert str(best).startswith(f"joints from {best.joint_threshold:g}, boxes from {best.box_threshold:g}")


def test_the_page_holds_everything_and_needs_no_network(shared: Path, tmp_path: Path) -> None:
    case = shared / CASE
    result = evaluate(case / "gt", case / "pred")
    grid = sweep(result, (0.0, 0.4), (0.0,))
    images = tmp_path / "images"
    worst = result.frames.file_names[worst_frames(result)[0][0]]
    (images / worst).parent.mkdir(parents=True)
    cv2.imwrite(str(images / worst), np.full((540, 960, 3), 128, np.uint8))
    page = write_page(tmp_path / "page", result, measure(result), grid, [images]).read_text()
    for word in ("MOTA", "HOTA", "Precision over recall", "Who is who", "Worst frames", "Best MOTA", *JOINTS):
        assert word in page
    for name in result.frames.sequences:
        assert name in page
    assert page.count("data:image/jpeg") == 1
    for outside in ("http://", "https://", 'src="/', "<script", "<link"):
        assert outside not in page.replace("http://www.w3.org/2000/svg", "")


def test_page_parts() -> None:
    page = Page("a < b", "under")
    page.table(["x"], {"row": {"x": float("nan")}, "other": {"x": 0.25}, "count": {"x": 3}})
    page.lines("curve", {"a": ([0, 1, 2], [1, float("nan"), 3])}, x="x", y="y")
    page.bars("bars", {"up": 3.0, "down": -1.0, "none": float("nan")})
    page.lines("nothing", {}, x="x", y="y")
    html = page.html()
    for part in ("a &lt; b", "<td>–</td>", "<td>0.2</td>", "<td>3</td>", "<polyline", "<rect"):
        assert part in html
    assert "nan" not in html.lower()
    assert ticks(0, 1) == [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]


def test_a_page_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot make the folder"):
        Page("x").write(tmp_path / "file")


def test_benchmark_runs(tmp_path: Path) -> None:
    """One short run on files of its own, as its users call it."""
    sys.path.insert(0, str(ROOT))
    try:
        from benchmarks import posetrack as benchmark
    finally:
        sys.path.remove(str(ROOT))
    benchmark.SEQUENCES, benchmark.FRAMES = 2, 6
    benchmark.make_files(tmp_path / "gt", tmp_path / "pred")
    seconds, processor, memory = benchmark.run(benchmark.ours(tmp_path / "gt", tmp_path / "pred"))
    assert seconds > 0
    assert processor > 0
    assert memory > 10
    doubled = benchmark.multiply(tmp_path / "gt", tmp_path / "gt_2", 2)
    assert len(list(doubled.iterdir())) == 4
