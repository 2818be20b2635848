"""What holds whatever is given: a `UserError` that says it, or numbers that can be trusted.

Each property takes a folder of its own and draws its input. What else is raised is a fault.
"""

from fuzz.holding import PROPERTIES as PROPERTIES
from fuzz.holding import refused as refused
from fuzz.properties import (  # noqa: F401  (they add theirs)
    calls,
    commands,
    doors,
    networks,
    people,
    releases,
    results,
    runs,
    targets,
)
