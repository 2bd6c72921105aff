"""The deployment example tells in one line what it cannot use."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from demos import deploy_onnx


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that gives heat maps alone, and arrays that are a picture and are none."""
    pytest.importorskip("onnxruntime")
    import torch

    from models.description import PoseDescription
    from models.export import export
    from models.keypoints import COCO
    from models.pose_resnet import PoseResNet

    folder = tmp_path_factory.mktemp("deploy")
    torch.manual_seed(0)
    network = PoseResNet(18, 17, (8, 8, 8), width=0.125)
    network.description = PoseDescription("tiny", COCO, (64, 32), half_pixel=True)
    export(network, folder / "m.onnx")
    np.save(folder / "picture.npy", np.zeros((60, 40, 3), np.uint8))
    np.save(folder / "grey.npy", np.zeros((60, 40), np.uint8))
    np.save(folder / "float.npy", np.zeros((60, 40, 3), np.float32))
    (folder / "text.jpg").write_text("no picture")
    return folder


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["m.onnx", "picture.npy", "--box", "1,2,3"], "--box '1,2,3': give left,top,width,height"),
        (["m.onnx", "picture.npy", "--box", "1,2,-3,4"], "the last two above 0"),
        (["m.onnx", "picture.npy", "--box", "1,nan,3,4"], "--box '1,nan,3,4'"),
        (["m.onnx", "picture.npy", "--box", "a,b,c,d"], "--box 'a,b,c,d'"),
        (["m.onnx", "grey.npy", "--box", "1,2,3,4"], "'grey.npy' is uint8 of shape (60, 40): give uint8 (H"),
        (["m.onnx", "float.npy", "--box", "1,2,3,4"], "'float.npy' is float32 of shape (60, 40, 3)"),
        (["m.onnx", "none.npy", "--box", "1,2,3,4"], "No such file"),
        (["m.onnx", "text.jpg", "--box", "1,2,3,4"], "text.jpg"),
        (["m.onnx", "picture.npy", "--box", "1,2,3,4"], "'m.onnx' does not decode: python -m models export"),
        (["none.onnx", "picture.npy", "--box", "1,2,3,4"], "none.onnx"),
    ],
)
def test_bad_input_is_one_line(
    folder: Path,
    arguments: list[str],
    says: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "argv", ["deploy_onnx.py", *arguments])
    with pytest.raises(SystemExit, match="2"):
        deploy_onnx.main()
    printed = capsys.readouterr()
    assert says in printed.err
    assert (printed.out, printed.err.count("\n")) == ("", 1)
