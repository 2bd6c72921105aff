"""Exports run elsewhere with the same results, and the command line that writes them."""

import json
import subprocess
import sys
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from models.__main__ import main
from models.architectures import create_pose_network
from models.checkpoints import load_pose_network, save_pose_network
from models.errors import InputError, exit_status
from models.export import DecodedNetwork, export
from models.heatmaps import cells_to_input, decode
from models.key_layouts import POSE_RESNET_PREFIXES, from_ours, to_ours
from models.pose_resnet import PoseResNet

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("suffix", [".onnx", ".xml", ".torchscript"])
@pytest.mark.parametrize("preprocessing", [True, False])
@pytest.mark.parametrize("decoding", [True, False])
def test_every_kind_is_written_run_and_compared(
    tiny: PoseResNet, tmp_path: Path, suffix: str, preprocessing: bool, decoding: bool
) -> None:
    if suffix == ".onnx":
        pytest.importorskip("onnxruntime")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = export(tiny, tmp_path / f"m{suffix}", preprocessing, decoding)
    assert set(result.differences) == ({"keypoints", "scores"} if decoding else {"heatmaps"})
    files = {path.name for path in tmp_path.iterdir()}
    assert files == ({"m.xml", "m.bin"} if suffix == ".xml" else {f"m{suffix}"})


@pytest.mark.parametrize("decoding", ["argmax", "quarter", "quarter_mmpose", "quarter_mindpose"])
@pytest.mark.parametrize("convention", [{"half_pixel": True}, {"half_pixel": False}, {"udp": True}])
def test_decoding_in_the_graph_is_the_decoding(
    tiny: PoseResNet, shared: Path, decoding: str, convention: dict[str, bool]
) -> None:
    """On real-looking maps with ties, borders and blanks."""
    maps = np.load(shared / "reference/decode/heatmap_decode.npz")["heatmaps"]
    d = replace(tiny.description, input_size=(256, 192), decoding=decoding, **convention)
    with torch.inference_mode():
        points, scores = DecodedNetwork(torch.nn.Identity(), d)(torch.from_numpy(maps))
    cells, expected = decode(maps, decoding)
    pixels = cells_to_input(cells, d.cell_size, d.half_pixel and not d.udp)
    np.testing.assert_allclose(points.numpy(), pixels, atol=1e-3)
    np.testing.assert_allclose(scores.numpy(), expected)


def test_what_cannot_be_exported(tiny: PoseResNet, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"ends in \.onnx"):
        export(tiny, tmp_path / "m.tflite")
    tiny.description = replace(tiny.description, decoding="dark")
    with pytest.raises(InputError, match="decoding 'dark' cannot go into the graph"):
        export(tiny, tmp_path / "m.torchscript", decoding=True)
    for tolerance in (0, float("nan")):
        with pytest.raises(InputError, match="give a positive number"):
            export(tiny, tmp_path / "m.torchscript", tolerance=tolerance)
    assert not list(tmp_path.iterdir())


def test_a_difference_above_the_tolerance_leaves_the_old_file(tiny: PoseResNet, tmp_path: Path) -> None:
    path = tmp_path / "m.xml"
    path.write_text("old")
    with pytest.raises(InputError, match=r"differ from PyTorch's by .* nothing was written"):
        export(tiny, path, tolerance=1e-30)
    assert [p.name for p in tmp_path.iterdir()] == ["m.xml"]
    assert path.read_text() == "old"


@pytest.fixture
def weights(tiny: PoseResNet, tmp_path: Path) -> Path:
    save_pose_network(tiny, tmp_path / "tiny.safetensors", half=False)
    return tmp_path / "tiny.safetensors"


def test_conversion_there_and_back(
    weights: Path, tiny: PoseResNet, capsys: pytest.CaptureFixture[str]
) -> None:
    there, back = weights.with_name("mm.pth"), weights.with_name("back.safetensors")
    assert main(["convert", str(weights), str(there), "--layout", "mmpose1"]) == 0
    assert "head.final_layer.weight" in torch.load(there, weights_only=True)["state_dict"]
    assert main(["convert", str(there), str(back)]) == 0
    again = load_pose_network(back)
    state = again.state_dict()
    assert all(torch.equal(state[k], v) for k, v in tiny.state_dict().items() if "num_batches" not in k)
    assert again.description == tiny.description
    assert main(["info", str(back)]) == 0
    assert "half-pixel grid" in capsys.readouterr().out
    assert main(["verify", str(back)]) == 0


