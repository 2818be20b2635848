"""`--plan`: what runs cost in passes and time, before any of them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

WIDTH = 100


def print_plan(asked: Iterable[tuple[str, Any, Any, Path, str | None]]) -> int:
    """Prints a table of all runs, and what is left to do of each; gives the exit code.

    Args:
        asked: name, config of the network, `RunSpec`, folder, and checkpoint of each; without one
            its config names it.
    """
    from rich.console import Console

    from hpe_art.evaluation.loop import batch_size_of
    from hpe_art.evaluation.running import prepared_run
    from hpe_art.report.study_tables import plan_table
    from hpe_art.studies.plan import planned_runs

    planned = []
    for name, cfg, spec, folder, checkpoint in asked:
        run = prepared_run(cfg, spec, folder, checkpoint)
        planned += planned_runs(name, run, batch_size_of(spec, cfg.test_dataloader))
    console = Console(markup=False)
    Console(width=max(console.width, WIDTH), markup=False).print(plan_table(planned))
    return 0
