"""Whatever number the JSON report gives with an interval, people can read as well."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from html.parser import HTMLParser
from itertools import count

import pytest

from harness.reporting import render
from harness.stats.sharpened import Estimate as Sharpened
from harness.types import Estimate

FIRST = 1001
"""From here on each estimate has a number of its own, which no text holds by chance."""


def numbered(value, numbers):
    """The same with a different whole number as the value of each estimate."""
    if isinstance(value, Estimate | Sharpened):
        own = next(numbers)
        return replace(value, value=own, low=own - 0.25, high=own + 0.25)
    if isinstance(value, Mapping):
        return {key: numbered(one, numbers) for key, one in value.items()}
    if isinstance(value, tuple):
        return tuple(numbered(one, numbers) for one in value)
    if is_dataclass(value):
        own = {f.name: getattr(value, f.name) for f in fields(value) if f.init}
        return replace(value, **{k: numbered(v, numbers) for k, v in own.items()})
    return value


def estimates(value, path=()):
    """Path and value of each estimate in parsed JSON."""
    if isinstance(value, dict) and {"value", "low", "high", "method"} <= value.keys():
        yield "/".join(map(str, path)), value["value"]
    elif isinstance(value, dict):
        for key, one in value.items():
            yield from estimates(one, (*path, key))
    elif isinstance(value, list):
        for place, one in enumerate(value):
            yield from estimates(one, (*path, place))


class Words(HTMLParser):
    """The text of a page, without scripts, styles and titles of elements."""

    def __init__(self, page):
        super().__init__()
        self.text, self._in = [], ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self._in = tag

    def handle_endtag(self, tag):
        self._in = ""

    def handle_data(self, data):
        if self._in not in {"script", "style"}:
            self.text.append(data)


def numbers_in(text):
    """Whole parts of all numbers of a text; of a percentage, the hundredth part."""
    found = re.findall(r"(\d[\d,]*)(\.\d+)?( %)?", text)
    values = [(int(whole.replace(",", "")), percent) for whole, _, percent in found]
    return {value // 100 if percent else value for value, percent in values}


@pytest.mark.parametrize("form", ["md", "html"])
@pytest.mark.parametrize(
    "name",
    ["two criteria", "partings", "comparisons", "careless comparisons", "careless"],
)
def test_every_estimate_of_the_json_is_read_in(form, name, telling):
    made = numbered(telling[name], count(FIRST))
    page = render(made, form)
    shown = numbers_in(" ".join(Words(page).text) if form == "html" else page)
    told = dict(estimates(json.loads(render(made, "json"))))
    for place, row in enumerate(made.tasks[0].combined):
        if row.metric is None:
            # Without scores, both are the same.
            del told[f"tasks/0/combined/{place}/combined"]
    if made.tasks[0].raters.count == 1:
        # Means of one rater's ratings three ways are the same means.
        told = {path: v for path, v in told.items() if "/reliability/" not in path}
    assert len(told) > 20
    assert [path for path, value in told.items() if abs(value) not in shown] == []
