"""Will it fit: the question, the answer with its sum, and what a start turned out to take.

All memory is bytes of one GPU (or of the CPU's memory node), whatever the number of GPUs.
"""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct

FitVerdict = Literal["FITS", "TIGHT", "NO", "unknown"]
Family = Literal["rocm", "cuda", "cpu"]
Basis = Literal["exact", "modelled", "learned", "given"]


class Band(Struct, frozen=True):
    """Between what and what a figure lies. Both ends are the same where it is exact."""

    low: float
    high: float

    @property
    def middle(self) -> float:
        """The expected value: halfway."""
        return (self.low + self.high) / 2

    @property
    def width(self) -> float:
        """How far the ends are apart."""
        return self.high - self.low


class Device(Struct, frozen=True, kw_only=True):
    """The GPUs that a server would run on: all alike.

    Attributes
    ----------
    model : str
        Short name, such as ``MI300X``.
    total_bytes : int
        Of one GPU, as the driver reports it.
    free_bytes : int or None
        What nobody else holds, on the GPU that has least of it. None is taken as all.
    gfx : str or None
        Such as ``gfx942``; None for NVIDIA's.
    count : int
        How many there are to choose from.
    bf16 : bool or None
        Of a CPU: whether it multiplies in bfloat16 (AVX512_BF16). None is taken as either.
    """

    model: str
    family: Family
    total_bytes: int
    free_bytes: int | None = None
    gfx: str | None = None
    count: int = 1
    bf16: bool | None = None

    @property
    def free(self) -> int:
        """Bytes that a start may take."""
        return self.total_bytes if self.free_bytes is None else self.free_bytes


class Speculation(Struct, frozen=True, kw_only=True):
    """What ``--speculative-config`` asks for.

    Attributes
    ----------
    tokens : int
        Drafted in a step.
    model : str
        What drafts, empty for the model itself.
    """

    method: str = ""
    model: str = ""
    tokens: int = 1


class Settings(Struct, frozen=True, kw_only=True):
    """How the engine would be started; None leaves the choice to the engine.

    Attributes
    ----------
    util : float or None
        ``--gpu-memory-utilization``: the engine's share of the total, not of what is free.
    max_model_len : int or None
        Tokens of one request, prompt and answer.
    max_num_seqs, max_num_batched_tokens : int or None
        Requests and tokens of one step; both size the profiling run.
    kv_cache_bytes : int or None
        ``--kv-cache-memory-bytes``, which takes the place of `util`.
    dp : int
        Copies beside each other, which share the experts of a mixture among all of their GPUs.
    users : int
        Requests of full length that must find room at the same time, in one copy.
    quantization : str or None
        Online quantization of the weights, such as ``fp8``.
    engine_version : str or None
        Such as ``0.18.0``.
    prefix_caching : bool or None
        ``--enable-prefix-caching``: recurrent layers keep a second state for it.
    speculation : Speculation or None
        What drafts tokens ahead.
    """

    tp: int = 1
    pp: int = 1
    dp: int = 1
    dtype: str = "auto"
    kv_dtype: str = "auto"
    util: float | None = None
    max_model_len: int | None = None
    max_num_seqs: int | None = None
    max_num_batched_tokens: int | None = None
    kv_cache_bytes: int | None = None
    block_size: int | None = None
    users: int = 1
    quantization: str | None = None
    enforce_eager: bool = False
    engine_version: str | None = None
    prefix_caching: bool | None = None
    speculation: Speculation | None = None


class CountedGroup(Struct, frozen=True, kw_only=True):
    """Layers that share a block table, as the engine's own code has laid them out.

    Attributes
    ----------
    kind : str
        ``full``, ``window``, ``chunk``, ``state``, or ``other`` for what has another rule.
    block : int
        Tokens of a block.
    span : int
        Tokens of a window or a chunk.
    pages : int
        Blocks that one request of full length takes.
    """

    kind: str
    layers: int
    block: int
    span: int
    pages: int


class Counts(Struct, frozen=True, kw_only=True):
    """What the engine's own code makes of a launch, without a GPU.

    Attributes
    ----------
    label : str
        Who has counted, and for what.
    refused : str
        Why the engine would not start, empty where it would. Then nothing else is.
    weights_bytes : int
        Of one rank, after loading.
    block_bytes : int
        Of one block of all groups; 0 for a model without a cache.
    request_blocks : int
        That one request of full length takes.
    """

    label: str
    refused: str = ""
    weights_bytes: int = 0
    block_bytes: int = 0
    request_blocks: int = 0
    groups: tuple[CountedGroup, ...] = ()
    max_model_len: int = 0
    hidden: int = 0
    vocabulary: int = 0
    multimodal: bool = False