@pytest.mark.parametrize("layout", ["microsoft", "mmpose0", "mmpose1", "megengine"])
def test_other_programs_files_keep_our_description(weights: Path, tiny: PoseResNet, layout: str) -> None:
    """Beside the weights: the state dict itself holds nothing that another program could not load."""
    there = weights.with_name("there.pth")
    assert main(["convert", str(weights), str(there), "--layout", layout]) == 0
    assert load_pose_network(there).description == tiny.description
    content = torch.load(there, weights_only=True)
    assert ("state_dict" in content) == layout.startswith("mmpose")
    if layout == "microsoft":
        tiny.load_state_dict(content)


@pytest.mark.parametrize(
    ("architecture", "known"),
    [
        ("pose_resnet_18", {"microsoft", "mmpose0", "mmpose1", "megengine"}),
        ("mspn_1stage", {"microsoft", "mmpose0", "mmpose1"}),
        ("megengine_mspn_4stage", {"microsoft", "megengine"}),
    ],
)
def test_only_layouts_that_exist_are_written(tmp_path: Path, architecture: str, known: set[str]) -> None:
    with torch.device("meta"):
        state = create_pose_network(architecture).state_dict()
    for layout in POSE_RESNET_PREFIXES:
        if layout in known:
            assert to_ours(from_ours(state, layout), layout) == state
        else:
            with pytest.raises(InputError, match=f"layout '{layout}': choose microsoft or m"):
                from_ours(state, layout)


