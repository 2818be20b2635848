import numpy as np

from hpe_art.rendered_people.vectors import cross, dot, length

a, b = np.random.default_rng(0).normal(size=(2, 50, 3))


def test_dot():
    np.testing.assert_allclose(dot(a, b), np.einsum("ij,ij->i", a, b))
    np.testing.assert_allclose(dot(a, b[0]), a @ b[0])


def test_length():
    np.testing.assert_allclose(length(a), np.linalg.norm(a, axis=1))


def test_cross():
    np.testing.assert_array_equal(cross(a, b), np.cross(a, b))
