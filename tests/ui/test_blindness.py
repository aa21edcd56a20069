"""Nothing that a rater's browser receives tells where an output comes from."""

import json

from rating_study import text_of

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
CANARIES = [
    "ckpt-",  # checkpoint names
    "lr-canary",  # series
    "/secret/path",  # folders
    "0.8273645",  # scores
    "canarymetric",  # metric signatures
    "item-",  # keys
    "Reference",  # references that are not shown
    "s.db",  # the study's file
    "replay",  # backends
]


def plant(study):
    """Put things into the study that a rater must not see."""
    with study.transaction() as db:
        db.execute("UPDATE checkpoints SET location = '/secret/path/' || name")
        db.execute(
            "INSERT INTO metrics (signature, name, form, spec, higher_is_better) "
            "VALUES ('canarymetric|v1', 'canarymetric', 'tallied', '', 1)"
        )
        db.execute(
            "INSERT INTO scores (checkpoint, item, output, signature, key, value) "
            "SELECT checkpoint, item, id, 'canarymetric|v1', '', 0.8273645 FROM outputs"
        )


def test_no_byte_of_a_session_names_the_origin_of_an_output(served):
    app = served(outputs={"items": 3, "checkpoints": 3})
    plant(app.study)
    page = app.page()
    screen = page.current()
    while screen["shown"]:
        screen = page.submit({"meaning": 2, "fluency": 5}, comment="fine")
    page.undo()
    page.submit({"meaning": 1, "fluency": 5})
    page.undo()
    page.skip("cannot tell")
    page.call("submit", {"token": "x"})
    page.reopen(page.earlier()[0]["token"])
    page.differences()
    paths = ["/", "/ui/", "/ui/config", "/ui/theme.css", "/healthz", "/session"]
    answers = [page.entry, *(page.http.get(path) for path in paths)]
    received = [answer.content for answer in answers] + page.bodies
    received += [str(dict(answer.headers)).encode() for answer in answers]
    ids = app.study.column(
        "SELECT id FROM outputs UNION SELECT id FROM items UNION "
        "SELECT id FROM checkpoints UNION SELECT fingerprint FROM checkpoints"
    )
    for secret in [*CANARIES, *ids, app.campaign.name + "-", "secret"]:
        for body in received:
            assert secret.encode() not in body


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