def test_decoding_in_the_graph_falls_back_to_quarter(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As the README exports a network that ships; a decoding that was asked for is an error instead."""
    out = tmp_path / "pose.xml"
    assert load_pose_network("fast").description.decoding == "dark"
    assert main(["export", "fast", str(out), "--decode"]) == 0
    assert capsys.readouterr().out.startswith("decoding 'dark' cannot go into the graph: 'quarter' does")
    out.unlink()
    with pytest.raises(InputError, match="decoding 'dark' cannot go into the graph: choose argmax"):
        main(["export", "fast", str(out), "--decode", "--decoding", "dark"])
    assert not out.exists()


def test_the_zoos_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "mmpose", "posetrack"]) == 0
    out = capsys.readouterr().out
    assert "res50_posetrack18_256x192" in out
    assert "81" in out
    assert main(["info", "simplebaseline_res50"]) == 0
    assert "AP 0.712" in capsys.readouterr().out
    assert main(["info", "person_detector"]) == 0
    assert "this project" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["m.safetensors", "m.pth", "m.onnx", "m.torchscript", "m.xml"])
def test_a_full_disk_is_one_line(
    weights: Path, name: str, full_disk: Callable[[int], Any], capsys: pytest.CaptureFixture[str]
) -> None:
    if name == "m.onnx":
        pytest.importorskip("onnxruntime")
    command = "convert" if name in ("m.safetensors", "m.pth") else "export"
    before = sorted(weights.parent.iterdir())
    with full_disk(20_000):
        status = exit_status(lambda: main([command, str(weights), str(weights.with_name(name))]))
    (line,) = capsys.readouterr().err.splitlines()
    assert status == 2
    assert line.startswith(f"error: cannot write '{weights.with_name(name)}': ")
    assert sorted(weights.parent.iterdir()) == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["info", "simplebaseline_res51"], "nearest: simplebaseline_res50"),
        (["list", "nothing-like-it"], "nothing in the zoo matches"),
        (["export", "{weights}", "{folder}/m.tflite"], "choose a name that ends in"),
        (["convert", "{weights}", "{weights}"], "exists"),
        (["export", "{weights}", "{weights}/m.onnx"], "cannot make the folder"),
        (["export", "{weights}", "{folder}/m.onnx", "--input-size", "64"], "give height x width"),
        (["export", "{weights}", "{folder}/m.onnx", "--input-size", "65x32"], "multiples of 32"),
        (["convert", "{weights}", "{folder}/a.safetensors", "--layout", "mmpose0"], "PyTorch files"),
        (["convert", "{weights}", "{folder}/a.pth", "--layout", "ours"], "ours ends in .safetensors"),
        (["convert", "{weights}", "{folder}/a.onnx"], "python -m models export writes models"),
        (["export", "{weights}", "{folder}/m.onnx", "--tolerance", "nan"], "give a positive number"),
        (["export", "none.pth", "{folder}/m.tflite"], "choose a name that ends in"),
        (["quantize", "none.pth", "{folder}/a.txt", "--images", "{folder}"], "ends in .xml"),
        (["quantize", "{weights}", "--images", "{folder}", "--overwrite"], "--overwrite is for an output"),
        (["info", "res50_mpii_256x256", "--keypoints", "nosuch"], "'res50_mpii_256x256' is here: download"),
        (["info", "{weights}", "--decoding", "zzz"], "unknown decoding 'zzz'"),
        (["quantize", "{weights}", "{folder}/a.onnx", "--images", "{folder}"], "ends in .xml"),
        (["quantize", "{weights}", "{folder}/a.xml", "--images", "{folder}/none"], "no folder"),
        (["quantize", "{weights}", "{folder}/a.xml", "--images", "{folder}"], "no pictures to calibrate on"),
        (["quantize", "{weights}", "--images", "{folder}", "--limit", "0"], "give a whole number from 1"),
        (["verify", "{weights}", "nosuch"], "no network 'nosuch' in the zoo"),
        (["convert", "person_detector", "{folder}/a.pth"], "'person_detector' is no keypoint network"),
    ],
)  # fmt: skip
def test_bad_input_is_one_line(
    weights: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    filled = [a.format(weights=weights, folder=weights.parent) for a in arguments]
    before = sorted(weights.parent.iterdir())
    status = exit_status(lambda: main(filled))
    printed = capsys.readouterr()
    assert (status, printed.out) == (2, "")
    assert message in printed.err
    assert len(printed.err.strip().splitlines()) == 1
    assert sorted(weights.parent.iterdir()) == before


def test_verification_goes_on_after_a_failure(weights: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken = weights.with_name("broken.pth")
    broken.write_bytes(b"")
    assert main(["verify", str(broken), str(weights)]) == 1
    failed, passed = capsys.readouterr().out.splitlines()
    assert failed == f"FAILED  {broken}: '{broken}' is empty"
    assert passed.startswith(f"ok      {weights}")
    detector = weights.with_name("person_detector.safetensors")
    detector.write_bytes(weights.read_bytes())
    assert main(["verify", str(detector)]) == 1
    assert "does not hold the weights of a person detector" in capsys.readouterr().out


def test_quantised_models_find_the_same_peaks(tiny: PoseResNet, weights: Path) -> None:
    pytest.importorskip("nncf")
    from models.engines import create_engine
    from models.engines.exported import load_exported
    from models.quantisation import quantise

    with pytest.raises(InputError, match="python -m models quantize"):
        create_engine(tiny, precision="int8")
    crops = np.random.default_rng(0).integers(0, 256, (8, 64, 32, 3), np.uint8)
    path, distance = quantise(tiny, crops)
    assert distance < 2
    engine = create_engine(tiny, precision="int8")
    assert str(engine) == "OpenVINO int8 on CPU"
    np.testing.assert_allclose(engine(crops), load_exported(path)(crops), atol=1e-6)


def test_the_deployment_example_needs_nothing_of_this_project(weights: Path, tmp_path: Path) -> None:
    """Picture in, keypoints out, in a folder of its own: the same points as the project's own stage finds."""
    pytest.importorskip("onnxruntime")
    from models.engines import create_engine
    from tracker.pose import PoseStage

    network = load_pose_network(weights)
    export(network, tmp_path / "m.onnx", decoding=True)
    image = np.random.default_rng(0).integers(0, 256, (12, 16, 3), np.uint8).repeat(10, 0).repeat(10, 1)
    np.save(tmp_path / "picture.npy", image)
    script = tmp_path / "deploy_onnx.py"
    script.write_text((ROOT / "demos" / "deploy_onnx.py").read_text())
    command = [sys.executable, "-I", str(script), "m.onnx", "picture.npy", "--box", "30,20,50,80"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    stage = PoseStage(create_engine(network, "torch", "cpu", "fp32"))
    points, scores = stage(image, np.array([[30, 20, 80, 100]]))
    sure = np.abs(np.array(found["scores"]) - scores[0]) < 0.02 * np.abs(scores).max()
    assert sure.mean() > 0.8  # OpenCV's warp rounds its weights to 1/32
    assert np.median(np.abs(np.array(found["keypoints"])[sure] - points[0][sure])) < 0.5
    wrong = subprocess.run([*command[:-1], "1,2"], cwd=tmp_path, capture_output=True, text=True)
    assert wrong.returncode == 2
    assert wrong.stderr.startswith("error: --box '1,2'")
