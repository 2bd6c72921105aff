"""Checkpoints of every program load through one door, and what is wrong with a file is said in one line."""

import json
import pickle
import struct
import sys
from collections import OrderedDict
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from models import load_pose_network
from models.checkpoints import save_pose_network, untrained_pose_network
from models.errors import InputError
from models.key_layouts import from_ours
from models.mspn import MSPN
from models.pose_resnet import PoseResNet

Arrays = dict[str, np.ndarray]


def same(network: torch.nn.Module, other: torch.nn.Module) -> bool:
    x = torch.rand(2, 3, 64, 32)
    with torch.inference_mode():
        return torch.allclose(network(x), other(x), atol=1e-5)


def mmpose(state: dict[str, Tensor], layout: str) -> dict[str, Any]:
    return {"meta": {"epoch": np.float64(3)}, "state_dict": OrderedDict(from_ours(state, layout))}


@pytest.mark.parametrize(
    ("name", "wrap", "colour", "decoding"),
    [
        (
            "pose_resnet_18_64x32.pth.tar",
            lambda s: {f"module.{k}": v for k, v in s.items()},
            "bgr",
            "quarter",
        ),
        ("checkpoint.pth", lambda s: {"state_dict": s, "epoch": 3, "optimizer": {}}, "bgr", "quarter"),
        ("res18_coco_64x32-0123abcd.pth", lambda s: mmpose(s, "mmpose0"), "rgb", "quarter_mmpose"),
        ("td-hm_res18_coco-64x32.pth", lambda s: mmpose(s, "mmpose1"), "rgb", "quarter_mmpose"),
        ("simplebaseline.pth", lambda s: from_ours(s, "megengine"), "bgr", "megengine"),
    ],
)
def test_pytorch_programs(
    tiny: PoseResNet, tmp_path: Path, name: str, wrap: Any, colour: str, decoding: str
) -> None:
    torch.save(wrap(tiny.state_dict()), tmp_path / name)
    network = load_pose_network(tmp_path / name)
    assert not network.training
    assert same(network, tiny)
    d = network.description
    assert (d.colour, d.decoding, d.keypoints.name) == (colour, decoding, "coco")
    if "64x32" in name:
        assert d.input_size == (64, 32)


