"""Scores in words: with as many digits as their unit asks for, and half of their interval."""

from hpe_art.evaluation.results import Interval, Measured, MetricRecord, Score

UNITS = {"%": "in percent", "px": "in pixels"}


def digits_of(metric: MetricRecord) -> int:
    """Decimals of a metric's scores: one of percents and pixels, three of shares."""
    return 1 if metric.unit else 3


def score_text(value: float | None, digits: int = 1, none: str = "-") -> str:
    """A score, or what stands where there is none."""
    return none if value is None else f"{value:.{digits}f}"


def with_spread(value: float | None, interval: Interval | None, digits: int = 1) -> str:
    """A score and half of its interval, such as 80.0 ±1.5."""
    text = score_text(value, digits)
    if value is None or interval is None:
        return text
    return f"{text} ±{(interval[1] - interval[0]) / 2:.{digits}f}"


def measured_text(measured: Measured, digits: int = 1) -> str:
    """A number and half of its interval, where that is finite."""
    low, high = measured.interval or (None, None)
    ends = None if low is None or high is None else (low, high)
    return with_spread(measured.value, ends, digits)


def whole_score(score: Score | None, digits: int = 1) -> str:
    """The score of all joints and half of its interval, or a dash."""
    return "-" if score is None else with_spread(score.value, score.interval, digits)


def eps_text(eps: float | None) -> str:
    """As short as it can be; a dash for an attack without a bound."""
    return "-" if eps is None else f"{eps:g}"


def axis_label(kind: str, metric: MetricRecord, long: bool = False) -> str:
    """Such as "relative PCKh (%)", ratios in percent; `long` has the metric's label for its key."""
    unit = "%" if kind == "relative" else metric.unit
    return f"{kind} {metric.label if long else metric.key}" + (f" ({unit})" if unit else "")
