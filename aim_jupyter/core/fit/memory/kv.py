"""How the engine cuts its memory into blocks, and how many a request takes.

A re-statement of vLLM ``v1/core/kv_cache_utils.py`` (``get_kv_cache_groups``,
``get_max_concurrency_for_kv_cache_config``, ``_estimate_max_model_len_from_groups``) and, for the
page of hybrid models, ``platforms/interface.py`` (``_align_hybrid_block_size``); facts/fit.md 3.2.
``tests/core/fit/test_engine.py`` runs the same layers through vLLM's own functions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from msgspec import Struct, structs

from aim_jupyter.core.fit.memory.caches import Cache
from aim_jupyter.core.fit.memory.versions import Rules

BLOCK = 16


class Group(Struct, frozen=True):
    """Layers that share a block table: a block of it holds `block` tokens of each of them."""

    cache: Cache
    layers: int
    block: int


class Layout(Struct, frozen=True):
    """All groups draw blocks of `block_bytes` from one pool.

    Attributes
    ----------
    batched : int
        Tokens of one step, which windows have to keep beside their own.
    """

    groups: tuple[Group, ...]
    block_bytes: int
    rules: Rules
    batched: int

    def blocks(self, length: int) -> int:
        """Return the blocks that one request of `length` tokens takes."""
        return sum(self._of(group, length) for group in self.groups)

    def need(self, length: int, users: int = 1) -> int:
        """Return the bytes that `users` requests of `length` tokens take."""
        return (self.blocks(length) * users + self.rules.null_block) * self.block_bytes

    def concurrency(self, available: float, length: int) -> float:
        """Return how many requests of `length` tokens `available` bytes have room for."""
        return max(0, available // self.block_bytes) / max(1, self.blocks(length))

    def tokens(self, available: float, length: int) -> int:
        """Return what the engine prints as the size of its KV cache."""
        if self.rules.derived_tokens:
            return int(self.concurrency(available, length) * length)
        blocks = int(max(0, available) // self.block_bytes)
        return blocks // len(self.groups) * min(group.block for group in self.groups)

    def largest(self, available: float, users: int, limit: int) -> int:
        """Return the longest context, up to `limit`, for which `users` find room; 0 for none."""
        if self.need(limit, users) <= available:
            return limit
        low, high = 0, limit - 1
        while low < high:
            middle = (low + high + 1) // 2
            if self.need(middle, users) <= available:
                low = middle
            else:
                high = middle - 1
        return low

    @property
    def token_bytes(self) -> int:
        """What one more token costs a request that has outgrown its windows.

        Where all layers have one, what it costs until then.
        """
        kept = [group for group in self.groups if group.cache.kind != "state"]
        growing = [group for group in kept if group.cache.kind == "full"] or kept
        return sum(self.block_bytes // group.block for group in growing)

    def _of(self, group: Group, length: int) -> int:
        cache = group.cache
        flying = self.batched * self.rules.batches
        if cache.kind == "state":
            return self.rules.state_blocks + (self.rules.checkpoints and cache.checkpoints)
        if cache.kind == "window":
            return -(-min(cache.span - 1 + flying, length) // group.block) + 1
        if cache.kind == "chunk":
            return -(-min(cache.span + flying, length) // group.block)
        return -(-length // group.block)


def layout(
    caches: Mapping[Cache, int],
    rules: Rules,
    batched: int,
    *,
    block: int = BLOCK,
    align: int = BLOCK,
    chunked: bool = False,
) -> Layout:
    """Return how the engine lays out the caches of one rank's layers.

    Parameters
    ----------
    caches : mapping of Cache to int
        How many layers keep each; at least one does.
    block : int
        Tokens of a block, where nothing else decides.
    align : int
        What the attention kernels want it to be a multiple of.
    chunked : bool
        Whether chunked local attention may keep less than everything: off unless
        ``VLLM_ALLOW_CHUNKED_LOCAL_ATTN_WITH_HYBRID_KV_CACHE`` says so.
    """
    whole = not (chunked or rules.chunked) and any(cache.kind == "chunk" for cache in caches)
    kept = _promoted(caches) if whole or not rules.hybrid else caches
    kinds = {(cache.kind, cache.span) for cache in kept}
    first = next(iter(kept))
    if len(kinds) == 1 and first.kind != "state":
        page = sum(count * cache.token_bytes for cache, count in kept.items()) * block
        one = Group(first, sum(kept.values()), block)
        return Layout((one,), page, rules, batched)
    return _grouped(kept, rules, batched, block, align)


def _promoted(caches: Mapping[Cache, int]) -> Mapping[Cache, int]:
    """Return caches for all tokens where the engine can't keep less for some layers."""
    found: Counter[Cache] = Counter()
    for cache, count in caches.items():
        state = cache.kind == "state"
        found[cache if state else structs.replace(cache, kind="full", span=0)] += count
    return found


def _grouped(
    kinds: Mapping[Cache, int], rules: Rules, batched: int, block: int, align: int
) -> Layout:
    page, block = _page(kinds, block, align)
    size = _group_size(list(kinds.values()))
    groups = []
    for cache, count in kinds.items():
        held = _block_of(cache, page, block)
        groups += [Group(cache, size, held)] * -(-count // size)
    return Layout(tuple(groups), page * size, rules, batched)


def _page(kinds: Iterable[Cache], block: int, align: int) -> tuple[int, int]:
    """Return the bytes of a page that all layers share, and the tokens of the widest one's block.

    The widest attention page must hold the largest state.
    """
    widest = max(cache.token_bytes for cache in kinds)
    state = max(cache.state_bytes for cache in kinds)
    if not widest:
        return state, block
    if state:
        step = max(block, align)
        block = max(block, step * -(-state // (step * widest)))
    return widest * block, block


def _block_of(cache: Cache, page: int, block: int) -> int:
    """Return the tokens of a narrower layer in a page: more of them where they fill it evenly."""
    if not cache.token_bytes:
        return block
    own = cache.token_bytes * block
    return block * (page // own) if page % own == 0 else block


def _group_size(counts: list[int]) -> int:
    """Return the layers of each group: the rarest kind's, unless the others are hardly more."""
    return max(counts) if max(counts) < 1.5 * min(counts) else min(counts)
