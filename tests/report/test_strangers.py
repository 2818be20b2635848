"""Results that somebody else made: they are shown as they are, or refused; they reach no file."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from hpe_art.errors import UserError
from hpe_art.evaluation.result_files import ResultsError
from hpe_art.report.cards import card_page, ranking_page
from hpe_art.report.cards_html import cards_html
from hpe_art.report.html import report_html
from hpe_art.report.markdown import report_markdown
from hpe_art.report.reading import read_runs
from hpe_art.studies.robustness_card import read_cards

RUN = ("runs", "frail")
PERSON = (*RUN, "examples", 0, "people", 0)
DELETED = object()
CARDS = Path(__file__).parents[2] / "model_cards"


@pytest.fixture
def changed(study):
    """`changed(keys, value)`: the study, a part of whose results has become something else."""
    path = study / "results.json"

    def change(keys, value):
        document = json.loads(path.read_text())
        part = document
        for key in keys[:-1]:
            part = part[key]
        if value is DELETED:
            del part[keys[-1]]
        else:
            part[keys[-1]] = value
        path.write_text(json.dumps(document))
        return study

    return change


@pytest.mark.parametrize(
    ("keys", "value", "message"),
    [
        ((*RUN, "clean"), DELETED, "fit the schema in .* Got at runs.frail.clean: Field required"),
        ((*RUN, "attacks", 0), [], "Got at runs.frail.attacks.0: "),
        ((*RUN, "seed"), "many", "Got at runs.frail.seed: "),
        ((*RUN, "seconds"), float("nan"), "JSON in .*. Got: NaN is not a number"),
        ((*RUN, "seconds"), 1e300, "JSON in .*. Got: 1e\\+300 is too large a number"),
        ((*RUN, "attacks", 0, "backward_passes"), 10**50, "Got: a number of 51 digits"),
        ((*RUN, "skeleton", "joints"), [], "Got 0 joints of frail"),
        ((*RUN, "skeleton", "groups", "Hip"), [99], "a group of frail with joints that it has not"),
        ((*RUN, "skeleton", "bones", 0), [0, 1, "up"], "a bone of frail between joints that it"),
        ((*RUN, "dataset", "num_samples"), 0, "Got 0 people of frail"),
        ((*RUN, "attacks", 0, "eps"), -8, "an attack of frail with eps that is not above 0"),
        ((*RUN, "attacks", 0, "name"), "a\nb", "a name that cannot be shown in 'frail'"),
        ((*RUN, "attacks", 0, "name"), "", "a name that cannot be shown in 'frail'"),
        ((*RUN, "metric", "label"), "x" * 999, "a name that cannot be shown in 'frail'"),
        ((*RUN, "attacks", 0, "folder"), "../../store", "which leads out of its folder"),
        (
            (*RUN, "dataset", "images"),
            {"3": "a\x1b[2J.jpg"},
            "a name that cannot be shown in 'frail'",
        ),
        ((*PERSON, "pose"), [[1, 2]], "a pose of other than 16 joints"),
        ((*PERSON, "target"), [None], "a pose of other than 16 joints"),
        ((*PERSON, "image"), "../../etc/passwd", "the picture '../../etc/passwd' of frail, which"),
        ((*PERSON, "image"), "/etc/passwd.png", "the picture '/etc/passwd.png' of frail, which"),
        ((*PERSON, "perturbation"), "../a.webp", "the picture '../a.webp' of frail, which is none"),
        ((*PERSON, "image"), "results.json", "the picture 'results.json' of frail, which is none"),
        ((*RUN, "universal", 0, "image"), "../a.webp", "the picture '../a.webp' of frail"),
        (("study", "grid", "curve_eps"), [], "Got \\[\\] for the study's curve_eps"),
        (("study",), 3, "Got at study: "),
    ],
)
def test_what_does_not_fit_is_refused(changed, keys, value, message):
    with pytest.raises(ResultsError, match=message):
        read_runs([changed(keys, value)])


def test_a_network_is_no_way_out_of_the_folder(study):
    path = study / "results.json"
    path.write_text(path.read_text().replace('"frail": {', '"../frail": {'))
    with pytest.raises(ResultsError, match=r"'../frail', which leads out of its folder"):
        read_runs([study])


def test_a_link_is_no_way_out_of_the_folder(changed, tmp_path):
    (tmp_path / "secret.png").write_text("secret")
    (tmp_path / "study" / "link.png").symlink_to(tmp_path / "secret.png")
    with pytest.raises(ResultsError, match=r"the picture 'link.png' of frail, which is none"):
        read_runs([changed((*PERSON, "image"), "link.png")])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[" * 100_000, "Got: lists in lists without end"),
        ('{"schema_version": 1, "runs": {"a": []}}', "results of version 1 in .*. Got: 'list' obj"),
        ('{"schema_version": 1, "runs": []}', "results of version 1 in .*. Got: 'list' object has"),
        ('{"schema_version": 1}', "results of version 1 in .*. Got some without 'config'"),
        ('{"a": "\\udcff"}', "schema_version 1 or 2 in"),
        ("\ufeff{}", "Expected JSON in"),
        ('"words"', "schema_version 1 or 2 in .*. Got None"),
    ],
)
def test_another_kind_of_json_is_refused(tmp_path, text, message):
    (tmp_path / "results.json").write_text(text, "utf-8")
    with pytest.raises(ResultsError, match=message):
        read_runs([tmp_path])


def test_what_is_too_large_is_not_read(study, tmp_path, monkeypatch):
    monkeypatch.setattr("hpe_art.evaluation.result_files.LARGEST", 1000)
    with pytest.raises(ResultsError, match=r"at most 0.001 MB. Got .*results.json of 0 MB: name"):
        read_runs([study])
    with zipfile.ZipFile(
        tmp_path / "record.npz", "w", zipfile.ZIP_DEFLATED, compresslevel=1
    ) as bomb:
        bomb.writestr("about.npy", bytes(300_000_000))
    with pytest.raises(ResultsError, match=r"Got .*record.npz: 300 MB of arrays, more than 134"):
        read_runs([tmp_path / "record.npz"])


@pytest.mark.parametrize("name", ["results.json", "card.json"])
def test_a_file_of_200_mb_is_refused_unread(tmp_path, name):
    with open(tmp_path / name, "wb") as file:
        file.truncate(200_000_000)
    with pytest.raises(UserError, match=rf"at most 64 MB. Got .*{name} of 200 MB"):
        read_cards(tmp_path) if name == "card.json" else read_runs([tmp_path])


def test_a_small_file_of_many_values_is_refused_unread(tmp_path):
    (tmp_path / "results.json").write_text("[" + '{"":0},' * 2_000_000 + "0]")
    with pytest.raises(ResultsError, match="Got: more values than any results have"):
        read_runs([tmp_path])


def test_a_run_that_was_stopped_is_said(tmp_path):
    (tmp_path / "store").mkdir()
    with pytest.raises(ResultsError, match="exist: a run was stopped there, and the same command"):
        read_runs([tmp_path])


HOSTILE = "<img src=x onerror=alert(1)>|`[a](javascript:b)*$\\frac{1}"


@pytest.mark.parametrize(
    "keys",
    [
        (*RUN, "attacks", 0, "name"),
        (*RUN, "config"),
        (*RUN, "dataset", "ann_file"),
        (*RUN, "metric", "label"),
        ("study", "protocol"),
    ],
    ids=lambda keys: keys[-1],
)
def test_names_are_shown_as_they_are(changed, keys):
    folder = changed(keys, HOSTILE)
    if keys[-1] == "label":  # of all networks
        changed(("runs", "sturdy", *keys[2:]), HOSTILE)
    results, folders = read_runs([folder])
    page = report_html(results, folders)
    assert "<img src=x" not in page and "&lt;img src=x" in page
    text = report_markdown(results, {})
    assert "<img" not in text
    shown = [line for line in text.splitlines() if "&lt;img src=x" in line]
    # An attack that was run with one eps is in no table of several.
    assert shown or keys[-1] == "name"
    assert all("[a](" not in line.replace("\\[a\\](", "") for line in shown)
    rows = [line for line in shown if line.startswith("|")]
    for row in rows:
        above = text.splitlines()[text.splitlines().index(row) - 1]
        assert row.replace("\\|", "").count("|") == above.replace("\\|", "").count("|")


def test_a_network_named_in_code_cannot_leave_it(study):
    path = study / "results.json"
    path.write_text(path.read_text().replace('"frail": {', '"a`|<b>": {', 1))
    text = report_markdown(read_runs([study])[0], {})
    assert "| `a'\\|<b>` |" in text


def test_cards_are_shown_as_they_are():
    card = next(iter(read_cards(CARDS)))
    script, link = "<script>x</script>", "[a](http://b)"
    names = dict(network=script, config=link, annotations=script, dataset=link, weakest=[script])
    strange = card.model_copy(update={**names, "joints_inf": {script: 1.0}})
    for page in (card_page(strange), ranking_page([strange])):
        assert "<script" not in page and "[a](http" not in page and "&lt;script" in page
    page = cards_html([strange])
    assert script not in page and "&lt;script&gt;x" in page
