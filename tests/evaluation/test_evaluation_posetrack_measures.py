"""What must hold for any input: properties, and figures computed by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from evaluation.posetrack.assignment import assign
from evaluation.posetrack.hota import THRESHOLDS, hota
from evaluation.posetrack.identity import identity, trajectories
from evaluation.posetrack.joints import JOINTS, table_row
from evaluation.posetrack.measures import measure
from evaluation.posetrack.protocol import POSEVAL, STRICT, Protocol
from evaluation.posetrack.regions import inside_regions
from evaluation.posetrack.scoring import PoseTrackResult, evaluate, evaluate_pairs
from evaluation.posetrack.sequences import People, PoseSequence
from evaluation.posetrack.table import to_json
from evaluation.posetrack.writing import posetrack18
from models.errors import InputError
from models.files import write_json

HEAD = 30.0
CASE = Path("reference") / "posetrack18" / "case_3"


def sequence(rows: list[tuple[int, int, float]], frames: int, name: str = "000001_mpii_test") -> PoseSequence:
    """A sequence of people given as (frame, track id, x): all joints at (x, 100), head size 30."""
    count = len(rows)
    frame, track, x = (np.array(values) for values in zip(*rows, strict=True)) if rows else np.zeros((3, 0))
    keypoints = np.full((count, len(JOINTS), 2), 100.0)
    keypoints[:, :, 0] = np.asarray(x, float)[:, None]
    people = People(
        frames=frame.astype(np.int64),
        track_ids=track.astype(np.int64),
        keypoints=keypoints,
        present=np.ones((count, len(JOINTS)), bool),
        scores=np.linspace(0.9, 0.1, count * len(JOINTS)).reshape(count, len(JOINTS)),
        head_sizes=np.full(count, HEAD),
        heights=np.full(count, 200.0),
        box_scores=np.ones(count),
    )
    return PoseSequence(
        name=name,
        file_names=tuple(f"images/val/{name}/{i:06d}.jpg" for i in range(frames)),
        frame_ids=tuple(range(frames)),
        labelled=np.ones(frames, bool),
        annotated=np.bincount(people.frames, minlength=frames) > 0,
        people=people,
    )


def scored(truth: list, prediction: list, frames: int) -> PoseTrackResult:
    return evaluate_pairs([(sequence(truth, frames), sequence(prediction, frames))], STRICT)


ALONE = [(frame, 1, 100.0) for frame in range(10)]


def test_hota_of_a_perfect_track_is_100() -> None:
    result = scored(ALONE, [(f, 7, x) for f, _, x in ALONE], 10)
    np.testing.assert_allclose(hota(result.pairs, result.frames).hota, 100)


def test_hota_of_a_track_cut_in_two() -> None:
    """One person in 10 frames, tracked exactly as two ids of 5 frames: DetA 1, AssA 5 / 10."""
    cut = [(f, 7 if f < 5 else 8, x) for f, _, x in ALONE]
    result = scored(ALONE, cut, 10)
    measured = hota(result.pairs, result.frames)
    np.testing.assert_allclose(measured.det_a, 100)
    np.testing.assert_allclose(measured.ass_a, 50)
    np.testing.assert_allclose(measured.ass_re, 50)
    np.testing.assert_allclose(measured.ass_pr, 100)
    np.testing.assert_allclose(measured.hota, 100 * np.sqrt(0.5))


def test_hota_falls_where_the_similarity_ends() -> None:
    """Joints 6 px (0.2 heads) off are 1 − 0.2 / 0.5001 alike: matches up to that threshold and none above."""
    result = scored(ALONE, [(f, 7, x + 6) for f, _, x in ALONE], 10)
    measured = hota(result.pairs, result.frames)
    similarity = 1 - 0.2 / 0.5001
    np.testing.assert_allclose(
        measured.hota, np.tile(np.where(similarity >= THRESHOLDS, 100.0, 0.0), (15, 1))
    )
    np.testing.assert_allclose(measured.loc_a[:, 0], 100 * similarity)
    np.testing.assert_allclose(measured.loc_a[:, -1], 100)  # as TrackEval: no match, nothing badly located


def test_hota_of_missed_and_invented_frames() -> None:
    """Found in 6 of 10 frames, and 2 more predictions elsewhere by another id: DetA 6/12, AssA 6/10."""
    prediction = [(f, 7, x) for f, _, x in ALONE[:6]] + [(6, 9, 500.0), (7, 9, 500.0)]
    result = scored(ALONE, prediction, 10)
    measured = hota(result.pairs, result.frames)
    np.testing.assert_allclose(measured.det_a, 50)
    np.testing.assert_allclose(measured.det_re, 60)
    np.testing.assert_allclose(measured.det_pr, 75)
    np.testing.assert_allclose(measured.ass_a, 60)
    np.testing.assert_allclose(measured.hota, 100 * np.sqrt(0.5 * 0.6))


def test_hota_prefers_the_track_that_goes_together_over_the_nearer_one() -> None:
    """Id 7 follows exactly but is 3 px off in the last frame, where id 8 appears once, nearer."""
    truth = ALONE
    prediction = [(f, 7, x + 3.0 * (f == 9)) for f, _, x in ALONE] + [(9, 8, 101.0)]
    result = scored(truth, prediction, 10)
    aligned, nearest = (hota(result.pairs, result.frames, align=align) for align in (True, False))
    np.testing.assert_allclose(aligned.ass_a[:, 0], 100)
    np.testing.assert_allclose(nearest.ass_a[:, 0], 100 * (9 * 9 / 11 + 1 / 10) / 10)


@pytest.mark.parametrize(
    ("cut", "idf1", "idp", "idr"),
    [(10, 100, 100, 100), (5, 50, 50, 50), (8, 80, 80, 80)],
)
def test_identity_counts_the_longer_part_of_a_cut_track(
    cut: int, idf1: float, idp: float, idr: float
) -> None:
    result = scored(ALONE, [(f, 7 if f < cut else 8, x) for f, _, x in ALONE], 10)
    measured = identity(result.pairs, result.frames)
    np.testing.assert_allclose([measured.idf1[0], measured.idp[0], measured.idr[0]], [idf1, idp, idr])


def test_identity_with_misses_and_false_positives() -> None:
    """6 right of 10 annotated and 8 predicted: IDF1 = 12 / 18."""
    prediction = [(f, 7, x) for f, _, x in ALONE[:6]] + [(6, 7, 500.0), (7, 7, 500.0)]
    measured = identity(*(getattr(scored(ALONE, prediction, 10), part) for part in ("pairs", "frames")))
    np.testing.assert_allclose([measured.idf1[3], measured.idp[3], measured.idr[3]], [200 / 3, 75, 60])


def test_identity_is_a_global_choice() -> None:
    """Two people swap ids after 6 of 10 frames: each keeps the id of its longer part."""
    truth = [(f, person, 100.0 + 200 * person) for f in range(10) for person in (0, 1)]
    swapped = [(f, person if f < 6 else 1 - person, x) for f, person, x in truth]
    result = scored(truth, swapped, 10)
    np.testing.assert_allclose(identity(result.pairs, result.frames).idf1, 60)
    assert result.counts is not None
    assert result.counts.total["switches"].tolist() == [2] * 15


@pytest.mark.parametrize(
    ("found", "tracked", "lost", "fragments"),
    [
        ("1111111111", 1, 0, 0),
        ("1111111100", 1, 0, 0),  # 80 % is mostly tracked; an end that is lost is no fragment
        ("1100111101", 0, 0, 2),
        ("0000000010", 0, 1, 0),
        ("0010000010", 0, 0, 1),  # 20 % is not mostly lost
        ("0000000000", 0, 1, 0),
    ],
)
def test_trajectories(found: str, tracked: int, lost: int, fragments: int) -> None:
    result = scored(ALONE, [(f, 7, x) for f, _, x in ALONE if found[f] == "1"], 10)
    assert result.matching is not None
    fate = trajectories(result.matching, result.frames)
    assert (fate.count[0], fate.mostly_tracked[0], fate.mostly_lost[0], fate.fragments[0]) == (
        1,
        tracked,
        lost,
        fragments,
    )


def test_strict_mota_by_hand() -> None:
    """10 objects; missed once, one false positive, one switch: 1 − 3/10. MOTP is 1 − the mean distance."""
    prediction = [(f, 7 if f < 5 else 8, x + 3) for f, _, x in ALONE if f != 2] + [(0, 9, 500.0)]
    result = scored(ALONE, prediction, 10)
    assert result.tracking is not None
    np.testing.assert_allclose(result.tracking.mota, 70)
    np.testing.assert_allclose(result.tracking.motp, 90)
    np.testing.assert_allclose(result.tracking.precision, 90)
    np.testing.assert_allclose(result.tracking.recall, 90)


def test_protocols_differ_where_they_say() -> None:
    """The last frame, and a frame with two people and no prediction."""
    truth = [(f, person, 100.0 + 200 * person) for f in range(4) for person in (0, 1)]
    prediction = [(f, person, x) for f, person, x in truth if f in (0, 1)]
    pair = sequence(truth, 4), sequence(prediction, 4)
    counts = {rules.name: evaluate_pairs([pair], rules).counts for rules in (POSEVAL, STRICT)}
    assert counts["poseval"] is not None
    assert counts["strict"] is not None
    for name, objects, misses, false_positives in (("poseval", 5, 1, 1), ("strict", 8, 4, 0)):
        total = counts[name].total
        assert (total["objects"][0], total["misses"][0], total["false_positives"][0]) == (
            objects,
            misses,
            false_positives,
        )


def test_one_frame_sequences_count_only_in_the_strict_protocol() -> None:
    pair = sequence([(0, 1, 100.0)], 1), sequence([(0, 1, 100.0)], 1)
    assert evaluate_pairs([pair], STRICT).counts is not None
    assert evaluate_pairs([pair], POSEVAL, tracking=False).precision.ap[0] == 100
    with pytest.raises(InputError, match="only one evaluated frame"):
        evaluate_pairs([pair], POSEVAL)


def test_strict_counts_labelled_frames_without_people() -> None:
    """Two predictions where nobody is cost nothing officially and two false positives strictly."""
    prediction = [*ALONE, (10, 5, 300.0), (11, 5, 300.0)]
    pair = sequence(ALONE, 12), sequence(prediction, 12)
    official, strict = (evaluate_pairs([pair], rules) for rules in (POSEVAL, STRICT))
    assert (len(official.frames), len(strict.frames)) == (10, 12)
    assert strict.precision.precision[0] == pytest.approx(100 * 10 / 12)
    assert official.precision.precision[0] == 100


@pytest.mark.parametrize(
    ("rules", "message"),
    [(POSEVAL, "no frame with an annotated person"), (STRICT, "no frame that is labelled")],
)
def test_nothing_to_evaluate(rules: Protocol, message: str) -> None:
    empty = sequence([], 3)
    pair = replace(empty, labelled=np.zeros(3, bool)), empty
    with pytest.raises(InputError, match=message):
        evaluate_pairs([pair], rules)


def test_equal_scores_enter_the_strict_curve_together() -> None:
    """With one score for all, the order of people must not matter: precision 1/2 at recall 1."""
    prediction = sequence([(0, 1, 100.0), (0, 2, 500.0)], 1)
    truth = sequence([(0, 1, 100.0)], 1)
    for order in ([0, 1], [1, 0]):
        people = replace(prediction.people[np.array(order)], scores=np.full((2, 15), 0.5))
        result = evaluate_pairs([(truth, replace(prediction, people=people))], STRICT)
        np.testing.assert_allclose(result.precision.ap, 50)


def posetrack17(sequence: PoseSequence) -> dict:
    """The sequence in PoseTrack17's form (``annolist``): every number in a list of its own."""
    people = sequence.people
    entries: list[dict] = [
        {
            "image": [{"name": name}],
            "is_labeled": [int(sequence.labelled[frame])],
            "ignore_regions": [
                {"point": [{"x": [x], "y": [y]} for x, y in region.tolist()]}
                for region in sequence.ignore_regions.get(frame, [])
            ],
            "annorect": [],
        }
        for frame, name in enumerate(sequence.file_names)
    ]
    sides = np.nan_to_num(people.head_sizes / 0.6 / np.sqrt(2))
    for person, frame in enumerate(people.frames):
        points = [
            {"id": [joint], "x": [x], "y": [y], "score": [people.scores[person, joint]]}
            for joint, (x, y) in enumerate(people.keypoints[person])
            if people.present[person, joint]
        ]
        entries[frame]["annorect"].append(
            {
                "track_id": [people.track_ids[person]],
                "annopoints": [{"point": points}],
                **{corner: [0] for corner in ("x1", "y1")},
                **{corner: [sides[person]] for corner in ("x2", "y2")},
            }
        )
    return {"annolist": entries}


