"""The sample clip: five people cross, meet and pass, one leaves and comes back, the camera pans."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.files import write_json
from models.progress import with_bar
from training.scenes.camera import Camera, CameraMotion
from training.scenes.casting import compose
from training.scenes.film import SOUND_RATE, write_film
from training.scenes.look import Look
from training.scenes.motion import Motion, Movement, phone, run, stand, walk, wave
from training.scenes.motion import Path as Way
from training.scenes.scene import Scene
from training.scenes.things import bench, bush, pillar
from training.scenes.writing import posetrack_content, sequence_name

SIZE = (960, 540)
RATE = 25  # frames a second
FRAMES = 225
SEED = 12


def sample_scene() -> Scene:
    """The scene of the sample clip, 9 seconds long."""
    camera = Camera(np.array([0.0, 0.0, 1.65]), 0.0, -5.0, 0.0, 930.0, *SIZE)
    motion = CameraMotion(camera, pan=5.0, period=18.0, shake=0.06, start=-0.25)
    movements = [
        _walker([(-4.6, 6.6), (4.8, 6.9)], [-0.3, 6.8], facing=180),
        _walker([(3.9, 5.3), (-4.4, 5.5)], [-0.2, 6.3], facing=180),
        Movement(_way([(1.3, 7.7)], [0.0]), walk, 1.4, phone, pace=0.3, facing=195),
        replace(
            _walker([(-5.6, 8.6), (6.4, 8.4), (6.2, 6.0), (-2.6, 6.1)], [1.8, 5.2, 6.0, 9.6], facing=180),
            gait=run, stride=2.5,
        ),
        _walker([(-2.2, 13.0), (-1.6, 7.2), (-1.6, 7.2)], [-0.5, 4.7, 20.0], facing=170, pause=wave),
    ]  # fmt: skip
    random = np.random.default_rng(SEED)
    things = [
        bush(random, np.array([2.5, 5.0])),
        pillar(random, np.array([-2.9, 5.9])),
        bench(random, np.array([3.6, 9.6])),
    ]
    scene = compose(random, SEED, "street", motion, movements, things)
    return replace(scene, look=Look(exposure=1.05, noise=0.004, blur=0.4, shutter=0.014))


def _walker(
    places: list[tuple[float, float]], times: list[float], facing: float, pause: Motion = stand
) -> Movement:
    return Movement(_way(places, times), walk, 1.3, pause, pace=0.5, facing=facing)


def _way(places: list[tuple[float, float]], times: list[float]) -> Way:
    return Way(np.array(times), np.array(places))


def write_sample(path: Path) -> None:
    """Write the sample clip with sound, and its annotations beside it, of every other frame.

    Args:
        path: of the video.
    """
    scene = sample_scene()
    stills = [scene.at(frame / RATE, frame) for frame in with_bar(range(FRAMES), "rendering", FRAMES)]
    write_film(path, [picture for picture, _ in stills], RATE, sound=footsteps(scene, FRAMES / RATE), crf=27)
    truth = posetrack_content(1, [figures for _, figures in stills], SIZE, every=2)
    write_json(path.with_name(f"{path.stem}_truth") / f"{sequence_name(1)}.json", truth)


def footsteps(scene: Scene, duration: float) -> NDArray[np.float32]:
    """(S,) the sound of a scene: everybody's steps, louder when near, and a little wind."""
    random = np.random.default_rng(scene.seed)
    count = int(duration * SOUND_RATE)
    sound = (
        _smooth(random.normal(0, 1, count), 400)
        * (1 + 0.5 * np.sin(np.arange(count) / SOUND_RATE * 0.9))
        * 0.02
    )
    length = SOUND_RATE // 8
    fade = np.exp(-np.arange(length) / (0.018 * SOUND_RATE))
    for person in scene.people:
        for time in person.movement.footfalls(np.arange(0, duration, 0.01)):
            step = _smooth(random.normal(0, 1, length), 12) * fade
            away = float(np.linalg.norm(person.movement.path.place(time) - scene.camera(time).position[:2]))
            start = int(time * SOUND_RATE)
            end = min(start + length, count)
            sound[start:end] += 0.9 / max(away, 1.0) * step[: end - start]
    return np.asarray(sound.clip(-1, 1), np.float32)


def _smooth(noise: NDArray, width: int) -> NDArray:
    """Noise without its high tones, of unit spread."""
    low = np.convolve(noise, np.hanning(width), "same")
    return low / low.std()
