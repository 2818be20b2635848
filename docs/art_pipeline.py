"""ART from end to end on poses: python docs/art_pipeline.py [OUT]. Explained in docs/art.md."""

import sys
from pathlib import Path

import numpy as np
import torch
from art.attacks.evasion import DeepFool, ProjectedGradientDescent
from art.defences.preprocessor import SpatialSmoothing

from hpe_art import (
    PoseClassifierView,
    PoseFastGradientMethod,
    PoseProjectedGradientDescent,
    PyTorchPoseEstimator,
    UniversalPosePerturbation,
    load_config,
    load_people,
    pckh,
    pckh_hits,
)

out = Path(sys.argv[1] if len(sys.argv) > 1 else "results/art_pipeline")
out.mkdir(parents=True, exist_ok=True)

# --- a network, people, and the metric
config = load_config("mmpose_configs/hourglass.py")
people = load_people(config, num_samples=16)
x, y = people.x[:].astype(np.float32), people.y


def score(estimator, images):
    """PCKh of what the estimator sees."""
    poses = people.to_image(estimator.predict(images))
    return pckh(pckh_hits(poses, people.truth.keypoints, people.truth.head_size)).PCKh


# --- a defence in front of it, and an attack through the defence
smoothing = SpatialSmoothing(window_size=3, channels_first=True, clip_values=(0, 255))
plain = PyTorchPoseEstimator.from_config(config)
defended = PyTorchPoseEstimator.from_config(config, preprocessing_defences=smoothing)
for estimator in (plain, defended):
    attack = ProjectedGradientDescent(
        estimator, eps=8, eps_step=2, max_iter=10, batch_size=16, verbose=False
    )
    x_adv = attack.generate(x, y)
    print(f"clean {score(estimator, x):.1f}, attacked {score(estimator, x_adv):.1f}")

# --- a perturbed set, saved and loaded again
np.savez_compressed(out / "perturbed.npz", x=np.rint(x_adv).astype(np.uint8), y=y)
with np.load(out / "perturbed.npz") as saved:
    print(f"from the file: {score(defended, saved['x'].astype(np.float32)):.1f}")

# --- TensorBoard: tensorboard --logdir OUT/runs
PoseProjectedGradientDescent(
    plain, eps=8, max_iter=3, summary_writer=str(out / "runs"), verbose=False
).generate(x[:4], y[:4])

# --- one perturbation for all images
universal = UniversalPosePerturbation(plain, eps=16, delta=2, epochs=20, verbose=False)
universal.fit(x, y, source="hourglass")
universal.save(out / "universal.npz")
again = UniversalPosePerturbation.load(out / "universal.npz", plain)
print(f"universal, on the people it was fitted on: {score(plain, again.generate(x)):.1f}")

# --- an attack that knows nothing but classes
view = PoseClassifierView(plain, x[:4])
broken = DeepFool(view, max_iter=10, verbose=False).generate(x[:4])
print(f"DeepFool broke {view.broken(broken).sum()} of 4 poses")

# --- adversarial training
torch.manual_seed(0)
np.random.seed(0)
weak = PoseFastGradientMethod(plain, eps=4)
optimizer = torch.optim.AdamW(plain.model.parameters(), lr=2e-4)
trained = PyTorchPoseEstimator(plain.model, optimizer=optimizer)
before = score(trained, weak.generate(x, y))
for _ in range(8):
    trained.fit(weak.generate(x, y), y, batch_size=8, nb_epochs=1)
after = score(trained, weak.generate(x, y))
print(f"FGSM eps 4 on the people trained on: {before:.1f}, then {after:.1f}")
