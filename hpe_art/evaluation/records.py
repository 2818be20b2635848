"""What all parts of result files have in common."""

from pydantic import BaseModel, ConfigDict


class Record(BaseModel):
    """Part of a result file; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)