class Term(Struct, frozen=True, kw_only=True):
    """One line of the sum, and what it rests on.

    Attributes
    ----------
    name : str
        ``weights``, ``activation``, ``runtime``, ``graphs``, ``KV cache``, ``kept free``,
        ``KV cache needed``.
    basis : str
        ``exact`` is counted, ``modelled`` follows a formula fitted to measured starts, ``learned``
        was measured by a start on this site, ``given`` was said by whoever asked.
    """

    name: str
    low_bytes: int
    high_bytes: int
    basis: Basis
    note: str = ""


class CounterOffer(Struct, frozen=True, kw_only=True):
    """One changed thing, and the verdict that it leads to.

    Attributes
    ----------
    setting : str
        The field of `Settings` that changes.
    value
        What it changes to.
    option : str
        The option of a launch line, with its value, such as ``--kv-cache-dtype fp8``.
    spare_bytes : int
        KV cache to spare at the high end of the overhead.
    reason : str
        What the change means, such as ``26,624 tokens each``.
    """

    setting: str
    value: Any
    option: str
    verdict: FitVerdict
    spare_bytes: int
    reason: str


class Fit(Struct, frozen=True, kw_only=True):
    """The verdict with its sum: kept free + weights + overhead + KV cache = total.

    Attributes
    ----------
    reason : str
        In a few words, whole; `notes` say what else there is.
    device : Device or None
    settings : Settings
        With everything filled in that the engine would choose.
    budget_bytes : int
        The engine's share of the total.
    weights, overhead, available, need : Band or None
        Overhead is all that is neither weights nor KV cache. `available` is what that leaves for
        the KV cache, low where the overhead is high; `need` is what the users take of it.
    kv_token_bytes : int or None
        What one more token of context costs, for long contexts.
    kv_tokens : Band or None
        What the engine would print as the size of its KV cache.
    concurrency : Band or None
        Requests of full length that find room at the same time.
    largest_context : int or None
        Tokens for each of the users, at the high end of the overhead.
    refused : bool
        Whether the engine would refuse to start for what others hold.
    """

    model: str
    verdict: FitVerdict
    reason: str
    settings: Settings
    device: Device | None = None
    notes: tuple[str, ...] = ()
    terms: tuple[Term, ...] = ()
    offers: tuple[CounterOffer, ...] = ()
    budget_bytes: int | None = None
    weights: Band | None = None
    overhead: Band | None = None
    available: Band | None = None
    need: Band | None = None
    kv_token_bytes: int | None = None
    kv_tokens: Band | None = None
    concurrency: Band | None = None
    largest_context: int | None = None
    context_limit: int | None = None
    refused: bool = False

    @property
    def spare(self) -> Band | None:
        """KV cache beyond what is needed, below zero where it falls short."""
        if self.available is None or self.need is None:
            return None
        return Band(self.available.low - self.need.high, self.available.high - self.need.low)


class Start(Struct, frozen=True, kw_only=True):
    """One start: what was predicted, and what the engine's log said.

    The fields up to `ready_s` are the columns of ``%aim fit --history``, in bytes where those are
    in GiB.

    Attributes
    ----------
    at : float
        Seconds since the epoch (UTC).
    engine : str
        Version of the engine.
    verdict : str
        As it stood before the start.
    started : bool
        Whether it became ready.
    forced : bool
        Whether a NO was overridden.
    """

    at: float
    model: str
    recipe: str = ""
    gpu_model: str
    tp: int = 1
    engine: str = ""
    context_tokens: int | None = None
    verdict: FitVerdict = "unknown"
    started: bool = False
    weights_bytes: int | None = None
    weights_predicted_bytes: int | None = None
    kv_bytes: int | None = None
    kv_predicted_bytes: int | None = None
    overhead_bytes: int | None = None
    overhead_predicted_bytes: int | None = None
    download_s: float | None = None
    boot_s: float | None = None
    load_s: float | None = None
    compile_s: float | None = None
    capture_s: float | None = None
    ready_s: float | None = None
    revision: str | None = None
    settings: Settings = Settings()
    kv_tokens: int | None = None
    graph_bytes: int | None = None
    forced: bool = False

    @property
    def kv_error_pct(self) -> float | None:
        """Percent by which the predicted KV cache missed the measured one."""
        if not self.kv_bytes or self.kv_predicted_bytes is None:
            return None
        return 100 * (self.kv_predicted_bytes - self.kv_bytes) / self.kv_bytes
