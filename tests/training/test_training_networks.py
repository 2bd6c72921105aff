"""What a network takes over from a checkpoint: everything by shape, the last layer by joint."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from models.checkpoints import load_pose_network, save_pose_network
from models.errors import InputError
from models.pose_network import PoseNetwork
from training.networks import build_network, start_from
from training.recipe import Recipe
from training.recipe_files import load_recipe


def small(tiny: Path, **changes: object) -> Recipe:
    recipe = load_recipe(str(tiny))
    return replace(recipe, network=replace(recipe.network, **changes))  # type: ignore[arg-type]


def saved(network: torch.nn.Module, path: Path) -> str:
    assert isinstance(network, PoseNetwork)
    save_pose_network(network, path, half=False)
    return str(path)


def test_posetrack_takes_the_joints_that_coco_knows(tiny: Path, tmp_path: Path) -> None:
    torch.manual_seed(0)
    coco = build_network(small(tiny))
    for value in coco.state_dict().values():
        value.copy_(torch.rand(value.shape)) if value.is_floating_point() else None
    path = saved(coco, tmp_path / "coco.safetensors")
    fresh = build_network(small(tiny, keypoints="posetrack18"))
    own = {key: value.clone() for key, value in fresh.state_dict().items()}
    start_from(fresh, path)
    theirs, ours = coco.state_dict(), fresh.state_dict()
    for key, value in ours.items():
        if not key.startswith("final_layer") and value.is_floating_point():
            assert torch.equal(value, theirs[key]), key
    sets = [load_recipe("res50_coco_256x192"), load_recipe("res50_posetrack18_256x192")]
    assert [recipe.network.keypoints for recipe in sets] == ["coco", "posetrack18"]
    origin = fresh.description.keypoints.positions_in(coco.description.keypoints)  # type: ignore[union-attr, operator]
    assert (origin < 0).sum() == 2  # head_bottom and head_top
    for row, source in enumerate(origin):
        for key in ("final_layer.weight", "final_layer.bias"):
            expected = own[key][row] if source < 0 else theirs[key][source]
            assert torch.equal(ours[key][row], expected)


def test_equal_shapes_of_other_joints_are_not_copied_row_by_row(tiny: Path, tmp_path: Path) -> None:
    """COCO and PoseTrack18 both have 17 keypoints: the last layer would fit by shape."""
    path = saved(build_network(small(tiny)), tmp_path / "coco.safetensors")
    network = build_network(small(tiny, keypoints="posetrack18", init=path))
    assert isinstance(network, PoseNetwork)
    theirs = load_pose_network(path).state_dict()["final_layer.weight"]
    eye = theirs[1]
    head_bottom = network.description.keypoints.index("head_bottom")
    assert not torch.equal(network.state_dict()["final_layer.weight"][head_bottom], eye)


def test_mspn_starts_from_fewer_joints(tiny: Path, tmp_path: Path) -> None:
    source = build_network(small(tiny, kind="mspn", stages=1))
    path = saved(source, tmp_path / "mspn.safetensors")
    target = build_network(small(tiny, kind="mspn", stages=1, keypoints="crowdpose"))
    start_from(target, path)
    key = "stage0.upsample.up4.res_conv2.conv.weight"
    ours, theirs = target.state_dict()[key], source.state_dict()[key]
    assert len(ours) == 14
    assert torch.equal(ours[0], theirs[5])  # left_shoulder


def test_the_detector_starts_from_a_keypoint_network(tiny: Path, tmp_path: Path) -> None:
    pose = build_network(small(tiny, width=1.0, deconv_channels=(128, 128, 128)))
    path = saved(pose, tmp_path / "pose.safetensors")
    detector = build_network(small(tiny, kind="person_detector", init=path))
    assert torch.equal(
        detector.state_dict()["layer3.1.conv2.weight"], pose.state_dict()["layer3.1.conv2.weight"]
    )
    again = build_network(small(tiny, kind="person_detector"))
    torch.save({"state_dict": detector.state_dict()}, tmp_path / "detector.pth")
    taken = start_from(again, str(tmp_path / "detector.pth"))
    assert taken == len(again.state_dict())


@pytest.mark.parametrize("option", ["caffe", "pool_right"])
def test_what_weights_do_not_tell_goes_with_them(tiny: Path, tmp_path: Path, option: str) -> None:
    source = build_network(small(tiny, depth=50, **{option: True}))
    path = saved(source, tmp_path / "source.safetensors")
    with pytest.raises(InputError, match=f"with {option}: add --set network.{option}=true"):
        build_network(small(tiny, depth=50, init=path))
    network = build_network(small(tiny, depth=50, init=path, **{option: True}))
    assert isinstance(network, PoseNetwork)
    again = load_pose_network(saved(network, tmp_path / "again.safetensors"))
    assert getattr(again.description, option)
    assert str(again) == str(source)  # with the strides and paddings of all layers


def test_what_does_not_fit_is_refused(tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no checkpoint file"):
        build_network(small(tiny, init=str(tmp_path / "none.pth")))
    torch.save({"a.weight": torch.zeros(3)}, tmp_path / "other.pth")
    with pytest.raises(InputError, match="no tensor fits PoseResNet"):
        build_network(small(tiny, init=str(tmp_path / "other.pth")))
    with pytest.raises(InputError, match="18, 34, 50"):
        build_network(small(tiny, depth=20))
