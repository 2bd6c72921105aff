"""Whole runs on a handful of people: they learn, stop, go on exactly, share work, fail in one line."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from models.checkpoints import load_pose_network
from models.errors import InputError
from models.keypoints import COCO
from models.person_detector import load_person_detector
from training import loop
from training.checkpoint import BEST, LAST, read_checkpoint, recipe_of
from training.crops import write_crops
from training.distributed import join_world, usable_cpus
from training.loader import create_loader
from training.loop import train
from training.pose_task import PoseTask
from training.recipe import Recipe
from training.recipe_files import load_recipe
from training.run import create_run, create_task
from training.run_log import TRAINING, VALIDATION, append_row, read_rows
from training.task import Validation

ROOT = Path(__file__).parents[2]
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}


@pytest.fixture(autouse=True)
def one_thread() -> Any:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def command(*arguments: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "training", *map(str, arguments)],
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
        cwd=options.pop("cwd", ROOT),
        timeout=240,
        **options,
    )


def weights(path: Path) -> dict[str, torch.Tensor]:
    return read_checkpoint(path)["network"]


def assert_same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> None:
    for key, value in one.items():
        assert torch.equal(value, other[key]), key


def with_schedule(recipe: Recipe, **changes: Any) -> Recipe:
    return replace(recipe, schedule=replace(recipe.schedule, **changes))


def test_a_run_goes_on_exactly_where_it_stopped(people: Path, tiny: Path, tmp_path: Path) -> None:
    recipe = load_recipe(str(tiny))
    train(recipe, people, tmp_path / "whole")

    class Stopped(Exception):
        pass

    original = loop._validate

    def stop_after_first(*arguments: Any) -> Any:
        original(*arguments)
        raise Stopped

    loop._validate = stop_after_first  # type: ignore[assignment]
    try:
        with pytest.raises(Stopped):
            train(recipe, people, tmp_path / "parts")
    finally:
        loop._validate = original
    assert read_checkpoint(tmp_path / "parts" / LAST)["done"] == 16
    torch.manual_seed(99)
    figures, _ = train(recipe, people, tmp_path / "parts", resume=True)
    one, other = (read_checkpoint(tmp_path / name / LAST) for name in ("whole", "parts"))
    for part in ("network", "average"):
        assert_same(one[part], other[part])
    for key, moments in one["optimiser"]["state"].items():
        assert_same(moments, other["optimiser"]["state"][key])
    assert one["done"] == other["done"] == 32
    assert figures == one["figures"]
    again, last = train(recipe, people, tmp_path / "whole", resume=True)
    assert (again, last) == (one["figures"], None)


def test_the_end_of_a_run_is_kept_whatever_batch_it_went_on_with(
    people: Path, tiny: Path, tmp_path: Path
) -> None:
    recipe = load_recipe(str(tiny), ["schedule.samples=8"])
    train(recipe, people, tmp_path)
    _, last = train(with_schedule(recipe, samples=20, batch=6), people, tmp_path, resume=True)
    assert last is not None
    assert read_checkpoint(tmp_path / LAST)["done"] == 26


def test_a_run_that_diverges_says_so_and_keeps_its_checkpoint(
    people: Path, tiny: Path, tmp_path: Path
) -> None:
    train(load_recipe(str(tiny), ["schedule.samples=8"]), people, tmp_path)
    before = (tmp_path / LAST).read_bytes()
    wild = load_recipe(str(tiny), ["schedule.rate=1e30", "schedule.clip=0"])
    with pytest.raises(InputError, match=r"has diverged.*lower schedule\.rate"):
        train(wild, people, tmp_path, resume=True)
    assert (tmp_path / LAST).read_bytes() == before


def test_a_validation_that_nobody_counts_in_is_told(
    people: Path, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    monkeypatch.setattr(PoseTask, "validate", lambda *_: Validation({"Mean": float("nan")}, []))
    train(load_recipe(str(tiny), ["schedule.samples=8"]), people, tmp_path)
    assert "nobody in the validation data counts for Mean: no checkpoint can be the best" in caplog.text
    assert (tmp_path / LAST).exists()
    assert not (tmp_path / BEST).exists()


@pytest.mark.parametrize("optimiser", ["adam", "adamw"])
def test_a_run_learns(people: Path, tiny: Path, tmp_path: Path, optimiser: str) -> None:
    recipe = load_recipe(
        str(tiny),
        [
            "schedule.samples=320",
            "schedule.rate=3e-3",
            "validate_every=320",
            "log_every=64",
            "augmentation={}",
        ],
    )
    recipe = with_schedule(recipe, optimiser=optimiser)
    train(recipe, people, tmp_path)
    losses = [row["loss"] for row in read_rows(tmp_path / TRAINING)]
    assert losses[-1] < 0.85 * losses[0]


def test_accumulated_parts_make_the_same_gradient(people: Path, tiny: Path, tmp_path: Path) -> None:
    """Up to batch norm, whose statistics are a part's own: with one sample repeated they are equal."""
    recipe = replace(load_recipe(str(tiny)), validate_every=None)
    settings = replace(recipe.network, kind="pose_resnet")
    results = []
    for accumulate in (1, 2):
        run = with_schedule(replace(recipe, network=settings), samples=8, accumulate=accumulate, clip=0)
        train(run, people, tmp_path / str(accumulate))
        results.append(weights(tmp_path / str(accumulate) / LAST)["final_layer.bias"])
    assert torch.allclose(results[0], results[1], atol=1e-4)
    assert not torch.equal(results[0], torch.zeros_like(results[0]))


