"""What others wrote, looked at in a real browser: cards, panel, sidebar and replies run nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import OpenNotebook, Site, new_window
from tests.browser.lab import LIMIT_S, SCREENSHOTS, Lab
from tests.browser.sidebar import BUILT, Sidebar, captured
from tests.conftest import FakeEngine
from tests.render.test_safety import every_card

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

SECOND = 1000
#: Each would run if any place took text for markup; `aimPwned` says which one has.
RUNS = "(window.aimPwned=(window.aimPwned||[])).push({!r})"
HOSTILE: tuple[str, ...] = (
    f"<img class=pwn src=x onerror={RUNS.format('image')}>",
    f"<script class=pwn>{RUNS.format('script')}</script>",
    f"<svg class=pwn onload={RUNS.format('svg')}>",
    f'"><b class=pwn autofocus tabindex=1 onfocus={RUNS.format("attribute")}>',
    f"</title></textarea></pre></style><img class=pwn src=x onerror={RUNS.format('end')}>",
    f"[x](javascript:{RUNS.format('link')})<a class=pwn href=javascript:0>x</a>",
    "<iframe class=pwn src=http://127.0.0.1:9/></iframe><base class=pwn href=//127.0.0.1:9/>",
    "<style class=pwn>*{display:none}</style><meta class=pwn http-equiv=refresh content=0;url=/>",
    "{{constructor.constructor('x')()}} ${x} <!-- <![CDATA[ $\\require{html}\\href{//x}{y}$",
    "\x1b]52;c;cm0gLXJm\x07\x1b[2J\u202egnp.exe\u2066",
)
ALL = " ".join(HOSTILE)
#: Of one name, as a file system takes it.
NAME = "<img class=pwn src=x onerror=alert`1`>"
#: What must not be seen on any page.
STEERS = "\x1b\x07\u202e\u2066"


def nothing_ran(page: Page) -> None:
    """Check that no text has become an element, and none of it has run."""
    assert page.evaluate("window.aimPwned") is None
    assert page.locator(".pwn").count() == 0
    assert page.locator("a[href^='javascript:']").count() == 0
    text = page.evaluate("document.body.innerText")
    assert not set(text) & set(STEERS)


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Return a page that tells of every request and every question to its user."""
    window = new_window(browser, {"width": 1100, "height": 1400})
    made = window.new_page()
    met: list[str] = []
    made.on("dialog", lambda dialog: met.append(dialog.message))
    made.on("request", lambda request: met.append(request.url))
    yield made
    window.close()
    assert met == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_payloads_would_run_where_text_is_taken_for_markup(page: Page, theme: str) -> None:
    """That this test can fail: without escaping, it does."""
    page.set_content("<body></body>")
    page.evaluate("(html) => { document.body.innerHTML = html }", HOSTILE[2] + HOSTILE[3])
    assert page.locator(".pwn").count() == 2


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_card(page: Page, theme: str) -> None:
    page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
    for number, text in enumerate((*HOSTILE, ALL)):
        cards = [card.html for card in every_card(text)]
        assert len(cards) > 10
        # Named, so that an element that was left open is seen: what follows would be inside of it.
        body = "".join(f"<section id=c{at}>{html}</section>" for at, html in enumerate(cards))
        page.set_content(f"<body>{body}</body>")
        nothing_ran(page)
        assert page.locator("body > section").count() == len(cards)
        if number == len(HOSTILE):
            page.screenshot(path=SCREENSHOTS / f"hostile-cards-{theme}.png", full_page=True)


def shaken(value: Any, text: str) -> Any:
    """Return an answer with `text` behind every word that a person reads."""
    if isinstance(value, list):
        return [shaken(one, text) for one in value]
    if not isinstance(value, dict):
        return value
    free: tuple[str, ...] = (
        "model",
        "name",
        "holder",
        "server",
        "reason",
        "host",
        "user",
        "why",
        "line",
        "said",
    )
    free += ("found", "fix", "title", "recipe", "note", "source", "text", "shared_by", "change")
    return {
        key: f"{one} {text}" if key in free and isinstance(one, str) else shaken(one, text)
        for key, one in value.items()
    }


@pytest.mark.skipif(not BUILT.exists(), reason="the sidebar is not built: make labextension")
def test_the_sidebar(browser: Browser, lab: Lab) -> None:
    window = new_window(browser, {"width": 900, "height": 1400})
    names = {"status": "node", **{name: name for name in ("models", "recipes", "plan")}}
    answers = {end: shaken(captured(name), ALL) for end, name in names.items()}
    sidebar = Sidebar(window.new_page(), lab, answers)
    expect(sidebar.node).to_contain_text("onerror=")
    sidebar.screenshot("hostile")
    sidebar.answer(status=shaken(captured("failed"), ALL))
    sidebar.refresh()
    nothing_ran(sidebar.page)
    assert sidebar.errors == []
    window.close()


@pytest.fixture
def hostile_folder(site: Site) -> Path:
    """Return a model of the cache whose folder, configuration and template mean ill."""
    folder = site.folder / "cache" / "evil" / NAME
    folder.mkdir(parents=True)
    told = {"architectures": [ALL], "model_type": ALL, "_name_or_path": ALL}
    (folder / "config.json").write_text(json.dumps(told))
    (folder / "tokenizer_config.json").write_text(json.dumps({"chat_template": ALL}))
    (folder / "README.md").write_text(f"# {ALL}\n---\nlicense: {ALL}\n---\n")
    (folder / "model.safetensors").write_bytes(b"\xff" * 64)
    return folder


def test_magics_and_replies(
    open_notebook: OpenNotebook, fake: FakeEngine, hostile_folder: Path
) -> None:
    fake()
    notebook = open_notebook()
    ran = []

    def run(code: str) -> None:
        ran.append(notebook.append(code))
        notebook.run(ran[-1])
        assert notebook.page.evaluate("window.aimPwned") is None, code

    run("%load_ext aim_jupyter")
    run("%aim launch demo --name talker")
    run("%aim wait talker")
    # The fake engine says back what it is told: a model's reply is as much another's text.
    run(f"%%aim chat\n{ALL}")
    run("%aim stop talker --now")
    fail(run, fake)
    for line in ("logs failing", "status failing", "ps", "cache", "events failing", "doctor", ""):
        run(f"%aim {line}")
    run(f"%aim fit {hostile_folder}")
    run(f"%aim plan {hostile_folder}")
    nothing_ran(notebook.page)
    assert sum("onerror=" in str(notebook.outputs(at)) for at in ran) >= 4
    assert any(NAME in str(notebook.outputs(at)) for at in ran)
    notebook.screenshot("hostile-notebook", ran[-1])


def fail(run: Callable[[str], object], fake: FakeEngine) -> None:
    """Launch a server that ends with a hostile line."""
    fake(fail_at="load", fail_line=f"RuntimeError: {ALL}")
    run("%aim launch demo --name failing")
    run("%aim wait failing")


def test_the_panel(open_notebook: OpenNotebook, fake: FakeEngine, hostile_folder: Path) -> None:
    fake()
    notebook = open_notebook()
    notebook.run_code("%load_ext aim_jupyter")
    fail(notebook.run_code, fake)
    panel = notebook.run_code("%aim panel")
    for tab, shown in (("Servers", "onerror="), ("Cache", NAME)):
        panel.get_by_role("tab", name=tab).click(timeout=2 * LIMIT_S * SECOND)
        expect(panel).to_contain_text(shown)
        nothing_ran(notebook.page)
