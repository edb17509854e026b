"""A reply keeps its formatting and loses all that does something."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aim_jupyter.render.reply import reply_markdown

PLAIN = (
    "# Title\n\n1. *one*\n2. **two**\n\n| a | b |\n| - | - |\n| 1 | 2 |\n\n> said\n\nhttps://x.org"
)


def test_what_only_formats_stays_as_it_is() -> None:
    assert reply_markdown(PLAIN) == PLAIN


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<script>x</script>", "&lt;script>x&lt;/script>"),
        ("a < b", "a &lt; b"),
        ("![x](http://x/y.png)", r"![x]\(http://x/y.png)"),
        ("[a]: javascript:x\n[a]", "[a]\\: javascript:x\n[a]"),
        ("`vector<int>`", "<code>vector&lt;int></code>".replace("int>", "int&gt;")),
        ("``a ` b``", "<code>a ` b</code>"),
        ("`$x$ \\href`", "<code>&#36;x&#36; &#92;href</code>"),
        ("$a<b$", r"$a \lt b$"),
        (r"$\href{javascript:x}{y}$", "$href{javascript:x}{y}$"),
        (r"$\frac{a}{b}$", r"$\frac{a}{b}$"),
        ("\x1b]52;c;eA==\x07x\u202e", "x"),
    ],
)
def test_what_becomes_of(text: str, shown: str) -> None:
    assert reply_markdown(text) == shown


def test_code_blocks_are_written_anew() -> None:
    assert reply_markdown("a\n```python\nx = 1\n```\nb") == "a\n\n```python\nx = 1\n```\n\n\nb"
    assert reply_markdown("~~~mermaid\nclick A\n~~~") == "\n\n```\nclick A\n```\n\n"
    assert "<pre><code>if a &lt; b:</code></pre>" in reply_markdown("```\nif a < b:\n```")
    # A fence that is shorter than what stands inside would end there.
    assert reply_markdown("~~~\n```\n[x](y)\n~~~").startswith("\n\n````\n```\n[x](y)\n````")
    assert "````" in reply_markdown("~~~\n```")
    assert (
        reply_markdown("1. do\n   ```sh\n   ls\n   ```\n2. done")
        == "1. do\n\n```sh\nls\n```\n\n\n2. done"
    )


@given(st.text(alphabet="<>`~[]():!\\$ \nascriptjvhe=/&#60;", max_size=80))
def test_no_tag_of_a_reply_is_one(text: str) -> None:
    shown = reply_markdown(text)
    ours = ("<code>", "</code>", "<pre>", "</pre>")
    left = shown
    for tag in ours:
        left = left.replace(tag, "")
    assert "<" not in left
