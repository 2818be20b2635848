"""Per-image attack losses: pure functions on tensors. Larger is worse for the network.

No loss carries a sign for targeted attacks (ART flips it) and none averages over images, so
gradients do not depend on the batch.
"""

from hpe_art.losses.base import DISTANCE as DISTANCE
from hpe_art.losses.base import L1 as L1
from hpe_art.losses.base import LOSSES as LOSSES
from hpe_art.losses.base import MARGIN as MARGIN
from hpe_art.losses.base import REMAINING as REMAINING
from hpe_art.losses.base import TRAINING as TRAINING
from hpe_art.losses.base import PoseLoss as PoseLoss
from hpe_art.losses.base import loss_function as loss_function
from hpe_art.losses.base import loss_name as loss_name
from hpe_art.losses.base import needs_goal as needs_goal
from hpe_art.losses.base import with_goal as with_goal
from hpe_art.losses.cells import cosine_loss as cosine_loss
from hpe_art.losses.cells import cross_entropy as cross_entropy
from hpe_art.losses.goal import Goal as Goal
from hpe_art.losses.margin import distance_loss as distance_loss
from hpe_art.losses.margin import margin_loss as margin_loss
from hpe_art.losses.remaining import remaining_loss as remaining_loss
from hpe_art.losses.remaining import segpgd_loss as segpgd_loss
from hpe_art.losses.training import coordinate_mse as coordinate_mse
from hpe_art.losses.training import heatmap_mse as heatmap_mse
from hpe_art.losses.training import l1_loss as l1_loss
from hpe_art.losses.training import pose_error as pose_error
from hpe_art.losses.training import training_loss as training_loss