def test_mspn_detector_and_teacher_train(people: Path, tiny: Path, tmp_path: Path) -> None:
    recipe = load_recipe(str(tiny), ["schedule.samples=4", "schedule.batch=2"])
    blurred = replace(recipe.targets, kind="blurred", peak=255.0, hardest=8)
    mspn = replace(recipe, network=replace(recipe.network, kind="mspn", stages=1), targets=blurred)
    train(mspn, people, tmp_path / "mspn")
    found = replace(recipe, network=replace(recipe.network, kind="person_detector"))
    figures, last = train(found, people, tmp_path / "detector")
    assert set(figures) == {"AP50", "AP"}
    assert last is not None
    assert last.pictures
    larger = replace(recipe, network=replace(recipe.network, input_size=(64, 64)))
    train(larger, people, tmp_path / "teacher")
    pupil = replace(recipe.network, teacher=str(tmp_path / "teacher" / BEST))
    train(replace(recipe, network=pupil), people, tmp_path / "pupil")
    apart = read_rows(tmp_path / "pupil" / TRAINING)[-1]["loss"]
    assert apart > read_rows(tmp_path / "teacher" / TRAINING)[-1]["loss"]
    other = replace(recipe.network, keypoints="crowdpose", teacher=str(tmp_path / "teacher" / BEST))
    with pytest.raises(InputError, match="must be the same"):
        train(replace(recipe, network=other), people, tmp_path / "other")


VALIDATE = """
import json, sys
from pathlib import Path
from training.distributed import join_world
from training.run import create_task
from training.recipe_files import load_recipe

recipe, data, output = load_recipe(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])
with join_world() as world:
    task = create_task(recipe, data, world)
    found = task.validate(task.network.eval())
    (output / f"{world.rank}.json").write_text(json.dumps([world.size, len(found.pictures), found.figures]))
"""


def test_two_processes_do_what_one_does(people: Path, tiny: Path, tmp_path: Path) -> None:
    script, together = tmp_path / "validate.py", tmp_path / "together"
    script.write_text(VALIDATE)
    together.mkdir()
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    training = ["-m", "training", str(tiny), "--data", str(people), "--output", str(together)]
    for arguments in ([str(script), str(tiny), str(people), str(together)], training):
        run = subprocess.run(
            [*launch, *arguments], capture_output=True, text=True, env=ENVIRONMENT, cwd=ROOT, timeout=300
        )
        assert run.returncode == 0, run.stderr
    recipe = load_recipe(str(tiny))
    with join_world() as world:
        task = create_task(recipe, people, world)
        alone = task.validate(task.network.eval())
    assert 0 < alone.figures["AP"] < 1
    for rank in range(2):
        expected = [2, len(alone.pictures), alone.figures]
        assert json.loads((together / f"{rank}.json").read_text()) == expected
    train(recipe, people, tmp_path / "alone")
    one, two = (weights(folder / LAST) for folder in (tmp_path / "alone", together))
    for key, value in one.items():
        if value.is_floating_point():
            assert torch.allclose(value, two[key], atol=1e-4), key


