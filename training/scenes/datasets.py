"""Whole data sets of rendered scenes in a folder."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import cv2

from models.files import write_json
from models.progress import progress, with_bar
from training.scenes.casting import moving_scene, still_scene
from training.scenes.film import write_film
from training.scenes.writing import (
    Still,
    posetrack_content,
    sequence_name,
    write_coco,
    write_posetrack_pictures,
)


def write_stills(folder: Path, count: int, size: tuple[int, int], seed: int = 0, jobs: int = 1) -> int:
    """Write stills, each of another scene, with COCO-format ``annotations.json``; number of people.

    Args:
        folder: made where it is missing.
        count: number of stills.
        size: width and height in pixels.
        seed: number of the first scene.
        jobs: processes that render; the stills do not depend on it.
    """
    numbers, render = range(seed, seed + count), partial(render_still, size=size)
    if jobs == 1:
        return write_coco(folder, with_bar(map(render, numbers), "rendering", count))
    with ProcessPoolExecutor(jobs, get_context("spawn"), cv2.setNumThreads, (1,)) as pool:
        stills = pool.map(render, numbers, chunksize=4)
        return write_coco(folder, with_bar(stills, "rendering", count))


def render_still(number: int, size: tuple[int, int]) -> Still:
    """The picture of a scene, and who is in it."""
    return still_scene(number, size).at(0.0)


def write_sequences(
    folder: Path,
    count: int,
    frames: int,
    size: tuple[int, int],
    seed: int = 0,
    *,
    rate: int = 25,
    video: bool = False,
) -> list[Path]:
    """Write sequences with annotations in PoseTrack18's format and folders; paths of the annotation files.

    Args:
        folder: made where it is missing.
        count: number of sequences.
        frames: of each sequence.
        size: width and height in pixels.
        seed: number of the first scene, also the sequence's.
        rate: frames a second.
        video: write each sequence as ``NAME.mp4`` beside the annotations, not as a folder of pictures.
    """
    written = []
    with progress("rendering", count * frames) as advance:
        for number in range(seed, seed + count):
            scene = moving_scene(number, size, frames / rate)
            stills = []
            for index in range(frames):
                stills.append(scene.at(index / rate, index))
                advance()
            written.append(write_sequence(folder, number, stills, rate, video=video))
    return written


def write_sequence(folder: Path, number: int, stills: list[Still], rate: int, *, video: bool) -> Path:
    """Write one sequence's pictures and its PoseTrack18 annotations; path of the latter."""
    pictures = [picture for picture, _ in stills]
    if video:
        write_film(folder / f"{sequence_name(number)}.mp4", pictures, rate)
    else:
        write_posetrack_pictures(folder, number, pictures)
    height, width = pictures[0].shape[:2]
    path = folder / "annotations" / "val" / f"{sequence_name(number)}.json"
    write_json(path, posetrack_content(number, [figures for _, figures in stills], (width, height)))
    return path
