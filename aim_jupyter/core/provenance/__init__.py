"""What served an answer, as a record with a name: collected, kept, compared.

The name goes with every answer of an engine that can carry one, with every run, and onto the
card; two servers with the same name were made of the same things, on whatever port and GPU.
Equal settings are no promise of equal answers: a GPU that computes several requests at once adds
in another order (facts/capabilities.md 2g).
"""

from aim_jupyter.core.provenance.collecting import collect, model_folder
from aim_jupyter.core.provenance.comparing import differences
from aim_jupyter.core.provenance.content import damaged
from aim_jupyter.core.provenance.store import find, kept, read, take

__all__ = ["collect", "damaged", "differences", "find", "kept", "model_folder", "read", "take"]
