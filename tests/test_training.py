from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from hpe_art.data.mpii.folder import FolderError
from hpe_art.errors import ModelError
from hpe_art.estimators.loading import build_model, load_config
from hpe_art.training import (
    BFloat16BackboneHook,
    ChannelsLastHook,
    check_first_weights,
    first_weights,
    training_config,
)


@pytest.fixture
def finished(tmp_path, write_config):
    """A config that names finished weights."""
    return write_config(tmp_path / "tiny.py", load_from="zoo://finished")


@pytest.mark.parametrize(
    ("arguments", "load_from", "resume"),
    [
        ({}, None, False),
        ({"load_from": "config"}, "zoo://finished", False),
        ({"load_from": "other.pth"}, "other.pth", False),
        ({"resume": "auto"}, None, False),
        ({"resume": "auto", "load_from": "config"}, "zoo://finished", False),
        ({"resume": "auto", "work_dir": "begun"}, None, True),
        # What is resumed has its weights already.
        ({"resume": "auto", "load_from": "config", "work_dir": "begun"}, None, True),
        ({"resume": "begun/epoch_3.pth"}, "begun/epoch_3.pth", True),
    ],
)
def test_where_training_starts(finished, tmp_path, monkeypatch, arguments, load_from, resume):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "begun").mkdir()
    for name in ("last_checkpoint", "epoch_3.pth"):
        (tmp_path / "begun" / name).touch()
    cfg = training_config(finished, **arguments)
    assert cfg.load_from == load_from
    assert cfg.resume is resume


