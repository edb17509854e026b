"""The verdict on one request, with its sum; without counter-offers."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct, structs

from aim_jupyter.core.checkpoint.architecture import Architecture
from aim_jupyter.core.checkpoint.fields import Unreadable
from aim_jupyter.core.checkpoint.layers import Latent, Layer, Recurrent
from aim_jupyter.core.devices import computes_mx
from aim_jupyter.core.fit.learning.learned import Lesson, lesson
from aim_jupyter.core.fit.memory.additions import rocm_growth
from aim_jupyter.core.fit.memory.caches import Cache, caches
from aim_jupyter.core.fit.memory.counted import counted, laid_out
from aim_jupyter.core.fit.memory.kv import BLOCK, Layout, layout
from aim_jupyter.core.fit.memory.obstacles import obstacle
from aim_jupyter.core.fit.memory.overhead import Overhead, overhead
from aim_jupyter.core.fit.memory.reasons import reason
from aim_jupyter.core.fit.memory.request import Request, indivisible, settled, usual_batch
from aim_jupyter.core.fit.memory.versions import Rules, Span, changes, release, rules
from aim_jupyter.core.fit.memory.weights import buffers, drafting, shares, stages
from aim_jupyter.core.records.fit import Band, Basis, Device, Fit, FitVerdict, Settings, Term
from aim_jupyter.core.sizes import GIB

_CPU_BLOCK = 128  # vLLM platforms/cpu.py
_LATENT_ALIGN = 128  # vLLM platforms/interface.py
_SPARSE_BLOCK = 64  # MLA with an indexer, vLLM v1/attention/backends/mla/indexer.py


class _Sum(Struct, frozen=True, kw_only=True):
    """What a start takes, in bytes of one GPU; `beside` is all of the overhead."""

    budget: int
    weights: Band
    basis: Basis
    overhead: Overhead
    lesson: Lesson
    beside: Band
    available: Band = Band(0, 0)
    note: str = ""

    @property
    def taken(self) -> Band:
        """Weights and overhead."""
        return Band(self.weights.low + self.beside.low, self.weights.high + self.beside.high)


def assess(request: Request, *, whole: bool = True) -> Fit:
    """Return the verdict, without counter-offers. Never raises for what is asked.

    Parameters
    ----------
    whole : bool
        Also what is told beside the verdict: the lines of the sum, what the engine will print of
        its KV cache, the longest context.
    """
    try:
        return _assess(request, whole=whole)
    except Unreadable as problem:
        return _plain(request, "unknown", str(problem))


def _plain(request: Request, verdict: FitVerdict, why: str, **more: Any) -> Fit:
    """Return a verdict that rests on no sum."""
    return Fit(
        model=request.model,
        verdict=verdict,
        reason=why,
        settings=request.settings,
        device=request.device,
        notes=(why,),
        **more,
    )


def _assess(request: Request, *, whole: bool) -> Fit:
    if request.exact is not None and request.exact.refused:
        why = f"{request.exact.refused} ({request.exact.label})"
        return _plain(request, "NO", why, refused=True)
    if request.exact is not None:
        request = counted(request)
    model = request.architecture
    if model.problem:
        raise Unreadable(model.problem)
    if request.drafter is not None and request.drafter.problem:
        raise Unreadable(request.drafter.problem)
    settings = settled(request)
    request = structs.replace(request, settings=settings)
    never = _impossible(request, settings)
    if never:
        return _plain(request, "NO", never, context_limit=model.context)
    loaded, version = request.loaded, request.version
    layouts = _layouts(request, settings, loaded, version)
    found, available = None, request.available
    if available is None:
        if request.device is None:
            raise Unreadable("no GPU is named, nor the memory for the KV cache")
        found = _sum(request, settings, loaded, version, request.device)
        available = found.available
    fit = _judged(request, settings, layouts, found, available)
    if whole:
        fit = structs.replace(fit, **_told(fit, layouts, found, available))
    return _explained(fit, found, request)


def _impossible(request: Request, settings: Settings) -> str:
    """Return why no amount of memory would do, empty where it would."""
    device, limit = request.device, request.architecture.context
    gpus = settings.tp * settings.pp
    if device is not None and gpus > device.count:
        return f"needs {gpus} GPUs, the machine has {device.count}"
    if limit is not None and (settings.max_model_len or 0) > limit:
        return f"the model takes {limit:,} tokens at most"
    if request.exact is None and settings.pp > len(request.architecture.layers):
        return f"{len(request.architecture.layers)} layers can't be {settings.pp} stages"
    return indivisible(request.architecture, settings.tp)


def _layouts(
    request: Request, settings: Settings, model: Architecture, version: Span
) -> list[Layout]:
    """Return the layout of the KV cache under each rule that the engine may follow."""
    batched = settings.max_num_batched_tokens or 0
    if request.exact is not None:
        own = laid_out(request.exact, batched)
        if own is not None:
            return [own]
        if not request.architecture.layers:
            raise Unreadable("its KV cache has a layout that is not known here")
    spans = stages(len(model.layers), settings.pp)
    widest = max(spans, key=len)
    alone = settings.pp == 1
    layers = model.kinds if alone else Counter(model.layers[widest.start : widest.stop])
    family = request.device.family if request.device else "cuda"
    states = [_kept(request, layers, settings, single=single) for single in _single(request.device)]
    if not all(states):
        raise Unreadable("no layer keeps anything of a request")
    ends = dict.fromkeys(
        rules(end, family, prefixes=settings.prefix_caching) for end in (version.low, version.high)
    )
    block = settings.block_size or _block(request, version)
    return [
        layout(
            kept,
            _ahead(its, request),
            batched,
            block=block,
            align=_align(request),
            chunked=request.chunked,
        )
        for its in ends
        for kept in states
    ]


def _kept(
    request: Request, layers: Mapping[Layer, int], settings: Settings, *, single: bool
) -> Counter[Cache]:
    """Return what the layers of the model keep, and those of what drafts for it."""
    its = request.drafter
    ahead = its.tokens if its else 0
    kept = caches(request.loaded, layers, settings, single=single, drafted=ahead)
    return kept + caches(its.model, its.model.kinds, settings) if its else kept


def _ahead(its: Rules, request: Request) -> Rules:
    """Return the rules with a state for each token that is drafted."""
    ahead = request.drafter.tokens if request.drafter else 0
    return structs.replace(its, state_blocks=its.state_blocks + ahead)


def _single(device: Device | None) -> tuple[bool, ...]:
    """Return whether recurrent states are kept in single precision; both where it can't be known.

    vLLM does so on a CPU with AVX512_BF16 (read in 0.32's ``platforms/cpu.py``; its log was
    compared on a CPU without).
    """
    if device is None or device.family != "cpu":
        return (False,)
    return (False, True) if device.bf16 is None else (device.bf16,)


def _block(request: Request, version: Span) -> int:
    """Return the tokens of a block that the engine chooses, before states widen it."""
    latent = _latent(request)
    if request.device is not None and request.device.family == "cpu":
        return BLOCK if latent else _CPU_BLOCK
    if request.device is not None and request.device.family == "rocm":
        newest = version.low >= release(changes().sinks_block)
        return request.architecture.rocm_block * newest or _sparse(latent)
    return _sparse(latent)


def _sparse(latent: list[Latent]) -> int:
    return _SPARSE_BLOCK if any(mixer.index_heads for mixer in latent) else BLOCK


def _align(request: Request) -> int:
    """Return what blocks of hybrid models are a multiple of; MLA kernels want 128 tokens."""
    mixed = any(isinstance(layer.mixer, Recurrent) for layer in request.architecture.kinds)
    return _LATENT_ALIGN if mixed and _latent(request) else BLOCK


def _latent(request: Request) -> list[Latent]:
    kinds = request.architecture.kinds
    return [layer.mixer for layer in kinds if isinstance(layer.mixer, Latent)]


def _sum(
    request: Request, settings: Settings, model: Architecture, version: Span, device: Device
) -> _Sum:
    budget = math.ceil((settings.util or 0) * device.total_bytes)
    usual, _ = usual_batch(request, settings.max_model_len or 0)
    weights, basis, note = _weights(request, settings, model, device)
    taken = overhead(model, settings, device.family, version, usual)
    modelled = taken.total
    learned = lesson(request, settings, modelled) if request.starts else Lesson()
    if learned.weights is not None and request.weights is None:
        weights, basis, note = learned.weights, "learned", learned.note
    found = _Sum(
        budget=budget,
        weights=weights,
        basis=basis,
        overhead=taken,
        lesson=learned,
        beside=learned.overhead or modelled,
        note=note,
    )
    return structs.replace(found, available=_room(settings, found))


def _room(settings: Settings, found: _Sum) -> Band:
    """Return the bytes that are left for the KV cache."""
    if settings.kv_cache_bytes is not None:
        return Band(settings.kv_cache_bytes, settings.kv_cache_bytes)
    taken = found.taken
    return Band(found.budget - taken.high, found.budget - taken.low)


def _weights(
    request: Request, settings: Settings, model: Architecture, device: Device
) -> tuple[Band, Basis, str]:
    if request.weights is not None and request.basis == "given":
        return request.weights, "exact" if request.counted else "given", request.counted
    parts = shares(
        model,
        settings.tp,
        settings.pp,
        settings.dtype,
        device.family,
        dp=settings.dp,
        unpacks=device.gfx is not None and not computes_mx(device.gfx),
    )
    low: float = max(share.total for share in parts)
    if request.weights is not None:
        low = request.weights.low + max(share.added for share in parts)
    low += buffers(model, settings.dtype, settings.max_num_batched_tokens)
    if request.drafter is not None:
        low += drafting(request.drafter, settings.tp, settings.dtype, device.family)
    basis: Basis = request.basis if request.weights is not None else "modelled"
    grown = rocm_growth(model, settings.tp, settings.dtype) if device.family == "rocm" else 0
    if not grown:
        return Band(low, low), basis, request.counted
    note = f"experts may grow by up to {grown / GIB:.1f} GiB while they are loaded on ROCm"
    return Band(low, low + grown), basis, "; ".join(filter(None, [request.counted, note]))


def _judged(
    request: Request,
    settings: Settings,
    layouts: Sequence[Layout],
    found: _Sum | None,
    available: Band,
) -> Fit:
    length, users = settings.max_model_len or 0, settings.users
    needs = [each.need(length, users) for each in layouts]
    need = Band(min(needs), max(needs))
    verdict: FitVerdict = (
        "NO" if available.high < need.low else "TIGHT" if available.low < need.high else "FITS"
    )
    return Fit(
        model=request.model,
        verdict=verdict,
        reason="",
        settings=settings,
        device=request.device,
        budget_bytes=found.budget if found else None,
        weights=found.weights if found else request.weights,
        overhead=found.beside if found else None,
        available=available,
        need=need,
        concurrency=_span(layouts, available, lambda each, room: each.concurrency(room, length)),
        context_limit=request.architecture.context,
    )


def _told(
    fit: Fit, layouts: Sequence[Layout], found: _Sum | None, available: Band
) -> dict[str, Any]:
    """Return the fields of a fit that no verdict hangs on."""
    length = fit.settings.max_model_len or 0
    return {
        "terms": _terms(fit, found, available, fit.need or Band(0, 0)),
        "kv_token_bytes": max(each.token_bytes for each in layouts),
        "kv_tokens": _span(layouts, available, lambda each, room: each.tokens(room, length)),
        "largest_context": _largest(fit, layouts, available),
    }


def _span(layouts: Sequence[Layout], available: Band, of: Any) -> Band:
    values = [of(each, room) for each in layouts for room in (available.low, available.high)]
    return Band(min(values), max(values))


def _largest(fit: Fit, layouts: Sequence[Layout], available: Band) -> int:
    limit = fit.context_limit or fit.settings.max_model_len or 0
    return min(each.largest(available.low, fit.settings.users, limit) for each in layouts)


def _terms(fit: Fit, found: _Sum | None, available: Band, need: Band) -> tuple[Term, ...]:
    wanted = Term(
        name="KV cache needed", low_bytes=int(need.low), high_bytes=int(need.high), basis="exact"
    )
    if found is None or fit.device is None:
        return (_term("KV cache", available, "given"), wanted)
    learned = found.lesson.overhead
    taken = (
        (_term("overhead", learned, "learned", found.lesson.note),)
        if learned
        else tuple(found.overhead.terms())
    )
    return (
        _kept_free(fit, found, fit.device),
        _term("weights", found.weights, found.basis, found.note),
        *taken,
        _term("KV cache", available, "learned" if learned else "modelled"),
        wanted,
    )


def _kept_free(fit: Fit, found: _Sum, device: Device) -> Term:
    """Return what the engine leaves: beside a KV cache of fixed size it is whatever is over."""
    kv = fit.settings.kv_cache_bytes
    if kv is None:
        spared = device.total_bytes - found.budget
        return _term("kept free", Band(spared, spared), "exact")
    over = [device.total_bytes - kv - end for end in (found.taken.high, found.taken.low)]
    return _term("kept free", Band(*(max(0, each) for each in over)), "modelled")


def _term(name: str, band: Band, basis: Basis, note: str = "") -> Term:
    low, high = int(band.low), int(band.high)
    return Term(name=name, low_bytes=low, high_bytes=high, basis=basis, note=note)


def _missed(fit: Fit, found: _Sum) -> str:
    """Return what to say of graphs that the engine may have counted too low."""
    missed, device = found.overhead.missed.high, fit.device
    if device is None or fit.settings.kv_cache_bytes is not None or not missed:
        return ""
    room = device.free - found.budget
    if found.overhead.outside.high + missed <= room or room < 0:
        return ""
    more = f"graphs may take up to {missed / GIB:.1f} GiB more than the engine counts on"
    return f"{more} (nobody has measured it), and {room / GIB:.1f} are left free"


def _unread(request: Request) -> str:
    """Return what to say of keys that nobody reads here, where the engine has not counted."""
    names = () if request.exact else request.architecture.unread
    more = "; vLLM itself reads them, with --exact"
    return f"not read here, and may be a shape: {', '.join(names)}{more}" if names else ""


def _explained(fit: Fit, found: _Sum | None, request: Request) -> Fit:
    """Return the fit with its reason, and what may stop a start that has room enough."""
    notes = (
        tuple(filter(None, [found.note, found.lesson.note, _missed(fit, found)])) if found else ()
    )
    notes += tuple(filter(None, [_unread(request)]))
    plain = structs.replace(fit, reason=reason(fit), notes=notes)
    if found is None or fit.device is None:
        return plain
    stop = obstacle(fit.settings, fit.device, found.budget, found.taken, found.overhead.outside)
    if stop is None or (fit.verdict == "NO" and not stop.refused):
        return plain
    return structs.replace(
        fit,
        verdict=stop.verdict,
        reason=stop.reason,
        refused=stop.refused,
        notes=(*notes, stop.reason),
    )
