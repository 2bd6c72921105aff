"""The command lines of the benchmarks, as subprocesses: figures, exit statuses, bad input in one line."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from models.keypoints import COCO

ROOT = Path(__file__).parents[2]
KEYS = ["AP", "AP50", "AP75", "AP_M", "AP_L", "AR", "AR50", "AR75", "AR_M", "AR_L"]


def run(*arguments):
    command = [sys.executable, "-m", "evaluation", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def scored(tmp_path, *arguments):
    output = tmp_path / "figures.json"
    done = run(*arguments, "--json", output)
    assert done.returncode == 0, done.stderr
    return json.loads(output.read_text())["metrics"], done.stdout


@pytest.mark.parametrize(
    ("benchmark", "case", "extra", "program"),
    [
        ("coco", "coco_3_hard", [], "keypoints"),
        ("crowdpose", "crowdpose", ["AP_easy", "AP_medium", "AP_hard"], "official_crowdposetools"),
    ],
)
def test_scoring_a_file(shared, tmp_path, benchmark, case, extra, program):
    folder = shared / "reference" / "eval" / case
    metrics, printed = scored(
        tmp_path, benchmark, "--gt", folder / "gt.json", "--pred", folder / "detections.json"
    )
    assert list(metrics) == KEYS + extra
    expected = json.loads((folder / "expected.json").read_text())[program]
    assert {k: metrics[k] for k in expected} == pytest.approx(expected, abs=1e-9)
    assert f"{expected['AP']:.3f}" in printed


def test_scoring_mpii_matrices(shared, tmp_path):
    folder = shared / "reference" / "eval" / "mpii"
    data = np.load(folder / "input.npz")
    matrices = {
        "pos_gt_src": data["gt_1based"].transpose(1, 2, 0),
        "headboxes_src": data["head_boxes_x1y1_x2y2"],
        "jnt_missing": data["joint_missing"].T,
    }
    savemat(tmp_path / "gt_valid.mat", matrices)
    savemat(tmp_path / "pred.mat", {"preds": data["pred_0based"] + 1})
    metrics, _ = scored(tmp_path, "mpii", "--gt", tmp_path / "gt_valid.mat", "--pred", tmp_path / "pred.mat")
    expected = json.loads((folder / "expected.json").read_text())["microsoft_human_pose_estimation"]
    assert {name: metrics[name] for name in expected} == pytest.approx(expected, abs=1e-6)


def test_scoring_imports_no_network_library(shared):
    folder = shared / "reference" / "eval" / "coco_1_perfect"
    code = (
        "import sys; from evaluation.__main__ import main;"
        f"main(['coco', '--gt', r'{folder / 'gt.json'}', '--pred', r'{folder / 'detections.json'}']);"
        "assert not {'torch', 'cv2', 'openvino'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_list_names_every_benchmark():
    done = run("--list")
    assert done.returncode == 0
    for name in ("posetrack18", "coco", "ochuman", "crowdpose", "aic", "mhp", "mpii", "mpii-trb", "jhmdb"):
        assert f"{name} " in done.stdout


@pytest.fixture
def data(tmp_path):
    """A COCO folder with one person and a prediction of her."""
    (tmp_path / "annotations").mkdir()
    keypoints = [float(v) for k in range(17) for v in (10 * k, 5 * k, 2)]
    person = {"id": 1, "image_id": 5, "bbox": [0, 0, 160, 80], "area": 6000, "keypoints": keypoints}
    gt = {"images": [{"id": 5, "file_name": "5.jpg"}], "annotations": [person]}
    (tmp_path / "annotations" / "person_keypoints_val2017.json").write_text(json.dumps(gt))
    (tmp_path / "pred.json").write_text(json.dumps([{"image_id": 5, "keypoints": keypoints, "score": 0.9}]))
    return tmp_path


def test_data_folder_and_report(data):
    done = run("coco", "--data", data, "--pred", data / "pred.json", "--report", data / "report")
    assert done.returncode == 0, done.stderr
    page = (data / "report" / "index.html").read_text()
    for part in ("COCO keypoints", "jitter", "left_wrist", "16–17", "the pictures are not at hand"):
        assert part in page


def test_annotation_id_zero_is_pointed_out(data):
    path = data / "annotations" / "person_keypoints_val2017.json"
    path.write_text(path.read_text().replace('"id": 1', '"id": 0'))
    done = run("coco", "--data", data, "--pred", data / "pred.json")
    assert done.returncode == 0
    assert "annotation id 0" in done.stdout


def test_empty_annotations(data):
    path = data / "annotations" / "person_keypoints_val2017.json"
    path.write_text(json.dumps({"images": [{"id": 5}], "annotations": []}))
    done = run("coco", "--data", data, "--pred", data / "pred.json")
    assert done.returncode == 0
    assert "hold nobody" in done.stdout


GT = "{data}/annotations/person_keypoints_val2017.json"
PRED = "{data}/pred.json"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("coco", "give either --model"),
        (f"coco --pred {PRED}", "give --data"),
        (f"coco --pred {PRED} --data {{data}}/none", "is not a folder"),
        (f"ochuman --pred {PRED} --data {{data}}", "looked for annotations/ochuman_coco"),
        (f"ochuman --pred {PRED} --data {{data}}", "person_keypoints_val2017.json"),
        (f"coco --pred {PRED} --gt none.json", "--gt 'none.json' does not exist"),
        ("coco --pred {data}/none.json --data {data}", "cannot read"),
        (f"coco --pred {GT} --data {{data}}", "a list of people"),
        (f"aic --pred {PRED} --gt {GT}", "aic has 14"),
        ("mpii --model default --boxes detect --gt {data}/list.json", "use --boxes gt"),
        ("coco --model default --data {data}", "no picture '5.jpg'"),
        (f"coco --model default --data {{data}} --boxes {PRED}", "detection 0 has no bbox"),
        ("coco --model default --data {data} --boxes none.json", "--boxes takes gt, detect or a JSON file"),
        ("coco --model default --data {data} --boxes {data}/text.json", "holds no detections"),
        ("coco --model default --data {data} --boxes {data}/short.json", "bbox must be 4 numbers"),
        ("coco --model default --data {data} --boxes {data}/score.json", "score must be a number"),
        (f"coco --model default --data {{data}} --pred {PRED} --batch 0", "--batch: '0': give a whole"),
        (f"coco --pred {PRED} --data {{data}} --json {{data}}", "is a folder"),
        (f"ochuman --pred {PRED} --gt {{data}}/odd.json", "the form of OCHuman's annotations (KeyError"),
        (f"coco --pred {PRED} --data {{data}} --flip-test --save x", "leave out --flip-test, --save"),
        ("posetrack18 --gt a --pred b --jobs 3", "no network runs: leave out --jobs"),
        (f"coco --pred {PRED} --data {{data}} --json {GT}", "it is an input"),
        (f"coco --pred {PRED} --data {{data}} --json {PRED}", "it is an input"),
        (f"coco --model {PRED} --data {{data}} --save {PRED}", "it is an input"),
        (f"coco --model default --boxes {PRED} --data {{data}} --json {PRED}", "it is an input"),
        ("coco --model default --data {data} --json {data}/a --save {data}/b/../a", "two outputs would be"),
        (f"coco --pred {PRED} --data {{data}} --report {PRED}", "cannot make the folder"),
        ("coco --model default --data {data} --box-threshold nan", "--box-threshold: 'nan': give a number"),
        ("coco --model default --data {data} --joint-threshold 2", "'2': give a number from 0 to 1"),
        ("coco --model default --data {data} --oks-nms=-1", "'-1': give a number from 0 to 1"),
        ("coco --model default --data {data} --box-threshold 0.5", "annotated boxes have no score"),
        ("--list --json {data}/a.json", "leave out --json"),
        ("cocoa", "did you mean coco"),
    ],
)
def test_bad_input_ends_in_one_line(data, arguments, message):
    person = {"image": "a.jpg", "center": [9, 9], "scale": 1, "joints": [[1, 1]] * 16, "joints_vis": [1] * 16}
    (data / "list.json").write_text(json.dumps([person]))
    odd = {"keypoint_names": COCO.names, "images": [{"file_name": "1.jpg"}]}
    (data / "odd.json").write_text(json.dumps(odd))
    box = {"image_id": 5, "bbox": [0, 0, 9, 9], "score": 1}
    for name, row in (("text", "5"), ("short", {**box, "bbox": [0, 0]}), ("score", {**box, "score": "1"})):
        (data / f"{name}.json").write_text(json.dumps([row]))
    done = run(*arguments.format(data=data).split())
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert message in done.stderr