def test_a_config_need_not_say_whether_it_resumes(finished, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    text = finished.read_text()
    base = text[text.index("[") : text.index("]") + 1]
    finished.write_text(text.replace(base, "[]") + 'default_scope = "mmpose"\n')
    assert training_config(finished).resume is False


def test_what_is_resumed_is_there_and_is_all(finished):
    with pytest.raises(FileNotFoundError, match="checkpoint to resume. Got epoch_9.pth: not there"):
        training_config(finished, resume="epoch_9.pth")
    with pytest.raises(ValueError, match="--resume epoch_9.pth or --load-from. Got both"):
        training_config(finished, resume="epoch_9.pth", load_from="config")


def test_the_work_folder(finished, tmp_path):
    assert training_config(finished).work_dir == "work_dirs/tiny"
    assert training_config(finished, work_dir="here").work_dir == "here"
    finished.write_text(finished.read_text() + 'work_dir = "there"\n')
    assert training_config(finished).work_dir == "there"


def test_configs_of_one_name_have_work_folders_of_their_own():
    configs = Path(__file__).parents[1] / "mmpose_configs"
    folders = {path: training_config(path).work_dir for path in configs.glob("mpii/hourglass*.py")}
    folders |= {path: training_config(path).work_dir for path in configs.glob("hourglass*.py")}
    assert folders[configs / "hourglass.py"] == "work_dirs/hourglass"
    assert folders[configs / "mpii" / "hourglass.py"] == "work_dirs/mpii/hourglass"
    assert len(set(folders.values())) == len(folders)


def test_options_have_the_last_word(finished):
    cfg = training_config(finished, options={"load_from": "mine.pth", "train_cfg.max_epochs": 7})
    assert cfg.load_from == "mine.pth" and cfg.train_cfg.max_epochs == 7


def test_mixed_precision_is_one_more_hook(finished):
    plain, mixed = training_config(finished), training_config(finished, amp=True)
    assert mixed.custom_hooks == [*plain.custom_hooks, dict(type="BFloat16BackboneHook")]
    alone = training_config(finished, amp=True, options={"custom_hooks": []})
    assert alone.custom_hooks == [dict(type="BFloat16BackboneHook")]


def test_a_folder_of_ones_own(finished, people):
    cfg = training_config(finished, data_root=str(people))
    annotations = people / "annotations"
    assert cfg.train_dataloader.dataset.ann_file == str(annotations / "mpii_train.json")
    assert cfg.train_dataloader.dataset.pipeline[-2].type == "GenerateTarget"
    for loader in (cfg.val_dataloader, cfg.test_dataloader):
        assert loader.dataset.ann_file == str(annotations / "mpii_val.json")
        assert loader.dataset.test_mode is True
    alone = finished.with_name("alone.py")
    alone.write_text(f"{finished.read_text()}\nval_dataloader = test_dataloader = None")
    assert training_config(alone, data_root=str(people)).val_dataloader is None
    alone.write_text(f"{finished.read_text()}\ntrain_dataloader = None")
    with pytest.raises(FolderError, match="whose place the folder comes. Got None for a dataload"):
        training_config(alone, data_root=str(people))
    with pytest.raises(FolderError, match=r"--ann-file. Got .*people/no.json"):
        training_config(finished, data_root=str(people), ann_file="no.json")
    with pytest.raises(FolderError, match=r"--train-ann-file. Got .*people/no.json"):
        training_config(finished, data_root=str(people), train_ann_file="no.json")


def test_no_such_config():
    with pytest.raises(FileNotFoundError, match="Expected a config file. Got no.py"):
        training_config("no.py")


START = "work_dirs/pretraining/tiny/epoch_2.pth"
FROM_START = {"model.backbone.init_cfg": dict(type="Pretrained", checkpoint=START)}


def test_weights_to_start_from_that_are_not_there(finished, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        FileNotFoundError, match=f"starts from in {START}. Got no such file. Run"
    ) as e:
        training_config(finished, options=FROM_START)
    assert "`python tools/train.py mmpose_configs/pretraining/tiny.py`, or name" in str(e.value)
    elsewhere = {"model.backbone.init_cfg": dict(type="Pretrained", checkpoint="zoo://other")}
    training_config(finished, options=elsewhere)
    (tmp_path / START).parent.mkdir(parents=True)
    (tmp_path / START).touch()
    assert training_config(finished, options=FROM_START).model.backbone.init_cfg.checkpoint == START


def test_what_is_loaded_needs_no_other_start(finished):
    cfg = training_config(finished, load_from="all.pth", options=FROM_START)
    assert cfg.model.backbone.init_cfg is None


def test_what_is_gone_on_with_needs_no_start(finished, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "last_checkpoint").touch()
    cfg = training_config(finished, resume="auto", work_dir="work", options=FROM_START)
    assert cfg.model.backbone.init_cfg is None and first_weights(cfg) is None


def test_first_weights_are_those_of_the_whole_or_of_the_backbone(finished):
    assert first_weights(training_config(finished)) is None
    assert first_weights(training_config(finished, load_from="all.pth")) == "all.pth"
    start = dict(type="Pretrained", prefix="backbone.", checkpoint="zoo://other")
    options = {"model.backbone.init_cfg": start}
    assert first_weights(training_config(finished, options=options)) == "zoo://other"


@pytest.mark.parametrize("content", [b"", b"garbage", None])
def test_a_checkpoint_that_cannot_be_read_is_named(model, tmp_path, content):
    path = tmp_path / "first.pth"
    if content is None:
        torch.save(Path("holds more than weights"), path)
    else:
        path.write_bytes(content)
    with pytest.raises(ValueError, match=r"Expected a .*checkpoint.* Got .*first.pth, which"):
        check_first_weights(model, str(path))


def test_first_weights_fill_the_whole_backbone(model, tmp_path):
    path = str(tmp_path / "first.pth")
    weights = model.state_dict()
    torch.save({k: v for k, v in weights.items() if k.startswith("backbone.")}, path)
    check_first_weights(model, path)
    count = len(model.backbone.state_dict())
    name = next(iter(weights))
    torch.save({k: v for k, v in weights.items() if k != name}, path)
    with pytest.raises(
        ModelError, match=f"to hold all {count} weights .* Got {count - 1} of them; {name} is"
    ):
        check_first_weights(model, path)
    torch.save({k: v.to(torch.int8) for k, v in weights.items()}, path)
    with pytest.raises(ModelError, match=f"Expected floating weights. Got {name} in torch.int8"):
        check_first_weights(model, path)


@pytest.fixture
def model(config):
    return build_model(load_config(config))


def test_bfloat16_in_training_alone(model):
    x = torch.randn(2, 3, 96, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        exact = model.backbone(x)[-1]
        BFloat16BackboneHook().before_train(SimpleNamespace(model=model))
        assert torch.equal(model.backbone(x)[-1], exact), "validation is in float32"
    model.train()
    outputs = model.backbone(x)
    assert isinstance(outputs, list) and len(outputs) == 2
    for output in outputs:
        assert output.dtype == torch.float32
        assert torch.equal(output, output.bfloat16().float()), "computed in bfloat16"
    outputs[-1].square().mean().backward()
    gradients = [p.grad for p in model.backbone.parameters() if p.grad is not None]
    assert gradients and all(g.dtype == torch.float32 for g in gradients)


def test_channels_last_keeps_the_parameters(model):
    before = list(model.parameters())
    values = [p.clone() for p in before]
    ChannelsLastHook().before_train(SimpleNamespace(model=model))
    weight = model.backbone.stem[0].weight
    assert weight.is_contiguous(memory_format=torch.channels_last)
    for old, new, value in zip(before, model.parameters(), values, strict=True):
        assert old is new and torch.equal(new, value)
