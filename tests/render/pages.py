"""Reading a card as a browser would, and as an untrusted notebook would."""

from __future__ import annotations

from html.parser import HTMLParser

FORBIDDEN = {"script", "style", "link", "iframe", "object", "embed", "base", "meta", "form"}
KNOWN = {
    *("div", "span", "strong", "code", "pre", "details", "summary"),
    *("table", "thead", "tbody", "tr", "th", "td"),
    *("svg", "path", "circle", "rect", "polyline"),
}


class Element:
    """One element with its attributes and all text inside it."""

    def __init__(self, name: str, attributes: dict[str, str | None]) -> None:
        self.name = name
        self.attributes = attributes
        self.text = ""

    def __getitem__(self, name: str) -> str:
        return self.attributes.get(name) or ""


class Page(HTMLParser):
    """All elements of a piece of HTML; reading it fails unless every tag is closed in order."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[Element] = []
        self._open: list[Element] = []
        self.words: list[str] = []
        self.feed(html)
        self.close()
        assert not self._open, f"not closed: {[element.name for element in self._open]}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs), f"an attribute twice on <{tag}>"
        element = Element(tag, dict(attrs))
        self.elements.append(element)
        self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        assert self._open, f"</{tag}> closes nothing"
        assert self._open[-1].name == tag, f"<{self._open[-1].name}> closed by </{tag}>"
        self._open.pop()

    def handle_data(self, data: str) -> None:
        for element in self._open:
            element.text += data
        self.words.append(data)

    def handle_comment(self, data: str) -> None:
        msg = f"a comment: {data}"
        raise AssertionError(msg)

    def handle_decl(self, decl: str) -> None:
        msg = f"a declaration: {decl}"
        raise AssertionError(msg)

    @property
    def text(self) -> str:
        """What is left once styles and drawings are removed, with single blanks."""
        return " ".join(" ".join(self.words).split())

    def having(self, **attributes: str) -> list[Element]:
        """Return the elements with these attributes."""
        wanted = {name.replace("_", "-"): value for name, value in attributes.items()}
        return [
            element
            for element in self.elements
            if all(element[name] == value for name, value in wanted.items())
        ]

    def named(self, name: str) -> list[Element]:
        """Return the elements of this name."""
        return [element for element in self.elements if element.name == name]
