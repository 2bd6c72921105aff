"""Every reader on the owners' formats (written here) and on real samples."""

import json
from importlib import import_module

import numpy as np
import pytest
from scipy.io import savemat

from evaluation.annotations import check_document, dataset, read_json
from evaluation.mpii_files import HEAD_LENGTH, HEAD_SIZE
from models.errors import InputError
from models.keypoints import AIC, COCO

SAMPLES = {
    "coco": ("coco", "test_coco.json", 4, 14),
    "ochuman": ("ochuman", "test_ochuman.json", 3, 5),
    "crowdpose": ("crowdpose", "test_crowdpose.json", 2, 5),
    "aic": ("aic", "test_aic.json", 3, 9),
    "mhp": ("mhp", "test_mhp.json", 2, 4),
    "mpii": ("mpii", "test_mpii.json", 5, 5),
    "mpii-trb": ("mpii", "test_mpii_trb.json", 5, 5),
    "jhmdb": ("jhmdb", "test_jhmdb_sub1.json", 3, 3),
}


def benchmark(name):
    return import_module(f"evaluation.{name.replace('-', '_')}").BENCHMARK


def read(name, path):
    return benchmark(name).read(path)


@pytest.mark.parametrize("name", SAMPLES)
def test_real_samples(shared, name):
    """Counts are the files' own; pictures exist; most labelled keypoints lie within their person's box."""
    folder, file, images, people = SAMPLES[name]
    folder = shared / "data" / "samples" / folder
    data = dataset(read(name, folder / file), benchmark(name).keypoint_set, folder)
    assert (len(data.images), len(data)) == (images, people)
    assert all(path.is_file() for path in data.images)
    labelled = data.visibility > 0
    grown = data.boxes + np.array([-5, -5, 5, 5])
    inside = ((data.keypoints >= grown[:, None, :2]) & (data.keypoints <= grown[:, None, 2:])).all(axis=2)
    assert (inside & labelled).sum() > 0.9 * labelled.sum()


def test_training_data_keep_weights_and_origin(shared):
    folder = shared / "data" / "people" / "lspet"
    data = dataset(check_document(read_json(folder / "annotations.json"), COCO, "lspet"), COCO, folder)
    assert len(data.images) == 9537
    assert len(data) == 27841
    assert set(data.person_fields) == {"box_from", "keypoints_from", "neck_and_head_top", "score"}
    labelled = data.visibility > 0
    assert (data.weights[~labelled] == 0).all()
    assert 0 < data.weights[labelled].mean() < 1
    athletes = data[data.person_fields["box_from"] == "joints"]
    assert 0 < len(athletes) < len(data)
    assert len(athletes.keypoints) == len(athletes.person_fields["score"]) == len(athletes)


def triples(points, flags):
    return np.column_stack((points, flags)).reshape(-1).tolist()


def test_aic_owners_list(tmp_path):
    points = np.arange(28.0).reshape(14, 2) + 1
    flags = np.array([1, 2, 3] * 4 + [1, 1])
    rows = [
        {
            "image_id": "abc",
            "url": "",
            "human_annotations": {"human1": [10, 20, 110, 220], "human2": [0, 0, 5, 5]},
            "keypoint_annotations": {"human1": triples(points, flags), "human2": triples(points, [3] * 14)},
        }
    ]
    path = tmp_path / "keypoint_validation_annotations_20170911.json"
    path.write_text(json.dumps(rows))
    document = read("aic", path)
    assert document["images"][0]["file_name"] == "abc.jpg"
    first, second = document["annotations"]
    assert first["bbox"] == [10, 20, 100, 200]
    assert first["area"] == pytest.approx(0.53 * 100 * 200)
    assert first["keypoints"][:9] == [1, 2, 2, 3, 4, 1, 0, 0, 0]
    assert (first["num_keypoints"], second["num_keypoints"]) == (10, 0)


