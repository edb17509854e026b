"""Every AMD GPU of the node, truthfully: what there is, who holds it, and what may be used.

`machine` reads sysfs alone, in milliseconds, and opens no device. `enrich` asks the vendor's tools
as well, in subprocesses with a time limit; `from_file` reads what one of them printed elsewhere.
"""

from aim_jupyter.core.gpus.catalogue import Device, device, devices
from aim_jupyter.core.gpus.masks import Step, Visibility, launch_environment, visibility
from aim_jupyter.core.gpus.probes import GROUP, Sighting
from aim_jupyter.core.gpus.snapshot import machine

__all__ = [
    "GROUP",
    "Device",
    "Sighting",
    "Step",
    "Visibility",
    "device",
    "devices",
    "launch_environment",
    "machine",
    "visibility",
]
