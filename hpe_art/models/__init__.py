"""Networks that MMPose lacks, registered in its MODELS."""

from hpe_art.models.hourglass import StackedHourglass as StackedHourglass
