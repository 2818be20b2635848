"""Results as data: the types of all that is in a results.json (`result_files` reads and writes it).

One schema for single runs and studies: `runs` by network. `Results.model_json_schema()` is its
JSON Schema. Scores are in the unit of the run's metric, percent for all but distances; null where
nothing is labelled.
"""

from __future__ import annotations

from typing import Any, Literal

from hpe_art.evaluation.records import Record as Record
from hpe_art.evaluation.study_results import Comparison as Comparison
from hpe_art.evaluation.study_results import Finding as Finding
from hpe_art.evaluation.study_results import Study as Study

VERSION = 2
Interval = tuple[float, float]
Official = dict[str, float]
"""Numbers of the config's own evaluator, by its names."""


class Score(Record):
    """One score of all people, by group and by joint, with 95 % bootstrap intervals over people."""

    value: float | None
    interval: Interval | None = None
    groups: dict[str, float | None] = {}
    joints: dict[str, float | None] = {}
    group_intervals: dict[str, Interval | None] = {}
    joint_intervals: dict[str, Interval | None] = {}


class Measured(Record):
    """A number, with its 95 % bootstrap interval over people; null where it is infinite."""

    value: float | None
    interval: tuple[float | None, float | None] | None = None


class MinimumRecord(Record):
    """The smallest eps that moves a joint: its median over people, and over people and joints.

    `broken` is the percentage of joints that are lost at an eps, each by an image of its own.
    """

    median: Measured
    joints: dict[str, Measured]
    broken: dict[str, float]


class GradientRecord(Record):
    """People whose gradients were all zero, or some of them not finite: they may be unperturbed."""

    zero: int
    not_finite: int


class Judged(Record):
    """Predictions on perturbed images, judged.

    `score` is against the truth, `target` against the target poses, where there are any.
    `relative` is the score in percent of the clean one (of errors: the ratio in percent), and so
    is each of `relative_official`; None where the clean one is 0.
    """

    score: Score
    relative: Score
    target: Score | None = None
    official: Official = {}
    relative_official: dict[str, float | None] = {}


class Attack(Judged):
    """One attack: what was run, what came out, and what it cost.

    Attributes:
        name: as in tables, such as IGSM-U-10.
        attack: the registered name.
        eps, eps_step: in grey levels for norm inf.
        max_iter: number of steps.
        outputs, loss: what the loss was of.
        settings: all that the outcome depends on.
        observed: what each observer sees, by its name.
        linf_max: largest change of a pixel, in grey levels.
        forward_passes, backward_passes: counted in images; work that several attacks share counts
            once, on the first.
        seconds: wall clock, over all processes.
        universal: what a universal perturbation was fitted with.
        joints_reached: percentage of joints that any image on the way brought to the goal: the
            worst case per joint, while the scores are those of one image per person.
        minimum: of attacks that look for the smallest eps.
        gradients: of attacks that climb them; None where they were not counted.
        folder: of its predictions in the store.
    """

    name: str
    attack: str
    eps: float | None
    eps_step: float | None = None
    max_iter: int | None = None
    targeted: bool = False
    norm: Literal["inf", 1, 2] | float = "inf"
    outputs: str = "last"
    loss: str = "training"
    settings: dict[str, Any] = {}
    observed: dict[str, Judged] = {}
    linf_max: float
    forward_passes: int
    backward_passes: int
    seconds: float
    universal: dict[str, Any] | None = None
    joints_reached: Measured | None = None
    minimum: MinimumRecord | None = None
    gradients: GradientRecord | None = None
    folder: str = ""


class Clean(Record):
    """Predictions on clean images, judged; `finer` is the score at a tenth, of version 1."""

    score: Score
    official: Official = {}
    finer: dict[str, float | None] = {}


class Observer(Record):
    """Who else saw the images: another network ("transfer"), or this one.

    That is behind a "defence", or shows what is left in whole grey levels of images that are
    "saved".
    """

    kind: Literal["transfer", "defence", "saved"]
    clean: Clean


class MetricRecord(Record):
    """The metric per person that scores are of, as `hpe_art.metrics` names it."""

    key: str
    label: str
    unit: str = "%"
    higher_is_better: bool = True


class SkeletonRecord(Record):
    """Joints, groups of joint numbers, and bones: joint, joint, side."""

    joints: list[str]
    groups: dict[str, list[int]]
    bones: list[tuple[int, int, str]]


class Dataset(Record):
    """Who was attacked.

    Attributes:
        skipped: names of the images that were left out because they cannot be read.
        left_out: the other people who were left out, and why.
        images: name of each person's image, by place in the test set; of a file whose name cannot
            be shown, what can.
    """

    type: str
    ann_file: str
    num_samples: int
    skipped: list[str] = []
    left_out: list[str] = []
    detections: str | None = None
    images: dict[int, str] = {}

    def called(self, person: int) -> str:
        """What a reader finds somebody by: `IMG_2000.jpg, person 3`."""
        image = self.images.get(person)
        return f"person {person}" if image is None else f"{image}, person {person}"


class Targets(Record):
    """How target poses were picked.

    Attributes:
        rule: in words.
        seed: of the draw; None where nothing is drawn.
        fallbacks: people for whom no pose is far enough; they got the farthest.
        donors: place in the test set of who gave the pose, for each person.
        joints: those that are to move, if not all.
        poses: K x 3 for each person in crop pixels, where there are no donors.
    """

    rule: str
    seed: int | None = None
    fallbacks: int | None = None
    donors: list[int] | None = None
    joints: list[str] | None = None
    poses: list[Any] | None = None


class PicturedPerson(Record):
    """One person's picture: place in the test set, predicted pose (K x 2), files.

    `target` is the pose that a targeted attack wanted, null for joints that may go anywhere.
    """

    person: int
    pose: list[tuple[float, float]]
    target: list[tuple[float, float] | None] | None = None
    image: str
    perturbation: str | None = None


class Example(Record):
    """Pictures of an attack ("clean": before it), relative to the result file."""

    attack: str
    eps: float
    people: list[PicturedPerson]


class Alone(Record):
    """A universal perturbation by itself: its picture, and what each network sees in it."""

    outputs: str
    eps: float
    image: str
    poses: dict[str, list[list[float]]]


class Phase(Record):
    """Time that went into a part of the run."""

    seconds: float
    share: float


class Checkpoint(Record):
    """Name and SHA-256 of the weights; the hash is None where that is no file."""

    path: str | None
    sha256: str | None


class Run(Record):
    """One network, attacked."""

    config: str
    checkpoint: Checkpoint
    dataset: Dataset
    metric: MetricRecord
    skeleton: SkeletonRecord
    versions: dict[str, str]
    seed: int
    device: str
    precision: str
    arguments: dict[str, Any] = {}
    started: str = ""
    seconds: float = 0.0
    phases: dict[str, Phase] = {}
    clean: Clean
    attacks: list[Attack] = []
    observers: dict[str, Observer] = {}
    targets: Targets | None = None
    examples: list[Example] = []
    universal: list[Alone] = []
    checks: list[CheckRecord] = []
    missing: list[str] = []
    notes: list[str] = []


class CheckRecord(Record):
    """Whether a network hides its gradient, from which attacks fail for nothing."""

    name: str
    passed: bool
    found: str


class Results(Record):
    """The whole of a results.json."""

    schema_version: Literal[2] = 2
    runs: dict[str, Run]
    study: Study | None = None