def test_ochuman_owners_file(tmp_path):
    """Other order and flags than COCO, boxes as corners, people without keypoints left out."""
    names = [*reversed(COCO.names), "head", "neck"]
    points = np.arange(38.0).reshape(19, 2) + 1
    flags = np.array([1, 2, 3, 0, *[1] * 15])
    annotated = {
        "bbox": [10, 20, 110, 220],
        "keypoints": triples(points, flags),
        "segms": None,
        "max_iou": 0.6,
    }
    boxed = {"bbox": [0, 0, 5, 5], "keypoints": None, "segms": None, "max_iou": 0.1}
    image = {"file_name": "000001.jpg", "width": 640, "height": 480, "annotations": [boxed, annotated]}
    path = tmp_path / "ochuman.json"
    path.write_text(json.dumps({"keypoint_names": names, "images": [image]}))
    (person,) = read("ochuman", path)["annotations"]
    assert person["bbox"] == [10, 20, 100, 200]
    assert person["area"] == 20_000
    assert person["keypoints"][-12:] == [0, 0, 0, 5, 6, 1, 3, 4, 2, 1, 2, 2]
    assert person["num_keypoints"] == 16


def test_mhp_owners_folder(tmp_path):
    rows = np.zeros((20, 3))
    rows[:16, :2] = np.arange(32).reshape(16, 2) + 1
    rows[1] = [3, 4, 1]
    rows[2] = [-1, -1, 2]
    rows[16:18] = [[5, 5, 0], [9, 9, 0]]
    rows[18:20] = [[10, 20, 0], [110, 220, 0]]
    savemat(tmp_path / "10084.mat", {"person_0": rows, "person_1": rows + 1})
    document = read("mhp", tmp_path)
    assert document["images"] == [{"id": 10084, "file_name": "10084.jpg"}]
    person = document["annotations"][0]
    assert person["bbox"] == [10, 20, 100, 200]
    assert person["keypoints"][:9] == [1, 2, 2, 3, 4, 1, 0, 0, 0]
    assert len(document["annotations"]) == 2


JOINTS = np.arange(32.0).reshape(16, 2) * 3 + 100


def mpii_row(**changes):
    row = {
        "image": "a.jpg",
        "center": [150.0, 140.0],
        "scale": 1.5,
        "joints": JOINTS.tolist(),
        "joints_vis": [1] * 16,
    }
    return {**row, **changes}


def test_mpii_json_list(tmp_path):
    path = tmp_path / "valid.json"
    path.write_text(json.dumps([mpii_row(), mpii_row(joints_vis=[0] + [1] * 15), mpii_row(image="b.jpg")]))
    document = read("mpii", path)
    assert [image["file_name"] for image in document["images"]] == ["a.jpg", "b.jpg"]
    first, second, _ = document["annotations"]
    assert first["bbox"] == [-1.0, 11.5, 300.0, 300.0]  # 200·scale about (149, 139 + 15·scale), 0-based
    assert first["keypoints"][:3] == [99, 102, 2]
    assert second["keypoints"][:3] == [0, 0, 0]
    neck_to_top = np.linalg.norm(JOINTS[9] - JOINTS[8])
    assert first["head_size"] == pytest.approx(HEAD_SIZE / HEAD_LENGTH * neck_to_top)
    assert first["head_size_estimated"]


def test_mpii_head_sizes_beside_the_list(tmp_path):
    """Of the matrices beside, those of as many people; a list of other people has its sizes estimated."""
    corners = np.array([[[10.0], [20.0]], [[40.0], [60.0]]])
    savemat(tmp_path / "mpii_gt_val.mat", {"headboxes_src": corners.repeat(3, axis=2)})
    savemat(tmp_path / "gt_valid.mat", {"headboxes_src": corners})
    for people, estimated in ((1, [False]), (2, [True, True])):
        path = tmp_path / f"{people}.json"
        path.write_text(json.dumps([mpii_row()] * people))
        found = read("mpii", path)["annotations"]
        assert [person.get("head_size_estimated", False) for person in found] == estimated
        assert (found[0]["head_size"] == pytest.approx(0.6 * 50)) is not estimated[0]


