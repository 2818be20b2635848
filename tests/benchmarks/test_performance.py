"""The page of what was measured."""

from benchmarks.performance import page


def test_peers_that_only_some_rows_have_get_a_column():
    row = {"case": "a", "size": [8, 8], "batch_size": 1, "command": "one"}
    numbers = {"forward": 1, "backward": 1, "rss": 5.0, "device": None}

    def timed(*names):
        by_name = dict.fromkeys(names, numbers)
        paces = dict(seconds={name: [1.0] for name in names}, pace=dict.fromkeys(names, 2.0))
        return {**row, **paces, "memory": by_name, "passes": by_name}

    about = {"command": "one", "date": "today", "machine": "this"}
    versions = {"torch": "2", "python": "3"}
    rows = [timed("art", "floor, fast"), {**timed("art", "foolbox"), "command": "other"}]
    text = page({"sizes": {"rows": rows, **about, "versions": versions}})
    assert "| network, pixels | batch | art | foolbox | floor, fast |" in text
    assert "| a, 8 | 1 | 2.0 | - | 2.0 (1.00; 1.00-1.00) |" in text
    assert "| a, 8 | 1 | 5 | 5 | - |" in text
    assert "Measured in several goes: `one`, `other`." in text