def test_old_pickles_without_counters(tiny: PoseResNet, tmp_path: Path) -> None:
    state = {k: v for k, v in tiny.state_dict().items() if "num_batches" not in k}
    torch.save(state, tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    assert same(load_pose_network(tmp_path / "old.pth"), tiny)


def test_mmengine_logs_are_left_aside(
    tiny: PoseResNet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A training checkpoint of MMEngine holds objects of its own: they are neither needed nor run."""
    module = ModuleType("mmengine.logging.history_buffer")
    buffer = type("HistoryBuffer", (), {"__module__": module.__name__})
    module.HistoryBuffer = buffer  # type: ignore[attr-defined]
    for name in ("mmengine", "mmengine.logging"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    monkeypatch.setitem(sys.modules, module.__name__, module)
    log = buffer()
    log.values = np.arange(3)
    content = {**mmpose(tiny.state_dict(), "mmpose1"), "message_hub": {"loss": log}}
    torch.save(content, tmp_path / "epoch_1.pth")
    assert same(load_pose_network(tmp_path / "epoch_1.pth"), tiny)


@pytest.mark.parametrize(
    ("count", "layout", "decoding"),
    [(17, "microsoft", "mspn"), (16, "microsoft", "mspn9"), (16, "mmpose1", "megvii")],
)
def test_mspn_blurs_as_its_program_does(tmp_path: Path, count: int, layout: str, decoding: str) -> None:
    with torch.device("meta"):
        state = from_ours(MSPN(1, count).state_dict(), layout)
    torch.save({key: torch.zeros(()).expand(value.shape) for key, value in state.items()}, tmp_path / "m.pth")
    assert load_pose_network(tmp_path / "m.pth").description.decoding == decoding


@pytest.mark.parametrize(
    "wrap",
    [
        lambda s: {"state_dict": {**s, "ema_conv1_weight": torch.ones(3)}},
        lambda s: {"module." + k: v for k, v in {**s, "ema_conv1_weight": torch.ones(3)}.items()},
        lambda s: {**mmpose(s, "mmpose1")["state_dict"], "data_preprocessor.mean": torch.ones(3, 1, 1)},
        lambda s: {"state_dict_ema": s},
        lambda s: {"ema_state_dict": {"steps": torch.tensor(5), **{f"module.{k}": v for k, v in s.items()}}},
        lambda s: {f"module.module.{k}": v for k, v in s.items()},
        lambda s: {f"_orig_mod.{k}": v for k, v in s.items()},
        lambda s: {"state_dict": {f"model.net.{k}": v for k, v in s.items()}},
        lambda s: {"epoch": torch.tensor(3), **{f"module.{k}": v for k, v in s.items()}},
    ],
)
def test_what_training_puts_around_weights_is_taken_off(tiny: PoseResNet, tmp_path: Path, wrap: Any) -> None:
    torch.save(wrap(tiny.state_dict()), tmp_path / "x.pth")
    assert same(load_pose_network(tmp_path / "x.pth"), tiny)


def test_our_own_weights_keep_their_description(tiny: PoseResNet, tmp_path: Path) -> None:
    save_pose_network(tiny, tmp_path / "w.safetensors", half=False)
    again = load_pose_network(tmp_path / "w.safetensors")
    assert again.description == tiny.description
    assert same(again, tiny)
    save_pose_network(tiny, tmp_path / "w.safetensors")
    assert next(load_pose_network(tmp_path / "w.safetensors").parameters()).dtype == torch.float32
    changed = load_pose_network(tmp_path / "w.safetensors", decoding="dark", colour="bgr")
    assert (changed.description.decoding, changed.description.colour) == ("dark", "bgr")


@pytest.mark.parametrize(
    ("name", "count", "expected"),
    [
        ("res18_posetrack18_64x32.pth", 17, "posetrack18"),
        ("pose.pth", 17, "coco"),
        ("pose.pth", 16, "mpii"),
        ("res18_mhp_64x32.pth", 16, "mpii"),
        ("res18_aic_64x32.pth", 14, "aic"),
        ("pose.pth", 14, "crowdpose"),
        ("pose.pth", 15, "jhmdb"),
        ("coco.pth", 5, "5_keypoints"),
    ],
)
def test_keypoint_sets_by_name_and_number(tmp_path: Path, name: str, count: int, expected: str) -> None:
    with torch.device("meta"):
        network = PoseResNet(18, count, deconv_channels=(8,), deconv_kernels=(4,), width=0.125)
    torch.save({k: torch.zeros(v.shape) for k, v in network.state_dict().items()}, tmp_path / name)
    description = load_pose_network(tmp_path / name).description
    assert description.keypoints.name == expected
    assert description.stride == 16


def test_torchvision_backbone_gets_a_random_head(tmp_path: Path) -> None:
    from torchvision.models import resnet18

    backbone = resnet18()
    torch.save(backbone.state_dict(), tmp_path / "resnet18.pth")
    network = load_pose_network(tmp_path / "resnet18.pth")
    assert torch.equal(network.get_parameter("conv1.weight"), backbone.conv1.weight)
    assert network(torch.zeros(1, 3, 64, 64)).shape == (1, 17, 16, 16)


def test_megengine_pickle(tiny: PoseResNet, tmp_path: Path) -> None:
    """Arrays under ``state_dict``, vectors as (1, C, 1, 1), protocol 2 as older programs write."""
    arrays = {k: v.numpy() for k, v in from_ours(tiny.state_dict(), "megengine").items() if "num_b" not in k}
    stored = {k: v.reshape(1, -1, 1, 1) if v.ndim == 1 else v for k, v in arrays.items()}
    for protocol in (2, 4):
        (tmp_path / "m.pkl").write_bytes(pickle.dumps({"epoch": 1, "state_dict": stored}, protocol))
        assert same(load_pose_network(tmp_path / "m.pkl"), tiny)


def paddle_keys(tiny: PoseResNet) -> Arrays:
    names = {"running_mean": "_mean", "running_var": "_variance"}
    result = {}
    for key, value in tiny.state_dict().items():
        if "num_batches" in key:
            continue
        head, _, last = key.rpartition(".")
        head = head if head.startswith(("deconv", "final")) else f"backbone.{head}"
        result[f"{head}.{names.get(last, last)}"] = value.numpy()
    return result


def test_paddle_pickle(tiny: PoseResNet, tmp_path: Path) -> None:
    stored = {key: ("parameter_0", value) for key, value in paddle_keys(tiny).items()}
    (tmp_path / "p.pdparams").write_bytes(pickle.dumps(stored, 4))
    network = load_pose_network(tmp_path / "p.pdparams", keypoints="posetrack18")
    assert network.description.keypoints.name == "posetrack18"
    assert same(network, tiny)


def field(number: int, content: bytes | int) -> bytes:
    """One protobuf field."""

    def varint(value: int) -> bytes:
        out = b""
        while value > 127:
            out, value = out + bytes([value & 127 | 128]), value >> 7
        return out + bytes([value])

    if isinstance(content, int):
        return varint(number << 3) + varint(content)
    return varint(number << 3 | 2) + varint(len(content)) + content


def mindspore_file(tiny: PoseResNet) -> bytes:
    """A checkpoint in MindSpore's documented layout with MindPose's names; large tensors in two pieces."""
    batch_norms = {k.rsplit(".", 1)[0] for k in tiny.state_dict() if k.endswith("running_var")}
    words = {
        "running_mean": "moving_mean",
        "running_var": "moving_variance",
        "weight": "gamma",
        "bias": "beta",
    }
    data = b""
    for key, value in tiny.state_dict().items():
        if "num_batches" in key:
            continue
        head, _, last = key.rpartition(".")
        last = words[last] if head in batch_norms else last
        head = head.replace("downsample", "down_sample").replace("deconv_layers", "deconv_layer")
        head = f"head.{head}" if head.startswith(("deconv", "final")) else f"backbone.{head}"
        content = value.numpy().tobytes()
        half = len(content) // 8 * 4
        for piece in (content[:half], content[half:]) if value.ndim == 4 else (content,):
            dims = b"".join(field(1, side) for side in value.shape)
            tensor = dims + field(2, b"Float32") + field(3, piece)
            data += field(1, field(1, f"{head}.{last}".encode()) + field(2, tensor))
    return data + field(
        1, field(1, b"moment1.x") + field(2, field(2, b"Int32") + field(3, struct.pack("<i", 1)))
    )


def test_mindspore_checkpoint(tiny: PoseResNet, tmp_path: Path) -> None:
    (tmp_path / "m.ckpt").write_bytes(mindspore_file(tiny))
    network = load_pose_network(tmp_path / "m.ckpt")
    assert network.description.decoding == "quarter_mindpose"
    state = network.state_dict()
    assert all(torch.equal(state[k], v) for k, v in tiny.state_dict().items())
    assert not same(network, tiny)  # its max pooling pads on the right and below only
    save_pose_network(network, tmp_path / "ours.safetensors", half=False)
    assert same(load_pose_network(tmp_path / "ours.safetensors"), network)


def test_stride_style_is_remembered(tmp_path: Path) -> None:
    torch.manual_seed(0)
    made = PoseResNet(50, deconv_channels=(8, 8, 8), width=1 / 8, caffe=True).eval()
    for weights in made.parameters():
        torch.nn.init.normal_(weights, std=0.2)
    torch.save(made.state_dict(), tmp_path / "plain.pth")
    given = load_pose_network(tmp_path / "plain.pth", style="caffe")
    save_pose_network(given, tmp_path / "ours.safetensors", half=False)
    assert same(load_pose_network(tmp_path / "ours.safetensors"), made)
    assert not same(load_pose_network(tmp_path / "ours.safetensors", style="pytorch"), made)


class Malice:
    def __reduce__(self) -> Any:
        return exec, ("raise SystemExit('code was run')",)


def damaged(kind: str, tiny: PoseResNet, path: Path) -> Path:
    """A file with something wrong with it."""
    state = dict(tiny.state_dict())
    if kind == "empty":
        path.write_bytes(b"")
    elif kind == "text":
        path.write_text("<html>404</html>")
    elif kind in ("code.pth", "code.pkl"):
        content = {"state_dict": state, "hook": Malice()}
        path = path.with_name(kind)
        torch.save(content, path) if kind == "code.pth" else path.write_bytes(pickle.dumps(content))
    elif kind in ("cut.pth", "cut.safetensors", "cut.pkl", "cut.ckpt"):
        path = path.with_name(kind)
        if kind == "cut.pth":
            torch.save(state, path)
        elif kind == "cut.safetensors":
            save_pose_network(tiny, path)
        elif kind == "cut.pkl":
            path.write_bytes(pickle.dumps({k: v.numpy() for k, v in state.items()}))
        else:
            path.write_bytes(mindspore_file(tiny))
        path.write_bytes(path.read_bytes()[:-5000])
    elif kind == "model.onnx":
        path = path.with_name(kind)
        path.write_bytes(b"onnx")
    elif kind == "list":
        torch.save([torch.zeros(1)], path)
    elif kind == "hrnet":
        torch.save({f"stage2.0.branches.{i}.weight": torch.zeros(3) for i in range(30)}, path)
    elif kind == "no head":
        torch.save({k: v for k, v in state.items() if not k.startswith("final")}, path)
    elif kind == "missing":
        torch.save({k: v for k, v in state.items() if not k.startswith("layer2.1")}, path)
    elif kind == "unexpected":
        torch.save({**state, "classifier.weight": torch.zeros(2)}, path)
    elif kind == "shape":
        torch.save({**state, "bn1.weight": torch.zeros(2)}, path)
    elif kind in ("conv1.weight", "final_layer.weight", "deconv_layers.0.weight"):
        torch.save({**state, kind: torch.tensor(1.0)}, path)
    elif kind == "kernel":
        torch.save({**state, "deconv_layers.0.weight": torch.zeros(64, 16, 5, 5)}, path)
    elif kind == "not finite":
        state["bn1.weight"] = state["bn1.weight"] * float("nan")
        torch.save(state, path)
    elif kind == "counters":
        torch.save({"epoch": torch.tensor(3)}, path)
    elif kind in ("keypoints", "stride", "mean", "decoding"):
        other: Any = {"keypoints": "mpii", "stride": 8, "mean": "abc", "decoding": "zzz"}
        description = {**json.loads(tiny.description.to_json()), kind: other[kind]}
        torch.save({"state_dict": state, "description": json.dumps(description)}, path)
    return path


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("absent", "no checkpoint file"),
        ("empty", "is empty"),
        ("text", "is text, not a checkpoint"),
        ("code.pth", "carries more than weights .*refused"),
        ("code.pkl", "carries code .*refused"),
        ("cut.pth", "is truncated"),
        ("cut.safetensors", "damaged"),
        ("cut.pkl", "damaged"),
        ("cut.ckpt", "damaged"),
        ("model.onnx", "is an exported model: give the checkpoint"),
        ("list", "holds a list, not weights by name"),
        ("hrnet", "not a known pose network: none of its 30 keys belongs to one"),
        ("no head", "not a known pose network"),
        ("missing", "no ResNet has basic blocks|missing keys: layer2.1"),
        ("unexpected", "1 unexpected keys: classifier.weight"),
        ("conv1.weight", r"not a known pose network: nearest is .*shapes differ"),
        ("final_layer.weight", "not a known pose network"),
        ("deconv_layers.0.weight", "not a known pose network"),
        ("kernel", "a transposed convolution of size 5: 2, 3 and 4 are known"),
        ("not finite", "'bn1.weight' holds values that are not finite numbers"),
        ("counters", "holds no weights of a network"),
        ("keypoints", "17 heat maps of stride 4 instead of 16 of stride 4"),
        ("stride", "17 heat maps of stride 4 instead of 17 of stride 8"),
        ("mean", "not the description of a pose network"),
        ("decoding", "unknown decoding 'zzz'"),
        ("shape", r"ill-shaped keys: bn1.weight \(2,\) instead of \(8,\)"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(tiny: PoseResNet, tmp_path: Path, kind: str, message: str) -> None:
    path = damaged(kind, tiny, tmp_path / "bad.pth")
    with pytest.raises(InputError, match=message) as error:
        load_pose_network(path)
    assert "\n" not in str(error.value)
    assert path.name in str(error.value)


def test_the_nearest_architecture_is_named(tmp_path: Path) -> None:
    state = untrained_pose_network("res50_coco_256x192").state_dict()
    torch.save({k: v for k, v in state.items() if not k.startswith(("final", "deconv"))}, tmp_path / "x.pth")
    with pytest.raises(InputError, match=r"nearest is pose_resnet_50 .*missing deconv_layers"):
        load_pose_network(tmp_path / "x.pth")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"keypoints": "mpii"}, "17 heat maps, keypoint set mpii 16 keypoints"),
        ({"keypoints": "coco19"}, "unknown keypoint set"),
        ({"input_size": (250, 190)}, "multiples of 32"),
        ({"colour": "grey"}, "choose rgb or bgr"),
        ({"decoding": "zzz"}, "unknown decoding 'zzz'"),
        ({"padding": 0}, "padding 0: give a positive number"),
        ({"stride": 0.5}, "stride 0.5: a heat-map cell is 1 to 32 pixels"),
        ({"std": (1.0, 0.0, 1.0)}, "give three positive numbers"),
        ({"mean": (1.0, 2.0)}, "give three finite numbers"),
        ({"style": "tensorflow"}, "choose pytorch or caffe"),
        ({"style": "caffe"}, "ResNets with bottlenecks"),
        ({"size": 3}, "no such option of a keypoint network: size"),
    ],
)
def test_wrong_options(tiny: PoseResNet, tmp_path: Path, options: dict[str, Any], message: str) -> None:
    save_pose_network(tiny, tmp_path / "w.safetensors")
    with pytest.raises(InputError, match=message):
        load_pose_network(tmp_path / "w.safetensors", **options)


def test_unknown_names() -> None:
    with pytest.raises(InputError, match="no network 'resnet50_coco' in the zoo"):
        load_pose_network("resnet50_coco")
    with pytest.raises(InputError, match="no checkpoint file"):
        load_pose_network("no/such/file.pth")
    with pytest.raises(InputError, match="'ssd300_vgg16' is no keypoint network"):
        load_pose_network("ssd300_vgg16")


def test_untrained_networks_take_the_same_options() -> None:
    network = untrained_pose_network("fast", keypoints="posetrack18", decoding="argmax")
    assert (network.description.keypoints.name, network.description.decoding) == ("posetrack18", "argmax")
    with pytest.raises(InputError, match="'fast' has 17 heat maps, keypoint set mpii 16 keypoints"):
        untrained_pose_network("fast", keypoints="mpii")


@pytest.mark.parametrize("name", ["simplebaseline_res50", "mspn50_coco_256x192", "fast"])
def test_untrained_networks_have_the_published_description(name: str) -> None:
    network = untrained_pose_network(name)
    assert network.description.name == name
    expected = {"simplebaseline_res50": "megengine", "mspn50_coco_256x192": "megvii"}
    if name in expected:
        assert network.description.decoding == expected[name]
