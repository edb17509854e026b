"""The parts that cards are built of, as HTML that is safe to show and needs nothing but itself.

Every piece passes `tag`, which escapes whatever is not `Html` already, so text from outside (model
names, paths, log lines) can't become markup. Styles are inline, each colour a variable of
JupyterLab's theme with a fallback: no class, script, link or style element. In an untrusted
notebook styles and SVG are removed; then tables, names and figures are what remains.
"""

from __future__ import annotations

import html
from collections.abc import Sequence

from aim_jupyter.render import words

INK = "var(--jp-ui-font-color1, var(--vscode-editor-foreground, #212121))"
SOFT = "var(--jp-ui-font-color2, var(--vscode-descriptionForeground, #616161))"
LINE = "var(--jp-border-color2, var(--vscode-panel-border, #e0e0e0))"
PAPER = "var(--jp-layout-color0, var(--vscode-editor-background, #ffffff))"
TRACK = "var(--jp-layout-color2, var(--vscode-editorWidget-background, #eeeeee))"
CODE_PAPER = "var(--jp-cell-editor-background, var(--vscode-textCodeBlock-background, #f5f5f5))"
BRAND = "var(--jp-brand-color1, var(--vscode-textLink-foreground, #1976d2))"
GOOD = "var(--jp-success-color1, #388e3c)"
CARE = "var(--jp-warn-color1, #f57c00)"
BAD = "var(--jp-error-color1, #d32f2f)"
OTHERS = "#8a8a8a"
MARK = "#ed1c24"

UI_FONT = "font-family:var(--jp-ui-font-family, system-ui, sans-serif)"
CODE_FONT = "font-family:var(--jp-code-font-family, monospace)"
SMALL = "font-size:12px"
BOLD = "font-weight:600"
PLAIN = "font-weight:400"


class Html(str):
    """Text that is HTML already; any other string is escaped on its way in."""

    __slots__ = ()


def escape(value: object) -> Html:
    """Return `value` as HTML: as it is when it is `Html`, else cleaned and escaped."""
    return value if isinstance(value, Html) else Html(html.escape(words.clean(value)))


def join(*parts: str, between: str = "") -> Html:
    """Return the parts as one piece of HTML, leaving out empty ones."""
    return Html(escape(between).join(escape(part) for part in parts if part))


def tag(name: str, *children: str, style: str = "", **attributes: str) -> Html:
    """Return an element; ``aria_label="…"`` becomes ``aria-label="…"``."""
    given = {"style": style, **attributes}
    written = "".join(
        f' {key.replace("_", "-")}="{html.escape(words.clean(value))}"'
        for key, value in given.items()
        if value
    )
    return Html(f"<{name}{written}>{join(*children)}</{name}>")


def soft(*children: str, style: str = "") -> Html:
    """Return secondary text."""
    return tag("span", *children, style=f"color:{SOFT};{style}")


def strong(*children: str) -> Html:
    """Return a name, or the one figure that matters."""
    return tag("strong", *children, style=BOLD)


def code(text: str, *, color: str = "inherit") -> Html:
    """Return a path, an address or a command inside a line; one click selects all of it."""
    style = f"{CODE_FONT};{SMALL};color:{color};background:none;padding:0;user-select:all"
    return tag("code", text, style=style)


def prose(text: str) -> Html:
    """Return a sentence in which what stands between backticks is code."""
    pieces = text.split("`")
    return join(*(code(piece) if index % 2 else piece for index, piece in enumerate(pieces)))


def line(*children: str, style: str = "") -> Html:
    """Return one line of text."""
    return tag("div", *children, style=f"line-height:20px;{style}")


def dotted(*parts: str) -> Html:
    """Return facts beside each other, with middle dots between."""
    return join(*parts, between=" · ")


