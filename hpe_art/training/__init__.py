"""What MMEngine's Runner lacks for training that can be left alone, also on a CPU."""

from hpe_art.training.config import first_weights as first_weights
from hpe_art.training.config import training_config as training_config
from hpe_art.training.hooks import BFloat16BackboneHook as BFloat16BackboneHook
from hpe_art.training.hooks import ChannelsLastHook as ChannelsLastHook
from hpe_art.training.hooks import FiniteHook as FiniteHook
from hpe_art.training.hooks import StoppedError as StoppedError
from hpe_art.training.hooks import WholeCheckpointHook as WholeCheckpointHook
from hpe_art.training.runs import check_first_weights as check_first_weights
from hpe_art.training.runs import train as train
from hpe_art.training.runs import training_runner as training_runner
