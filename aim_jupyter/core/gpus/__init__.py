"""Every AMD GPU of the node, truthfully: what there is, who holds it, and what may be used.

`machine` reads sysfs alone, in milliseconds, and opens no device. `enrich` asks the vendor's tools
as well, in subprocesses with a time limit; `from_file` reads what one of them printed elsewhere.
"""

from aim_jupyter.core.gpus.catalogue import Device, device, devices
from aim_jupyter.core.gpus.facts import in_container
from aim_jupyter.core.gpus.masks import Step, Visibility, launch_environment, visibility
from aim_jupyter.core.gpus.occupancy import Use
from aim_jupyter.core.gpus.placement import Placement, verify_placement
from aim_jupyter.core.gpus.probes import GROUP, Sighting
from aim_jupyter.core.gpus.release import unreleased
from aim_jupyter.core.gpus.reservation import reserve
from aim_jupyter.core.gpus.sensors import Cards, Sensors
from aim_jupyter.core.gpus.snapshot import machine
from aim_jupyter.core.gpus.symptoms import findings
from aim_jupyter.core.gpus.tools.capture import from_file
from aim_jupyter.core.gpus.tools.enrichment import enrich

__all__ = [
    "GROUP",
    "Cards",
    "Device",
    "Placement",
    "Sensors",
    "Sighting",
    "Step",
    "Use",
    "Visibility",
    "device",
    "devices",
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
