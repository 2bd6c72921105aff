"""The controller on machines of known speed."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pytest

from tracker.live.controller import Choice, RateController
from tracker.types import Frame, FrameResult, Poses


@dataclass(frozen=True)
class Machine:
    """Milliseconds that each part takes."""

    detect: float
    person: float
    fast_person: float = 2
    other: float = 4


def settle(
    machine: Machine,
    people: int,
    target: float = 30,
    frames: int = 300,
    adaptive: bool = False,
    controller: RateController | None = None,
) -> tuple[RateController, float]:
    """Run a controller until it has settled; gives it and the mean milliseconds of the last 60 frames."""
    controller = controller or RateController(target, 3, adaptive)
    spent = []
    for index in range(frames):
        choice = controller.choice
        detected = index % choice.detect_every == 0
        crops = people if detected or choice.max_crops is None else min(people, choice.max_crops)
        pose = crops * (machine.fast_person if choice.fast else machine.person)
        detect = machine.detect if detected else 0.0
        total = machine.other + pose + detect
        spent.append(total)
        poses = Poses.empty(17)
        poses = Poses(*(np.zeros((people, *a.shape[1:]), a.dtype) for a in vars(poses).values()))
        flags = np.zeros(people, bool)
        frame = Frame(index, Fraction(index, 30), np.zeros((1, 1, 3), np.uint8))
        stages = {"detect": detect / 1000, "pose": pose / 1000, "crop": 0.0}
        controller.update(FrameResult(frame, poses, flags, flags, detected, False, stages), total / 1000)
    return controller, float(np.mean(spent[-60:]))


@pytest.mark.parametrize(
    ("machine", "people", "adaptive", "expected"),
    [
        pytest.param(Machine(20, 2), 3, False, Choice(3), id="everything fits"),
        pytest.param(Machine(60, 4), 3, False, Choice(5), id="the detector looks more rarely"),
        pytest.param(Machine(60, 4), 0, False, Choice(3), id="nobody there"),
        pytest.param(Machine(20, 30), 1, False, Choice(15), id="one person is never left out"),
        pytest.param(Machine(20, 20, 3), 3, True, Choice(3, None, True), id="the faster network"),
        pytest.param(Machine(20, 2, 1), 3, True, Choice(3), id="no need for the faster network"),
    ],
)
def test_choice_for_a_machine(machine: Machine, people: int, adaptive: bool, expected: Choice) -> None:
    assert settle(machine, people, adaptive=adaptive)[0].choice == expected


def test_people_take_turns_where_all_are_too_many() -> None:
    controller, mean = settle(Machine(detect=30, person=6), people=5)
    assert controller.choice.max_crops in (2, 3)
    assert controller.choice.detect_every == 15
    assert mean < 1000 / 30


def test_at_least_a_third_of_the_people_is_looked_at() -> None:
    controller, _ = settle(Machine(detect=30, person=100), people=9)
    assert controller.choice.max_crops == 3


def test_better_network_comes_back_when_people_leave() -> None:
    machine = Machine(detect=10, person=8, fast_person=2)
    controller, _ = settle(machine, people=5, adaptive=True)
    assert controller.choice.fast
    settle(machine, people=1, controller=controller)
    assert not controller.choice.fast


def test_slow_machine_changes_at_once() -> None:
    controller, _ = settle(Machine(detect=50, person=400, fast_person=2), people=3, frames=2, adaptive=True)
    assert controller.choice.fast


def test_better_network_is_tried_again_when_the_machine_is_free_again() -> None:
    controller, _ = settle(Machine(detect=10, person=200, fast_person=2), people=3, adaptive=True)
    assert controller.choice.fast
    settle(Machine(detect=10, person=3, fast_person=2), people=3, frames=6000, controller=controller)
    assert not controller.choice.fast


def test_target_rate_decides() -> None:
    slow, _ = settle(Machine(60, 4), people=3, target=15)
    assert slow.choice == Choice(3)
