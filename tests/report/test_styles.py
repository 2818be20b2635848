import itertools

import numpy as np
import pytest

from hpe_art.report.styles import COLOURS, DASHES, MARKS, NIGHT, Styles

# Machado et al. 2009, table of severity 1, in linear RGB.
SIGHT = {
    "full": np.eye(3),
    "protanopia": [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]],
    "deuteranopia": [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
    "tritanopia": [[1.256, -0.077, -0.179], [-0.078, 0.931, 0.148], [0.005, 0.691, 0.304]],
}
# Ottosson 2020, "A perceptual color space for image processing".
CONES = [[0.4122, 0.5363, 0.0514], [0.2119, 0.6807, 0.1074], [0.0883, 0.2817, 0.6300]]
OKLAB = [[0.2105, 0.7936, -0.0041], [1.9780, -2.4286, 0.4506], [0.0259, 0.7828, -0.8087]]


def linear(colours):
    rgb = np.array([[int(one[i : i + 2], 16) / 255 for i in (1, 3, 5)] for one in colours])
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def test_twelve_networks_are_told_apart():
    names = [f"network {i}" for i in range(12)]
    styles = Styles(names)
    lines = [styles.line(name) for name in names]
    assert len({(one["color"], one["marker"], one["linestyle"]) for one in lines}) == 12
    # In grey print as well, where there is no colour.
    assert len({(one["marker"], one["linestyle"]) for one in lines}) == 12
    bars = [styles.bar(name) for name in names]
    assert len({(one["color"], one["hatch"]) for one in bars}) == 12
    assert len({one["color"] for one in lines}) == len({one["marker"] for one in lines}) == 12
    assert len({styles.outline(name) for name in names}) == 12


def test_more_than_twelve_are_told_apart_by_mark_and_dashes():
    names = [f"network {i}" for i in range(len(MARKS) * len(DASHES))]
    styles = Styles(names)
    assert len({(styles.outline(name), styles.dashes(name)) for name in names}) == len(names)


def test_attacks_have_other_colours_than_networks_while_there_are_any():
    names = [f"attack {i}" for i in range(12)]
    for taken in (2, 8, 11):
        styles = Styles(names, taken)
        assert {styles.colour(name) for name in names} == {*COLOURS[taken:]}
    assert Styles(names, 12).colour(names[0]) == COLOURS[0]


@pytest.mark.parametrize("sight", SIGHT)
def test_colours_are_told_apart_by_the_colour_blind(sight):
    seen = np.clip(linear(COLOURS) @ np.transpose(SIGHT[sight]), 0, 1)
    lab = np.cbrt(seen @ np.transpose(CONES)) @ np.transpose(OKLAB)
    # Five times what is just noticed.
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(lab, 2)) > 0.1


def test_colours_stand_out_from_light_and_dark_pages():
    luminance = linear([*COLOURS, "#ffffff", "#17171b"]) @ [0.2126, 0.7152, 0.0722]
    *colours, light, dark = luminance + 0.05
    assert all(light / one > 1.9 and one / dark > 1.9 for one in colours)


def test_colours_stand_out_from_a_dark_page_and_stay_apart():
    colours = [NIGHT.get(one, one) for one in COLOURS]
    luminance = linear([*colours, "#17171b"]) @ [0.2126, 0.7152, 0.0722]
    assert ((luminance[:-1] + 0.05) / (luminance[-1] + 0.05)).min() >= 3
    lab = np.cbrt(linear(colours) @ np.transpose(CONES)) @ np.transpose(OKLAB)
    # Twice what is just noticed; marks and dashes differ too.
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(lab, 2)) > 0.05
