"""Will it fit: the verdict with its sum, before a byte is downloaded.

The sum is weights + overhead + KV cache = the engine's share of the memory. Weights are counted,
from the headers of the tensors or from the architecture; the KV cache follows the engine's own
rules exactly; the overhead is a band, and each start on this site narrows it.
"""

from aim_jupyter.core.checkpoint.architecture import Architecture, architecture
from aim_jupyter.core.checkpoint.models import config_of, known, look_up, quantized
from aim_jupyter.core.fit.answer import as_json
from aim_jupyter.core.fit.learning.learned import history, outcome, store
from aim_jupyter.core.fit.learning.log import read_log
from aim_jupyter.core.fit.memory.assessment import assess
from aim_jupyter.core.fit.memory.context import LEAST, longest
from aim_jupyter.core.fit.memory.devices import device, device_of, processor
from aim_jupyter.core.fit.memory.headers import Exact, Tensor, tensor, tensors, weights_from_headers
from aim_jupyter.core.fit.memory.request import Request
from aim_jupyter.core.fit.memory.verdict import verdict
from aim_jupyter.core.records.fit import Settings

__all__ = [
    "LEAST",
    "Architecture",
    "Exact",
    "Request",
    "Settings",
    "Tensor",
    "architecture",
    "as_json",
    "assess",
    "config_of",
    "device",
    "device_of",
    "history",
    "known",
    "longest",
    "look_up",
    "outcome",
    "processor",
    "quantized",
    "read_log",
    "store",
    "tensor",
    "tensors",
    "verdict",
    "weights_from_headers",
]
