"""Attacks on pose estimators: everything here is an ART `EvasionAttack`, or helps one."""

from hpe_art.attacks.gradient_sign import PoseFastGradientMethod as PoseFastGradientMethod
from hpe_art.attacks.gradient_sign import (
    PoseProjectedGradientDescent as PoseProjectedGradientDescent,
)
from hpe_art.attacks.noise import RandomSignNoise as RandomSignNoise
from hpe_art.attacks.shared import SharedRun as SharedRun
from hpe_art.attacks.shared import shareable as shareable
from hpe_art.attacks.table import ATTACKS as ATTACKS
from hpe_art.attacks.table import AttackSetting as AttackSetting
from hpe_art.attacks.table import build_attack as build_attack
from hpe_art.attacks.targets import TargetPoses as TargetPoses
from hpe_art.attacks.targets import complete_donors as complete_donors
from hpe_art.attacks.targets import random_far_poses as random_far_poses
from hpe_art.attacks.universal import UniversalPosePerturbation as UniversalPosePerturbation
