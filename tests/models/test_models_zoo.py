"""The zoo's table is complete and consistent with the published figures."""

import json
import re
from pathlib import Path

import pytest

from models import zoo
from models.checkpoints import load_pose_network
from models.errors import InputError
from models.keypoints import KEYPOINT_SETS


def test_names_and_aliases_are_unique() -> None:
    names = [name for entry in zoo.entries() for name in (entry.name, *entry.aliases)]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("entry", zoo.entries(), ids=lambda entry: entry.name)
def test_every_entry_can_be_had_and_described(entry: zoo.ZooEntry) -> None:
    assert entry.url or entry.page or entry.source == zoo.OURS
    assert not entry.keypoints or entry.keypoints in KEYPOINT_SETS
    if entry.url and (match := re.search(r"-([0-9a-f]{8})(_\d{8})?\.pth$", entry.url)):
        assert entry.sha256 == match[1]
    if entry.input_size:
        assert not any(side % 32 for side in entry.input_size)
        assert entry.description_fields()["input_size"] == entry.input_size
    assert zoo.by_file_name(Path(entry.file).name) == entry


def test_every_published_row_is_there(shared: Path) -> None:
    published = json.loads((shared / "reference/published.json").read_text())
    by_url = {entry.url: entry for entry in zoo.entries()}
    rows = [row for owner in ("mmpose", "megengine") for row in published[owner] if "checkpoint" in row]
    for row in rows:
        entry = by_url[row["checkpoint"]]
        assert entry.sha256 == row.get("sha256_prefix", "")
        assert entry.input_size == tuple(map(int, row["input"].split("x")))
        assert any(figures.items() <= row["figures"].items() for figures in entry.figures.values())
    assert len(rows) > 40


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("simplebaseline_res50", "MegEngine"),
        ("td-hm_res50_8xb64-210e_coco-256x192", "MMPose"),
        ("topdown_heatmap_res152_coco_384x288", "MMPose"),
        ("default", "this project"),
        ("ssd300_vgg16", "torchvision"),
    ],
)
def test_the_names_that_users_know(name: str, expected: str) -> None:
    assert zoo.find(name).source == expected


def test_what_ships_is_whole_and_small() -> None:
    ours = [entry for entry in zoo.entries() if entry.source == zoo.OURS]
    assert sum(zoo.fetch(entry.name).stat().st_size for entry in ours) <= 40e6
    for entry in ours:
        if entry.keypoints:
            network = load_pose_network(entry.name)
            assert network.description.input_size == entry.input_size
            count = sum(parameter.numel() for parameter in network.parameters())
            assert entry.parameters == pytest.approx(count / 1e6, abs=0.01)


def test_an_unknown_name_gets_the_nearest() -> None:
    with pytest.raises(InputError, match="nearest: simplebaseline_res50"):
        zoo.find("simplebaseline_res51")