def test_mpii_owners_mat(tmp_path):
    points = [{"x": x, "y": y, "id": i, "is_visible": 1} for i, (x, y) in enumerate(JOINTS) if i != 6]
    head = {"x1": 10.0, "y1": 20.0, "x2": 40.0, "y2": 60.0}
    annotated = {**head, "annopoints": {"point": points}, "scale": 1.5, "objpos": {"x": 150.0, "y": 140.0}}
    release = {
        "annolist": np.array(
            [
                {"image": {"name": "a.jpg"}, "annorect": annotated},
                {"image": {"name": "b.jpg"}, "annorect": []},
                {"image": {"name": "c.jpg"}, "annorect": annotated},
            ],
            object,
        ),
        "img_train": np.array([1, 1, 0]),
    }
    path = tmp_path / "mpii_human_pose_v1_u12_1.mat"
    savemat(path, {"RELEASE": release})
    document = read("mpii", path)
    # b has nobody, c is of the test set
    assert [image["file_name"] for image in document["images"]] == ["a.jpg"]
    (person,) = document["annotations"]
    assert person["bbox"] == [-1.0, 11.5, 300.0, 300.0]
    assert person["head_size"] == pytest.approx(0.6 * 50)
    assert person["num_keypoints"] == 15
    assert person["keypoints"][18:21] == [0, 0, 0]


def test_mpii_head_length_on_real_people(shared):
    """MPII-TRB repeats MPII's neck and head; their distance is the same in both files."""
    folder = shared / "data" / "samples" / "mpii"
    sizes = {p["head_size"] for p in read("mpii", folder / "test_mpii.json")["annotations"]}
    diagonals = {p["head_diagonal"] for p in read("mpii-trb", folder / "test_mpii_trb.json")["annotations"]}
    assert sorted(sizes) == pytest.approx(sorted(0.6 * d for d in diagonals), rel=1e-3)


def test_trb_head_box(tmp_path):
    keypoints = triples(np.arange(80.0).reshape(40, 2), [2] * 40)
    person = {
        "id": 3,
        "image_id": 7,
        "center": [50, 60],
        "scale": 0.5,
        "keypoints": keypoints,
        "headbox": [0, 0, 30, 40],
    }
    path = tmp_path / "mpii_trb_val.json"
    path.write_text(json.dumps({"images": [{"id": 7, "file_name": "7.jpg"}], "annotations": [person]}))
    (read_back,) = read("mpii-trb", path)["annotations"]
    assert read_back["head_diagonal"] == 50
    assert read_back["bbox"] == pytest.approx([50 - 204.8, 60 - 204.8, 409.6, 409.6])


def jhmdb_file(path, ids):
    people = [
        {
            "id": i,
            "image_id": i,
            "bbox": [11.0, 21.0, 50.0, 400.0],
            "keypoints": triples(np.full((15, 2), 31.0), [2] * 15),
        }
        for i in ids
    ]
    images = [{"id": i, "file_name": f"catch/clip/{i:05d}.png", "width": 320, "height": 240} for i in ids]
    path.write_text(json.dumps({"images": images, "annotations": people}))


def test_jhmdb_splits_are_merged(tmp_path):
    for split, ids in ((1, [1, 2]), (2, [2, 3]), (3, [3])):
        jhmdb_file(tmp_path / f"Sub{split}_test.json", ids)
    document = read("jhmdb", tmp_path)
    assert [(p["id"], p["splits"]) for p in document["annotations"]] == [(1, [1]), (2, [1, 2]), (3, [2, 3])]
    assert document["annotations"][1]["keypoints"][:3] == [30, 30, 2]  # 0-based, once
    assert document["annotations"][0]["bbox"] == [10, 20, 50, 219]  # cut at the picture's last row


