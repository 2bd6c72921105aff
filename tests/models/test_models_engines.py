"""Engines give what the network gives, whatever runs it; what cannot be is said in one line."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from models.engines import compile_network, create_engine, load_engine
from models.engines.choice import choose, cpu_has_bf16
from models.engines.image_network import ImageNetwork
from models.engines.torch_engine import fold_batch_norm
from models.errors import InputError
from models.export import export
from models.megengine import MegEngineMSPN
from models.mspn import MSPN
from models.pose_resnet import PoseResNet

CROPS = np.random.default_rng(0).integers(0, 256, (3, 64, 32, 3), np.uint8)


@pytest.fixture
def expected(tiny: PoseResNet) -> NDArray[np.float32]:
    """By hand: BGR to RGB, normalised, one picture after the other."""
    d = tiny.description
    rgb = (CROPS[..., ::-1].astype(np.float32) - d.mean) / d.std
    with torch.inference_mode():
        return tiny(torch.from_numpy(rgb.astype(np.float32).transpose(0, 3, 1, 2).copy())).numpy()


@pytest.mark.parametrize(
    ("engine", "precision", "tolerance"),
    [("torch", "fp32", 1e-4), ("torch", "bf16", 0.05), ("openvino", "fp32", 1e-4), ("onnx", "fp32", 1e-4),
     ("auto", "auto", 0.05)],
)  # fmt: skip
def test_every_engine_gives_the_networks_heat_maps(
    tiny: PoseResNet, expected: NDArray, engine: str, precision: str, tolerance: float
) -> None:
    if engine == "onnx":
        pytest.importorskip("onnxruntime")
    run = create_engine(tiny, engine, "cpu" if engine != "auto" else "auto", precision)
    scale = np.abs(expected).max()
    for crops, want in ((CROPS, expected), (CROPS[:1], expected[:1]), (CROPS[::-1], expected[::-1])):
        heatmaps = run(crops)
        assert heatmaps.dtype == np.float32
        np.testing.assert_allclose(heatmaps, want, atol=tolerance * scale)
    assert run(CROPS[:0]).shape == (0, 17, 16, 8)
    assert str(run).count("\n") == 0
    assert run.description is tiny.description


def test_earlier_results_are_not_overwritten(tiny: PoseResNet) -> None:
    run = create_engine(tiny, "openvino", "cpu", "fp32")
    first = run(CROPS)
    kept = first.copy()
    run(255 - CROPS)
    np.testing.assert_array_equal(first, kept)


def test_conversions_are_kept_and_follow_the_weights(tiny: PoseResNet, tmp_path: Path,
                                                     monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.setenv("SIMPLEPOSETRACK_CACHE", str(tmp_path))

    def models() -> set[str]:
        return {path.name for path in (tmp_path / "openvino").glob("*.xml")}

    before = create_engine(tiny, "openvino", "cpu", "fp32")(CROPS)
    first = models()
    np.testing.assert_array_equal(create_engine(tiny, "openvino", "cpu", "fp32")(CROPS), before)
    assert models() == first
    with torch.no_grad():
        tiny.final_layer.weight *= 2
    after = create_engine(tiny, "openvino", "cpu", "fp32")(CROPS)
    assert len(models()) == 2
    assert np.abs(after - before).max() > 0.1 * np.abs(before).max()


@pytest.mark.parametrize("engine", ["torch", "openvino"])
def test_any_image_network_can_be_compiled(engine: str) -> None:
    """Two outputs, sizes that vary, BGR, no normalisation."""

    class Means(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            return x.mean((2, 3)), x[:, 0]

    run = compile_network(Means(), (0, 0, 0), (1, 1, 1), "bgr", None, engine, "cpu", "fp32")
    for size in ((64, 32), (32, 96)):
        pictures = np.random.default_rng(1).integers(0, 256, (2, *size, 3), np.uint8)
        means, blue = run(pictures)
        np.testing.assert_allclose(means, pictures.mean((1, 2)), rtol=1e-4)
        np.testing.assert_allclose(blue, pictures[..., 0], rtol=1e-4)


@pytest.mark.parametrize("build", [None, MSPN, MegEngineMSPN])
def test_batch_norm_is_folded_away_and_nothing_changes(tiny: PoseResNet, build: Any) -> None:
    network = build(1, 5).eval() if build else tiny
    folded = fold_batch_norm(network)
    assert not any(isinstance(m, torch.nn.BatchNorm2d) for m in folded.modules())
    assert any(isinstance(m, torch.nn.BatchNorm2d) for m in network.modules())
    x = torch.rand(2, 3, 64, 32)
    with torch.inference_mode():
        torch.testing.assert_close(folded(x), network(x), atol=1e-4, rtol=1e-4)


def test_colour_order_matters_and_is_applied_once(tiny: PoseResNet) -> None:
    d = tiny.description
    rgb, bgr = (ImageNetwork(torch.nn.Identity(), d.mean, d.std, c) for c in ("rgb", "bgr"))
    picture = torch.from_numpy(CROPS[:1])
    assert torch.equal(rgb(picture), bgr(picture.flip(3)))
    assert not torch.equal(rgb(picture), bgr(picture))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("tensorrt",), "unknown engine 'tensorrt': choose from auto, torch"),
        (("auto", "tpu"), "unknown device 'tpu'"),
        (("auto", "cpu:0"), "unknown device 'cpu:0'"),
        (("auto", "cuda:first"), "unknown device 'cuda:first'"),
        (("auto", "auto", "int4"), "unknown precision 'int4'"),
        (("torch", "cpu", "fp16"), "needs a GPU"),
        (("openvino", "cuda"), "runs on the cpu only"),
        (("onnx", "cpu", "bf16"), "not bf16"),
    ],
)
def test_what_cannot_be_is_said(given: tuple[str, ...], message: str) -> None:
    if given[0] == "onnx":
        pytest.importorskip("onnxruntime")
    with pytest.raises(InputError, match=message):
        choose(*given)


def test_a_gpu_that_is_not_there() -> None:
    if not torch.cuda.is_available():
        with pytest.raises(InputError, match="finds no CUDA GPU"):
            choose("torch", "cuda")


def test_auto_is_settled() -> None:
    choice = choose()
    assert "auto" not in (choice.engine, choice.device, choice.precision)
    if choice.device == "cpu":
        assert choice.precision == ("bf16" if cpu_has_bf16() else "fp32")


def test_a_missing_package_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(InputError, match="pip install onnx onnxruntime"):
        choose("onnx")
    if not torch.cuda.is_available():
        assert choose("auto", "cpu", "fp32").engine == "torch"


@pytest.mark.parametrize(
    ("suffix", "engine"), [(".onnx", "onnx"), (".onnx", "openvino"), (".xml", "openvino")]
)
def test_exported_models_are_engines(
    tiny: PoseResNet, expected: NDArray, tmp_path: Path, suffix: str, engine: str
) -> None:
    if suffix == ".onnx":
        pytest.importorskip("onnxruntime")
    export(tiny, tmp_path / f"m{suffix}")
    run = load_engine(tmp_path / f"m{suffix}", engine, precision="fp32")
    np.testing.assert_allclose(run(CROPS), expected, atol=1e-4 * np.abs(expected).max())
    assert run.description == tiny.description
    assert load_engine(tmp_path / f"m{suffix}", engine, decoding="dark").description.decoding == "dark"


def test_models_that_are_no_engines(tiny: PoseResNet, tmp_path: Path) -> None:
    export(tiny, tmp_path / "decoded.xml", decoding=True)
    with pytest.raises(InputError, match="gives keypoints, scores: export it with"):
        load_engine(tmp_path / "decoded.xml")
    with pytest.raises(InputError, match=r"does not run \.xml files"):
        load_engine(tmp_path / "decoded.xml", "torch")
    (tmp_path / "broken.xml").write_text("<xml")
    for name, message in (("broken.xml", "damaged or not a model"), ("none.onnx", "no model file")):
        with pytest.raises(InputError, match=message):
            load_engine(tmp_path / name, "openvino")
