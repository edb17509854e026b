from .facts import in_container
from .masks import Step, Visibility, launch_environment, visibility
from .occupancy import Use
from .placement import Placement, verify_placement
from .probes import GROUP, Sighting
from .release import unreleased
from .reservation import reserve
from .sensors import Cards, Sensors
from .snapshot import machine
from .symptoms import findings
from .tools.capture import from_file
from .tools.enrichment import enrich

__all__ = [
    "GROUP",
    "Cards",
    "Placement",
    "Sensors",
    "Sighting",
    "Step",
    "Use",
    "Visibility",
    "enrich",
    "findings",
    "from_file",
    "in_container",
    "launch_environment",
    "machine",
    "reserve",
    "unreleased",
    "verify_placement",
    "visibility",
]
