"""Crops against the figures of the programs whose conventions they follow, and their own symmetry."""

from pathlib import Path

import numpy as np

from models.crops import box_to_crop, crop_matrix, extract_crops


def test_microsoft_matrices_and_points(shared: Path) -> None:
    figures = np.load(shared / "reference/decode/affine.npz")
    for i, (centre, scale, rotation) in enumerate(
        zip(figures["center"], figures["scale"] * 200, figures["rotation_deg"], strict=True)
    ):
        if np.any(figures["shift"][i]):
            centre = centre + scale * figures["shift"][i]
        width, height = figures["output_size_wh"][i]
        crop = np.array([*centre, scale[0], scale[0] * height / width])  # its matrix follows the width alone
        matrix = crop_matrix(crop, (height, width), rotation=-rotation, half_pixel=False)
        expected = figures["forward"][i]
        np.testing.assert_allclose(matrix, expected, atol=1e-3 * np.abs(expected).max())


def test_mmpose_boxes_and_matrices(shared: Path) -> None:
    figures = np.load(shared / "reference/decode/mmpose_codecs.npz")
    crops = box_to_crop(figures["bbox_xyxy"], (256, 192))
    np.testing.assert_allclose(crops[:, :2], figures["bbox_center"], atol=1e-3)
    np.testing.assert_allclose(crops[:, 2:], figures["bbox_scale_px"], atol=1e-3)
    exact = np.column_stack((figures["bbox_center"], figures["bbox_scale_px"]))
    for i, rotation in enumerate(figures["rotation_deg"]):
        plain = crop_matrix(exact[i], (256, 192), -rotation, half_pixel=False)
        np.testing.assert_allclose(plain, figures["warp_matrix"][i], rtol=1e-4, atol=1e-3)
        udp = crop_matrix(exact[i], (256, 192), rotation, udp=True)
        np.testing.assert_allclose(udp, figures["udp_warp_matrix"][i], rtol=1e-4, atol=1e-3)


def test_microsoft_pictures(shared: Path) -> None:
    figures = np.load(shared / "reference/decode/crop.npz")
    width, height = figures["output_size_wh"]
    for i, centre in enumerate(figures["center"]):
        if figures["rotation_deg"][i]:
            continue
        scale = figures["scale"][i][0] * 200
        crop = np.array([[*centre, scale, scale * height / width]])
        picture = extract_crops(figures["image"], crop, (height, width), half_pixel=False)[0]
        difference = np.abs(picture.astype(int) - figures["crops"][i])
        assert difference.max() <= 2
        assert difference.mean() < 0.5


def test_a_half_pixel_crop_of_the_mirrored_picture_is_the_mirrored_crop() -> None:
    image = np.random.default_rng(0).integers(0, 256, (90, 120, 3), np.uint8)
    box = np.array([[20.0, 10, 65, 80]])
    mirrored = np.array([[119 - 65, 10, 119 - 20, 80.0]])
    one, other = (
        extract_crops(np.ascontiguousarray(picture), box_to_crop(where, (64, 64)), (64, 64))
        for picture, where in ((image, box), (image[:, ::-1], mirrored))
    )
    assert np.abs(one.astype(int) - other[:, :, ::-1]).max() <= 1


def test_nobody_gives_no_crops() -> None:
    image = np.zeros((10, 10, 3), np.uint8)
    assert extract_crops(image, box_to_crop(np.zeros((0, 4)), (64, 32)), (64, 32)).shape == (0, 64, 32, 3)
