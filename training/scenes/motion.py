"""How people move: joint angles over time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from training.scenes.skeleton import ANGLES, Pose, pose

# A motion gives the pose at a phase; one turn of the phase (2π) is one cycle, two steps for a walk.
Motion = Callable[[float], Pose]


def _bump(phase: float, centre: float, width: float) -> float:
    """A smooth bump on the cycle at a share of it (0 to 1)."""
    away = (phase / (2 * np.pi) - centre + 0.5) % 1 - 0.5
    return float(np.exp(-((away / width) ** 2)))


def _swing(phase: float, stance: float = 0.58) -> float:
    """From 1 to −1 evenly while the body passes over the foot on the ground, and back through the air."""
    share = phase / (2 * np.pi) % 1
    if share < stance:
        even, smooth = 1 - 2 * share / stance, np.cos(np.pi * share / stance)
        return float(0.75 * even + 0.25 * smooth)
    return float(-np.cos(np.pi * (share - stance) / (1 - stance)))


def walk(phase: float, vigour: float = 1.0) -> Pose:
    """Walking: heel strike of the left foot at phase 0."""
    angles: dict[str, float] = {
        "lean": 2 * vigour,
        "twist": 5 * vigour * np.cos(phase),
        "sway": 2 * np.sin(phase),
    }
    for side, own in (("left", phase), ("right", phase + np.pi)):
        angles[f"{side}_hip_flexion"] = 5 + 23 * vigour * _swing(own)
        angles[f"{side}_knee"] = 6 + 14 * _bump(own, 0.13, 0.08) + 52 * vigour * _bump(own, 0.73, 0.13)
        angles[f"{side}_ankle"] = 6 * _bump(own, 0.4, 0.15) - 18 * vigour * _bump(own, 0.62, 0.07)
        angles[f"{side}_shoulder_flexion"] = 2 - 22 * vigour * np.cos(own)
        angles[f"{side}_shoulder_abduction"] = 7
        angles[f"{side}_elbow"] = 18 - 12 * vigour * np.cos(own)
    return pose(**angles)


def run(phase: float, vigour: float = 1.0) -> Pose:
    """Running, with both feet off the ground twice a cycle."""
    angles: dict[str, float] = {"lean": 9 * vigour, "twist": 9 * np.cos(phase), "bend": 4}
    for side, own in (("left", phase), ("right", phase + np.pi)):
        angles[f"{side}_hip_flexion"] = 14 + 38 * vigour * np.cos(own)
        angles[f"{side}_knee"] = 16 + 22 * _bump(own, 0.12, 0.1) + 85 * vigour * _bump(own, 0.7, 0.15)
        angles[f"{side}_ankle"] = -25 * _bump(own, 0.45, 0.1)
        angles[f"{side}_shoulder_flexion"] = -5 - 38 * vigour * np.cos(own)
        angles[f"{side}_shoulder_abduction"] = 12
        angles[f"{side}_elbow"] = 88 - 14 * np.cos(own)
    angles["lift"] = 0.09 * vigour * max(0.0, np.cos(2 * phase + 0.5))
    return pose(**angles)


def stand(phase: float, left: float = 5.0, right: float = 5.0) -> Pose:
    """Standing, shifting weight a little; `left` and `right` say how much the elbows are bent."""
    swing = np.sin(phase)
    return pose(
        sway=1.5 * swing, look=14 * np.sin(phase * 0.7 + 1), nod=4 + 3 * swing, shoulder_abduction=8,
        hip_abduction=4,
        left_elbow=left, right_elbow=right, left_shoulder_flexion=left * 0.25,
        right_shoulder_flexion=right * 0.25,
        left_hip_flexion=2 * swing, left_knee=4 + 3 * swing,
    )  # fmt: skip


def wave(phase: float, height: float = 150.0) -> Pose:
    """Waving with the right hand."""
    return stand(phase * 0.3) + pose(
        right_shoulder_abduction=height - 40,
        right_shoulder_twist=-90,
        right_elbow=55 + 28 * np.sin(2 * phase),
        tilt=4,
    )


def phone(phase: float) -> Pose:
    """A telephone at the right ear."""
    return stand(phase * 0.5) + pose(
        right_shoulder_flexion=38,
        right_shoulder_abduction=28,
        right_shoulder_twist=-25,
        right_elbow=138,
        tilt=-6,
    )


def reading(phase: float) -> Pose:
    """Both hands before the chest, the eyes on them."""
    return stand(phase * 0.5) + pose(shoulder_flexion=32, shoulder_twist=-22, elbow=88, nod=24)


def crouch(phase: float, deep: float = 1.0) -> Pose:
    """Down and up again, once a cycle."""
    down = deep * (0.5 - 0.5 * np.cos(phase))
    return pose(
        hip_flexion=105 * down, knee=125 * down, ankle=22 * down, hip_abduction=6 + 12 * down, bend=22 * down,
        lean=14 * down, shoulder_flexion=20 + 45 * down, shoulder_abduction=10, elbow=25 + 30 * down,
        nod=-12 * down,
    )  # fmt: skip


def dance(phase: float, style: float = 0.5) -> Pose:
    """Swinging hips, arms in the air."""
    s, c, twice = np.sin(phase), np.cos(phase), np.sin(2 * phase + style)
    return pose(
        sway=7 * s, side_bend=-9 * s, twist=18 * c, turn=14 * s, lean=3, nod=6 * twice, tilt=8 * s,
        left_shoulder_abduction=65 + 55 * s, right_shoulder_abduction=65 - 55 * s + 30 * style,
        left_shoulder_flexion=25 * c, right_shoulder_flexion=-25 * c + 30 * style,
        left_elbow=65 + 35 * twice, right_elbow=65 - 35 * twice, left_shoulder_twist=-40 * style,
        left_hip_flexion=14 + 14 * s, right_hip_flexion=14 - 14 * s, left_knee=28 + 24 * s,
        right_knee=28 - 24 * s,
        hip_abduction=11,
    )  # fmt: skip


def jumping_jack(phase: float, vigour: float = 1.0) -> Pose:
    """Arms and legs apart and together."""
    apart = 0.5 - 0.5 * np.cos(phase)
    return pose(
        shoulder_abduction=12 + 150 * apart * vigour, elbow=14, hip_abduction=2 + 26 * apart * vigour,
        knee=10 + 14 * (1 - apart), hip_flexion=6 + 8 * (1 - apart), lift=0.14 * abs(np.sin(phase)) * vigour,
    )  # fmt: skip


def boxing(phase: float) -> Pose:
    """Guard and straight punches with either hand."""
    left, right = _bump(phase, 0.25, 0.1), _bump(phase, 0.75, 0.1)
    return pose(
        turn=-28, twist=14 * left - 30 * right, left_shoulder_flexion=48 + 38 * left,
        left_elbow=118 - 100 * left,
        right_shoulder_flexion=42 + 42 * right, right_elbow=125 - 105 * right, shoulder_abduction=14, bend=8,
        left_hip_flexion=26, right_hip_flexion=-12, knee=22, ankle=-4, hip_abduction=8,
    )  # fmt: skip


def lunge(phase: float) -> Pose:
    """A long step down on the left leg and up again."""
    down = 0.5 - 0.5 * np.cos(phase)
    return pose(
        left_hip_flexion=12 + 70 * down, left_knee=10 + 78 * down, right_hip_flexion=-8 - 14 * down,
        right_knee=12 + 72 * down, right_ankle=-18 * down, shoulder_abduction=32, elbow=80,
        shoulder_twist=-20,
    )  # fmt: skip


def bow(phase: float) -> Pose:
    """Bending over to the ground, as to lift something."""
    down = 0.5 - 0.5 * np.cos(phase)
    return pose(
        lean=48 * down, bend=48 * down, hip_flexion=48 * down + 8 * down, knee=20 * down,
        shoulder_flexion=70 * down,
        shoulder_abduction=8, elbow=12, nod=-15 * down, hip_abduction=6,
    )  # fmt: skip


def sit(phase: float, arms: float = 0.5) -> Pose:
    """Sitting on something 0.45 m high (which the scene puts there)."""
    return pose(
        hip_flexion=84, knee=84, hip_abduction=9, lean=2, bend=6 + 2 * np.sin(phase), nod=8,
        look=18 * np.sin(phase * 0.6), shoulder_flexion=24 + 25 * arms, elbow=38 + 55 * arms,
        shoulder_abduction=10,
    )  # fmt: skip


def stretch(phase: float) -> Pose:
    """Both arms up, bending to the sides."""
    return stand(phase) + pose(
        shoulder_abduction=150,
        elbow=14,
        side_bend=24 * np.sin(phase),
        tilt=8 * np.sin(phase),
        hip_abduction=8,
    )


STILL_MOTIONS: dict[str, Motion] = {
    "stand": stand,
    "wave": wave,
    "phone": phone,
    "reading": reading,
    "crouch": crouch,
    "dance": dance,
    "jumping jack": jumping_jack,
    "boxing": boxing,
    "lunge": lunge,
    "bow": bow,
    "sit": sit,
    "stretch": stretch,
}
_SPREAD = {  # degrees by which a person's habits differ from the rule
    "shoulder_flexion": 9, "shoulder_abduction": 6, "shoulder_twist": 14, "elbow": 11, "hip_flexion": 3,
    "hip_abduction": 2, "hip_twist": 5, "knee": 4, "ankle": 2, "nod": 6, "look": 12, "tilt": 4, "bend": 4,
    "twist": 4,
}  # fmt: skip


def habits(random: Generator, strength: float = 1.0) -> Pose:
    """Constant differences in the angles that make a person's movements its own."""
    spread = np.array([_SPREAD.get(name.removeprefix("left_").removeprefix("right_"), 0) for name in ANGLES])
    return np.asarray(random.normal(0, 1, len(ANGLES)) * spread * strength)


