"""RAFT as a flow: with random weights, the shapes and scales that the network's sizes ask for."""

from pathlib import Path

import numpy as np
import pytest
import torch

from models import zoo
from tracker.flow import create_flow, small_view


def test_a_small_picture_of_odd_size(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from torchvision.models.optical_flow import raft_small

    torch.manual_seed(0)
    torch.save(raft_small(weights=None).state_dict(), tmp_path / "raft.pth")
    monkeypatch.setattr(zoo, "fetch", lambda _name: tmp_path / "raft.pth")
    view = small_view(np.random.default_rng(0).integers(0, 256, (75, 101, 3)).astype(np.uint8))
    points = np.array([[20.0, 30], [90, 60]], np.float32)
    moved, found = create_flow("raft")(view, view, points)
    assert moved.shape == (2, 2)
    assert found.shape == (2,)
    assert np.isfinite(moved).all()
