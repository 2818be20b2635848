"""What a config imports to be attacked: `custom_imports = dict(imports=["hpe_art.plugin"])`.

Registers the loop, the attacks, losses and metrics, the bundled weights, networks and people.
"""

import hpe_art.compat

import hpe_art.attacks
import hpe_art.data.augmentation
import hpe_art.data.corruptions
import hpe_art.evaluation.loop
import hpe_art.metrics
import hpe_art.models
import hpe_art.rendered_people.dataset
import hpe_art.training
import hpe_art.training.adversarial
import hpe_art.zoo  # noqa: F401
