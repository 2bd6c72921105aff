"""Every network gives the heat maps of the program that published it, under that program's key names."""

import importlib.util
import json
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from models.architectures import create_pose_network, output_stride
from models.checkpoint_files import CheckpointFile
from models.checkpoints import network_from
from models.errors import InputError
from models.key_layouts import from_ours, recognise_layout, to_ours
from models.megengine import MegEngineMSPN
from models.mspn import MSPN
from models.pose_resnet import PoseResNet

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "reference" / "networks"


def _cases(pattern: str) -> list[str]:
    return sorted(path.name for path in SHARED.glob(pattern))


@cache
def _rule() -> ModuleType:
    spec = importlib.util.spec_from_file_location("weight_rule", SHARED / "weight_rule.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _state(keys: str) -> dict[str, torch.Tensor]:
    shapes = json.loads((SHARED / keys).read_text())
    return {key: torch.from_numpy(value) for key, value in _rule().make_state(shapes).items()}


def _expected() -> list[Any]:
    entries = [
        pytest.param(entry, id=name)
        for path in sorted(SHARED.glob("*_expected.json"))
        for name, entry in json.loads(path.read_text()).items()
    ]
    return entries or [pytest.param(None, marks=pytest.mark.skip(reason="reference data are not here"))]


@pytest.mark.parametrize("entry", _expected())
def test_heat_maps_equal_the_reference(entry: dict[str, Any]) -> None:
    network = network_from(CheckpointFile(_state(entry["keys"]), {}), entry["name"]).eval()
    picture = torch.from_numpy(_rule().make_input(entry["input_shape"]))
    with torch.inference_mode():
        heatmaps = network(picture).numpy()
    expected = entry["outputs"]["heatmap"]
    assert list(heatmaps.shape) == expected["shape"]
    sampled = heatmaps.reshape(-1)[expected["sample_flat_index"]]
    np.testing.assert_allclose(sampled, expected["sample_value"], atol=1e-4)
    flat = heatmaps.reshape(*heatmaps.shape[:2], -1)
    np.testing.assert_allclose(flat.max(-1), expected["per_joint_max"], atol=1e-4)
    if expected["min_gap_between_top_two"] > 1e-4:
        np.testing.assert_array_equal(flat.argmax(-1), expected["per_joint_argmax_flat"])
    assert sum(p.numel() for p in network.parameters()) == entry["parameters"]


@pytest.mark.parametrize("keys", _cases("*.keys.json"))
def test_published_keys_are_recognised_and_come_back(keys: str) -> None:
    """Shapes alone (no memory for weights): theirs → ours → theirs is the identity, and a network fits."""
    shapes = json.loads((SHARED / keys).read_text())
    state = {key: torch.empty(shape, device="meta") for key, shape in shapes.items()}
    layout = recognise_layout(state)
    ours = to_ours(state, layout)
    assert {key: value.shape for key, value in from_ours(ours, layout).items()} == {
        key: value.shape for key, value in state.items()
    }
    network = network_from(CheckpointFile(state, {}), keys)
    assert set(network.state_dict()) == set(ours)


@pytest.mark.parametrize("layout", ["mmpose0", "mmpose1", "megengine"])
@pytest.mark.parametrize("head_kernels", [(), (3, 1)])
def test_our_names_survive_a_round_trip(layout: str, head_kernels: tuple[int, ...]) -> None:
    if layout == "megengine" and head_kernels:
        pytest.skip("MegEngine's networks have no convolutions between the transposed ones and the last")
    with torch.device("meta"):
        network = PoseResNet(18, deconv_channels=(8, 8), deconv_kernels=(4, 2), head_kernels=head_kernels)
    state = network.state_dict()
    theirs = from_ours(state, layout)
    assert recognise_layout(theirs) == layout
    assert set(theirs).isdisjoint(state)
    assert list(to_ours(theirs, layout)) == list(state)


@pytest.mark.parametrize(("depth", "layers", "deconvolutions", "stride"), [(18, 3, 3, 2), (50, 2, 1, 4)])
def test_a_resnet_cut_short_is_recognised_by_its_keys(
    depth: int, layers: int, deconvolutions: int, stride: int
) -> None:
    network = PoseResNet(depth, 5, (8,) * deconvolutions, (4,) * deconvolutions, layers=layers).eval()
    again = network_from(CheckpointFile(dict(network.state_dict()), {}), "cut").eval()
    x = torch.rand(1, 3, 64, 96)
    with torch.inference_mode():
        torch.testing.assert_close(again(x), network(x))
        assert again(x).shape == (1, 5, 64 // stride, 96 // stride)
    assert output_stride(again) == stride


def test_caffe_style_moves_the_stride_and_keeps_the_keys() -> None:
    plain, caffe = create_pose_network("pose_resnet_50"), create_pose_network("pose_resnet_50", caffe=True)
    assert list(plain.state_dict()) == list(caffe.state_dict())
    x = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        assert plain(x).shape == caffe(x).shape
        assert not torch.allclose(plain(x), caffe(x), rtol=1e-3, atol=0)


@pytest.mark.parametrize("stages", [1, 3])
def test_mspn_gives_all_that_training_needs(stages: int) -> None:
    network = MSPN(stages, keypoints=5).eval()
    x = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        outputs = network.every_output(x)
        torch.testing.assert_close(outputs[-1][-1], network(x))
    assert [len(stage) for stage in outputs] == [4] * stages
    assert {tuple(heatmap.shape) for stage in outputs for heatmap in stage} == {(1, 5, 16, 16)}


def test_megengine_mspn_runs_and_is_recognised_by_its_keys() -> None:
    torch.manual_seed(0)
    network = MegEngineMSPN().eval()
    keys = network.state_dict()
    for key in ("head.0.bias", "stages.Stage_0_body.down.layer1.0.downsample.1.weight",
                "stages.Stage_3_tail.tail_3.weight", "stages.Stage_2_next.0.bias",
                "stages.Stage_1_body.deconv3.0.bias", "stages.Stage_3_body.up4.1.running_var"):  # fmt: skip
        assert key in keys
    assert "stages.Stage_3_next.0.bias" not in keys
    again = network_from(CheckpointFile(dict(keys), {}), "mspn_4stage").eval()
    x = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        torch.testing.assert_close(again(x), network(x))
        outputs = network.every_output(x)
    assert {tuple(heatmap.shape) for stage in outputs for heatmap in stage} == {(1, 17, 16, 16)}
    torch.testing.assert_close(outputs[-1][-1], network(x), atol=1e-6, rtol=0)


@pytest.mark.parametrize("architecture", ["pose_resnet_18", "mspn_1stage"])
def test_sizes_that_32_does_not_divide_are_refused(architecture: str) -> None:
    network = create_pose_network(architecture)
    with pytest.raises(InputError, match="multiples of 32"):
        network(torch.zeros(1, 3, 250, 192))


def test_unknown_architecture_names_the_nearest() -> None:
    with pytest.raises(InputError, match="nearest: pose_resnet_50"):
        create_pose_network("poseresnet50")


def test_the_same_seed_gives_the_same_weights() -> None:
    first, second = (create_pose_network("pose_resnet_18", seed=3).state_dict() for _ in range(2))
    assert all(torch.equal(first[key], second[key]) for key in first)
    assert not torch.equal(create_pose_network("pose_resnet_18", seed=4).conv1.weight, first["conv1.weight"])  # type: ignore[union-attr, arg-type]
