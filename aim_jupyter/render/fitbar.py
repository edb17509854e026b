"""The memory of one GPU as a bar: weights, KV cache, overhead and what is kept free.

There are no theme variables for these grounds, so they are the same in light and dark themes: each
has 3:1 against both, and every figure stands in words below the bar.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from aim_jupyter.core.records import Choice
from aim_jupyter.core.sizes import GIB, amount
from aim_jupyter.render import html, shapes, words
from aim_jupyter.render.html import Html, tag

WEIGHTS, KV, OVERHEAD = "#1565c0", "#00838f", "#6d6d6d"
SPARE = html.mixed(KV, 35, html.PAPER)
_LABELLED_SHARE = 0.06
#: GiB below which one decimal says too little.
_FEW = 0.1


class Sum(Struct, frozen=True, kw_only=True):
    """What a verdict was summed from, in GiB: the parts make up `total`."""

    total: float
    weights: float
    kv: float
    need: float
    overhead: float
    low: float
    high: float

    @property
    def taken(self) -> float:
        """What all parts take."""
        return self.weights + self.kv + self.overhead

    @property
    def free(self) -> float:
        """What is kept free; nothing where the parts are more than there is."""
        return max(0.0, self.total - self.taken)

    @property
    def spare(self) -> float:
        """KV cache beyond what is needed, below zero where it falls short."""
        return self.kv - self.need

    @property
    def band(self) -> float:
        """Half of what the overhead may vary by."""
        return (self.high - self.low) / 2


def terms(choice: Choice) -> Sum | None:
    """Return the sum behind a verdict, None where a part of it is not known."""
    overhead = choice.overhead_bytes
    parts = (choice.total_bytes, choice.weights_bytes, choice.kv_bytes, choice.kv_need_bytes)
    if overhead is None or None in parts:
        return None
    total, weights, kv, need = ((part or 0) / GIB for part in parts)
    low, high = choice.overhead_low_bytes, choice.overhead_high_bytes
    return Sum(
        total=total,
        weights=weights,
        kv=kv,
        need=need,
        overhead=overhead / GIB,
        low=(overhead if low is None else low) / GIB,
        high=(overhead if high is None else high) / GIB,
    )


def best(choices: Sequence[Choice]) -> list[Choice]:
    """Return the first choice of each verdict whose sum is known, in the order of the choices."""
    found: dict[str, Choice] = {}
    for choice in choices:
        if terms(choice):
            found.setdefault(choice.verdict, choice)
    return list(found.values())


def bar(choice: Choice) -> Html:
    """Return the bar, with a line below it as long as the need."""
    known = terms(choice)
    if known is None:
        return Html("")
    parts = [
        _part(known, known.weights, WEIGHTS, known.weights),
        _part(known, min(known.need, known.kv), KV, min(known.need, known.kv)),
        _part(known, max(0.0, known.spare), SPARE),
        _part(known, known.low, OVERHEAD),
        _part(known, known.high - known.low, shapes.hatched(OVERHEAD, 2)),
        _rest(known),
    ]
    style = (
        f"display:flex;height:22px;line-height:22px;background:{html.TRACK};overflow:hidden;"
        f"{html.SMALL};white-space:nowrap"
    )
    whole = tag("div", *parts, style=style, role="img", aria_label=_label(choice, known))
    return html.join(whole, _need(known))


def _rest(known: Sum) -> Html:
    """Return what is left of the bar behind the band, with its figure where there is room."""
    left = 1 - (known.weights + known.kv + known.high) / known.total
    figure = f"{known.free:.1f}" if left > _LABELLED_SHARE / 2 else ""
    return tag("span", figure, style=f"flex:1;text-align:center;color:{html.INK}")


def _part(known: Sum, size: float, ground: str, figure: float | None = None) -> Html:
    share = size / known.total
    shown = f"{figure:.1f}" if figure is not None and share > _LABELLED_SHARE else ""
    style = (
        f"width:{100 * share:.2f}%;background:{ground};color:#ffffff;text-align:center;flex:none"
    )
    return tag("span", shown, style=style) if share > 0 else Html("")


def _need(known: Sum) -> Html:
    start, need, short = (
        f"{100 * min(1.0, size / known.total):.2f}%"
        for size in (known.weights, min(known.need, known.kv), max(0.0, -known.spare))
    )
    dashes = f"repeating-linear-gradient(90deg, {html.BAD} 0 4px, transparent 4px 6px)"
    line = [
        tag("span", style=f"width:{start};flex:none"),
        tag("span", style=f"width:{need};background:{html.INK};flex:none"),
        tag("span", style=f"width:{short};background:{dashes};flex:none"),
    ]
    style = "display:flex;height:3px;margin:2px 0 4px;overflow:hidden"
    return tag("div", *line, style=style, aria_hidden="true")


def _label(choice: Choice, known: Sum) -> str:
    return f"{choice.recipe.id}: {_parts(known)}; {' '.join(_said(choice, known))}"


def _parts(known: Sum) -> str:
    figures = {"weights": known.weights, "KV cache": known.kv, "overhead": known.overhead}
    if known.taken <= known.total:
        figures["kept free"] = known.free
    listed = " + ".join(f"{_figure(value)} {name}" for name, value in figures.items())
    if known.taken > known.total:
        return f"{listed} = {known.taken:.1f} GiB, of {known.total:.1f} GiB"
    return f"{listed} = {known.total:.1f} GiB"


def _said(choice: Choice, known: Sum) -> tuple[str, str]:
    """Return what is needed and what comes of it, of a refusal for other reasons its own words."""
    if choice.verdict == "NO" and known.spare >= 0:
        return "", choice.reason
    need = amount(known.need * GIB).removesuffix(" GiB")
    return f"needs {need}:", _outcome(choice, known)


def _figure(gib: float) -> str:
    """Return GiB with one decimal; what is there is not called nothing."""
    return f"<{_FEW}" if 0 < gib < _FEW / 2 else f"{gib:.1f}"


def _outcome(choice: Choice, known: Sum) -> str:
    # The band is why a shortfall can be TIGHT: it is none at the band's low end.
    band = f", \u00b1{known.band:.1f}" if choice.verdict == "TIGHT" else ""
    if known.spare < 0:
        return f"{amount(-known.spare * GIB)} short{band}"
    return f"{amount(known.spare * GIB)} to spare{band}"


def sentence(choice: Choice) -> Html:
    """Return the sum in figures, and on the right what comes of it."""
    known = terms(choice)
    if known is None:
        return Html("")
    need, comes = _said(choice, known)
    outcome = html.join(need, html.strong(comes), between=" " if need else "")
    style = f"display:flex;flex-wrap:wrap;justify-content:space-between;gap:0 16px;{html.SMALL}"
    return tag("div", html.soft(_parts(known)), " ", tag("span", outcome), style=style)


def legend(choices: Sequence[Choice]) -> Html:
    """Return what the grounds mean."""
    users = next((choice.users for choice in choices if choice.users), None)
    short = f"repeating-linear-gradient(90deg, {html.BAD} 0 4px, transparent 4px 6px)"
    line = "height:3px;vertical-align:3px"
    entries = [
        ("weights", f"background:{WEIGHTS}"),
        ("KV cache needed", f"background:{KV}"),
        ("KV cache to spare", f"background:{SPARE}"),
        ("overhead", f"background:{OVERHEAD}"),
        ("overhead band", f"background:{shapes.hatched(OVERHEAD, 2)}"),
        ("kept free", f"background:{html.TRACK}"),
        (
            f"need of {words.plural(users, 'user')}" if users else "need",
            f"background:{html.INK};{line}",
        ),
        ("short", f"background:{short};{line}"),
    ]
    return html.legend(entries)


def text(choice: Choice) -> list[str]:
    """Return the sum as text."""
    known = terms(choice)
    if known is None:
        return []
    outcome = " ".join(filter(None, _said(choice, known)))
    return [f"{choice.recipe.id}  {choice.verdict}", f"  {_parts(known)}", f"  {outcome}"]
