"""What is asked for wrongly is answered at once: before anything heavy is imported."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = {"torch", "mmpose", "mmcv", "art", "cv2", "scipy"}
RUN = """
import runpy, sys
script, sys.argv = sys.argv[1], sys.argv[1:]
sys.path.insert(0, {tools!r})
try:
    runpy.run_path(script, run_name="__main__")
except SystemExit as ended:
    print("heavy:", *({heavy!r} & sys.modules.keys()))
    raise
"""


@pytest.mark.parametrize(
    ("command", "returncode", "message"),
    [
        ("attack.py --help", 0, "usage: attack.py"),
        ("attack.py", 2, "the following arguments are required: config"),
        ("attack.py mmpose_configs/hourglass.py --eps -1", 2, "--eps"),
        ("attack.py nowhere.py", 2, "Expected a config file. Got nowhere.py"),
        ("attack.py mmpose_configs/hourglass.py --data-root nowhere", 2, "Got nowhere"),
        ("attack.py mmpose_configs/hourglass.py --epochs 3", 2, "--epochs"),
        ("attack.py README.md", 2, "README.md, which does not end in one of .py, .json, .yaml"),
        ("attack.py mmpose_configs/hourglass.py nowhere.pth", 2, "Got nowhere.pth, which does"),
        (
            "attack.py mmpose_configs/hourglass.py --data-root hpe_art/rendered_people/people_val "
            "--ann-file nowhere.json",
            2,
            "Expected a file for --ann-file",
        ),
        (
            "attack.py mmpose_configs/hourglass.py --data-root docs",
            2,
            "annotations/mpii_val.json and images. Got",
        ),
        (
            "attack.py mmpose_configs/hourglass.py --attack uap --fit-data-root docs",
            2,
            "are named with --fit-ann-file",
        ),
        ("demo.py --help", 0, "usage: demo.py"),
        ("demo.py nowhere.jpg", 2, "Expected a photograph. Got nowhere.jpg, which does not exist"),
        ("demo.py README.md --target nowhere", 2, "Got nowhere, which does not exist"),
        ("demo.py README.md --checkpoint nowhere.pth", 2, "Got nowhere.pth, which does not"),
        ("study.py --help", 0, "usage: study.py"),
        ("study.py --configs nowhere.py", 2, "nowhere.py"),
        ("train.py --help", 0, "usage: train.py"),
        ("report.py --help", 0, "usage: report.py"),
        ("report.py nowhere", 2, "nowhere"),
        ("benchmark.py --help", 0, "usage: benchmark.py"),
        ("benchmark.py --configs nowhere", 2, "Got nowhere/hourglass.py"),
    ],
)
def test_nothing_heavy_is_imported_first(command, returncode, message):
    name, *arguments = command.split()
    code = RUN.format(tools=str(ROOT / "tools"), heavy=HEAVY)
    run = subprocess.run(
        [sys.executable, "-c", code, ROOT / "tools" / name, *arguments],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert run.returncode == returncode, run.stderr
    assert message in run.stdout + run.stderr
    assert "heavy:\n" in run.stdout


def test_the_package_imports_nothing_heavy():
    code = f"import sys, hpe_art; print('heavy:', *({HEAVY!r} & sys.modules.keys()))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert run.stdout == "heavy:\n"
