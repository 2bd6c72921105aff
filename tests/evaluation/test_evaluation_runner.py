"""Running a network over pictures: boxes, batches, resuming, and whole benchmarks on real samples."""

import json

import numpy as np
import pytest

from evaluation.__main__ import main
from evaluation.annotations import check_document, dataset
from evaluation.person_boxes import annotated_boxes, boxes_from_file, detected_boxes, image_files
from evaluation.saved import SavedPoses, digest_or_name
from models import zoo
from models.errors import InputError
from models.keypoints import COCO


def people(*rows, size=(640, 480)):
    images = [{"id": 10 * i, "file_name": f"{i}.jpg", "width": size[0], "height": size[1]} for i in (1, 2)]
    annotations = [
        {"id": i, "image_id": 10, "bbox": [0, 0, 50, 80], "keypoints": [5, 5, 2] * 17, **row}
        for i, row in enumerate(rows, 1)
    ]
    return dataset(check_document({"images": images, "annotations": annotations}, COCO, "test"), COCO, "")


def test_annotated_boxes():
    """Of COCO's, crowds, people without joints and empty boxes have none; boxes end at the border.

    Of benchmarks that score everybody, nobody is left out.
    """
    data = people(
        {"image_id": 20, "bbox": [-10, 20, 100, 700]},
        {"iscrowd": 1},
        {"keypoints": [0] * 51},
        {"bbox": [10, 10, 0, 50]},
        {},
    )
    clipped, whole = annotated_boxes(data, clip=True), annotated_boxes(data, clip=False)
    assert (clipped.person_ids.tolist(), whole.person_ids.tolist()) == ([1, 5], [1, 2, 3, 4, 5])
    assert clipped.image_index.tolist() == [1, 0]
    assert clipped.boxes[0].tolist() == [0, 20, 90, 479]
    assert whole.boxes[[0, 3]].tolist() == [[-10, 20, 90, 720], [10, 10, 11, 60]]


def test_boxes_from_a_file(tmp_path):
    row = {"image_id": 20, "category_id": 1, "bbox": [1, 2, 30, 40], "score": 0.9}
    rows = [
        row,
        {**row, "category_id": 2},
        {**row, "score": 0.1},
        {**row, "image_id": 99},
        {**row, "bbox": [1, 2, 0, 40]},
        {"image_id": 10, "bbox": [1, 2, 30, 40]},
    ]
    path = tmp_path / "boxes.json"
    path.write_text(json.dumps(rows))
    found = boxes_from_file(path, people({}), 0.5)
    assert found.image_index.tolist() == [1, 0]
    assert found.boxes[0].tolist() == [1, 2, 31, 42]
    assert found.scores == pytest.approx([0.9, 1])
    with pytest.raises(InputError, match="none of its 4 people is in a picture of the annotations"):
        boxes_from_file(path, people({}), 1.5)


def test_detected_boxes():
    found = detected_boxes(
        [(0, np.zeros((0, 4)), np.zeros(0)), (1, np.ones((2, 4)), np.array([0.9, 0.1]))], 0.5
    )
    assert (found.image_index.tolist(), found.scores.tolist()) == ([1], [pytest.approx(0.9)])


def test_image_files(tmp_path):
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "1.jpg").touch()
    names = ["1.jpg", "2.jpg", "3.jpg"]
    folders = [tmp_path / "a", tmp_path / "b"]
    assert image_files(names, np.array([0]), folders)[0] == tmp_path / "b" / "1.jpg"
    with pytest.raises(InputError, match=r"2 of 3 pictures are not in .*\(first: 2\.jpg\)"):
        image_files(names, np.arange(3), folders)
    with pytest.raises(InputError, match=r"no picture '2\.jpg' in"):
        image_files(names, np.array([1]), folders)


def test_poses_are_kept_and_taken_up(tmp_path):
    path = tmp_path / "poses.json"
    first = np.arange(2 * 3 * 3, dtype=np.float32).reshape(2, 3, 3)
    with SavedPoses(path, "settings", 4, 3) as saved:
        saved.add(np.array([2, 0]), first)
    part = tmp_path / "poses.json.part"
    part.write_bytes(part.read_bytes() + b'{"positions": [1], "po')  # stopped while writing
    with SavedPoses(path, "settings", 4, 3) as again:
        assert again.missing().tolist() == [1, 3]
        assert (again.poses[[2, 0]] == first).all()
        again.add(np.array([1, 3]), first)
    with SavedPoses(path, "settings", 4, 3) as complete:
        assert complete.missing().tolist() == []
    with pytest.raises(InputError, match="other settings"), SavedPoses(path, "else", 4, 3):
        pass
    part.write_text("nonsense\n")
    with pytest.raises(InputError, match="damaged"), SavedPoses(path, "settings", 4, 3):
        pass


def test_other_weights_are_another_network(tmp_path):
    model, weights = tmp_path / "pose.xml", tmp_path / "pose.bin"
    model.write_text("model")
    weights.write_text("weights")
    before = digest_or_name(str(model))
    weights.write_text("others")
    assert digest_or_name(str(model)) != before
    assert digest_or_name("fast") == "fast"


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """A network with seeded random weights and a small input, as a file."""
    from models.architectures import create_pose_network
    from models.checkpoints import save_pose_network

    path = tmp_path_factory.mktemp("network") / "network.safetensors"
    save_pose_network(create_pose_network("pose_resnet_18", input_size=(64, 64)), path)
    return path


def run(*arguments):
    """The command line in this process: PyTorch loads once for all tests."""
    return main([*map(str, arguments), "--engine", "torch"])


