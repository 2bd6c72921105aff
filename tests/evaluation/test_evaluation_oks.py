"""AP and AR by OKS against the official programs' figures, and their rules one by one."""

import copy

import numpy as np
import pytest

from evaluation.annotations import check_document, read_json
from evaluation.oks import OksRules, evaluate
from evaluation.rescoring import keep_poses, pose_scores
from models.errors import InputError
from models.keypoints import AIC, COCO, CROWDPOSE, MHP


def close(ours, reference, tolerance=1e-9):
    assert {k: ours[k] for k in reference} == pytest.approx(reference, abs=tolerance)


@pytest.mark.parametrize("case", ["coco_1_perfect", "coco_3_hard"])
def test_coco_figures(shared, case):
    folder = shared / "reference" / "eval" / case
    expected = read_json(folder / "expected.json")
    document = check_document(read_json(folder / "gt.json"), COCO, case)
    result = evaluate(document, read_json(folder / "detections.json"))
    close(result.metrics, expected["keypoints"])
    close(result.ap_by_threshold, expected["keypoints_AP_per_oks_threshold"])


@pytest.mark.parametrize("program", ["xtcocotools", "official_crowdposetools"])
def test_crowdpose_figures(shared, program):
    folder = shared / "reference" / "eval" / "crowdpose"
    document = check_document(read_json(folder / "gt.json"), CROWDPOSE, "gt")
    result = evaluate(
        document, read_json(folder / "detections.json"), OksRules(CROWDPOSE, area="box", crowding=True)
    )
    close(result.metrics, read_json(folder / "expected.json")[program])


@pytest.mark.parametrize(
    "setting", ["joint_thr=0.2,oks_thr=0.9", "joint_thr=0.2,oks_thr=0.6", "joint_thr=0.4,oks_thr=0.9"]
)
@pytest.mark.parametrize("soft", [False, True])
def test_rescoring_and_suppression(shared, setting, soft):
    folder = shared / "reference" / "eval" / "coco_rescore_nms"
    expected = read_json(folder / "expected.json")[setting]
    figures = expected.get("mmpose_soft_oks_nms" if soft else "mmpose_oks_nms")
    if figures is None:
        pytest.skip("no figures for this setting")
    joint_threshold, oks_threshold = (float(part.split("=")[1]) for part in setting.split(","))
    data = np.load(folder / "input.npz")
    poses, boxes, images = (data[n] for n in ("keypoints_xy_score", "center_scale_area_boxscore", "image_id"))
    scores = pose_scores(boxes[:, 5], poses[..., 2], joint_threshold)
    kept = keep_poses(images, poses[..., :2], scores, boxes[:, 4], COCO.sigmas, oks_threshold, soft)
    if not soft:
        assert len(kept) == expected["kept"]
        assert sorted(scores[kept])[::-1] == pytest.approx(expected["scores_sorted"], abs=1e-6)
    predictions = [
        {
            "image_id": int(images[i]),
            "keypoints": poses[i].astype(float).reshape(-1).tolist(),
            "score": scores[i],
        }
        for i in kept
    ]
    document = check_document(read_json(folder / "gt.json"), COCO, "gt")
    ours = evaluate(document, predictions).metrics
    assert list(ours.values()) == pytest.approx(list(figures.values()), abs=1e-6)


@pytest.mark.parametrize("precision", [np.float32, np.float64])
def test_keypoint_scores_at_the_threshold_do_not_count(precision):
    scores = np.array([[0.2, 0.5, 0.7], [0.2, 0.2, 0.1]], precision)
    assert pose_scores(np.array([0.5, 1]), scores) == pytest.approx([0.3, 0])


def person(person_id, points, box, visibility=2, **more):
    triples = np.column_stack((points, np.full(len(points), visibility)))
    fields = {"image_id": 1, "category_id": 1, "iscrowd": 0, "bbox": box}
    return {"id": person_id, **fields, "keypoints": triples.reshape(-1).tolist(), **more}


def one_image(keypoint_set, *people):
    document = {
        "images": [{"id": 1, "file_name": "1.jpg"}],
        "annotations": [copy.deepcopy(p) for p in people],
    }
    return check_document(document, keypoint_set, "test")


def prediction(points, score=1.0, **more):
    triples = np.column_stack((points, np.ones(len(points))))
    return {"image_id": 1, "keypoints": triples.reshape(-1).tolist(), "score": score, **more}


@pytest.mark.parametrize(
    ("rules", "area"),
    [
        (OksRules(COCO), 5000.0),
        (OksRules(AIC, area="box"), 0.53 * 100 * 100),
        (OksRules(MHP, area="box"), 0.53 * 100 * 100),
    ],
)
def test_oks_by_hand(rules, area):
    """All joints moved by d: OKS = mean of exp(−d² / (2·area·(2σ)²)); AP counts the thresholds below it."""
    k = len(rules.keypoint_set)
    points = np.random.default_rng(0).uniform(0, 100, (k, 2))
    shift = 3.0
    document = one_image(rules.keypoint_set, person(1, points, [0, 0, 100, 100], area=5000.0))
    result = evaluate(document, [prediction(points + np.array([shift, 0]))], rules)
    expected = np.mean(np.exp(-(shift**2) / (2 * np.array(rules.keypoint_set.sigmas)) ** 2 / area / 2))
    assert result.images[0].oks[0, 0] == pytest.approx(expected, rel=1e-12)
    assert result.metrics["AP"] == pytest.approx(np.mean(expected >= np.linspace(0.5, 0.95, 10)))


