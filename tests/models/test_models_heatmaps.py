"""Decoding and flip test against the figures of the programs that they come from."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from models.errors import InputError
from models.heatmaps import DECODINGS, cells_to_input, decode, unflip


@pytest.fixture(scope="module")
def maps(shared: Path) -> dict[str, NDArray]:
    return dict(np.load(shared / "reference/decode/heatmap_decode.npz"))


@pytest.mark.parametrize(
    ("decoding", "expected"), [("quarter", "final_preds_post_heatmap_pixels"), ("argmax", "max_preds")]
)
def test_microsoft_decodings(maps: dict[str, NDArray], decoding: str, expected: str) -> None:
    points, scores = decode(maps["heatmaps"], decoding)
    np.testing.assert_allclose(points, maps[expected], atol=1e-4)
    np.testing.assert_array_equal(scores, maps["max_vals"][..., 0])


@pytest.mark.parametrize(
    ("decoding", "codec"),
    [
        ("quarter_mmpose", "msra"),
        ("dark", "dark"),
        ("udp", "udp"),
        ("megvii", "megvii5"),
        ("megvii11", "megvii11"),
        ("megvii15", "megvii15"),
    ],
)
def test_mmpose_decodings(maps: dict[str, NDArray], shared: Path, decoding: str, codec: str) -> None:
    codecs = np.load(shared / "reference/decode/mmpose_codecs.npz")
    expected = codecs[f"{codec}_decode_keypoints_input_px"]
    defined = (maps["heatmaps"].max((2, 3)) > 0) & ~np.isnan(expected).any(-1)
    size, last = np.array([192, 256]), np.array([47, 63])
    points, scores = decode(maps["heatmaps"], decoding)
    pixels = points * (size / last if decoding == "udp" else 4)
    np.testing.assert_allclose(pixels[defined], expected[defined], atol=1e-3)
    np.testing.assert_allclose(scores[defined], codecs[f"{codec}_decode_scores"][defined], atol=1e-5)


@pytest.mark.parametrize("kernel", [5, 9, 11, 17])
def test_mspn_decoding(maps: dict[str, NDArray], shared: Path, kernel: int) -> None:
    reference = np.load(shared / "reference/decode/mspn_official_decode.npz")
    heatmaps = maps["heatmaps"][:8]
    size, centre = maps["scale"][:8, None] * 200, maps["center"][:8, None]
    points, scores = decode(heatmaps * 255, f"mspn{kernel}")
    pixels = points * 4 / np.array([192, 256]) * size + centre - size / 2
    clear = heatmaps.max((2, 3)) > 0  # blank maps are a tie of all cells
    np.testing.assert_allclose(pixels[clear], reference[f"kernel{kernel}_preds"][clear], atol=1e-3)
    np.testing.assert_allclose(scores[clear], reference[f"kernel{kernel}_scores"][..., 0][clear], atol=1e-5)


@pytest.mark.parametrize("decoding", DECODINGS)
def test_every_decoding_finds_a_gaussian(decoding: str) -> None:
    centre = np.array([20.3, 31.7])
    y, x = np.mgrid[:64, :48]
    heatmap = np.exp(-((x - centre[0]) ** 2 + (y - centre[1]) ** 2) / 8)
    peak = 255 if decoding in ("mspn", "megvii", "megengine") else 1
    points, scores = decode(peak * heatmap[None, None].astype(np.float32), decoding)
    offset = {"megvii": 0.5, "mspn": 0.5, "megengine": 0.375}.get(decoding, 0)
    precision = 0.02 if decoding in ("dark", "udp") else 0.5
    assert np.abs(points[0, 0] - offset - centre).max() < precision
    assert scores[0, 0] > 0


@pytest.mark.parametrize("decoding", DECODINGS)
def test_every_decoding_takes_nobody_and_blank_maps(decoding: str) -> None:
    points, scores = decode(np.zeros((0, 17, 64, 48), np.float32), decoding)
    assert points.shape == (0, 17, 2)
    assert scores.shape == (0, 17)
    points, scores = decode(np.zeros((1, 2, 16, 12), np.float32), decoding)
    assert np.isfinite(points).all()
    assert (scores <= 1).all()


def test_megengine_takes_peaks_out_in_turn() -> None:
    """Its first step goes nowhere; the next two go 0.15 and 0.05 towards the next highest cells."""
    heatmap = np.zeros((1, 1, 64, 48), np.float32)
    heatmap[0, 0, 30, 20] = 255
    heatmap[0, 0, 30, 21] = 200  # after the blur the peak is at 20 or 21, its neighbours around
    points, scores = decode(heatmap, "megengine")
    x, y = points[0, 0] - 0.375
    assert 0.14 < np.hypot(x - round(float(x)), y - 30) < 0.21
    assert 1 < scores[0, 0] <= 2


@pytest.mark.parametrize("decoding", ["darkest", "quarter5", "mspn4", ""])
def test_unknown_decoding_is_named(decoding: str) -> None:
    with pytest.raises(InputError, match="choose from"):
        decode(np.zeros((1, 1, 8, 8), np.float32), decoding)


def test_flip_average_as_the_microsoft_code(shared: Path) -> None:
    reference = np.load(shared / "reference/decode/flip.npz")
    partners = np.arange(17)
    for a, b in reference["flip_pairs"]:
        partners[[a, b]] = b, a
    mirrored = reference["output_of_flipped_image"]
    np.testing.assert_array_equal(unflip(mirrored, partners), reference["flip_back"])
    np.testing.assert_array_equal(unflip(mirrored, partners, shift=True), reference["shifted"])
    average = (reference["output"] + unflip(mirrored, partners, shift=True)) / 2
    np.testing.assert_allclose(average, reference["average_shift"], atol=1e-6)


@pytest.mark.parametrize(
    ("cell_size", "half_pixel", "pixels"),
    [(4, True, (1.5, 189.5)), (4, False, (0, 188)), ((191 / 47, 255 / 63), False, (0, 191))],
    ids=["half pixel", "corner", "udp"],
)
def test_first_and_last_cell_in_input_pixels(
    cell_size: float | tuple[float, float], half_pixel: bool, pixels: tuple[float, float]
) -> None:
    found = cells_to_input(np.array([[0, 0], [47, 63]]), cell_size, half_pixel)
    np.testing.assert_allclose(found[:, 0], pixels)
