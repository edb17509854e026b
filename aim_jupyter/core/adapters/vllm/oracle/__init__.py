"""vLLM's own code as an oracle: what it would build on a GPU that is not here.

Runs in the engine's interpreter and knows nothing of this package. vLLM is made to believe that it
stands on ROCm (`machine`, over the packages and kernels that are `absent`), reads a config and the
options of a launch (`configured`), builds the model on torch's "meta" device (`building`) and lays
out its KV cache (`laying`). Each question is a fork of a process that has imported everything
(`main`). It reaches into private names: only versions that were tried are asked (`exact.TRIED`).
"""
