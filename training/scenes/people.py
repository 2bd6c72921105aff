"""Who appears in a scene: people of all builds, dressed at random."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from training.scenes import texture as paint
from training.scenes.body import Outfit, dress
from training.scenes.mesh import Surface
from training.scenes.motion import Movement
from training.scenes.skeleton import Build, Skeleton, articulate


@dataclass(frozen=True)
class Person:
    """A person of a scene.

    Attributes:
        build: proportions.
        outfit: shape of clothes and hair.
        textures: (7, SIZE, SIZE, 3) in the order of `body.SKIN`, …, BGR as a screen shows them.
        movement: where the person is and how it moves.
    """

    build: Build
    outfit: Outfit
    textures: NDArray[np.float32]
    movement: Movement

    def appear(self, time: float, first_slot: int) -> tuple[Skeleton, list[Surface]]:
        """Skeleton and surfaces at a time in seconds."""
        place, heading, angles = self.movement.at(time)
        skeleton = articulate(self.build, angles, place, heading)
        return skeleton, dress(skeleton, self.outfit, first_slot)


def any_build(random: Generator) -> Build:
    """Women, men and now and then a child; slim to stout."""
    woman = random.random() < 0.5
    stout = float(np.clip(random.normal(1.0, 0.13), 0.8, 1.4))
    if random.random() < 0.12:
        height = random.uniform(0.95, 1.5)
        return Build(
            height=height, head=1.0 + 0.35 * (1.6 - height), flesh=stout * 1.05, leg=0.9 + 0.06 * height
        )
    return Build(
        height=float(np.clip(random.normal(1.65 if woman else 1.78, 0.07), 1.45, 2.02)),
        shoulders=random.normal(0.172 if woman else 0.192, 0.008),
        hips=random.normal(0.095 if woman else 0.088, 0.005),
        arm=random.normal(1, 0.03),
        leg=random.normal(1, 0.03),
        head=random.normal(1, 0.03),
        flesh=stout * (0.94 if woman else 1.04),
        belly=1 + max(0.0, random.normal(0, 0.25)) + max(0.0, stout - 1.05) * 1.5,
        waist=random.normal(0.9 if woman else 1.0, 0.04),
        chest=random.uniform(1.1, 1.5) if woman else 1.0,
    )


def any_outfit(random: Generator) -> Outfit:
    """T-shirts to coats, shorts to long skirts, bare heads and caps."""
    skirt = (
        float(random.choice((0.6, 0.9, 1.2, 1.7))) * random.uniform(0.9, 1.1)
        if random.random() < 0.16
        else 0.0
    )
    shorts = random.random() < 0.25 or (bool(skirt) and random.random() < 0.8)
    hair = ("short", "long", "bun", "tail", "full", "cap", "scarf", "none")
    return Outfit(
        sleeve=float(random.choice((-0.02, 0.45, 0.6, 0.9, 1.9, 1.96), p=(0.1, 0.15, 0.25, 0.05, 0.25, 0.2))),
        trouser=random.uniform(0.35, 0.95) if shorts else random.uniform(1.8, 1.99),
        skirt=skirt,
        looseness=random.uniform(0.003, 0.03),
        trouser_looseness=random.uniform(0.001, 0.03),
        hem=0.06 if skirt else random.uniform(-0.07, 0.08),
        hair=str(random.choice(hair, p=(0.34, 0.2, 0.07, 0.1, 0.05, 0.1, 0.04, 0.1))),
        backpack=bool(random.random() < 0.12),
    )


def any_textures(random: Generator, outfit: Outfit) -> NDArray[np.float32]:
    """(7, SIZE, SIZE, 3) skin, face, hair, top, bottom, shoes and bag."""
    tone, hair_tone = paint.skin_colour(random), paint.hair_colour(random)
    covered = outfit.hair in ("cap", "scarf")
    bearded = outfit.hair not in ("long", "bun", "tail", "scarf") and random.random() < 0.35
    top = paint.any_colour(random)
    dressed = outfit.skirt > 0 and random.random() < 0.5
    shoes = paint.from_hsv(
        random.uniform(0, 360), random.uniform(0, 0.4), random.choice((0.06, 0.12, 0.3, 0.9))
    )
    upper = paint.cloth(random, top)
    return np.stack(
        (
            paint.skin(random, tone),
            paint.face(random, tone, hair_tone, bearded, bool(random.random() < 0.2)),
            paint.cloth(random, paint.any_colour(random)) if covered else paint.hair(random, hair_tone),
            upper,
            upper if dressed else paint.trousers(random),
            paint.folded(random, paint.plain(shoes), 0.08),
            paint.cloth(random, paint.any_colour(random)),
        )
    )


def any_person(random: Generator, movement: Movement) -> Person:
    """Somebody new who moves in a given way."""
    outfit = any_outfit(random)
    return Person(any_build(random), outfit, any_textures(random, outfit), movement)
