"""What a person at a terminal sees while people are attacked: a bar, and how long it will take."""

from collections.abc import Sequence
from datetime import timedelta

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from hpe_art.evaluation.attacking import Block


def progress_bar(shown: bool) -> Progress:
    """Counts images, and says the attack that is running."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("images"),
        TimeRemainingColumn(),
        disable=not shown,
    )


def images_of(blocks: Sequence[Block]) -> int:
    """Images that are made or scored: each person under each attack that is lacking."""
    return sum(len(block.rows) * len(block.lacking) for block in blocks)


def forecast(blocks: Sequence[Block], seconds: float) -> str:
    """How long the other batches take if the first has taken so many seconds."""
    first, *others = blocks
    left = seconds * images_of(others) / images_of([first])
    return (
        f"The first {len(first.rows)} people took {duration(seconds)}: about {duration(left)} for "
        f"the other {sum(len(block.rows) for block in others)}."
    )


def duration(seconds: float) -> str:
    """Seconds, or hours, minutes and seconds."""
    return f"{seconds:.0f} s" if seconds < 100 else str(timedelta(seconds=round(seconds)))