def any_pose(random: Generator) -> Pose:
    """A pose out of the blue, within what joints allow: for stills of sport and play."""
    values: dict[str, float] = {
        "lean": random.normal(5, 18), "sway": random.normal(0, 10), "bend": random.uniform(-15, 50),
        "side_bend": random.normal(0, 14), "twist": random.normal(0, 18), "nod": random.normal(0, 18),
        "look": random.normal(0, 28), "tilt": random.normal(0, 10), "lift": max(0.0, random.normal(-0.1,
        0.25)),
    }  # fmt: skip
    for side in ("left", "right"):
        values |= {
            f"{side}_shoulder_flexion": random.uniform(-50, 160),
            f"{side}_shoulder_abduction": random.uniform(0, 120),
            f"{side}_shoulder_twist": random.uniform(-70, 40),
            f"{side}_elbow": random.uniform(0, 140) * random.random() ** 0.5,
            f"{side}_hip_flexion": random.uniform(-20, 110) * random.random() ** 0.7,
            f"{side}_hip_abduction": abs(random.normal(5, 16)),
            f"{side}_hip_twist": random.normal(0, 15),
            f"{side}_knee": random.uniform(0, 130) * random.random() ** 0.5,
            f"{side}_ankle": random.normal(-5, 12),
        }
    return pose(**values)