@pytest.mark.parametrize(
    ("fields", "ap"), [({"num_keypoints": 0}, -1), ({"id": 0}, 0)], ids=["said to have no keypoint", "id 0"]
)
def test_people_whom_pycocotools_does_not_count_and_xtcocotools_does(fields, ap):
    points = np.random.default_rng(0).uniform(0, 100, (17, 2))
    document = one_image(COCO, person(1, points, [0, 0, 100, 100], area=5000.0) | fields)
    assert evaluate(document, [prediction(points)]).metrics["AP"] == ap
    figures = evaluate(document, [prediction(points)], OksRules(xtcocotools=True)).metrics
    assert figures["AP"] == pytest.approx(1)


def test_blank_predictions_left_out():
    points = np.random.default_rng(0).uniform(0, 100, (17, 2))
    document = one_image(COCO, person(1, points, [0, 0, 100, 100], area=5000.0))
    blank = prediction(points + 500, score=2.0)
    blank["keypoints"][2::3] = [0] * 17
    wrong_first = [blank, prediction(points)]
    assert evaluate(document, wrong_first, OksRules()).metrics["AP"] == pytest.approx(0.5)
    assert evaluate(document, wrong_first, OksRules(xtcocotools=True)).metrics["AP"] == pytest.approx(1)


def test_person_without_joints_takes_what_is_near():
    points = np.random.default_rng(0).uniform(0, 100, (17, 2))
    unlabelled = person(2, np.zeros((17, 2)), [200, 0, 100, 100], visibility=0, area=5000.0)
    document = one_image(COCO, person(1, points, [0, 0, 100, 100], area=5000.0), unlabelled)
    near = evaluate(document, [prediction(points, 0.5), prediction(points + np.array([250, 0]), 1.0)])
    far = evaluate(document, [prediction(points, 0.5), prediction(points + np.array([900, 0]), 1.0)])
    assert near.metrics["AP"] == pytest.approx(1)  # neither right nor wrong
    assert far.metrics["AP"] == pytest.approx(0.5)


def test_twenty_predictions_count():
    points = np.random.default_rng(0).uniform(0, 100, (17, 2))
    document = one_image(COCO, person(1, points, [0, 0, 100, 100], area=5000.0))
    wrong = [prediction(points + 900, 2.0) for _ in range(20)]
    assert evaluate(document, [*wrong[:19], prediction(points)]).metrics["AR"] == 1
    assert evaluate(document, [*wrong, prediction(points)]).metrics["AR"] == 0


def test_inputs_stay_as_they_were():
    points = np.random.default_rng(0).uniform(0, 100, (17, 2))
    document = one_image(COCO, person(1, points, [0, 0, 100, 100], area=5000.0))
    predictions = [prediction(points)]
    before = copy.deepcopy((document, predictions))
    evaluate(document, predictions, OksRules(area="box", xtcocotools=True))
    assert (document, predictions) == before


@pytest.mark.parametrize("predictions", [[], [prediction(np.zeros((17, 2)))]])
def test_no_annotations(predictions):
    assert set(evaluate(one_image(COCO), predictions).metrics.values()) == {-1.0}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"image_id": 7}, r"1 images that the annotations do not list \(first: 7\)"),
        ({"keypoints": [0.0] * 42}, "prediction 0 has 14 keypoints, coco has 17"),
        ({"score": None}, "prediction 0 lacks score"),
        ({"score": "high"}, "prediction 0: score must be a number, not high"),
        ({"image_id": [1]}, r"prediction 0: image_id must be a number, not \[1\]"),
        ({"category_id": [1]}, "prediction 0: category_id must be a number"),
        ({"keypoints": 5}, "prediction 0: keypoints must be 51 numbers, not 5"),
        ({"keypoints": ["1"] * 51}, "prediction 0: keypoints must be 51 numbers"),
        ({"bbox": [1, 2]}, "prediction 0: bbox must be 4 numbers"),
    ],
)
def test_wrong_predictions(change, message):
    points = np.zeros((17, 2))
    wrong = {k: v for k, v in {**prediction(points), **change}.items() if v is not None}
    with pytest.raises(InputError, match=message):
        evaluate(one_image(COCO, person(1, points, [0, 0, 9, 9])), [wrong])


def test_boxes_belong_to_all_predictions_or_none():
    points = np.random.default_rng(0).uniform(0, 100, (17, 2))
    document = one_image(COCO, person(1, points, [0, 0, 9, 9]))
    plain, boxed = prediction(points), prediction(points, bbox=[0, 0, 9, 9])
    with pytest.raises(InputError, match="prediction 1: bbox must be 4 numbers, not None"):
        evaluate(document, [boxed, plain])
    assert evaluate(document, [plain, boxed]).metrics["AR"] == 1
