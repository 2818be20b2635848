"""What a pipeline raised went through as it was."""

from fuzz.properties.people import STEPS

DRAWN = [[*STEPS, STEPS[-1]]]