@pytest.fixture(scope="module")
def case(shared: Path) -> tuple[Path, dict]:
    folder = shared / CASE
    return folder, to_json(evaluate(folder / "gt", folder / "pred"))


@pytest.mark.parametrize("change", ["people", "ids", "names", "posetrack17", "rewritten"])
def test_what_must_change_nothing(case: tuple[Path, dict], change: str, tmp_path: Path) -> None:
    """Another order of people or of files, other ids, another format: the same figures."""
    folder, expected = case
    rng = np.random.default_rng(3)
    for side in ("gt", "pred"):
        for number, path in enumerate(sorted((folder / side).glob("*.json"))):
            content, name = json.loads(path.read_text()), path.name
            people = content["annotations"]
            if change == "people":
                rng.shuffle(people)
            elif change == "ids":
                new = dict(zip({p["track_id"] for p in people}, rng.permutation(5000).tolist(), strict=False))
                for person in people:
                    person["track_id"] = new[person["track_id"]]
            elif change == "names":
                name = f"{9 - number}.json"  # files are read in order of name
            elif change in ("posetrack17", "rewritten"):
                from evaluation.posetrack.formats import read_sequences

                read = read_sequences(path, POSEVAL, ground_truth=side == "gt")[0]
                content = posetrack17(read) if change == "posetrack17" else posetrack18(read)
            write_json(tmp_path / side / name, content)
    given = to_json(evaluate(tmp_path / "gt", tmp_path / "pred"))
    for part in ("AP", "MOT"):
        for key, values in expected[part].items():
            if isinstance(values, list):
                np.testing.assert_allclose(np.array(given[part][key]), np.array(values), rtol=0, atol=1e-9)


