"""The page of tables."""

from __future__ import annotations

import itertools

from example_results import attack

from hpe_art.evaluation.results import Results
from hpe_art.report.markdown import report_markdown
from hpe_art.report.reading import read_runs


def tables_are_whole(page):
    """Every row has as many cells as the line above it."""
    return all(
        above.count("|") == line.count("|")
        for above, line in itertools.pairwise(page.splitlines())
        if above.startswith("|") and line.startswith("|")
    )


def test_it_has_summary_findings_scores_and_figures(study):
    results, _ = read_runs([study])
    page = report_markdown(results, {"eps": ("figures/eps.png", "What FGSM-U leaves.")})
    assert "| `frail` | 8 |" in page and "1. Claim &lt;one&gt;. **Holds**." in page
    assert "   - a minus b: 3.2 (1.0 to 5.0)\n" in page
    assert (
        "- An &lt;order&gt;. **Holds**." in page and "- (1) Claim &lt;one&gt;. **Holds**." in page
    )
    assert "   - a minus b: 3.2 (1.0 to 5.0), decides\n" in page
    assert "![eps](figures/eps.png)\n\nWhat FGSM-U leaves.\n" in page
    rows = [line for line in page.splitlines() if line.startswith("| `frail` | IGSM-U-10 |")]
    assert rows == ["| `frail` | IGSM-U-10 | 55.0 ±1.0 | 30.0 ±1.0 | 10.0 ±1.0 |"]
    assert tables_are_whole(page)


def test_what_each_eps_costs_has_a_table(frail):
    early = [attack("AUTO-U", eps, 5.0, backward_passes=n) for eps, n in ((1, 640), (2, 96))]
    shared = [attack("FGSM-U", eps, 5.0, backward_passes=n) for eps, n in ((1, 128), (2, 0))]
    frail.attacks = [*early, *shared]
    frail.dataset.num_samples = 64
    page = report_markdown(Results(runs={"net": frail}), {})
    table = page.partition("## Gradients for each person by eps")[2]
    assert "| `net` | AUTO-U | 10 | 2 |" in table and "FGSM-U" not in table


def test_steps_have_a_table_of_their_own(frail):
    frail.attacks += [attack(f"IGSM-U-{n}", 8, 100 / n) for n in (1, 100)]
    frail.attacks += [attack(f"IGSM-T-{n}", 8, 50.0, n / 2) for n in (10, 100)]
    page = report_markdown(Results(runs={"net": frail}), {})
    assert "## Untargeted attacks: relative PCKh by steps at eps 8" in page
    assert "| `net` | IGSM-U | 100.0 ±1.0 | 30.0 ±1.0 | 1.0 ±1.0 |" in page
    assert "| `net` | IGSM-T | 5.0 ±1.0 | 60.0 ±1.0 | 50.0 ±1.0 |" in page
    assert tables_are_whole(page)


def test_one_run_needs_no_study(frail):
    frail.notes, frail.clean.official = ["Odd."], {"AP": 0.8}
    page = report_markdown(Results(runs={"net": frail}), {})
    assert page.startswith("# Results\n") and "net: Odd." in page and "## Findings" not in page
    assert "## Official numbers of net" in page and "| clean | - | 0.800 |" in page


def test_no_attack_is_a_page(frail):
    frail.attacks = []
    page = report_markdown(Results(runs={"net": frail}), {})
    assert "## Summary" not in page and "| 80.0 |" in page
