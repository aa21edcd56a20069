"""Nothing that a rater's browser receives tells where an output comes from."""

import json

import pytest
from rater_client import CALL, an_answer
from rating_study import FLUENCY, add_outputs, text_of, token_of

from harness.identity import content_hash

HOSTILE = {
    "script": "<script>alert('x')</script>",
    "image": "<img src=x onerror=alert(1)>",
    "overlay": '<div style="position:fixed;inset:0;background:red">',
    "form": '<form action="https://example.org/"><button>Go</button></form>',
    "markdown": "![](https://example.org/pixel.png) [link](javascript:alert(1))",
    "template": "${alert(1)} {{value}} {{#each x}} @children `",
    "bidi": "abc \u202egnp.exe\u202c \u200b\u200d\ufeff def",
    "controls": "bell \x07 escape \x1b[31m line\r\nfeed \x00 null",
    "emoji": "\U0001f600 \U0001f469\u200d\U0001f52c",
    "huge": "word " * 210_000,
    "empty": "",
}
SCHEMES = ["likert", "slider", "pairwise", "ranking", "spans"]
# Checks that go among the units at set rates, where they exist.
CHECKS = {"repeat_rate": 0.2, "degraded_rate": 0.2, "criteria": [FLUENCY]}
CANARIES = [
    "ckpt-",  # checkpoint names
    "lr-canary",  # series
    "7654321",  # steps
    "/secret/path",  # folders
    "0.8273645",  # scores
    "canarymetric",  # metric signatures
    "item-",  # keys
    "Reference",  # references that are not shown
    "s.db",  # the study's file
    "replay",  # backends
    "Ben Canary",  # other raters
    "their comment",  # what they said
]


def plant(study):
    """Put things into the study that a rater must not see."""
    with study.transaction() as db:
        db.execute(
            "UPDATE checkpoints SET location = '/secret/path/' || name, "
            "step = 76543210 + id"
        )
        db.execute(
            "INSERT INTO metrics (signature, name, form, spec, higher_is_better) "
            "VALUES ('canarymetric|v1', 'canarymetric', 'tallied', '', 1)"
        )
        db.execute(
            "INSERT INTO scores (checkpoint, item, output, signature, key, value) "
            "SELECT checkpoint, item, id, 'canarymetric|v1', '', 0.8273645 FROM outputs"
        )


def rate_all(page, comment="fine"):
    """Rate until the end; each unit as it was shown."""
    screen, seen = page.current(), []
    while screen["shown"]:
        seen.append(screen["shown"])
        screen = page.submit(an_answer(screen["shown"]), comment=comment)
        # A worked example may be explained before the next one.
        if screen["shown"] and screen["shown"]["token"] == seen[-1]["token"]:
            screen = page.current()
    return seen


def try_all_errors(page, shown):
    """Answers of the server to what goes wrong."""
    http, call = page.http, page.call
    answers = [
        http.get(path)
        for path in (
            *("/", "/ui/", "/ui/config", "/ui/theme.css", "/healthz", "/session"),
            *("/nothing", "/ui/nothing", "/i/forged", "/o/forged", "/owner/"),
            *("/ui/gradio_api/file=/x", "/owner/config", "/ui/static/none.js"),
        )
    ]
    answers.append(http.post(CALL, content=b"{", headers={"content-type": "x"}))
    answers.append(http.get("/", headers={"host": "example.org"}))
    for message in (
        {"token": "forged", "values": {}, "comment": ""},
        {"token": shown["token"], "values": {"none": 1}, "comment": ""},
        {"token": shown["token"], "values": {}, "comment": "x" * 10_001},
        None,
    ):
        call("submit", message)
        call("skip", message)
    return answers