def test_dry_run_shows_samples_and_trains_nothing(people: Path, tiny: Path, tmp_path: Path) -> None:
    run = command(tiny, "--data", people, "--output", tmp_path / "dry", "--dry-run")
    assert run.returncode == 0, run.stderr
    assert "12 an epoch" in run.stdout
    picture = cv2.imread(str(tmp_path / "dry" / "samples.png"))
    assert picture.shape[1] == 8 * (64 + 4) - 4
    assert np.asarray(picture).max() > 150
    assert [p.name for p in (tmp_path / "dry").iterdir()] == ["samples.png"]


def test_a_whole_command(people: Path, tiny: Path, tmp_path: Path) -> None:
    output = tmp_path / "run"
    run = command(tiny, "--data", people, "--output", output, "--set", "workers=1", "schedule.samples=16")
    assert run.returncode == 0, run.stderr
    assert {"last.pth", "best.pth", "log.csv", "validation.csv", "report"} == {
        p.name for p in output.iterdir()
    }
    row = read_rows(output / TRAINING)[-1]
    assert {"samples", "epoch", "rate", "per_second", "waiting", "loss", "pck", "skipped"} == set(row)
    page = (output / "report" / "index.html").read_text()
    assert "Training PCK" in page
    assert "data:image/jpeg" in page
    assert recipe_of(read_checkpoint(output / BEST), output).schedule.samples == 16
    weights_file = tmp_path / "net.safetensors"
    exported = command("export", output / BEST, "--output", weights_file)
    assert exported.returncode == 0, exported.stderr
    network = load_pose_network(weights_file)
    assert network.description.name == "net"
    assert network.description.half_pixel
    assert network.description.input_size == (32, 32)
    average = read_checkpoint(output / BEST)["average"]["final_layer.weight"]
    assert torch.allclose(network.state_dict()["final_layer.weight"], average, atol=1e-3)
    best = load_pose_network(output / BEST)
    assert torch.equal(best.state_dict()["final_layer.weight"], average)
    assert best.description.keypoints == network.description.keypoints == COCO  # limbs and sigmas, too


MINI = """
base: mini
data: [{annotations: train/annotations.json, scenes: 12}]
validation: {annotations: val/annotations.json, scenes: 4, first_scene: 1000000}
schedule: {samples: 128, batch: 16, warm_up: 16, average: 0.5}
validate_every: 64
precision: fp32
workers: 0
"""


def test_mini_renders_its_data_and_starts_from_the_fast_network(tmp_path: Path) -> None:
    (tmp_path / "small.yaml").write_text(MINI)
    run = command(tmp_path / "small.yaml", "--data", tmp_path / "data", "--output", tmp_path / "run")
    assert run.returncode == 0, run.stderr
    figures = [row["AP50"] for row in read_rows(tmp_path / "run" / VALIDATION)]
    assert len(figures) == 2
    assert min(figures) > 0.1  # what it starts from knows people; from nothing, AP50 would be 0


def test_a_detector_is_exported(people: Path, tiny: Path, tmp_path: Path) -> None:
    from training.export import export

    recipe = load_recipe(
        str(tiny), ["schedule.samples=2", "schedule.batch=2", "network.kind=person_detector"]
    )
    train(recipe, people, tmp_path)
    size = export(tmp_path / LAST, tmp_path / "detector.safetensors")
    network = load_person_detector(tmp_path / "detector.safetensors")
    assert size < 9e6
    average = read_checkpoint(tmp_path / LAST)["average"]
    assert torch.allclose(network.state_dict()["final_layer.bias"], average["final_layer.bias"], atol=1e-2)


