"""The renderer: what it draws is where geometry says, and what it says is true shows in the picture."""

from dataclasses import replace

import numpy as np
import pytest

from training.scenes.camera import Camera, CameraMotion
from training.scenes.casting import compose, moving_scene, still_scene
from training.scenes.figure import JOINTS
from training.scenes.light import Light
from training.scenes.look import Look, smear
from training.scenes.mesh import Surface, assemble, box, ellipsoid
from training.scenes.motion import STILL_MOTIONS, Movement, Path, any_pose, run, stand, walk
from training.scenes.rasteriser import barycentric, rasterise
from training.scenes.skeleton import ANGLES, Build, articulate

WHITE = Light(np.array([0.0, 0, 1]), np.zeros(3), np.ones(3), np.ones(3), shadow=0.0, softness=0.01)
CLEAR = Look(blur=0.0, noise=0.0)


def camera(width: int = 160, height: int = 120, **changes: float) -> Camera:
    view = Camera(np.array([0.0, 0, 1.5]), 0.0, 0.0, 0.0, 150.0, width, height)
    return replace(view, **changes)


def standing(places: list[tuple[float, float]], motion=stand, facing: float = 180.0) -> list[Movement]:
    return [
        Movement(Path(np.zeros(1), np.array([place])), walk, 1.4, motion, facing=facing) for place in places
    ]


def coloured(scene):
    """The scene with everybody in one plain colour of their own, lit evenly: pictures tell who is where."""
    hues = [
        (0.9, 0.2, 0.2),
        (0.2, 0.9, 0.2),
        (0.2, 0.2, 0.9),
        (0.9, 0.9, 0.1),
        (0.9, 0.1, 0.9),
        (0.1, 0.9, 0.9),
    ]
    people = tuple(
        replace(person, textures=np.ones_like(person.textures) * np.array(hue, np.float32))
        for person, hue in zip(scene.people, hues, strict=False)
    )
    dark = replace(scene.backdrop, picture=scene.backdrop.picture * 0)
    things = np.full_like(scene.thing_textures, 0.5)
    plain = replace(scene, people=people, backdrop=dark, thing_textures=things, light=WHITE, look=CLEAR)
    return plain, np.array(hues[: len(people)]) * 255


@pytest.mark.parametrize("size", [(40, 30), (37, 53)])
def test_a_triangle_covers_the_pixels_inside_it(size: tuple[int, int]) -> None:
    width, height = size
    corners = np.array([(3.3, 2.2, 2.0), (30.4, 5.1, 2.0), (12.6, 25.7, 2.0)])
    shown = rasterise(corners, np.array([(0, 1, 2)]), height, width).triangle == 0
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    sides = [
        (b[0] - a[0]) * (y - a[1]) - (b[1] - a[1]) * (x - a[0])
        for a, b in zip(corners, np.roll(corners, -1, axis=0), strict=True)
    ]
    np.testing.assert_array_equal(shown, np.min(sides, axis=0) >= 0)


def test_the_nearest_of_two_triangles_shows_and_backs_do_not() -> None:
    near = np.array([(0, 0, 1.0), (20, 0, 1.0), (0, 20, 1.0)])
    far = np.array([(0, 0, 3.0), (20, 0, 3.0), (0, 20, 3.0)])
    points = np.concatenate((far, near))
    for order in ([(0, 1, 2), (3, 4, 5)], [(3, 4, 5), (0, 1, 2)]):
        buffers = rasterise(points, np.array(order), 20, 20)
        assert buffers.depth[5, 5] == pytest.approx(1.0)
        assert buffers.triangle[5, 5] == order.index((3, 4, 5))
    assert (rasterise(points, np.array([(0, 2, 1)]), 20, 20).triangle == -1).all()
    behind = points * (1, 1, -1)
    assert (rasterise(behind, np.array([(0, 1, 2)]), 20, 20).triangle == -1).all()


def test_weights_are_those_of_the_point_in_space_not_on_the_screen() -> None:
    view = camera()
    corners = np.array([(-1.0, 3, 1), (2.0, 9, 1), (0.0, 5, 3)])
    share = np.array([0.2, 0.5, 0.3])
    seen = view.project(share @ corners)
    points = view.project(corners)
    weights = barycentric(points, np.array([(0, 1, 2)]), np.array([0]), seen[:1], seen[1:2])
    np.testing.assert_allclose(weights[0], share, atol=1e-4)


def test_boxes_and_balls_look_outwards() -> None:
    ball = ellipsoid(np.zeros(3), np.eye(3), (1.0, 2.0, 3.0), 12, 16)
    for points, flat in ((ball, False), (box(np.array([0, 0, -0.5]), np.ones(3), 30), True)):
        surface = Surface(points, np.zeros(len(points)), np.zeros(len(points) - 1, int), flat=flat)
        mesh = assemble([surface], 0)
        corners = mesh.points[mesh.triangles].astype(float)
        normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        outwards = -np.einsum("ti,ti->t", normal, corners.mean(axis=1))  # picture rows run down
        assert (outwards >= -1e-9).all()
        assert (np.einsum("vi,vi->v", mesh.normals, mesh.points) > -1e-3).all()


