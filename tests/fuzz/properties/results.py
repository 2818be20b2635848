"""What runs and studies have left for reports: results, records, cards, checked models."""

from __future__ import annotations

import io
import json
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import example_results
import numpy as np
from example_studies import attack, network
from fuzz.holding import holds, refused, silent
from fuzz.mutations import broken_json, broken_npz, broken_picture, packed
from hypothesis import strategies as st
from rich.console import Console

from hpe_art.commands import report
from hpe_art.evaluation.model_sweep import Checked, read_checked
from hpe_art.evaluation.result_files import read_results
from hpe_art.evaluation.results import Results
from hpe_art.report.cards import card_page, ranking_page
from hpe_art.report.cards_html import cards_html
from hpe_art.report.html import report_html
from hpe_art.report.models import models_page
from hpe_art.report.table import joint_table, results_markdown, results_table
from hpe_art.studies.record import Record, read_record, write_record
from hpe_art.studies.robustness_card import read_cards

CARDS = Path(__file__).parents[3] / "model_cards"
PICTURES = ("clean.png", "noise.png", "alone.png")


@cache
def _whole_results() -> dict[str, Any]:
    entries = [
        example_results.attack("IGSM-U-10", 8.0, 20.0),
        example_results.attack("FGSM-U", 8.0, 40.0),
    ]
    pose = [[float(k), 2.0] for k in range(16)]
    person = {"person": 3, "pose": pose, "image": PICTURES[0], "perturbation": PICTURES[1]}
    alone = {"outputs": "last", "eps": 8.0, "image": PICTURES[2], "poses": {"hourglass": pose}}
    run = example_results.run(
        entries,
        examples=[{"attack": "IGSM-U-10", "eps": 8.0, "people": [person]}],
        universal=[alone],
    )
    return {"schema_version": 2, "runs": {"hourglass": run.model_dump(mode="json")}}


@holds
def results(folder: Path, draw: Any) -> None:
    """What can be read can be shown."""
    path = folder / "results.json"
    path.write_bytes(draw(broken_json(_whole_results())))
    with refused():
        found = read_results(path)
        for run in found.runs.values():
            results_markdown(run)
            Console(file=io.StringIO()).print(results_table(run), joint_table(run))
        if found.runs:
            assert report_html(found, dict.fromkeys(found.runs, folder))


@holds
def pictures(folder: Path, draw: Any) -> None:
    """A report is made of results whose pictures are broken, or it names them."""
    whole = cv2.imencode(".png", np.zeros((8, 8, 3), np.uint8))[1].tobytes()
    broken = draw(st.sampled_from(PICTURES))
    for name in PICTURES:
        (folder / name).write_bytes(draw(broken_picture(whole)) if name == broken else whole)
    (folder / "results.json").write_text(json.dumps(_whole_results()))
    words = [str(folder), "-o", str(folder / "page.html")]
    if draw(st.sampled_from([False, False, True])):
        words += ["--figures", str(folder / "figures")]
    with silent() as said:
        code = report.main(words)
    assert code == 0 or (code == 2 and broken in said.getvalue()), said.getvalue()


@cache
def _record() -> dict[str, np.ndarray]:
    """The arrays of a small record."""
    runs = {"net": network(attack("FGSM-U", 40.0, target=20.0), attack("IGSM-U-10", 20.0))}
    found = Results(runs={name: one.run for name, one in runs.items()})
    with tempfile.TemporaryDirectory() as folder:
        write_record(Path(folder, "record.npz"), Record(found, runs))
        with np.load(Path(folder, "record.npz")) as file:
            return dict(file)


@holds
def records(folder: Path, draw: Any) -> None:
    """What can be read has finite scores of all that is on record; bombs are refused."""
    path, arrays = folder / "record.npz", _record()
    if draw(st.booleans()):
        about = draw(broken_json(json.loads(arrays["about"].tobytes())))
        path.write_bytes(packed({**arrays, "about": np.frombuffer(about, np.uint8)}))
    else:
        path.write_bytes(draw(broken_npz(arrays)))
    with refused():
        found = read_record(path)
        for name, one in found.runs.items():
            assert found.results.runs[name] == one.run
            for scores in one.scores.values():
                assert scores.ndim == 2 and not np.isinf(scores).any()
        if found.runs:
            assert report_html(found.results, dict.fromkeys(found.runs, folder))


@holds
def cards(folder: Path, draw: Any) -> None:
    """What can be read can be shown, beside others."""
    whole = json.loads((CARDS / "deeppose.json").read_text())
    (folder / "deeppose.json").write_text(json.dumps(whole))
    (folder / "net.json").write_bytes(draw(broken_json({**whole, "network": "net"})))
    with refused():
        found = read_cards(folder)
        assert len(found) == 2
        assert ranking_page(found) and cards_html(found) and all(map(card_page, found))


@holds
def checked_models(folder: Path, draw: Any) -> None:
    """What can be read can be shown."""
    one = Checked(config="a.py", status="works", head="H", input_size=(32, 32), parameters=1.5)
    whole = [json.loads(one.model_dump_json()), {"config": "b.py", "status": "refused"}]
    (folder / "models.json").write_bytes(draw(broken_json(whole)))
    with refused():
        assert models_page(read_checked(folder))