def test_jhmdb_owners_folder(tmp_path):
    clip = "April_09_brush_hair_u_nm_np1_ba_goo_0"
    for kind, content in (
        ("joint_positions", {"pos_img": np.arange(60.0).reshape(2, 15, 2) + 1}),
        ("puppet_mask", {"part_mask": np.pad(np.ones((2, 3, 2), np.uint8), ((4, 0), (6, 0), (0, 0)))}),
    ):
        folder = tmp_path / kind / "brush_hair" / clip
        folder.mkdir(parents=True)
        savemat(folder / f"{kind}.mat", content)
    splits = tmp_path / "sub_splits"
    splits.mkdir()
    (splits / "brush_hair_test_split1.txt").write_text(f"{clip}.avi 2\nother.avi 1\n")
    (splits / "brush_hair_test_split2.txt").write_text(f"{clip}.avi 1\n")
    document = read("jhmdb", tmp_path)
    assert [image["file_name"] for image in document["images"]] == [
        f"brush_hair/{clip}/00001.png",
        f"brush_hair/{clip}/00002.png",
    ]
    first = document["annotations"][0]
    assert first["splits"] == [1]
    assert first["bbox"] == [6, 4, 2, 1]
    assert first["keypoints"][:6] == [0, 30, 2, 2, 32, 2]


def one_person(**changes):
    person = {"id": 1, "image_id": 1, "bbox": [0, 0, 1, 1], "keypoints": [0] * 51, **changes}
    sound = {name: value for name, value in person.items() if value is not None}
    return {"images": [{"id": 1}], "annotations": [sound]}


@pytest.mark.parametrize(
    ("content", "keypoint_set", "message"),
    [
        ([], COCO, "holds no COCO-style annotations"),
        ({"images": []}, COCO, r"needs images, annotations \(found: images\)"),
        ({"images": [{"file_name": "a"}], "annotations": []}, COCO, "every image needs a whole number"),
        ({"images": [{"id": 1}, {"id": 1}], "annotations": []}, COCO, "two images have the id 1"),
        (one_person(keypoints=None), COCO, "instances_"),
        (one_person(), AIC, "has 17 keypoints, aic has 14"),
        (one_person(image_id=2), COCO, "belongs to image 2"),
        (one_person(bbox=[0, 0]), COCO, "annotation 1: bbox must be 4 numbers"),
        (one_person(bbox="wide"), COCO, "annotation 1: bbox must be 4 numbers"),
        (one_person(keypoints=["x"] * 51), COCO, "annotation 1: keypoints must be 51 numbers"),
        (one_person(keypoints=5), COCO, "annotation 1: keypoints must be 51 numbers, not 5"),
        (one_person(area="x"), COCO, "annotation 1: area must be a number, not x"),
        (one_person(area=[None]), COCO, "annotation 1: area must be a number"),
        (one_person(iscrowd="no"), COCO, "annotation 1: iscrowd must be a number, not no"),
        (one_person(num_keypoints=[17]), COCO, "annotation 1: num_keypoints must be a number"),
        (one_person(category_id="person"), COCO, "annotation 1: category_id must be a number"),
    ],
)
def test_wrong_annotations(content, keypoint_set, message):
    with pytest.raises(InputError, match=message):
        check_document(content, keypoint_set, "file.json")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("aic", [{"image_id": "a"}], "entry 1 is not AIC's"),
        ("mpii", [{"image": "a.jpg"}], "entry 0 has no center, joints, joints_vis, scale"),
        ("mpii", [mpii_row(joints=[[0, 0]])], "entry 0 has 1 joints, MPII has 16"),
        ("mpii-trb", {"images": [], "annotations": [{"id": 1}]}, "not MPII-TRB"),
        (
            "mpii-trb",
            {"annotations": [{"id": 1, "center": [5, 5], "scale": 0, "keypoints": []}]},
            "annotation 1: scale must be above 0",
        ),
    ],
)
def test_wrong_benchmark_files(tmp_path, name, content, message):
    path = tmp_path / "file.json"
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match=message):
        read(name, path)


def test_unreadable_files(tmp_path):
    with pytest.raises(InputError, match="No such file"):
        read_json(tmp_path / "none.json")
    (tmp_path / "broken.json").write_text("{")
    with pytest.raises(InputError, match="is not JSON"):
        read_json(tmp_path / "broken.json")
    (tmp_path / "broken.mat").write_text("no matrices")
    with pytest.raises(InputError, match="no MATLAB file"):
        read("mpii", tmp_path / "broken.mat")
    with pytest.raises(InputError, match=r"looked for Sub1_test\.json"):
        read("jhmdb", tmp_path)