def test_turning_and_zooming_move_the_backdrop_like_far_points() -> None:
    base = camera()
    turned = camera(pan=7.0, tilt=3.0, roll=4.0, focal=190.0)
    points = np.array([(-3.0, 20, 4), (5.0, 30, -2), (0.0, 9, 2)])
    before, after = base.project(points), turned.project(points)
    homogeneous = np.column_stack((before[:, :2], np.ones(3))) @ base.homography_to(turned).T
    np.testing.assert_allclose(homogeneous[:, :2] / homogeneous[:, 2:], after[:, :2], atol=1e-6)


def test_the_backdrop_is_wide_enough_for_the_whole_pan() -> None:
    motion = CameraMotion(camera(), pan=12.0, zoom=0.1, period=4.0, shake=0.3)
    across, up = motion.margin()
    wide = replace(motion.base, width=int(160 * across), height=int(120 * up))
    corners = np.array([(0.0, 0), (159, 0), (0, 119), (159, 119)])
    for time in np.linspace(0, 8, 40):
        to_wide = motion(time).homography_to(wide)
        seen = np.column_stack((corners, np.ones(4))) @ to_wide.T
        places = seen[:, :2] / seen[:, 2:]
        assert (places > -1).all()
        assert (places < (wide.width, wide.height)).all()


MOTIONS = {**STILL_MOTIONS, "walk": walk, "run": run}


@pytest.mark.parametrize("name", sorted(MOTIONS))
def test_bones_keep_their_length_and_nobody_sinks_into_the_ground(name: str) -> None:
    build = Build(height=1.6)
    lengths = []
    for phase in np.linspace(0, 2 * np.pi, 9):
        angles = MOTIONS[name](phase)
        joints = articulate(build, angles, np.array([1.0, 2.0]), 30.0).joints
        bones = (("shoulder", "elbow"), ("elbow", "wrist"), ("hip", "knee"), ("knee", "ankle"))
        pairs = [(f"{s}_{a}", f"{s}_{b}") for s in ("left", "right") for a, b in bones]
        lengths.append([np.linalg.norm(joints[a] - joints[b]) for a, b in pairs])
        lift = angles[ANGLES.index("lift")]
        assert min(point[2] for point in joints.values()) >= lift - 1e-9
        assert min(joints[f"{s}_toe"][2] for s in ("left", "right")) < lift + 0.3
    np.testing.assert_allclose(lengths, np.tile(lengths[0], (9, 1)), atol=1e-9)
    np.testing.assert_allclose(lengths[0][:4], lengths[0][4:], atol=1e-9)


def test_a_walking_foot_stays_where_it_is_put() -> None:
    path = Path(np.array([0.0, 10.0]), np.array([(0.0, 0.0), (0.0, 13.0)]))
    walker = Movement(path, walk, 1.3, stand)
    heels = []
    for time in np.arange(3.0, 5.0, 0.02):
        place, heading, angles = walker.at(time)
        joints = articulate(Build(), angles, place, heading).joints
        heels.append([joints["left_heel"][1:], joints["right_heel"][1:]])
    track = np.array(heels)
    lower = track[:, :, 1].argmin(axis=1)[1:]
    speed = np.abs(np.diff(track[:, :, 0], axis=0))[np.arange(len(lower)), lower] / 0.02
    assert np.median(speed) < 0.5  # metres a second, the body moves at 1.3
    assert len(walker.footfalls(np.arange(3.0, 5.0, 0.01))) in (3, 4)


@pytest.mark.parametrize("seed", [3, 50, 51])
def test_a_visible_joint_shows_its_own_person(seed: int) -> None:
    scene, colours = coloured(still_scene(seed, (240, 160)))
    picture, figures = scene.at(0.0)
    own = []
    for figure in figures:
        x, y = np.rint(figure.joints[figure.visible]).astype(int).T
        away = np.abs(picture[y, x, None].astype(float) - colours).sum(axis=2)
        own += list(away.argmin(axis=1) == figure.person)
    assert len(own) > 15
    assert np.mean(own) > 0.97  # a pixel at an outline may be the mean of two people


@pytest.mark.parametrize("seed", [3, 50])
def test_boxes_and_areas_are_those_of_the_pixels(seed: int) -> None:
    scene, colours = coloured(still_scene(seed, (240, 160)))
    picture, figures = scene.at(0.0)
    for figure in figures:
        mine = np.abs(picture.astype(float) - colours[figure.person]).sum(axis=2) < 12
        if mine.sum() < 30:
            continue
        rows, columns = np.nonzero(mine)
        extent = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])
        outwards = (extent - figure.box) * (1, 1, -1, -1)
        assert (outwards >= -1).all()
        if figure.seen == 1:
            assert (outwards <= 2).all()
        assert mine.sum() <= figure.area * 1.1
        head = figure.head_box
        nose, top = figure.joints[JOINTS.index("nose")], figure.joints[JOINTS.index("head_top")]
        for point in (nose, top):
            assert (point >= head[:2] - 1.5).all()
            assert (point <= head[2:] + 1.5).all()


