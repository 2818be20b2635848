"""Attacks on pose estimators: everything here is an ART `EvasionAttack`, or helps one."""

from hpe_art.attacks.apgd import PoseAPGD as PoseAPGD
from hpe_art.attacks.apgd_spec import Apgd as Apgd
from hpe_art.attacks.art import ArtRecipe as ArtRecipe
from hpe_art.attacks.auto import Auto as Auto
from hpe_art.attacks.auto import PoseAutoAttack as PoseAutoAttack
from hpe_art.attacks.expansion import default_specs as default_specs
from hpe_art.attacks.expansion import expand as expand
from hpe_art.attacks.fgsm import PoseFastGradientMethod as PoseFastGradientMethod
from hpe_art.attacks.noise import RandomSignNoise as RandomSignNoise
from hpe_art.attacks.pgd import PoseProjectedGradientDescent as PoseProjectedGradientDescent
from hpe_art.attacks.queries import PoseSquare as PoseSquare
from hpe_art.attacks.queries_spec import Square as Square
from hpe_art.attacks.shared_run import SharedRun as SharedRun
from hpe_art.attacks.shared_run import shareable as shareable
from hpe_art.attacks.specs import ATTACKS as ATTACKS
from hpe_art.attacks.specs import AttackSpec as AttackSpec
from hpe_art.attacks.specs import as_config as as_config
from hpe_art.attacks.specs import build_spec as build_spec
from hpe_art.attacks.targets import TargetPoses as TargetPoses
from hpe_art.attacks.targets import complete_donors as complete_donors
from hpe_art.attacks.targets import random_far_poses as random_far_poses
from hpe_art.attacks.transfer import PoseTransfer as PoseTransfer
from hpe_art.attacks.transfer_spec import Transferable as Transferable
from hpe_art.attacks.universal import UniversalPosePerturbation as UniversalPosePerturbation
from hpe_art.attacks.universal_spec import Universal as Universal
