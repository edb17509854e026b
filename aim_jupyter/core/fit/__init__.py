"""Will it fit: the verdict with its sum, before a byte is downloaded.

The sum is weights + overhead + KV cache = the engine's share of the memory. Weights are counted,
from the headers of the tensors or from the architecture; the KV cache follows the engine's own
rules exactly; the overhead is a band, and each start on this site narrows it.
"""

from aim_jupyter.core.fit.answer import answer, answers, as_json, ask
from aim_jupyter.core.fit.architecture import Architecture, architecture
from aim_jupyter.core.fit.assessment import assess
from aim_jupyter.core.fit.context import LEAST, longest
from aim_jupyter.core.fit.devices import device
from aim_jupyter.core.fit.headers import Exact, Tensor, tensor, tensors, weights_from_headers
from aim_jupyter.core.fit.learned import history, outcome, store
from aim_jupyter.core.fit.log import read_log
from aim_jupyter.core.fit.models import config_of, known, look_up, quantized
from aim_jupyter.core.fit.request import Request
from aim_jupyter.core.fit.verdict import verdict

__all__ = [
    "LEAST",
    "Architecture",
    "Exact",
    "Request",
    "Tensor",
    "answer",
    "answers",
    "architecture",
    "as_json",
    "ask",
    "assess",
    "config_of",
    "device",
    "history",
    "known",
    "longest",
    "look_up",
    "outcome",
    "quantized",
    "read_log",
    "store",
    "tensor",
    "tensors",
    "verdict",
    "weights_from_headers",
]
