r"""A model's reply as Markdown that formats, and does nothing else.

JupyterLab runs the scripts in the Markdown of a cell that was run, loads its images, and follows
its links; what a model says may come from a page that it was given to read. So no ``<`` of a reply
stays one, links and images stay as they were written, and mathematics has no command that makes a
link. Code blocks are written anew, with fences that nothing inside of them can end.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from aim_jupyter.core.harmless import harmless

_FENCE = re.compile(r"(?P<indent> {0,12})(?P<fence>`{3,}|~{3,}) *(?P<info>[^`]*)")
_LANGUAGE = re.compile(r"[A-Za-z0-9_+#-]{1,20}")
#: Drawn from their text, with links of their own.
_DRAWN = ("mermaid", "math")
_CODE = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", re.DOTALL)
_MATH = re.compile(r"\$\$[^$]+\$\$|\$[^$\n]+\$|\\\(.+?\\\)|\\\[.+?\\\]", re.DOTALL)
# Commands of MathJax that make links, set attributes, load more of it or give others a new name.
_COMMANDS = re.compile(
    r"\\(?=\s*(?:href|url|require|class|cssId|style|data|unicode|csname|begingroup|mmlToken|def|let"
    r"|edef|gdef|xdef|newcommand|renewcommand|newenvironment|Newextarrow|texttip|mathtip|toggle"
    r"|bbox|includegraphics)(?![A-Za-z]))"
)


def reply_markdown(text: str) -> str:
    r"""Return a reply as it may be given to whoever draws Markdown.

    Examples
    --------
    >>> reply_markdown("**a** <script>x</script> [b](javascript:x) `i<j`")
    '**a** &lt;script>x&lt;/script> [b]\\(javascript:x) <code>i&lt;j</code>'
    """
    return "\n".join(_blocks(harmless(text).split("\n")))


def _blocks(lines: list[str]) -> Iterator[str]:
    prose: list[str] = []
    rest = iter(lines)
    for line in rest:
        opened = _FENCE.fullmatch(line)
        if opened is None:
            prose.append(line)
            continue
        yield _prose(prose)
        yield _block(list(_inside(rest, opened)), opened["info"].strip())
        prose = [""]
    yield _prose(prose)


def _inside(rest: Iterator[str], opened: re.Match[str]) -> Iterator[str]:
    """Yield the lines of a code block, up to its end."""
    ends = re.compile(rf" *{re.escape(opened['fence'][0])}{{{len(opened['fence'])},}} *")
    for line in rest:
        if ends.fullmatch(line):
            return
        yield line.removeprefix(opened["indent"])


def _block(lines: list[str], info: str) -> str:
    content = "\n".join(lines)
    if "<" in content:
        return f"\n<pre><code>{_as_code(content)}</code></pre>\n"
    fence = "`" * (1 + max([2, *map(len, re.findall("`+", content))]))
    known = _LANGUAGE.fullmatch(info) is not None and info.casefold() not in _DRAWN
    return f"\n{fence}{info if known else ''}\n{content}\n{fence}\n"


def _prose(lines: list[str]) -> str:
    text = "\n".join(lines)
    at, parts = 0, []
    for code in _CODE.finditer(text):
        parts += [_plain(text[at : code.start()]), f"<code>{_as_code(code[2])}</code>"]
        at = code.end()
    return "".join((*parts, _plain(text[at:])))


def _as_code(text: str) -> str:
    # Mathematics is looked for before anybody knows that this is code.
    escaped = html.escape(text, quote=False)
    return escaped.replace("$", "&#36;").replace("\\", "&#92;").replace("\n\n", "\n&#8203;\n")


def _plain(text: str) -> str:
    sums = _MATH.sub(lambda found: found[0].replace("<", r" \lt "), text)
    still = _COMMANDS.sub("", sums).replace("<", "&lt;")
    return still.replace("](", r"]\(").replace("]:", r"]\:")