def everything_of(page):
    """Every byte that one rater is sent in a session with errors, undo and skip."""
    shown = page.current()["shown"]
    answers = [page.entry, *try_all_errors(page, shown)]
    rate_all(page)
    page.undo()
    page.submit(an_answer(shown | page.screen["shown"], choice=1))
    page.undo()
    page.skip("cannot tell")
    page.call("submit", {"token": "x"})
    page.reopen(page.earlier()[0]["token"])
    page.differences()
    received = [answer.content for answer in answers] + page.bodies
    return received + [str(dict(answer.headers)).encode() for answer in answers]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_no_byte_of_a_session_names_the_origin_of_an_output(served, scheme):
    app = served(outputs={"items": 3, "checkpoints": 3}, scheme=scheme, **CHECKS)
    plant(app.study)
    rate_all(app.page("Ben Canary"), comment="their comment")
    received = everything_of(app.page("Ana"))
    ids = app.study.column(
        "SELECT id FROM outputs UNION SELECT id FROM items UNION "
        "SELECT id FROM checkpoints UNION SELECT fingerprint FROM checkpoints"
    )
    own = app.study.column("SELECT DISTINCT kind FROM assignments")
    kinds = [f'"{kind}"' for kind in {*own, "normal", "anchor", "gold", "repeat"}]
    secrets = [*CANARIES, *ids, *kinds, app.campaign.name + "-", "secret"]
    for secret in secrets:
        assert [body for body in received if secret.encode() in body] == []


@pytest.mark.parametrize("scheme", SCHEMES)
def test_units_of_all_kinds_have_the_same_shape(served, scheme):
    app = served(outputs={"items": 4, "checkpoints": 3}, scheme=scheme, **CHECKS)
    rate_all(app.page("Ben"))
    # A later checkpoint brings earlier outputs back among its own.
    add_outputs(app.study, items=4, checkpoints=4)
    page = app.page("Ben")
    seen = rate_all(page) + rate_all(app.page("Ana"))
    kinds = app.study.mapping("SELECT token, kind FROM assignments")
    shapes = {}
    for shown in seen:
        shapes.setdefault(kinds[token_of(shown["token"])], set()).add(
            json.dumps(shape(shown))
        )
    assert "normal" in shapes
    assert shapes.keys() > {"normal"}
    hidden = [found for kind, found in shapes.items() if kind != "example"]
    assert len(set.union(*hidden)) == len(hidden[0]) == 1


def shape(value):
    """What is there of a value if all that it says is left out."""
    if isinstance(value, dict):
        return {name: shape(inner) for name, inner in value.items()}
    if isinstance(value, list):
        # Sets to rank grow with the checkpoints, so that earlier ones are smaller.
        return sorted({json.dumps(shape(inner)) for inner in value})
    if isinstance(value, str):
        return "text"
    return repr(value)


def test_the_page_itself_is_the_same_for_all_raters_and_holds_no_item(served):
    app = served()
    ana, ben = app.page("Ana"), app.page("Ben")
    ana.current()
    assert ana.http.get("/ui/config").json() == ben.config
    for word in ["Prompt 0 of", "Answer of model", "Ana", "Does the rewrite"]:
        assert word not in ana.http.get("/ui/").text


def test_outputs_arrive_character_by_character_as_the_models_wrote_them(served):
    texts = list(HOSTILE.values())
    app = served(
        outputs={
            "items": len(texts),
            "checkpoints": 1,
            "text": lambda number, _: texts[number],
        }
    )
    page = app.page()
    screen, shown = page.current(), []
    while screen["shown"]:
        shown += screen["shown"]["outputs"]
        screen = page.submit({"meaning": 1, "fluency": 1})
    assert sorted(shown) == sorted(texts)
    assert "onerror=alert" not in page.http.get("/ui/").text
    stored = app.study.column("SELECT stimulus FROM assignments")
    hashes = [json.loads(stimulus)["outputs"] for stimulus in stored]
    assert sorted(hashes) == sorted([content_hash(text)] for text in texts)


def test_two_outputs_with_the_same_words_are_rated_once(served):
    app = served(
        outputs={
            "items": 1,
            "checkpoints": 2,
            "text": lambda item, _: text_of(item, 0),
        }
    )
    page = app.page()
    assert page.current()["left"] == 1
    assert page.submit({"meaning": 1, "fluency": 1})["shown"] is None
    rated = app.study.rows("SELECT DISTINCT checkpoint, rating FROM judgements")
    assert [row["rating"] for row in rated] == [1, 1]
