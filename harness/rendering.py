"""Markdown as a small tree of known tags: no HTML, no link that can be followed."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from markdown_it import MarkdownIt

if TYPE_CHECKING:
    from markdown_it.token import Token

Node = str | tuple["str | tuple[Node, ...]", ...]
"""A text, or a tag of `TAGS` followed by what it holds."""
Tree = tuple[Node, ...]
"""What a text is drawn as."""

TAGS = frozenset(
    (
        *("p", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "hr", "br"),
        *("ul", "ol", "li", "pre", "code", "em", "strong", "s", "info"),
        *("table", "thead", "tbody", "tr", "th", "td"),
        *("link", "image", "address", "number"),
    )
)
"""All tags that a tree may hold. `link` and `image` are marked texts, followed by an
`address` in words; `info` is the language of a code block, `number` that of the first
item of the list around it."""

# Beyond these the text is shown as it was written: the parser leaves out what is nested
# deeper than 100, and takes seconds for thousands of brackets.
MOST_LETTERS = 200_000
MOST_BRACKETS = 1_000
DEEPEST = 40

_PARSER = MarkdownIt("commonmark", {"html": False, "maxNesting": 100}).enable(
    ["table", "strikethrough"]
)


@lru_cache(maxsize=128)
def markdown_tree(text: str) -> Tree | None:
    """The text's Markdown (CommonMark, tables, strikethrough), drawn.

    HTML in it stays text. None where it must be shown as it was written: it is too
    long or nested too deep to be parsed whole, or Markdown would show nothing of it.
    """
    if len(text) > MOST_LETTERS or text.count("[") > MOST_BRACKETS:
        return None
    building = _Building()
    for token in _PARSER.parse(text):
        for part in [token] if token.children is None else token.children:
            building.add(part)
            if building.depth > DEEPEST:
                return None
    return building.tree if building.says_something else None


class _Building:
    """A tree that grows token by token, without recursion."""

    def __init__(self) -> None:
        self.open: list[list[Node]] = [[]]
        self.addresses: list[str] = []
        self.says_something = False

    @property
    def depth(self) -> int:
        return len(self.open) - 1

    @property
    def tree(self) -> Tree:
        return tuple(self.open[0])

    def add(self, token: Token) -> None:
        if token.hidden:
            return
        if token.nesting > 0:
            self._begin(token)
        elif token.nesting < 0:
            self._end(token)
        else:
            self._put(token)

    def _begin(self, token: Token) -> None:
        self.open.append(["link" if token.tag == "a" else _known(token.tag)])
        if token.tag == "a":
            self.addresses.append(_address(token, "href"))
        if (start := token.attrGet("start")) is not None:
            self._text("number", str(start))

    def _end(self, token: Token) -> None:
        done = tuple(self.open.pop())
        self.open[-1].append(done)
        if token.tag == "a":
            address = self.addresses.pop()
            if done[1:] != (address,):
                self._text("address", address)

    def _put(self, token: Token) -> None:
        if token.type in {"text", "text_special"}:
            self._say(token.content)
        elif token.type == "softbreak":
            self._say("\n")
        elif token.type == "code_inline":
            self._text("code", token.content)
        elif token.type in {"fence", "code_block"}:
            if info := token.info.strip():
                self._text("info", info)
            self._text("pre", token.content)
        elif token.type == "image":
            self._text("image", token.content)
            self._text("address", _address(token, "src"))
        else:
            self.open[-1].append((_known(token.tag),))

    def _text(self, tag: str, text: str) -> None:
        self.open[-1].append((tag, text))
        self.says_something |= bool(text.strip())

    def _say(self, text: str) -> None:
        if text:
            self.open[-1].append(text)
            self.says_something |= bool(text.strip())


def _known(tag: str) -> str:
    return tag if tag in TAGS else "p"


def _address(token: Token, name: str) -> str:
    address, title = str(token.attrGet(name) or ""), token.attrGet("title")
    return f'{address} "{title}"' if title else address
