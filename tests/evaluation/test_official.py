"""The numbers of a config's own evaluator are those of MMPose's own test."""

from __future__ import annotations

import copy
import json

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner
from toys import ToyBackbone  # noqa: F401  (registers it)

from hpe_art.data.annotations import DataError, read_json
from hpe_art.data.people import load_people, people_of
from hpe_art.data.test_sets import annotated_people, build_test_set
from hpe_art.estimators import PyTorchPoseEstimator
from hpe_art.estimators.loading import build_model, load_config
from hpe_art.evaluation.official import OfficialScores, relative
from hpe_art.evaluation.prepared import prepare
from hpe_art.evaluation.spec import run_spec
from hpe_art.rendered_people.dataset import coco_people_folder

COCO = "mmpose_configs/coco_resnet_heatmap.py"


def official_runner(cfg: Config, folder, checkpoint: str | None = None) -> Runner:
    """For MMEngine's own `TestLoop`."""
    cfg = Config(cfg.to_dict())
    cfg.work_dir, cfg.load_from, cfg.log_level = str(folder), checkpoint, "ERROR"
    cfg.test_cfg = dict()
    cfg.experiment_name = folder.name  # MMEngine keeps loggers and visualizers by name
    cfg.visualizer = dict(type="Visualizer", name=folder.name)
    return Runner.from_cfg(cfg)


def own_numbers(cfg, people, checkpoint=None):
    model = build_model(cfg, checkpoint)
    poses = PyTorchPoseEstimator(model, device_type="cpu").predict(people.x[:].astype(np.float32))
    return OfficialScores(cfg.test_evaluator, people, len(people.dataset)).of(poses)


def test_mpii_people_are_scored_as_by_mmpose(config, weights, tmp_path):
    cfg = load_config(config)
    expected = official_runner(cfg, tmp_path / "mpii", str(weights)).test()
    found = own_numbers(cfg, load_people(cfg), str(weights))
    assert found == pytest.approx(expected, abs=1e-6)
    assert "PCK" in found and 0 < found["PCK"] < 100


def test_joints_that_nobody_has_labelled_have_no_number(config):
    cfg = load_config(config)
    people = load_people(cfg)
    samples = people.samples()
    scores = OfficialScores(cfg.test_evaluator, people, len(people.dataset))
    for sample in samples:
        sample.gt_instances.keypoints_visible[:, [0, 5]] = 0
    scores.samples = samples
    found = scores.of(people.y)
    assert "Ankle PCK" not in found and found["Knee PCK"] > 0


TURNED = [(k, 15 - k) for k in range(16)]
SOME_AND_A_MIDDLE = [(10, 0), (15, 1), ((2, 3), 2), (9, 3), (0, 4), (5, 5)]


def converted(config, mapping, combined):
    """The tiny config for joints that a `KeypointConverter` makes, in one set or in two."""
    cfg = load_config(config)
    count = len(mapping)
    cfg.load_from = None
    cfg.model.backbone = dict(type="ToyBackbone")
    cfg.model.head = dict(
        type="HeatmapHead",
        in_channels=8,
        out_channels=count,
        deconv_out_channels=None,
        loss=dict(type="KeypointMSELoss", use_target_weight=True),
        decoder=cfg.codec,
    )
    dataset = cfg.test_dataloader.dataset
    converter = dict(type="KeypointConverter", num_keypoints=count, mapping=mapping)
    if combined:
        part = {k: v for k, v in dataset.items() if k != "pipeline"}
        parts = [dict(part, pipeline=[converter]), dict(part, pipeline=[converter])]
        described = dict(
            dataset_name="own",
            keypoint_info={k: dict(name=f"joint {k}") for k in range(count)},
            skeleton_info={},
            joint_weights=[1.0] * count,
            sigmas=[0.1] * count,
        )
        cfg.test_dataloader.dataset = dict(
            type="CombinedDataset",
            metainfo=described,
            datasets=parts,
            pipeline=dataset.pipeline,
            test_mode=True,
        )
    else:
        dataset.pipeline.insert(1, converter)
    cfg.test_evaluator = [dict(type="PCKAccuracy", thr=0.3), dict(type="EPE")]
    return cfg


@pytest.mark.parametrize(
    ("mapping", "combined", "flip_test"),
    [(TURNED, False, True), (SOME_AND_A_MIDDLE, False, False), (SOME_AND_A_MIDDLE, True, True)],
    ids=["turned", "some", "of two sets"],
)
def test_converted_joints_are_scored_as_by_mmpose(mapping, combined, flip_test, config, tmp_path):
    """Those that a model is trained on, made of the joints of one data set or of several."""
    cfg = converted(config, mapping, combined)
    cfg.model.test_cfg.flip_test = flip_test
    torch.manual_seed(0)
    model, weights = build_model(cfg), tmp_path / "weights.pth"
    torch.save(dict(state_dict=model.state_dict()), weights)
    expected = official_runner(cfg, tmp_path, str(weights)).test()
    settings = run_spec(attacks=[dict(type="noise")], device="cpu")
    run = prepare(settings, cfg, model, cfg.test_dataloader, cfg.test_evaluator, tmp_path)
    poses = run.estimator.predict(run.people.x[:].astype(np.float32))
    total = len(run.people)
    assert total == (12 if combined else 6)
    found = OfficialScores(cfg.test_evaluator, run.people, total).of(poses)
    assert found == pytest.approx(expected, abs=1e-6)
    scores = run.metric.joint_scores(run.people.to_image(poses), run.people.truth)
    assert 100 * np.nanmean(np.nanmean(scores, 0)) == pytest.approx(100 * expected["PCK"], abs=1e-3)
    assert len(run.skeleton.joints) == len(mapping)


