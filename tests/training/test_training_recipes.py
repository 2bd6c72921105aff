"""Recipes: every published row has one, and what is wrong in one is said in a line."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from models.errors import InputError
from models.pose_network import PoseNetwork
from training.networks import build_network
from training.people import BENCHMARKS, find_benchmark
from training.recipe import Recipe
from training.recipe_files import build_recipe, load_recipe, recipe_names
from training.schedule import in_samples, learning_rate, part_size


@pytest.mark.parametrize("name", recipe_names())
def test_every_recipe_is_sound(name: str) -> None:
    recipe = load_recipe(name)
    assert recipe.name == name
    if recipe.network.kind != "person_detector":
        with torch.device("meta"):
            network = build_network(replace(recipe, network=replace(recipe.network, init=None)))
        assert isinstance(network, PoseNetwork)
        net = network.description
        assert net.heatmap_size[0] * net.stride == net.input_size[0]
        trained, scored = net.keypoints, find_benchmark(recipe.validation.benchmark).keypoint_set
        assert trained.names == scored.names


def test_every_published_row_has_a_recipe(shared: Path) -> None:
    published = json.loads((shared / "reference" / "published.json").read_text())
    wanted = {row["config"] for row in published["mmpose"] if row.get("config")}
    wanted |= {row["arch"] for row in published["megengine"]}
    wanted |= {f"{row['arch']}_coco_{row['input']}" for row in published["original"]}
    wanted |= {"pose_resnet_50_mpii_256x256"}  # PaddlePaddle's row
    assert wanted <= set(recipe_names())
    for row in published["mmpose"]:
        if row.get("config"):
            height, width = map(int, row["input"].split("x"))
            assert load_recipe(row["config"]).network.input_size == (height, width)


def test_bases_are_merged_key_by_key() -> None:
    recipe = load_recipe("res50_2deconv_jhmdb_sub2_256x256")
    assert recipe.network.deconv_channels == (256, 256)
    assert recipe.network.init == "res50_mpii_256x256"
    assert recipe.schedule.epochs == 40
    assert recipe.schedule.drops == (20, 30)
    assert recipe.schedule.rate == 5e-4
    assert recipe.data[0].annotations.endswith("Sub2_train.json")


def test_users_file_may_build_on_a_recipe(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("base: pose_resnet_18\nnetwork: {depth: 34}\n")
    recipe = load_recipe(str(path), ["schedule.rate=1e-4", "schedule.epochs=3", "workers=0"])
    assert (recipe.name, recipe.network.depth, recipe.network.input_size) == ("mine", 34, (256, 192))
    assert (recipe.schedule.rate, recipe.schedule.epochs, recipe.schedule.samples) == (1e-4, 3, None)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["schedule.rtae=1"], "unknown key 'rtae' (did you mean 'rate'?)"),
        (["shcedule=1"], "did you mean 'schedule'"),
        (["schedule.rate=fast"], "schedule.rate: expected a number, got 'fast'"),
        (["schedule.batch=2.5"], "schedule.batch: expected a whole number"),
        (["network.input_size=[250, 192]"], "network.input_size is 250: it must be a positive multiple"),
        (["network.input_size=[256]"], "expected 2 values, got 1"),
        (["network.input_size=256"], "expected a list"),
        (["schedule.shape=sawtooth"], "choose from cosine, poly, step"),
        (["network.kind=hourglass"], "choose from pose_resnet, mspn, person_detector"),
        (["targets.kernels=[5, 4]"], "targets.kernels is 4: it must be odd"),
        (["targets.kernels=[]"], "targets.kernels lists 0: pose_resnet needs 1"),
        (["network.kind=mspn", "targets.kernels=[7, 5]"], "targets.kernels lists 2: mspn needs 4"),
        (["network.caffe=true"], "network.caffe is for a pose_resnet of depth 50 or more"),
        (["network.kind=mspn", "network.depth=50", "network.caffe=true"], "network.caffe is for"),
        (
            ["data=[{annotations: a.json, boxes: big}]"],
            "boxes is 'big': choose from annotation, joints",
        ),
        (["precision=8"], "precision is 8: choose from fp32, bf16, fp16"),
        (["validation.first_scene=-1"], "validation.first_scene is -1: it must be 0 or more"),
        (["network.final_kernel=2"], "it must be odd"),
        (["schedule.batch=0"], "must be positive"),
        (["schedule.epochs=.inf"], "schedule.epochs is inf: it must be positive and finite"),
        (["schedule.rate=.nan"], "schedule.rate is nan: it must be positive and finite"),
        (["schedule.average=1"], "it must be from 0 to below 1"),
        (["augmentation.flip=1.5"], "augmentation.flip is 1.5: it must be from 0 to 1"),
        (["network.layers=0"], "network.layers is 0: it must be from 1 to 4"),
        (["network.layers=7"], "it must be from 1 to 4"),
        (["network.padding=0"], "network.padding is 0.0: it must be positive"),
        (["network.std=[1, 0, 1]"], "network.std is 0.0: it must be positive"),
        (["network.width=0.01"], "it must be at least 1/64"),
        (["network.deconv_channels=[]"], "lists no transposed convolution"),
        (["data=[{annotations: a.json, weight: 0}]"], "data.weight is 0.0: it must be positive"),
        (["workers=-1"], "workers is -1: it must be 0 or more"),
        (["seed=-1"], "seed is -1: it must be 0 or more"),
        (["name=../elsewhere"], "recipe name '../elsewhere': give a plain one"),
        (["name=.."], "recipe name '..'"),
        (["data=[]"], "lists no annotation file"),
        (["data=[{weight: 1}]"], "data[0]: the key 'annotations' is missing"),
        (["schedule={batch: 8}"], "schedule.samples or schedule.epochs"),
        (["rate"], "expected key=value"),
    ],
)
def test_wrong_settings(settings: list[str], message: str) -> None:
    with pytest.raises(InputError) as error:
        load_recipe("pose_resnet_18", settings)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("base: nothing\n", "no recipe 'nothing'"),
        ("network: [\n", "not YAML"),
        ("- 1\n", "expected keys and values"),
        ("base: pose_resnet_18\nnetwork: 5\n", "network: expected keys and values"),
    ],
)
def test_wrong_files(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=r"^[^\n]*$") as error:
        load_recipe(str(path))
    assert message in str(error.value)


def test_unknown_recipe_names_the_nearest() -> None:
    with pytest.raises(InputError, match="did you mean 'pose_resnet_18'"):
        load_recipe("pose_resnet18")


def test_a_recipe_survives_a_checkpoint() -> None:
    from dataclasses import asdict

    recipe = load_recipe("mspn_4stage")
    assert build_recipe(asdict(recipe)) == recipe


def test_unknown_benchmark() -> None:
    with pytest.raises(InputError, match="choose from coco"):
        find_benchmark("h36m")
    assert set(BENCHMARKS) >= {
        "coco",
        "mpii",
        "crowdpose",
        "aic",
        "mhp",
        "ochuman",
        "mpii_trb",
        "jhmdb",
        "posetrack18",
    }


def _with_schedule(**changes: object) -> Recipe:
    recipe = load_recipe("pose_resnet_50_coco_256x192")
    return replace(recipe, schedule=replace(recipe.schedule, **changes))  # type: ignore[arg-type]


def test_steps_drop_after_their_epochs() -> None:
    schedule = in_samples(_with_schedule().schedule, 1000)
    assert schedule.samples == 140_032  # 140 epochs, a whole number of batches
    rates = [learning_rate(schedule, done) for done in (0, 89_999, 90_000, 119_999, 120_000, 140_000)]
    assert rates == pytest.approx([1e-3, 1e-3, 1e-4, 1e-4, 1e-5, 1e-5])


def test_warm_up_and_shapes() -> None:
    poly = in_samples(
        _with_schedule(samples=1280, epochs=None, shape="poly", power=1.0, warm_up=512).schedule, 1
    )
    assert learning_rate(poly, 0) == pytest.approx(1e-3 / 4)
    assert learning_rate(poly, 640) == pytest.approx(0.5e-3)
    cosine = in_samples(_with_schedule(samples=1280, epochs=None, shape="cosine").schedule, 1)
    assert learning_rate(cosine, 640) == pytest.approx(0.5e-3)
    assert learning_rate(cosine, 1280) == pytest.approx(0)


def test_batches_must_divide() -> None:
    schedule = _with_schedule(batch=12, accumulate=2).schedule
    assert part_size(schedule, 3) == 2
    with pytest.raises(InputError, match="multiple of 8"):
        part_size(schedule, 4)
