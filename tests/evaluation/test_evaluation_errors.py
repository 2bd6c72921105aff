"""Jitter, inversion, swap and miss, put in by hand and found again."""

import numpy as np
import pytest

from evaluation.annotations import check_document
from evaluation.errors import KINDS, ap_by_joints, ap_without, count_errors, worst_images
from evaluation.oks import OksRules, evaluate
from models.keypoints import COCO

RULES = OksRules(COCO)
AREA = 10_000.0
LEFT_WRIST, RIGHT_WRIST = COCO.index("left_wrist"), COCO.index("right_wrist")


def pose(left):
    """Joints far enough apart that none is near another."""
    return np.column_stack((left + 100.0 * (np.arange(17) % 4), 100.0 * (np.arange(17) // 4)))


def document(*people):
    annotations = [
        {
            "id": i,
            "image_id": 1,
            "bbox": [0, 0, 400, 500],
            "area": AREA,
            "keypoints": np.column_stack((points, np.full(17, 2))).reshape(-1).tolist(),
        }
        for i, points in enumerate(people, 1)
    ]
    return check_document({"images": [{"id": 1}], "annotations": annotations}, COCO, "test")


def predictions(*people):
    return [
        {
            "image_id": 1,
            "score": 1.0 - 0.1 * i,
            "keypoints": np.column_stack((points, np.ones(17))).reshape(-1).tolist(),
        }
        for i, points in enumerate(people)
    ]


def at_similarity(similarity, joint):
    """The distance at which a keypoint's similarity is this."""
    return 2 * COCO.sigmas[joint] * np.sqrt(-2 * AREA * np.log(similarity))


def moved(kind):
    """Two people's poses; the first one's left wrist is wrong in the way named."""
    first, second = pose(0.0), pose(2000.0)
    wrong = first.copy()
    wrong[LEFT_WRIST] = {
        "good": first[LEFT_WRIST] + [at_similarity(0.86, LEFT_WRIST), 0],
        "jitter": first[LEFT_WRIST] + [at_similarity(0.84, LEFT_WRIST), 0],
        "inversion": first[RIGHT_WRIST],
        "swap": second[RIGHT_WRIST],
        "miss": first[LEFT_WRIST] + [0, at_similarity(0.4, LEFT_WRIST)],
    }[kind]
    return first, second, wrong


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_found(kind):
    first, second, wrong = moved(kind)
    counts = count_errors(evaluate(document(first, second), predictions(wrong, second), RULES))
    assert counts.sum() == 34
    expected = np.array([34, 0, 0, 0, 0])
    expected[0] -= 1
    expected[KINDS.index(kind)] += 1
    assert counts.sum(axis=0).tolist() == expected.tolist()
    assert counts[LEFT_WRIST, KINDS.index(kind)] >= 1


@pytest.mark.parametrize("kind", KINDS[1:])
def test_mending_a_kind_brings_its_ap_back(kind):
    first, second, wrong = moved(kind)
    near = np.array([(0, at_similarity(0.6, joint)) for joint in range(17)])
    wrong[10:] = {  # more of the same, so that it costs AP
        "jitter": first + near,
        "inversion": first[COCO.flip_index],
        "swap": second,
        "miss": first + 3 * near,
    }[kind][10:]
    annotated = document(first, second)
    result = evaluate(annotated, predictions(wrong, second), RULES)
    mended = ap_without(annotated, result)
    assert result.metrics["AP"] < 1
    assert mended["all four"] == pytest.approx(1)
    assert mended[kind] >= max(ap for name, ap in mended.items() if name not in (kind, "all four"))


def test_unlabelled_joints_are_not_counted():
    first, second = pose(0.0), pose(2000.0)
    annotated = document(first, second)
    annotated["annotations"][0]["keypoints"][2] = 0
    counts = count_errors(evaluate(annotated, predictions(first, second), RULES))
    assert counts[0].sum() == 1


def test_ap_by_number_of_joints():
    """Somebody with 3 labelled joints is found, somebody with 17 is not."""
    first, second = pose(0.0), pose(2000.0)
    annotated = document(first, second)
    annotated["annotations"][0]["keypoints"][9:] = [0] * 42
    annotated["annotations"][0]["num_keypoints"] = 3
    groups = ap_by_joints(annotated, predictions(first), RULES)
    assert groups == {
        "1–5": (pytest.approx(1), 1),
        "6–10": (-1, 0),
        "11–15": (-1, 0),
        "16–17": (0, 1),
    }


def test_worst_images_first():
    first, second = pose(0.0), pose(2000.0)
    annotated = document(first, second)
    annotated["images"].append({"id": 2})
    annotated["annotations"].append({**annotated["annotations"][0], "id": 3, "image_id": 2})
    half_found = [*predictions(first), {**predictions(first)[0], "image_id": 2}]
    ranked = worst_images(evaluate(annotated, half_found, RULES), 5)
    assert [(image.image_id, loss) for image, loss in ranked] == [(1, pytest.approx(1))]