def test_parts_add_up_to_the_whole(case: tuple[Path, dict]) -> None:
    folder, _ = case
    result = evaluate(folder / "gt", folder / "pred")
    measures = measure(result)
    for parts in (measures.heights, measures.crowding):
        assert sum(part.people for part in parts) == len(result.frames.truth)
    assert measures.hota is not None
    assert ((measures.hota.hota >= 0) & (measures.hota.hota <= 100)).all()


def test_columns_are_means_and_total_leaves_out_what_is_unknown() -> None:
    values = np.arange(15, dtype=float)
    values[JOINTS.index("right_wrist")] = np.nan
    row = table_row(values)
    assert np.isnan(row["Wri"])
    assert row["Shou"] == (JOINTS.index("right_shoulder") + JOINTS.index("left_shoulder")) / 2
    assert row["Total"] == pytest.approx((sum(range(15)) - 6) / 14)


def test_regions_leave_their_border_in() -> None:
    concave = np.array([[0, 0], [10, 0], [10, 10], [5, 4], [0, 10]], float)
    points = np.array([[5, 2], [5, 8], [0, 5], [10, 10], [5, 4], [1, 7], [11, 5]], float)
    frames = np.zeros(len(points), np.int64)
    inside = inside_regions(points, frames, {0: [concave], 1: [concave + 100]}, 2)
    assert inside.tolist() == [True, False, False, False, False, True, False]