def test_ctrl_c_saves_and_exits_130(people: Path, tiny: Path, tmp_path: Path) -> None:
    output = tmp_path / "run"
    arguments = ["--data", str(people), "--output", str(output), "--set", "schedule.samples=100000"]
    run = subprocess.Popen(
        [sys.executable, "-m", "training", str(tiny), *arguments, "validate_every=100000"],
        stderr=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
        cwd=ROOT,
    )
    end = time.monotonic() + 120
    while not (output / TRAINING).exists() and time.monotonic() < end and run.poll() is None:
        time.sleep(0.1)
    run.send_signal(signal.SIGINT)
    _, errors = run.communicate(timeout=60)
    assert run.returncode == 130, errors
    assert "Traceback" not in errors
    state = read_checkpoint(output / LAST)
    assert state["done"] > 0
    assert f"stopped at sample {state['done']}" in errors


def test_a_full_disk_leaves_the_checkpoint_before_it(people: Path, tiny: Path, tmp_path: Path) -> None:
    output = tmp_path / "run"
    train(load_recipe(str(tiny), ["schedule.samples=16"]), people, output)
    before = (output / LAST).read_bytes()

    def little_room() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    run = command(tiny, "--data", people, "--output", output, "--resume", preexec_fn=little_room)
    assert run.returncode == 2, run.stderr
    last_line = run.stderr.strip().splitlines()[-1]
    assert last_line.startswith("error: cannot write")
    assert "Traceback" not in run.stderr
    assert (output / LAST).read_bytes() == before
    assert not list(output.glob("*.part*"))


def test_a_checkpoint_that_does_not_fit(people: Path, tiny: Path, tmp_path: Path) -> None:
    recipe = load_recipe(str(tiny), ["schedule.samples=8"])
    train(recipe, people, tmp_path)
    other = replace(recipe, network=replace(recipe.network, deconv_channels=(16, 16, 16)))
    with pytest.raises(InputError, match="does not fit the recipe's network"):
        train(other, people, tmp_path, resume=True)
    (tmp_path / LAST).write_bytes(b"PK broken")
    with pytest.raises(InputError, match="damaged or no checkpoint"):
        train(recipe, people, tmp_path, resume=True)
    torch.save({"a": 1}, tmp_path / LAST)
    with pytest.raises(InputError, match="no checkpoint of a training run"):
        read_checkpoint(tmp_path / LAST)


def test_a_run_is_not_overwritten(people: Path, tiny: Path, tmp_path: Path) -> None:
    recipe = load_recipe(str(tiny), ["schedule.samples=8"])
    train(recipe, people, tmp_path)
    before = (tmp_path / BEST).read_bytes()
    with pytest.raises(InputError, match="holds a training run already: go on with --resume"):
        train(recipe, people, tmp_path)
    assert (tmp_path / BEST).read_bytes() == before


def test_frozen_parts_stay_as_they_are(people: Path, tiny: Path, tmp_path: Path) -> None:
    recipe = load_recipe(str(tiny), ["schedule.samples=8", "network.frozen=[conv1, bn1, layer1]"])
    with join_world() as world:
        start = create_task(recipe, people, world).network.state_dict()
    train(recipe, people, tmp_path)
    after = weights(tmp_path / LAST)
    changed = {key.split(".")[0] for key, value in after.items() if not torch.equal(value, start[key])}
    assert changed == {"layer2", "layer3", "layer4", "deconv_layers", "final_layer"}
    unknown = replace(recipe, network=replace(recipe.network, frozen=("layer9",)))
    with pytest.raises(InputError, match="no part 'layer9': choose from conv1, bn1"):
        train(unknown, people, tmp_path / "unknown")


def test_no_more_workers_than_cpus(people: Path, tiny: Path) -> None:
    recipe = load_recipe(str(tiny), ["workers=1000"])
    with join_world() as world, warnings.catch_warnings():
        warnings.simplefilter("error")
        loader = create_loader(create_run(recipe, people, world))
    assert loader.num_workers == usable_cpus()


