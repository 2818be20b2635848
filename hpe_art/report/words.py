"""Words that a stranger to these pages stumbles over, each in a sentence: those that are on one."""

from pathlib import Path

from hpe_art.evaluation.results import Attack, Dataset, Results, Run, Targets

METRICS = {
    "PCKh": "percentage of joints that are closer to the truth than half of the head's length",
    "PCK": "percentage of joints that are closer to the truth than a share of the person's size",
    "AUC": "mean of the percentage of joints found, over distances up to a largest one",
    "OKS": "how close joints are to the truth, by the person's size and the kind of joint, 100 at "
    "best",
    "EPE": "mean distance of joints from the truth, in pixels",
    "NME": "mean distance of joints from the truth, as a share of the person's size",
}
OFFICIAL = {
    **METRICS,
    "PCK": f"{METRICS['PCK']}; by MPII's evaluator that is the head's length, so its PCK is PCKh, "
    "at half of that length unless @ says otherwise",
    "AP": "average precision: how many of the poses put forward are right, the surest first; mean "
    "over ten bounds of OKS from 0.5 to 0.95, 1 at best",
    "AR": "average recall: how many of the people are found; mean over the same bounds",
    ".5, .75": "at that bound of OKS alone",
    "(M), (L)": "of people of middle size, 32 x 32 to 96 x 96 pixels, and of larger ones",
}
"""By the parts of the names that MMPose's evaluators give their numbers."""
DEFENCES = {
    "smoothing": "the median of 3 x 3 pixels",
    "jpeg": "JPEG of quality 50",
    "squeezing": "4 bits for each value",
    "gaussian": "Gaussian noise of 8 grey levels, added",
    "total-variation": "five steps of total variation minimisation",
    "flip-perturbation": "no defence but a control: the perturbation is mirrored before it is "
    "added, which shows whether it hangs on its image",
}
RENDERED = "rendered people"
BUNDLED = ("RenderedPeople", "RenderedCocoPeople")
BUNDLED_ONCE = ("hpe_art", "datasets", "people_val")
"""Their data sets; where they lay before 0.2.0, loaded by MMPose's own."""
FOLDED, FLIP_TEST = "folded", "flip-test"


def metric_words(name: str) -> str:
    """What a metric is, by its key or label; empty for one that somebody else has registered."""
    return METRICS.get(name.partition("@")[0], "")


def left_out(run: Run) -> list[str]:
    """Joints that do not count in the score of all: of PCKh those of no group, as `PCKh` has it."""
    if run.metric.key != "PCKh":
        return []
    grouped = {k for joints in run.skeleton.groups.values() for k in joints}
    return [name for k, name in enumerate(run.skeleton.joints) if k not in grouped]


def official_words(results: Results) -> dict[str, str]:
    """What the parts of the official numbers' names mean, and whether flip-test is on."""
    runs = results.runs.values()
    names = {name.rpartition("/")[2] for run in runs for name in run.clean.official}
    parts = {part for name in names for part in name.partition("@")[0].split()}
    found = {name: text for name, text in OFFICIAL.items() if parts.intersection(name.split(", "))}
    flipped = any(FLIP_TEST in note for run in runs for note in run.notes)
    found[FLIP_TEST] = "the mean of what the network sees in an image and in its mirror; " + (
        "on where All scores says so" if flipped else "off here, and on in most published numbers"
    )
    return found


def defence_words(results: Results) -> dict[str, str]:
    """What the defences are that images were shown behind."""
    observers = [one for run in results.runs.values() for one in run.observers.items()]
    shown = {name for name, observer in observers if observer.kind == "defence"}
    return {name: text for name, text in DEFENCES.items() if name in shown}


def attack_words(attack: Attack) -> str:
    """What an attack does, as its name says in short."""
    way = "towards a target pose" if attack.targeted else "away from the true pose"
    if attack.max_iter is None:
        return f"an attack that moves joints {way}"
    steps = "one step" if attack.max_iter == 1 else f"{attack.max_iter} steps"
    return f"an attack of {steps} that moves joints {way}"


def target_words(targets: Targets) -> str:
    """How the target poses of targeted attacks were picked; empty where that is not on record."""
    said = [targets.rule]
    if targets.joints:
        said.append(f"only {', '.join(targets.joints)} moved, the others held")
    if targets.fallbacks:
        said.append(
            f"for {targets.fallbacks} people no pose was far enough: they have the farthest"
        )
    return "; ".join(filter(None, said))


def whose(results: Results) -> str:
    """Who was attacked: the bundled people, who are all rendered, or those of a data set."""
    return " and ".join(dict.fromkeys(_whose(run.dataset) for run in results.runs.values()))


def _whose(dataset: Dataset) -> str:
    path = Path(dataset.ann_file)
    if dataset.type in BUNDLED or path.parts[-5:-2] == BUNDLED_ONCE:
        return RENDERED
    folder = path.parent.parent if path.parent.name == "annotations" else path
    return f"people of {folder.name or path.name} ({dataset.type})"


def words(results: Results) -> dict[str, str]:
    """What is on the page of these results, by its name there, and what it means."""
    from hpe_art.attacks import ATTACKS  # with PyTorch, which a report that is refused goes without

    runs = results.runs.values()
    attacks = [attack for run in runs for attack in run.attacks]
    metric = next(iter(runs)).metric
    found = {metric.label: metric_words(metric.key)}
    if RENDERED in whose(results):
        found[RENDERED] = "drawn by a program from a model of the body, no photographs"
    if attacks:
        found |= {
            "eps": "the most that a pixel is changed by, in grey levels of 0 to 255; in norms 1 "
            "and 2 the length of the whole change",
            "relative": "of a score, what an attack leaves, in percent of the clean one",
            "U, T, a number": "in the name of an attack: untargeted, away from the true pose; "
            "targeted, towards another one; its steps",
        }
    for one in attacks:
        if one.attack in ATTACKS:
            found[one.name.partition("-")[0]] = ATTACKS.get(one.attack).says
    if any(attack.target for attack in attacks):
        found["target"] = "the score against the target pose: high where the attacker got it"
    if any(attack.outputs == "all" for attack in attacks):
        found["ALL"] = "in the name of an attack: of the loss over all outputs, not the last alone"
    if any(FOLDED in run.precision for run in runs):
        found[FOLDED] = (
            "of gradients: taken through a copy of the network with its batch norms in its "
            "convolutions, which is the same function and faster"
        )
    return {name: text for name, text in found.items() if text}