def test_assignment_is_the_best_of_all() -> None:
    """Against SciPy on random matrices, small groups (searched) and large ones (solved)."""
    from scipy.optimize import linear_sum_assignment

    rng = np.random.default_rng(0)
    for size in (2, 3, 6):
        weights = rng.uniform(0.1, 1, (20, size, size)) * (rng.random((20, size, size)) < 0.7)
        group, row, column = np.nonzero(weights)
        chosen = assign(group, group * size + row, group * size + column, weights[group, row, column])
        assert len(set(zip(group[chosen], row[chosen], strict=True))) == len(chosen)
        assert len(set(zip(group[chosen], column[chosen], strict=True))) == len(chosen)
        for number, matrix in enumerate(weights):
            best = matrix[linear_sum_assignment(matrix, maximize=True)].sum()
            mine = chosen[group[chosen] == number]
            assert weights[number, row[mine], column[mine]].sum() == pytest.approx(best)


# Events and sums of distances that motmetrics 1.4.0 gives for the scene below, joint by joint.
MOTMETRICS = {
    "misses": [4, 5, 5, 7, 4, 3, 6, 4, 9, 11, 6, 4, 4, 2, 10],
    "switches": [2, 3, 5, 6, 4, 3, 4, 8, 3, 3, 3, 4, 5, 7, 4],
    "false_positives": [6, 6, 5, 6, 5, 6, 7, 3, 6, 7, 7, 7, 6, 4, 5],
    "distance_of_events": [
        *(23.371823353, 15.653788345, 18.795429131, 14.328551344, 22.833687332),
        *(24.764182501, 18.148215536, 22.313900961, 15.029304846, 15.80701361),
        *(14.16919223, 17.395429131, 19.561114556, 21.68221547, 16.81947377),
    ],
}


def test_ties_are_broken_as_motmetrics_breaks_them() -> None:
    """A crowd on a coarse grid: nearly every assignment has several best choices."""
    frames, count = 6, 4
    rng = np.random.default_rng(1)
    sides = []
    for _ in range(2):
        crowd = sequence([(frame, track, 0.0) for frame in range(frames) for track in range(count)], frames)
        people = replace(
            crowd.people,
            keypoints=2.0 * rng.integers(0, 5, (frames * count, len(JOINTS), 2)),
            present=rng.random((frames * count, len(JOINTS))) < 0.9,
            head_sizes=np.full(frames * count, 10.0),
        )
        sides.append(replace(crowd, people=people))
    counts = evaluate_pairs([(sides[0], sides[1])], STRICT).counts
    assert counts is not None
    for name, expected in MOTMETRICS.items():
        np.testing.assert_allclose(counts.total[name], expected, rtol=0, atol=1e-8, err_msg=name)