def test_out_of_memory_names_the_setting() -> None:
    recipe = load_recipe("pose_resnet_18", ["schedule.batch=64", "schedule.accumulate=2"])
    with (
        pytest.raises(InputError, match=r"32 pictures of 256x192.*schedule\.accumulate \(now 2\)"),
        loop._explained(recipe, 32),
    ):
        torch.empty(2**60)
    with pytest.raises(RuntimeError, match="another"), loop._explained(recipe, 32):
        raise RuntimeError("another")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nonsense"], "error: no recipe 'nonsense'"),
        (["pose_resnet_18", "--set", "rtae=1"], "error: pose_resnet_18: unknown key 'rtae'"),
        (["pose_resnet_18", "--data", "nowhere"], "error: no annotations 'nowhere/coco/train.json'"),
        (["export", "nothing.pth", "--output", "x.safetensors"], "error: no checkpoint 'nothing.pth'"),
        (["export", "nothing.pth", "--output", "file"], "error: 'file' exists: add --overwrite"),
        (["mini", "--output", "file/run"], "error: cannot make the folder 'file/run'"),
        (["mini", "--set", "schedule.batch=7", "schedule.accumulate=2"], "choose a multiple of 2"),
        (["mini", "--dry-run", "--resume"], "--dry-run trains nothing: leave --resume and --tensorboard out"),
        (["pose_resnet_18", "--init", "a: b.pth"], "no checkpoint file 'a: b.pth'"),
        (["mini", "--init", ""], "--init: the name is empty"),
        (["crops", "mini", "--output", "x", "--count", "0"], "--count: '0': give a whole number from 1"),
    ],
)
def test_wrong_command_lines(tmp_path: Path, arguments: list[str], message: str) -> None:
    (tmp_path / "file").touch()
    run = command(*arguments, cwd=tmp_path)
    assert run.returncode == 2
    assert message in run.stderr
    assert "Traceback" not in run.stderr


def test_logs_can_be_read_again(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    for samples, loss in ((10, 3.0), (20, 2.0), (30, 1.0)):
        append_row(path, {"time": "t", "samples": samples, "loss": loss})
    append_row(path, {"time": "t", "samples": 20, "loss": 1.5, "pck": 0.5})  # resumed, with one figure more
    assert read_rows(path) == [{"samples": 10, "loss": 3.0}, {"samples": 20, "loss": 1.5, "pck": 0.5}]
    assert read_rows(tmp_path / "none.csv") == []


def test_crops_for_calibration(people: Path, tiny: Path, tmp_path: Path) -> None:
    run = command("crops", tiny, "--data", people, "--output", tmp_path / "crops", "--count", "5")
    assert run.returncode == 0, run.stderr
    pictures = [cv2.imread(str(path)) for path in sorted((tmp_path / "crops").iterdir())]
    assert [picture.shape for picture in pictures] == [(32, 32, 3)] * 5
    assert "5 crops" in run.stdout


def test_crops_render_what_is_missing(tmp_path: Path) -> None:
    (tmp_path / "small.yaml").write_text(MINI)
    recipe = load_recipe(
        str(tmp_path / "small.yaml"),
        ["data=[{annotations: annotations.json, scenes: 2}]", "validation.scenes=1"],
    )
    write_crops(recipe, tmp_path / "data", tmp_path / "crops", 1)
    assert len(list((tmp_path / "crops").iterdir())) == 1
    other = replace(recipe, validation=replace(recipe.validation, annotations="other.json"))
    with pytest.raises(InputError, match=r"other\.json': scenes are rendered with an annotations\.json"):
        write_crops(other, tmp_path / "data", tmp_path / "crops", 1)


def test_speed_is_measured(people: Path, tiny: Path) -> None:
    run = subprocess.run(
        [sys.executable, "benchmarks/train.py", tiny, "--data", people, "--rounds", "1", "--steps", "1"],
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
        cwd=ROOT,
        timeout=240,
    )
    assert run.returncode == 0, run.stderr
    assert [line.split()[0] for line in run.stdout.splitlines()[2:]] == ["data", "step", "both"]