@pytest.fixture(scope="module")
def coco():
    cfg = load_config(COCO, {"load_from": None})
    cfg.test_dataloader.dataset.pop("bbox_file", None)
    cfg.model.test_cfg.flip_test = False
    dataset = build_test_set(cfg.test_dataloader.dataset)
    cfg.test_dataloader.num_workers, cfg.test_dataloader.persistent_workers = 0, False
    return cfg, people_of(dataset, range(len(dataset)))


def test_perfect_predictions_are_perfect(coco):
    cfg, people = coco
    official = OfficialScores(cfg.test_evaluator, people, len(people))
    found = official.of(people.y)
    assert found["coco/AP"] == pytest.approx(1.0) and found["coco/AR"] == pytest.approx(1.0)


def test_a_part_of_the_people_is_scored_by_itself(coco):
    cfg, people = coco
    few = people[:8]
    found = OfficialScores(cfg.test_evaluator, few, len(people)).of(few.y)
    assert found["coco/AP"] == pytest.approx(1.0)
    far = few.y.copy()
    far[..., :2] += 500
    assert OfficialScores(cfg.test_evaluator, few, len(people)).of(far)["coco/AP"] == 0


def test_people_in_another_order_are_still_told_apart(coco):
    cfg, people = coco
    turned = people[np.arange(len(people))[::-1]]
    found = OfficialScores(cfg.test_evaluator, turned, len(people)).of(turned.y)
    assert found["coco/AP"] == pytest.approx(1.0)


def test_people_who_are_left_out_do_not_count_as_missed(coco, tmp_path):
    """COCO's own reader would stumble over an annotation without its image."""
    folder, path = coco_people_folder("val"), tmp_path / "people.json"
    content = read_json(folder / "annotations" / "person_keypoints_val.json")
    del content["annotations"][0]["image_id"]
    content["annotations"][3]["bbox"][2] = 0
    path.write_text(json.dumps(content))
    cfg = copy.deepcopy(coco[0])
    cfg.test_dataloader.dataset = dict(
        type="CocoDataset",
        data_prefix=dict(img=f"{folder}/images/"),
        ann_file=str(path),
        test_mode=True,
        pipeline=cfg.test_dataloader.dataset.pipeline,
    )
    with pytest.raises(DataError, match="Got 2 who cannot, first person 1 .*: image_id missing"):
        load_people(cfg)
    people = load_people(cfg, skip_unreadable=True)
    assert len(people) == len(coco[1]) - 2 == len(people.dataset)
    assert [text.split(":")[0] for text in people.left_out] == [
        "person 1 (no image)",
        f"person 4 ({content['images'][content['annotations'][3]['image_id'] - 1]['file_name']})",
    ]
    evaluator = dict(cfg.test_evaluator, ann_file=str(path))
    found = OfficialScores(evaluator, people, len(people.dataset)).of(people.y)
    assert found["coco/AP"] == pytest.approx(1.0) and people.ann_file == str(path)


@pytest.fixture(scope="module")
def detected(coco):
    """The config with its detections, and the people in them."""
    cfg = copy.deepcopy(coco[0])
    settings = cfg.test_dataloader.dataset
    settings.bbox_file = f"{cfg.labels}/person_detections_val.json"
    dataset = build_test_set(settings, detections=True)
    return cfg, people_of(dataset, range(len(dataset)), annotated_people(settings))


@pytest.mark.parametrize("kind", ["coco", "detected"])
def test_coco_people_are_scored_as_by_mmpose(kind, request, tmp_path):
    """An untrained network misses everybody, so predictions are the truth with some noise."""
    cfg, people = request.getfixturevalue(kind)
    rng = np.random.default_rng(0)
    poses = people.y.copy()
    poses[..., :2] += rng.normal(0, 4, poses[..., :2].shape)
    poses[..., 2] = rng.uniform(0.1, 1, poses.shape[:2])
    found = OfficialScores(cfg.test_evaluator, people, len(people)).of(poses)
    by_place = dict(zip(people.index.tolist(), poses, strict=True))
    expected = official_test_of(cfg, tmp_path / kind, by_place)
    assert 0.1 < found["coco/AP"] < 1
    assert found == pytest.approx(expected, abs=1e-6)


def test_people_who_are_not_detected_and_boxes_without_people_count(coco, detected):
    unmatched = ~(detected[1].y[..., 2] > 0).any(axis=1)
    assert 0 < unmatched.sum() < len(unmatched) / 2
    cfg, people = detected
    official = OfficialScores(cfg.test_evaluator, people, len(people))
    assert 0.5 < official.of(people.y)["coco/AP"] < 1


def official_test_of(cfg, folder, poses):
    """MMEngine's own test, of a network that predicts these poses one after the other."""
    from mmengine.structures import InstanceData

    runner = official_runner(cfg, folder)
    model, place = runner.model, iter(sorted(poses))

    def test_step(data):
        samples = data["data_samples"]
        predicted = []
        for _ in samples:
            pose = poses[next(place)][None]
            predicted.append(
                InstanceData(keypoints=pose[..., :2].copy(), keypoint_scores=pose[..., 2])
            )
        return model.add_pred_to_datasample(predicted, None, samples)

    model.test_step = test_step
    return runner.test()


def test_relative_numbers_are_percent_of_the_clean_ones():
    assert relative({"AP": 0.25, "AR": 0.5}, {"AP": 0.5, "AR": 0.0}) == {"AP": 50.0, "AR": None}