@dataclass(frozen=True)
class Path:
    """Where somebody goes: way points on the ground, passed at given times.

    Attributes:
        times: (P,) seconds, rising.
        places: (P, 2) metres.
    """

    times: NDArray[np.float64]
    places: NDArray[np.float64]

    def place(self, time: float) -> NDArray[np.float64]:
        """(2,) the place at a time, on a smooth curve through the way points; it stays at the ends."""
        if len(self.times) == 1 or time <= self.times[0]:
            return self.places[0]
        if time >= self.times[-1]:
            return self.places[-1]
        i = int(np.searchsorted(self.times, time, "right")) - 1
        span = self.times[i + 1] - self.times[i]
        t = (time - self.times[i]) / span
        start, end = self._velocity(i) * span, self._velocity(i + 1) * span
        weights = (2 * t**3 - 3 * t**2 + 1, t**3 - 2 * t**2 + t, 3 * t**2 - 2 * t**3, t**3 - t**2)
        a, b = self.places[i], self.places[i + 1]
        return np.asarray(weights[0] * a + weights[1] * start + weights[2] * b + weights[3] * end)

    def _velocity(self, i: int) -> NDArray[np.float64]:
        """(2,) metres a second at a way point; 0 where the path rests."""
        low, high = max(i - 1, 0), min(i + 1, len(self.times) - 1)
        here = self.places[i]
        if any(other != i and (self.places[other] == here).all() for other in (low, high)):
            return np.zeros(2)
        return np.asarray((self.places[high] - self.places[low]) / (self.times[high] - self.times[low]))

    @cached_property
    def _lengths(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        times = np.arange(self.times[0], self.times[-1] + 0.05, 0.05)
        steps = np.diff([self.place(time) for time in times], axis=0)
        return times, np.concatenate(([0.0], np.cumsum(np.linalg.norm(steps, axis=1))))

    def length(self, time: float) -> float:
        """Metres gone since the first way point."""
        return float(np.interp(time, *self._lengths)) if len(self.times) > 1 else 0.0


@dataclass(frozen=True)
class Movement:
    """One person's movement: a path, and what the body does on it and when standing.

    Attributes:
        path: where the person goes.
        gait: motion while the path leads on.
        stride: metres of one cycle of the gait.
        pause: motion while standing still.
        pace: cycles a second of `pause`.
        facing: degrees that the person faces while standing, anti-clockwise from the world's +y.
        phase: where in the cycles the movement starts.
        habits: differences from the rule, as of `habits`.
    """

    path: Path
    gait: Motion
    stride: float
    pause: Motion
    pace: float = 0.5
    facing: float = 0.0
    phase: float = 0.0
    habits: Pose = field(default_factory=pose)

    def at(self, time: float) -> tuple[NDArray[np.float64], float, Pose]:
        """Place (2,), heading in degrees and pose at a time in seconds."""
        place = self.path.place(time)
        ahead, going = self._going(time)
        resting = self.pause(self.phase + 2 * np.pi * self.pace * time)
        if going == 0:
            return place, self.facing, resting + self.habits
        walked = self.gait(self._gait_phase(time))
        heading = float(np.degrees(np.arctan2(-ahead[0], ahead[1])))
        turn = (heading - self.facing + 180) % 360 - 180
        return place, self.facing + turn * going, walked * going + resting * (1 - going) + self.habits

    def footfalls(self, times: NDArray[np.float64]) -> NDArray[np.float64]:
        """Those of the rising times right after which a foot meets the ground."""
        halves = np.floor([self._gait_phase(time) / np.pi for time in times])
        return np.asarray(times[:-1][np.diff(halves) > 0])

    def _gait_phase(self, time: float) -> float:
        return self.phase + 2 * np.pi * self.path.length(time) / self.stride

    def _going(self, time: float) -> tuple[NDArray[np.float64], float]:
        """Direction (2,) of the path, and how much of the gait shows: 0 standing, 1 walking."""
        step = 0.2
        ahead = self.path.place(time + step) - self.path.place(time - step)
        speed = float(np.linalg.norm(ahead)) / (2 * step)
        return ahead, float(np.clip((speed - 0.1) / 0.4, 0, 1))
