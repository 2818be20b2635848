"""The numbers of the config's own evaluator: MMPose's classes, fed with predictions."""

from __future__ import annotations

import copy
import io
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.evaluator import Evaluator
from mmengine.structures import InstanceData
from numpy.typing import NDArray

from hpe_art.data.checks import people_faults, usable_file
from hpe_art.data.people import People

Array = NDArray[np.float32]
UNLABELLED = (-1.0, -100.0)
"""What MMPose's and COCO's evaluators give, as shares or in percent, where nothing is labelled."""


class OfficialScores:
    """A config's `test_evaluator` for some people of its test set.

    Args:
        evaluator: its config, as MMEngine's `Evaluator` takes it.
        people: who is scored.
        total: how many there are in the test set. Of a part of them, average precision is taken
            over the annotations of these people alone, or for detections of their images.
    """

    def __init__(self, evaluator: Any, people: People, total: int) -> None:
        settings = evaluator if isinstance(evaluator, (list, tuple)) else [evaluator]
        self.people = people
        self.samples = people.samples()
        original = people.ann_file
        faults = people_faults(people.dataset) if people.left_out else {}
        # COCO's reader speaks, and does not read what the others had to be left out for.
        with redirect_stdout(io.StringIO()), usable_file(people.dataset, faults):
            usable = people.ann_file if faults else None
            self.evaluator = Evaluator([_settings(one, original, usable) for one in settings])
            self.evaluator.dataset_meta = copy.deepcopy(people.dataset.metainfo)
            for metric in self.evaluator.metrics:
                if len(people) < total and getattr(metric, "coco", None) is not None:
                    metric.coco = self._annotations_of_these(metric.coco)

    def _annotations_of_these(self, coco: Any) -> Any:
        """The annotations without the people who are not scored, who would count as missed."""
        images = {sample.metainfo["img_id"] for sample in self.samples}
        ids = {sample.metainfo["id"] for sample in self.samples}
        detected = bool(getattr(self.people.dataset, "bbox_file", None))
        known = coco.dataset["annotations"]
        part = type(coco)()
        part.dataset = {
            **coco.dataset,
            "images": [one for one in coco.dataset["images"] if one["id"] in images],
            "annotations": [
                one
                for one in known
                if one["image_id"] in images
                and (detected or one["id"] in ids or one.get("iscrowd"))
            ],
        }
        part.createIndex()
        return part

    def of(self, poses: Array) -> dict[str, float]:
        """The evaluator's numbers, by its names, of poses (N, K, 3) in crop pixels.

        Without those that are not finite, or that stand for nothing that is labelled.
        """
        placed = self.people.to_image(poses)
        batch = [self._sample(*pair) for pair in zip(self.samples, placed, strict=True)]
        numbers: dict[str, float] = {}
        for metric in self.evaluator.metrics:
            metric.results.clear()
            metric.process(data_batch=[], data_samples=batch)
            # Not `evaluate`, which gathers over processes: this one has everybody.
            with redirect_stdout(io.StringIO()):  # COCO's own tables
                found = metric.compute_metrics(metric.results)
            metric.results.clear()
            prefix = f"{metric.prefix}/" if metric.prefix else ""
            numbers |= {f"{prefix}{name}": _plain(value) for name, value in found.items()}
        return {
            name: value
            for name, value in numbers.items()
            if np.isfinite(value) and value not in UNLABELLED
        }

    def _sample(self, sample: Any, pose: Array) -> dict[str, Any]:
        """As `TopdownPoseEstimator.add_pred_to_datasample` of MMPose 1.3.2 leaves it."""
        sample, truth = sample.new(), sample.gt_instances
        scores = pose[None, :, 2]
        sample.pred_instances = InstanceData(
            keypoints=pose[None, :, :2],
            keypoint_scores=scores,
            keypoints_visible=scores,
            bboxes=truth.bboxes,
            bbox_scores=truth.bbox_scores,
        )
        found: dict[str, Any] = sample.to_dict()
        return found


def _plain(value: Any) -> float:
    """NaN for what is masked: MMPose's mean over joints of which none is labelled."""
    return float(np.ma.filled(value, np.nan))


def relative(perturbed: dict[str, float], clean: dict[str, float]) -> dict[str, float | None]:
    """Each number in percent of the clean one; None where that is not above 0."""
    return {
        name: 100 * value / clean[name] if clean.get(name, 0) > 0 else None
        for name, value in perturbed.items()
    }


def _settings(metric: Any, original: str, usable: str | None) -> dict[str, Any]:
    """A metric's config, with a file of annotations in place of the original one."""
    settings = dict(copy.deepcopy(metric))
    file = settings.get("ann_file")
    if usable and file and Path(file).absolute() == Path(original).absolute():
        settings["ann_file"] = usable
    return settings
