import numpy as np

from hpe_art.rendered_people.raster import rasterise


def square(depth, low, high):
    points = np.array([[low, low], [high, low], [high, high], [low, high]], float)
    return points, np.full(4, 1 / depth), np.array([[0, 1, 2], [0, 2, 3]])


def test_covers_exactly_the_pixel_centres_inside():
    screen, near, faces = square(1.0, 2.0, 5.0)
    hits = rasterise(screen, near, faces, (8, 8))
    assert sorted(hits.pixel) == [y * 8 + x for y in (2, 3, 4) for x in (2, 3, 4)]
    np.testing.assert_allclose(hits.weights.sum(axis=1), 1)


def test_nearer_wins_for_small_and_for_large_triangles():
    for scale in (1, 20):
        size = (10 * scale, 10 * scale)
        back, front = square(2.0, 0.0, 10.0 * scale), square(1.0, 3.0 * scale, 6.0 * scale)
        screen = np.concatenate([back[0], front[0]])
        near = np.concatenate([back[1], front[1]])
        hits = rasterise(screen, near, np.concatenate([back[2], front[2] + 4]), size)
        seen = np.zeros(size, bool)
        seen.ravel()[hits.pixel[hits.face >= 2]] = True
        expected = np.zeros(size, bool)
        expected[3 * scale : 6 * scale, 3 * scale : 6 * scale] = True
        np.testing.assert_array_equal(seen, expected)


def test_weights_interpolate_over_the_screen():
    rng = np.random.default_rng(0)
    screen, near = rng.uniform(0, 40, (3, 2)), rng.uniform(0.5, 1, 3)
    hits = rasterise(screen, near, np.array([[0, 1, 2]]), (40, 40))
    centres = np.stack([hits.pixel % 40, hits.pixel // 40], axis=1) + 0.5
    np.testing.assert_allclose(hits.weights @ screen, centres, atol=1e-4)
    np.testing.assert_allclose(hits.weights @ near, hits.nearness.ravel()[hits.pixel], rtol=1e-5)


def test_triangles_behind_the_camera_and_of_no_area_are_dropped():
    screen = np.array([[0.0, 0], [9, 0], [0, 9], [4, 4], [4, 4], [4, 4]])
    near = np.array([np.nan, 1, 1, 1, 1, 1])
    hits = rasterise(screen, near, np.array([[0, 1, 2], [3, 4, 5]]), (10, 10))
    assert len(hits.pixel) == 0
    assert np.all(hits.nearness == -np.inf)
