"""Results are typed, and written whole; old and broken files are named."""

from __future__ import annotations

import json

import pytest
from example_results import attack, observer, run
from pydantic import ValidationError

from hpe_art.evaluation.result_files import ResultsError, read_results, write_results
from hpe_art.evaluation.results import Results, Score, Study


@pytest.fixture
def results():
    seen = attack("NOISE", 8.0, 99.0)
    attacks = [seen, attack("IGSM-T-20-ALL", 8.0, 50.0, 30.0, settings={"eps": 8.0})]
    found = run(attacks, observers={"other": observer()}, notes=["A note."])
    study = Study(protocol="jain2019", grid={"eps": [8.0]})
    return Results(runs={"hourglass": found}, study=study)


def test_round_trip(results, tmp_path):
    path = tmp_path / "new" / "results.json"
    write_results(path, results)
    assert read_results(path) == read_results(path.parent) == results
    assert [file.name for file in path.parent.iterdir()] == ["results.json"]
    document = json.loads(path.read_text())
    assert document["schema_version"] == 2
    found = document["runs"]["hourglass"]["attacks"][1]
    assert (found["name"], found["norm"], found["max_iter"]) == ("IGSM-T-20-ALL", "inf", 20)
    assert found["relative"]["value"] == 50 and found["score"]["groups"]["Hip"] == 40


def test_the_schema_is_that_of_the_types(results):
    import jsonschema

    schema = Results.model_json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    document = json.loads(results.model_dump_json())
    jsonschema.validate(document, schema)
    document["runs"]["hourglass"]["colour"] = "red"
    with pytest.raises(jsonschema.ValidationError, match="'colour' was unexpected"):
        jsonschema.validate(document, schema)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_scores_are_finite(value):
    with pytest.raises(ValidationError, match="finite number"):
        Score(value=value)


def drop_device(run):
    del run["device"]


def misspell(run):
    run["attacks"][0]["target_pckh"] = 3.0


def word(run):
    run["clean"]["score"]["groups"]["Hip"] = "high"


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (drop_device, r"at runs\.hourglass\.device: Field required"),
        (misspell, r"at runs\.hourglass\.attacks\.0\.target_pckh: Extra inputs"),
        (word, r"at runs\.hourglass\.clean\.score\.groups\.Hip: Input should be a valid number"),
    ],
)
def test_what_does_not_fit_is_named(results, tmp_path, spoil, message):
    path = tmp_path / "results.json"
    document = json.loads(results.model_dump_json())
    spoil(document["runs"]["hourglass"])
    path.write_text(json.dumps(document))
    with pytest.raises(ResultsError, match=f"fit the schema in .*results.json. Got {message}"):
        read_results(path)


def test_a_failed_write_leaves_the_old_file(results, tmp_path, monkeypatch):
    path = tmp_path / "results.json"
    write_results(path, results)
    before = path.read_text()

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr("hpe_art.files.os.replace", fail)
    with pytest.raises(OSError, match="disk full"):
        write_results(path, Results(runs={}))
    assert path.read_text() == before
    assert [file.name for file in tmp_path.iterdir()] == ["results.json"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"schema_version": 3}', r"schema_version 1 or 2 in .*results.json. Got 3: run it again"),
        ("[]", "schema_version 1 or 2 in .* Got None"),
        ('{"schema_version": 1}', "Expected results of version 1 in .* Got some without"),
        ('{"schema_version": 2, "runs": NaN}', "Expected JSON in .*NaN is not a number"),
        ("{", "Expected JSON in .*results.json"),
        (None, "Expected a result file. Got .*results.json, which does not exist"),
    ],
)
def test_reading_refuses_other_versions_and_broken_files(tmp_path, text, message):
    if text is not None:
        (tmp_path / "results.json").write_text(text)
    with pytest.raises(ResultsError, match=message):
        read_results(tmp_path)
