"""PCK, PCKh and their relatives against the official programs' figures and by hand."""

import numpy as np
import pytest

from evaluation.annotations import read_json
from evaluation.jhmdb import pck_row, person_sizes, torso_sizes
from evaluation.mpii import pckh_row, score
from evaluation.mpii_trb import accuracies
from evaluation.pck import auc, hit_rates, mean_distance, normalised_distances, pck
from models.keypoints import JHMDB, MPII


@pytest.fixture
def jhmdb(shared):
    folder = shared / "reference" / "eval" / "jhmdb"
    data = np.load(folder / "input.npz")
    arrays = {name: data[name] for name in data.files}
    return arrays, read_json(folder / "expected.json"), read_json(folder / "pck_family_expected.json")


def test_jhmdb_rows(jhmdb):
    data, expected, _ = jhmdb
    truth, predicted = data["gt"], data["pred"]
    by_size = (
        normalised_distances(predicted, truth, data["visible"], person_sizes(data["bboxes_xyxy"])),
        normalised_distances(predicted, truth, data["visible"], torso_sizes(truth, predicted)),
    )
    for threshold, figures in expected["mmpose_1_3_2_by_threshold"].items():
        ours = [value for distances in by_size for value in pck_row(distances, float(threshold)).values()]
        assert ours == pytest.approx(list(figures.values()), abs=1e-6)


def test_pck_family(jhmdb):
    data, _, expected = jhmdb
    figures = expected["mmpose_1_3_2"]
    arrays = data["pred"], data["gt"], data["visible"]
    by_size = normalised_distances(*arrays, person_sizes(data["bboxes_xyxy"]))
    for threshold, value in figures["PCK_bbox"].items():
        assert pck(by_size, float(threshold)) == pytest.approx(value["PCK"], abs=1e-6)
    assert hit_rates(by_size, 0.2) == pytest.approx(figures["per_joint_PCK_bbox_0.2"], abs=1e-6)
    assert auc(normalised_distances(*arrays, 30)) == pytest.approx(figures["AUC_30_20"]["AUC"], abs=1e-6)
    assert mean_distance(normalised_distances(*arrays)) == pytest.approx(figures["EPE"]["EPE"], abs=1e-6)
    assert mean_distance(by_size) == pytest.approx(figures["NME_bbox"]["NME"], abs=1e-6)


@pytest.mark.parametrize(
    ("variant", "program"), [("microsoft", "microsoft_human_pose_estimation"), ("mmpose", "mmpose_1_3_2")]
)
def test_mpii_rows(shared, variant, program):
    folder = shared / "reference" / "eval" / "mpii"
    data = np.load(folder / "input.npz")
    corners = data["head_boxes_x1y1_x2y2"]
    row = pckh_row(
        data["pred_0based"] + 1,
        data["gt_1based"],
        data["joint_missing"] == 0,
        0.6 * np.linalg.norm(corners[1] - corners[0], axis=0),
        variant,
    )
    assert list(row.values()) == pytest.approx(
        list(read_json(folder / "expected.json")[program].values()), abs=1e-6
    )


def test_the_two_variants_differ_at_the_threshold():
    """Exactly half a head is a hit for the Microsoft code alone, 0.105 heads in its Mean@0.1 alone."""
    truth = np.zeros((1, 16, 2))
    visible = np.ones((1, 16), bool)
    heads = np.array([100.0])
    at_half, at_tenth = truth + np.array([50.0, 0]), truth + np.array([10.5, 0])
    rows = {v: pckh_row(at_half, truth, visible, heads, v) for v in ("microsoft", "mmpose")}
    assert (rows["microsoft"]["Mean"], rows["mmpose"]["Mean"]) == (pytest.approx(100), 0)
    rows = {v: pckh_row(at_tenth, truth, visible, heads, v) for v in ("microsoft", "mmpose")}
    assert (rows["microsoft"]["Mean@0.1"], rows["mmpose"]["Mean@0.1"]) == (pytest.approx(100), 0)


def test_pelvis_and_thorax_are_not_in_the_mean():
    truth = np.zeros((1, 16, 2))
    wrong = truth.copy()
    wrong[:, 6:8] = 1000
    row = pckh_row(wrong, truth, np.ones((1, 16), bool), np.array([100.0]))
    assert row["Mean"] == pytest.approx(100)


