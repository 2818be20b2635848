"""From a config's evaluator, or a name, to the metric that scores each person alike."""

from collections.abc import Iterator, Mapping
from typing import Any

from hpe_art.metrics.base import METRICS, Metric, MetricError
from hpe_art.skeleton import Skeleton


def metric_for(evaluator: Any, metainfo: Mapping[str, Any]) -> Metric:
    """The per-person twin of a config's evaluator, which gives intervals and says who was hit.

    Args:
        evaluator: `cfg.test_evaluator`: the config of a metric of MMPose, whose `type` is a name or
            a class, or a list of them, of which the first that is known is taken.
        metainfo: `dataset.metainfo`.
    Raises:
        MetricError: none is known (the message lists those that are), or the dataset lacks what
            the metric needs.
    """
    skeleton = Skeleton.from_metainfo(metainfo)
    known = {name: metric for metric in METRICS.module_dict.values() for name in metric.evaluators}
    asked = [(_class_name(cfg["type"]), cfg) for cfg in _metrics_of(evaluator)]
    for name, cfg in asked:
        if name in known:
            return known[name].from_evaluator(cfg, skeleton)
    raise MetricError(
        f"Expected a test_evaluator out of {', '.join(sorted(known))}. "
        f"Got {', '.join(name for name, _ in asked) or 'none'}: name a metric yourself, "
        f"--metric {' or '.join(sorted(METRICS.module_dict))}."
    )


def metric_named(name: str, skeleton: Skeleton) -> Metric:
    """A registered metric with its usual settings.

    MetricError where there is none (it lists them), or the dataset lacks what the metric needs.
    """
    known = METRICS.module_dict
    if name not in known:
        raise MetricError(f"Expected a metric out of {', '.join(sorted(known))}. Got {name!r}.")
    return known[name].from_evaluator({}, skeleton)


def _metrics_of(evaluator: Any) -> Iterator[Mapping[str, Any]]:
    """Configs of metrics, out of lists, evaluators (`metrics`) and partitions (`metric`)."""
    if isinstance(evaluator, (list, tuple)):
        for part in evaluator:
            yield from _metrics_of(part)
    elif evaluator:
        inner = evaluator.get("metrics", evaluator.get("metric"))
        if inner is None:
            yield evaluator
        else:
            yield from _metrics_of(inner)


def _class_name(kind: Any) -> str:
    return str(kind).rpartition(".")[2] if isinstance(kind, str) else kind.__name__