def test_who_stands_in_front_hides_who_stands_behind() -> None:
    random = np.random.default_rng(0)
    scene = compose(random, 0, "park", CameraMotion(camera()), standing([(0, 4), (0, 6)]), things=[])
    _, figures = scene.at(0.0)
    front, back = (next((f for f in figures if f.person == i), None) for i in (0, 1))
    assert front is not None
    assert not front.covered.any()
    assert front.seen == 1
    assert back is not None
    assert back.covered[[JOINTS.index("left_hip"), JOINTS.index("right_hip")]].all()
    assert not (back.covered & back.visible).any()
    assert 0 < back.seen < 1


@pytest.mark.parametrize("facing", [90.0, 270.0])
def test_a_profile_shows_the_nose_and_one_ear(facing: float) -> None:
    movements = standing([(0, 4)], lambda _: np.zeros(len(ANGLES)), facing)
    scene = compose(
        np.random.default_rng(8), 0, "room", CameraMotion(camera(480, 360, focal=450.0)), movements, []
    )
    (figure,) = scene.at(0.0)[1]
    assert figure.visible[JOINTS.index("nose")]
    near, far = ("left", "right") if facing == 90 else ("right", "left")
    assert figure.visible[JOINTS.index(f"{near}_ear")]
    assert not figure.visible[JOINTS.index(f"{far}_ear")]


@pytest.mark.parametrize(("facing", "seen"), [(180.0, True), (0.0, False)])
def test_a_face_turned_away_is_not_visible(facing: float, seen: bool) -> None:
    movements = standing([(0, 4)], lambda _: np.zeros(len(ANGLES)), facing)
    scene = compose(np.random.default_rng(4), 0, "room", CameraMotion(camera()), movements, things=[])
    (figure,) = scene.at(0.0)[1]
    assert figure.visible[JOINTS.index("nose")] == seen
    left, right = (figure.joints[JOINTS.index(f"{side}_shoulder")][0] for side in ("left", "right"))
    assert (left > right) == seen  # who faces us has the left hand at our right


def test_the_same_seed_gives_the_same_picture_and_truth() -> None:
    pictures = []
    for seed in (5, 5, 6):
        picture, figures = moving_scene(seed, (96, 64), 2.0).at(1.0, 25)
        pictures.append((picture, [f.joints for f in figures]))
    np.testing.assert_array_equal(pictures[0][0], pictures[1][0])
    for a, b in zip(pictures[0][1], pictures[1][1], strict=True):
        np.testing.assert_array_equal(a, b)
    assert (pictures[0][0] != pictures[2][0]).mean() > 0.5


def test_a_number_stays_with_its_person() -> None:
    scene = moving_scene(0, (96, 64), 3.0)
    last: dict[int, np.ndarray] = {}
    followed = 0
    for frame in range(25, 40):
        for figure in scene.at(frame / 25, frame)[1]:
            torso = figure.joints[[JOINTS.index("left_hip"), JOINTS.index("right_hip")]].mean(axis=0)
            if figure.person in last:
                followed += 1
                assert np.linalg.norm(torso - last[figure.person]) < 5
            last[figure.person] = torso
    assert len(last) >= 2
    assert followed > 20


def test_paths_rest_and_go_on() -> None:
    path = Path(np.array([0.0, 2, 5, 7]), np.array([(0.0, 0), (3.0, 0), (3.0, 0), (6.0, 0)]))
    for time in (2.0, 3.1, 4.9):
        np.testing.assert_allclose(path.place(time), (3, 0), atol=1e-9)
    assert path.length(7.0) == pytest.approx(6.0, abs=0.05)
    movement = Movement(path, walk, 1.4, stand, facing=180.0)
    assert movement.at(3.5)[1] == 180.0
    assert movement.at(1.0)[1] % 360 == pytest.approx(270, abs=1)  # to the right of who looks along +y


def test_a_moving_dot_is_smeared_along_its_way_only() -> None:
    picture = np.zeros((21, 21, 3), np.float32)
    picture[10, 10] = 1
    motion = np.zeros((21, 21, 2), np.float32)
    motion[..., 0] = 10
    rows, columns, _ = np.nonzero(smear(picture, motion) > 1e-3)
    assert set(rows) == {10}
    assert columns.max() - columns.min() == 8


def test_any_pose_is_random_but_anatomical() -> None:
    random = np.random.default_rng(1)
    poses = np.array([any_pose(random) for _ in range(50)])
    for side in ("left", "right"):
        assert (poses[:, ANGLES.index(f"{side}_knee")] >= 0).all()
        assert (poses[:, ANGLES.index(f"{side}_elbow")] >= 0).all()
    assert poses.std(axis=0)[ANGLES.index("left_knee")] > 10