SAMPLES = {
    "coco": "coco/test_coco.json",
    "ochuman": "ochuman/test_ochuman.json",
    "crowdpose": "crowdpose/test_crowdpose.json",
    "aic": "aic/test_aic.json",
    "mhp": "mhp/test_mhp.json",
    "mpii": "mpii/test_mpii.json",
    "mpii-trb": "mpii/test_mpii_trb.json",
    "jhmdb": "jhmdb/test_jhmdb_sub1.json",
}


@pytest.mark.parametrize("benchmark", SAMPLES)
def test_whole_benchmarks_on_samples(shared, tmp_path, network, capsys, benchmark):
    annotations = shared / "data" / "samples" / SAMPLES[benchmark]
    output = tmp_path / "figures.json"
    arguments = ("--data", annotations.parent, "--gt", annotations, "--model", network)
    assert run(benchmark, *arguments, "--json", output) == 0
    assert "waiting for pictures" in capsys.readouterr().out  # the stage table
    assert json.loads(output.read_text())["metrics"]


def test_the_fast_network_that_ships_reaches_its_figures(shared, tmp_path):
    (expected,) = zoo.find("fast").figures.values()
    folder, output = shared / "data" / "people" / "coco", tmp_path / "figures.json"
    arguments = ("--data", folder, "--gt", folder / "val.json", "--model", "fast", "--flip-test")
    assert run("coco", *arguments, "--json", output) == 0
    found = json.loads(output.read_text())["metrics"]
    assert {name: found[name] for name in expected} == pytest.approx(expected, abs=0.005)  # bf16 or fp32


def test_published_figures_stand_beside_ours(shared, tmp_path, capsys):
    """A file under a published name is taken for that checkpoint."""
    import torch

    from models.architectures import create_pose_network

    folder = shared / "data" / "samples" / "crowdpose"
    published = tmp_path / "res50_crowdpose_256x192-c6a526b6_20201227.pth"
    network = create_pose_network("pose_resnet_18", "crowdpose")
    torch.save({"state_dict": network.state_dict()}, published)
    where = ("--data", folder, "--gt", folder / "test_crowdpose.json")
    assert run("crowdpose", *where, "--model", published, "--input-size", "64x64") == 0
    shown = capsys.readouterr().out
    assert "published: CrowdPose test with YOLOv3 human detector" in shown
    assert "0.739" in shown  # AP (E)


def test_stopped_run_gives_the_same_predictions(shared, tmp_path, network, monkeypatch, capsys):
    """Interrupted after two batches and run again; other weights under the same name are refused."""
    from models.architectures import create_pose_network
    from models.checkpoints import save_pose_network

    folder = shared / "data" / "samples" / "coco"
    where = ("--data", folder, "--gt", folder / "test_coco.json")
    arguments = ("coco", *where, "--model", network, "--flip-test", "--batch", 2, "--save")
    whole, resumed = tmp_path / "whole.json", tmp_path / "resumed.json"
    assert run(*arguments, whole) == 0
    assert not whole.with_name("whole.json.part").exists()
    add, added = SavedPoses.add, []

    def add_twice(self, positions, poses):
        add(self, positions, poses)
        added.append(positions)
        if len(added) == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(SavedPoses, "add", add_twice)
        with pytest.raises(KeyboardInterrupt):
            run(*arguments, resumed)
    assert not resumed.exists()
    weights = network.read_bytes()
    save_pose_network(create_pose_network("pose_resnet_18", input_size=(64, 64), seed=1), network)
    with pytest.raises(InputError, match="is of other settings or data"):
        run(*arguments, resumed)
    network.write_bytes(weights)
    assert run(*arguments, resumed) == 0
    assert "taking up a run: 4 of" in capsys.readouterr().out
    ours, theirs = (json.loads(path.read_text()) for path in (resumed, whole))
    assert [p["annotation_id"] for p in ours] == [p["annotation_id"] for p in theirs]
    for one, other in zip(ours, theirs, strict=True):
        assert one["keypoints"] == pytest.approx(other["keypoints"], abs=1e-2)


def test_detections_from_a_file(shared, tmp_path, network):
    folder = shared / "data" / "samples" / "coco"
    saved = tmp_path / "poses.json"
    boxes = folder / "test_coco_det_AP_H_56.json"
    where = ("--data", folder, "--gt", folder / "test_coco.json", "--boxes", boxes)
    how = ("--box-threshold", "0.5", "--oks-nms", "1", "--save", saved)
    assert run("coco", "--model", network, *where, *how) == 0
    poses = json.loads(saved.read_text())
    people = [row for row in json.loads(boxes.read_text()) if row["category_id"] == 1]
    assert len(poses) == sum(row["score"] >= 0.5 for row in people) > 0
    assert all(len(pose["keypoints"]) == 51 and "annotation_id" not in pose for pose in poses)


def test_batches_do_not_change_poses(shared, tmp_path, network):
    """Crops of several pictures in one batch and one by one give the same poses."""
    folder = shared / "data" / "samples" / "mpii"
    poses = []
    for batch in (1, 3):
        saved = tmp_path / f"{batch}.json"
        where = ("--data", folder, "--gt", folder / "test_mpii.json", "--save", saved)
        assert run("mpii", "--model", network, *where, "--batch", batch) == 0
        poses.append(json.loads(saved.read_text()))
    for one, other in zip(*poses, strict=True):
        assert one["annotation_id"] == other["annotation_id"]
        assert one["keypoints"] == pytest.approx(other["keypoints"], abs=1e-2)


def test_broken_picture_is_named(shared, tmp_path, network):
    annotations = shared / "data" / "samples" / "mhp" / "test_mhp.json"
    for image in json.loads(annotations.read_text())["images"]:
        (tmp_path / image["file_name"]).write_text("no picture")
    with pytest.raises(InputError, match="cannot be read as a picture"):
        run("mhp", "--data", tmp_path, "--gt", annotations, "--model", network)
