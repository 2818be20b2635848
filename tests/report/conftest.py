from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from example_results import attack, run, score
from pages import page_of

from hpe_art.evaluation.result_files import write_results
from hpe_art.evaluation.results import (
    Alone,
    Clean,
    Example,
    Finding,
    PicturedPerson,
    Results,
    Run,
    Study,
)
from hpe_art.skeleton import MPII

EPS = (2.0, 8.0, 16.0)
# What is left, in percent, of each network at each eps.
LEFT = {"sturdy": (80, 60, 40), "frail": (55, 30, 10)}
POSE = [(8.0 + 3 * k, 60.0 - 3 * k) for k in range(len(MPII.joints))]


@pytest.fixture
def results() -> Run:
    return run(
        [
            attack("NOISE", 2, 100.0),
            attack("NOISE", 8, 99.5),
            attack("IGSM-U-10", 8, 15.0),
            attack("IGSM-U-10", 2, 40.0),
            attack("IGSM-T-100-ALL", 2, None, 50.0),
            attack("IGSM-T-100-ALL", 8, 6.25, 76.54),
        ],
        clean=Clean(score=score(80.0, Ankle=None), finer={"PCKh@0.1": 20.0}),
    )


@pytest.fixture
def images() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    clean = rng.integers(0, 256, (3, 40, 32)).astype(np.float32)
    return clean, np.clip(clean + rng.choice([-8, 8], clean.shape), 0, 255).astype(np.float32)


@pytest.fixture
def pose() -> np.ndarray:
    return np.random.default_rng(1).uniform(-10, 50, (16, 3)).astype(np.float32)


def network_run(left: tuple[float, ...]) -> Run:
    """Eight attacks: two untargeted at three eps each, a targeted and a universal one."""
    attacks = [attack("IGSM-U-10", e, one) for e, one in zip(EPS, left, strict=True)]
    attacks += [attack("FGSM-U", e, one + 10) for e, one in zip(EPS, left, strict=True)]
    attacks += [attack("IGSM-T-20", 8.0, 30, 60)]
    attacks += [attack("UAP-U", 16.0, 50, universal={"epochs": 2})]
    return run(attacks, config="configs/net.py")


@pytest.fixture
def frail() -> Run:
    return network_run(LEFT["frail"])


@pytest.fixture
def sturdy() -> Run:
    return network_run(LEFT["sturdy"])


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """A folder with a study of two networks, its pictures of one colour for each eps."""
    folder = tmp_path / "study"
    folder.mkdir()

    def picture(name: str, level: int) -> str:
        cv2.imwrite(str(folder / name), np.full((64, 64, 3), level, np.uint8))
        return name

    runs = {}
    for network, left in LEFT.items():
        base = 90 + 20 * (network == "frail")
        clean = [
            PicturedPerson(person=i, pose=POSE, image=picture(f"{network}_{i}.webp", 90))
            for i in (0, 7)
        ]
        examples = [Example(attack="clean", eps=0.0, people=clean)]
        for k, eps in enumerate(EPS):
            people = [
                PicturedPerson(
                    person=i,
                    pose=POSE,
                    image=picture(f"{network}_{k}_{i}.webp", base + 40 * k + i),
                    perturbation=picture(f"{network}_{k}_delta.webp", 128),
                )
                for i in (0, 7)
            ]
            examples += [
                Example(attack=name, eps=eps, people=people) for name in ("IGSM-U-10", "FGSM-U")
            ]
        aims = [None, *[(x + 20, y) for x, y in POSE[1:]]]
        aimed = [one.model_copy(update={"target": aims}) for one in people]
        examples.append(Example(attack="IGSM-T-20", eps=8.0, people=aimed))
        poses = {name: [[*point, 1.0] for point in POSE] for name in LEFT}
        image = picture(f"{network}_uap.webp", base + 40)
        alone = Alone(outputs="last", eps=16.0, image=image, poses=poses)
        runs[network] = network_run(left).model_copy(
            update={"examples": examples, "universal": [alone]}
        )
        runs[network].dataset.images = {0: "IMG_2000.jpg", 7: "IMG_2007.jpg"}
    comparison = {"what": "a minus b", "value": 3.2, "low": 1.0, "high": 5.0, "decides": True}
    finding = Finding(
        number=1, claim="Claim <one>.", paper="10 %", verdict="holds", comparisons=[comparison]
    )
    order = finding.model_copy(update={"number": None, "claim": "An <order>."})
    said = {"findings": [finding], "strongest": [order, finding]}
    about = Study(protocol="the paper", grid={"curve_eps": 8.0}, **said)
    write_results(folder / "results.json", Results(runs=runs, study=about))
    return folder


@pytest.fixture(scope="module")
def browser():
    """Chromium, where the machine has one."""
    executable = shutil.which("chromium") or shutil.which("google-chrome")
    if executable is None:
        pytest.skip("no Chromium here")
    sync_api = pytest.importorskip("playwright.sync_api")
    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with sync_api.sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=executable, args=flags)
        yield chromium
        chromium.close()


@pytest.fixture
def opened(browser, tmp_path):
    """`opened(html, **how)`: a page in the browser, 1,200 pixels wide.

    What a page says on the console, and what it asks for, is an error.
    """
    pages, said, asked = [], [], []

    def opener(html, **how):
        path = tmp_path / f"{len(pages)}.html"
        path.write_text(html, encoding="utf-8")
        page = browser.new_page(**{"viewport": {"width": 1200, "height": 900}, **how})
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(path.as_uri())
        pages.append(page)
        return page

    yield opener
    assert said == []
    inside = ("data:", tmp_path.as_uri())
    assert [url for url in asked if not url.startswith(inside)] == []
    for page in pages:
        page.close()


@pytest.fixture
def page(opened, study):
    return opened(page_of(study))
