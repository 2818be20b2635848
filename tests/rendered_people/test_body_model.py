from pathlib import Path

import numpy as np
import pytest
import torch

from hpe_art.rendered_people import body_model
from hpe_art.rendered_people.body_model import load_model

anny = pytest.importorskip("anny", reason="rendering needs anny")


def test_reads_blend_shapes_as_anny_does():
    import roma
    from anny.models.full_model import load_blend_shape

    folder = Path(anny.__file__).parent / "data/mpfb2/targets/macrodetails"
    file = str(folder / "caucasian-female-young.target.gz")
    turn = roma.Linear(0.1 * roma.euler_to_rotmat("X", [90], degrees=True, dtype=torch.float64))
    for_all = dict(vertices_count=19158, world_transformation=turn[None], dtype=torch.float64)
    theirs = load_blend_shape(file, **for_all)
    assert theirs.abs().max() > 0.001
    torch.testing.assert_close(
        body_model._load_blend_shape(file, **for_all), theirs, rtol=0, atol=0
    )


def test_of_what_anny_parses_only_the_last_stage_is_kept(monkeypatch, tmp_path):
    class Parsed:
        def __init__(self, **variant):
            folder = Path(anny.paths.get_anny_cache_path()) / "v0"
            folder.mkdir(exist_ok=True)
            if not (folder / "build_compact_model_data_3.safetensors").exists():
                for name in ("load_data_1", "build_model_data_2", "build_compact_model_data_3"):
                    (folder / f"{name}.safetensors").touch()

    monkeypatch.setattr(anny, "Anny", Parsed)
    monkeypatch.setenv("ANNY_CACHE_DIR", str(tmp_path / "kept"))
    before = anny.paths.get_anny_cache_path()
    for _ in range(2):
        body_model._load_anny()
        files = [p.relative_to(tmp_path / "kept") for p in tmp_path.rglob("*") if p.is_file()]
        assert files == [Path("v0/build_compact_model_data_3.safetensors")]
    assert anny.paths.get_anny_cache_path() == before


def test_average_adult_stands_upright_and_is_of_human_size():
    model = load_model()
    assert 1.5 < np.ptp(model.template[model.skin, 2]) < 1.9
    assert model.heads["foot.L"][2] < model.heads["lowerleg01.L"][2] < model.heads["neck01"][2]
    assert model.heads["wrist.L"][0] > 0 > model.heads["wrist.R"][0]
    np.testing.assert_allclose(model.weights.sum(axis=1), 1, atol=1e-5)
