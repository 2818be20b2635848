"""Words that a stranger to these pages stumbles over, each in a sentence: those that are on one."""

from hpe_art.evaluation.results import Attack, Results, Targets

METRICS = {
    "PCKh": "percentage of joints that are closer to the truth than half of the head's length",
    "PCK": "percentage of joints that are closer to the truth than a share of the person's size",
    "AUC": "mean of the percentage of joints found, over distances up to a largest one",
    "OKS": "how close joints are to the truth, by the person's size and the kind of joint, 100 at "
    "best",
    "EPE": "mean distance of joints from the truth, in pixels",
    "NME": "mean distance of joints from the truth, as a share of the person's size",
}
FOLDED = "folded"


def metric_words(name: str) -> str:
    """What a metric is, by its key or label; empty for one that somebody else has registered."""
    return METRICS.get(name.partition("@")[0], "")


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


def words(results: Results) -> dict[str, str]:
    """What is on the page of these results, by its name there, and what it means."""
    runs = results.runs.values()
    attacks = [attack for run in runs for attack in run.attacks]
    metric = next(iter(runs)).metric
    found = {metric.label: metric_words(metric.key)}
    if attacks:
        found |= {
            "eps": "the most that a pixel is changed by, in grey levels of 0 to 255; in norms 1 "
            "and 2 the length of the whole change",
            "relative": "of a score, what an attack leaves, in percent of the clean one",
            "U, T, a number": "in the name of an attack: untargeted, away from the true pose; "
            "targeted, towards another one; its steps",
        }
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