def code_box(text: str, mark: str = "", *, edge: str = "") -> Html:
    """Return a command, or a line of a log, in a box of its own.

    Parameters
    ----------
    mark : str
        The part of `text` that is new, emphasised where it stands.
    edge : str
        Colour of a thick left edge; such a box holds a log line, not a command.
    """
    pieces: list[str] = [text]
    if mark and mark in text:
        before, after = text.rsplit(mark, 1)
        new = f"background:{mixed(BRAND, 20)};padding:0 2px;display:inline-block;{BOLD}"
        pieces = [before, tag("span", mark, style=new), after]
    style = (
        f"{CODE_FONT};{SMALL};line-height:18px;color:{INK};background:{CODE_PAPER};"
        f"border:1px solid {LINE};padding:4px 8px;margin:0;white-space:pre-wrap;"
        "overflow-wrap:anywhere;user-select:all;box-sizing:border-box;width:100%"
        + (f";border-left:2px solid {edge}" if edge else "")
    )
    return tag("pre", *pieces, style=style)


def mixed(color: str, percent: int, paper: str = "transparent") -> str:
    """Return `color` thinned to `percent`, which suits light and dark themes alike."""
    return f"color-mix(in srgb, {color} {percent}%, {paper})"


def legend(entries: Sequence[tuple[str, str]]) -> Html:
    """Return what the grounds of bars mean: each a name and the style of its swatch."""
    swatch = "display:inline-block;width:16px;height:8px;margin-right:6px"
    shown = [
        tag("span", tag("span", style=f"{swatch};{style}", aria_hidden="true"), name, " ")
        for name, style in entries
    ]
    style = f"display:flex;flex-wrap:wrap;gap:4px 16px;color:{SOFT};{SMALL};margin-top:12px"
    return tag("div", *shown, style=style)


def folded(summary: str, body: str) -> Html:
    """Return a line that opens to show more."""
    head = tag("summary", summary, style=f"cursor:pointer;line-height:20px;color:{SOFT}")
    return tag("details", head, body, style="margin:0;min-width:0;max-width:100%")


def beside(*children: str) -> Html:
    """Return pieces beside each other, below each other where there is no room."""
    return tag("div", join(*children, between=" "), style="display:flex;flex-wrap:wrap;gap:0 24px")


def log(lines: Sequence[str]) -> Html:
    """Return lines of a log in a box that scrolls, and opens at its end; keys reach it as well."""
    style = (
        f"{CODE_FONT};font-size:11px;line-height:16px;color:{INK};background:{CODE_PAPER};"
        "padding:8px;margin:0;white-space:pre-wrap;overflow-wrap:anywhere"
    )
    # A box that is filled from below shows its end first, without a script.
    box = (
        f"display:flex;flex-direction:column-reverse;background:{CODE_PAPER};"
        f"border:1px solid {LINE};margin:4px 0 0;overflow:auto;max-height:320px"
    )
    return tag("div", tag("pre", "\n".join(lines), style=style), style=box, tabindex="0")


def head(title: str, about: str, right: str = "") -> Html:
    """Return the head of a card: the mark, what it is about, and one thing on the right."""
    mark = tag(
        "span",
        style=f"display:inline-block;width:3px;height:14px;margin-right:6px;background:{MARK};"
        "vertical-align:-2px",
        aria_hidden="true",
    )
    name = tag("strong", "aim", style="font-weight:700;margin-right:8px")
    named = tag("strong", title, style=f"{BOLD};margin-right:8px") if title else ""
    left = tag("span", mark, name, " ", join(named, about, between=" "))
    style = (
        "display:flex;flex-wrap:wrap;justify-content:space-between;gap:0 16px;"
        "min-height:24px;padding:8px 16px;line-height:24px"
    )
    return tag("div", left, " ", soft(right, style=SMALL) if right else "", style=style)


def part(*children: str, first: bool = False) -> Html:
    """Return a body or a foot of a card, with a line above it unless it is the first."""
    edge = "" if first else f"border-top:1px solid {LINE};"
    return tag("div", *children, style=f"{edge}padding:12px 16px")


def card(top: str, *parts: str) -> Html:
    """Return the frame around a head and its parts."""
    style = (
        f"{UI_FONT};font-size:var(--jp-ui-font-size1, 13px);line-height:20px;color:{INK};"
        f"background:{PAPER};border:1px solid {LINE};border-radius:4px;max-width:1120px;"
        "font-variant-numeric:tabular-nums;overflow-x:auto;overflow-y:hidden"
    )
    return tag("div", top, *parts, style=style)
