from hpe_art.report.styles import Styles


def test_twelve_networks_are_told_apart():
    names = [f"network {i}" for i in range(12)]
    styles = Styles(names)
    lines = [styles.line(name) for name in names]
    assert len({(one["color"], one["marker"], one["linestyle"]) for one in lines}) == 12
    # In grey print as well, where there is no colour.
    assert len({(one["marker"], one["linestyle"]) for one in lines}) == 12
    bars = [styles.bar(name) for name in names]
    assert len({(one["color"], one["hatch"]) for one in bars}) == 12