def test_a_joint_that_nobody_has():
    """0/0 in the Microsoft code; a stand-in of −1 in MMPose, which its means leave out."""
    truth, visible, heads = np.zeros((1, 16, 2)), np.ones((1, 16), bool), np.array([100.0])
    visible[:, [MPII.index("left_wrist"), MPII.index("pelvis")]] = False
    rows = {v: pckh_row(truth, truth, visible, heads, v) for v in ("microsoft", "mmpose")}
    assert [rows["microsoft"][name] for name in ("Elbow", "Wrist", "Mean", "Mean@0.1")] == pytest.approx(
        [100, np.nan, np.nan, np.nan], nan_ok=True
    )
    assert [rows["mmpose"][name] for name in ("Elbow", "Wrist", "Mean", "Mean@0.1")] == pytest.approx(
        [100, 0, 100, 100]
    )
    distances = np.zeros((2, 15))
    distances[:, [JHMDB.index("head"), JHMDB.index("left_knee")]] = np.nan
    row = pck_row(distances)
    assert [row[name] for name in ("Head", "Knee", "Elb", "Mean")] == [-1, 0, 1, 1]


def test_mpii_notes_what_is_not_official():
    keypoints = np.column_stack((np.zeros((16, 2)), np.full(16, 2)))
    keypoints[MPII.index("left_wrist"), 2] = 0
    person = {"id": 1, "image_id": 1, "keypoints": keypoints.ravel().tolist(), "head_size": 60.0}
    (note,) = score({"annotations": [person]}, np.zeros((1, 16, 2))).notes
    assert note.startswith("nobody has left_wrist annotated")
    assert "of the other joints is 100.0" in note
    keypoints[:, 2] = 2
    person |= {"keypoints": keypoints.ravel().tolist(), "head_size_estimated": True}
    (note,) = score({"annotations": [person]}, np.zeros((1, 16, 2))).notes
    assert note.startswith("1 of 1 head sizes are estimated")


def test_trb_accuracy_by_hand():
    """Two people, diagonal 100: nearer than 30 pixels is a hit."""
    truth = np.zeros((2, 40, 2))
    predicted = truth.copy()
    predicted[0, 0] = [30, 0]  # exactly the threshold: no hit
    predicted[1, 14:] = [0, 29.9]
    predicted[0, 14:] = [0, 31]
    visible = np.ones((2, 40), bool)
    visible[1, :14] = False
    figures = accuracies(predicted, truth, visible, np.array([100.0, 100.0]))
    assert figures == pytest.approx(
        {"Skeleton Acc": 13 / 14, "Contour Acc": 26 / 52, "Mean Acc": (13 + 26) / (14 + 52)}
    )


def test_people_without_size_count_nowhere():
    truth = np.zeros((2, 3, 2))
    distances = normalised_distances(truth + 1, truth, np.ones((2, 3)), np.array([0.0, 10.0]))
    assert np.isnan(distances[0]).all()
    assert distances[1] == pytest.approx(np.sqrt(2) / 10)


def test_a_head_of_size_0():
    """Missed by the Microsoft code; left out by MMPose, whose Mean@0.1 divides by a million instead."""
    truth, visible, heads = np.zeros((2, 16, 2)), np.ones((2, 16), bool), np.array([100.0, 0.0])
    rows = {v: pckh_row(truth + 8, truth, visible, heads, v) for v in ("microsoft", "mmpose")}
    means = {v: (row["Wrist"], row["Mean"], row["Mean@0.1"]) for v, row in rows.items()}
    assert means["microsoft"] == pytest.approx((50, 50, 0))
    assert means["mmpose"] == pytest.approx((100, 100, 50))


def test_distances_in_pixels_stay_in_single_precision():
    rng = np.random.default_rng(0)
    truth, predicted = rng.uniform(0, 300, (2, 99, 15, 2)).astype(np.float32)
    expected = np.linalg.norm(predicted - truth, axis=-1)
    np.testing.assert_array_equal(normalised_distances(predicted, truth, np.ones((99, 15))), expected)


def test_nothing_annotated():
    nothing = np.full((2, 3), np.nan)
    assert (pck(nothing, 0.5), mean_distance(nothing), auc(nothing)) == (0, 0, 0)
    assert np.isnan(hit_rates(nothing, 0.5)).all()
