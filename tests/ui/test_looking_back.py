"""Earlier answers and differences over HTTP: whose they are, and what they tell."""

import pytest

from harness.desk import NOTICES

FINE = {"meaning": 3, "fluency": 2}
BETTER = {"meaning": 5, "fluency": 4}


def stored(app):
    return app.study.rows("SELECT * FROM ratings ORDER BY id")


def test_an_earlier_answer_is_listed_opened_and_replaced(served):
    app = served()
    page = app.page()
    first = page.current()["shown"]
    now = page.submit(FINE)["shown"]["token"]
    [entry] = page.earlier()
    assert entry["prompt"] == first["prompt"]
    assert entry["said"] == ["3 Partly", "2"]
    screen = page.reopen(entry["token"])
    assert (screen["reopened"], screen["shown"]["outputs"]) == (True, first["outputs"])
    assert screen["shown"]["answer"]["values"] == FINE
    screen = page.submit(BETTER)
    assert (screen["notice"], screen["shown"]["token"]) == (NOTICES["replaced"], now)
    counted = app.study.column("SELECT value FROM current_ratings ORDER BY id")
    assert counted == [5, 4]


def test_another_raters_and_forged_tokens_open_nothing_and_compare_nothing(served):
    app = served(show_references=True)
    ana = app.page("Ana")
    token = ana.current()["shown"]["token"]
    ana.submit(FINE)
    before = stored(app)
    ben = app.page("Ben")
    mine = ben.current()["shown"]["token"]
    assert ben.earlier() == []
    refusals = set()
    for foreign in (token, "forged", ""):
        screen = ben.reopen(foreign)
        assert (screen["shown"]["token"], screen["reopened"]) == (mine, False)
        refusals |= {screen["problem"], ben.differences(foreign)["error"]}
    # The same words for all: nobody learns which tokens there are.
    assert len(refusals) == 1
    assert "does not belong to you" in refusals.pop()
    assert stored(app) == before


@pytest.mark.parametrize("message", [None, [], {}, {"token": 1}])
def test_malformed_messages_are_answered(standing, message):
    for name in ("reopen", "differences"):
        assert "Load it again" in standing.ana.call(name, message)["error"]


def test_without_a_session_nothing_is_listed_opened_or_compared(standing):
    call = {"component_id": standing.ana.component, "session_hash": "x", "data": {}}
    for name in ("earlier", "reopen", "differences"):
        answer = standing.stranger.post(
            "/ui/gradio_api/component_server/", json=call | {"fn_name": name}
        )
        assert answer.status_code == 401


def test_repeats_gold_and_damaged_copies_are_listed_like_all_others(served):
    app = served()
    page = app.page()
    for _ in range(4):
        page.current()
        page.submit(FINE)
    before = page.earlier()
    kinds = ("repeat", "gold", "degraded", "anchor")
    for number, kind in enumerate(kinds, 1):
        app.study.db.execute(
            "UPDATE assignments SET kind = ? WHERE id = ?", [kind, number]
        )
    app.study.db.conn.commit()
    assert page.earlier() == before
    assert all(set(entry) == {"token", "prompt", "said", "at"} for entry in before)
    for kind in kinds:
        assert kind.encode() not in page.bodies[-1]


def test_differences_are_places_in_both_texts(served):
    app = served(show_references=True)
    page = app.page()
    shown = page.current()["shown"]
    found = page.differences()["differences"]
    [start, end] = found["first"][0]
    assert shown["references"][0][start:end] == "Reference"
    assert set(found) == {"first", "second"}


def test_markdown_arrives_as_a_tree_beside_the_text_as_written(served):
    text = "**bold** <b>not</b> [here](https://example.org)"
    app = served(outputs={"text": lambda *_: text}, render="markdown")
    shown = app.page().current()["shown"]
    assert shown["outputs"] == [text]
    assert shown["rendered"] == [
        [
            [
                "p",
                ["strong", "bold"],
                " <b>not</b> ",
                ["link", "here"],
                ["address", "https://example.org"],
            ]
        ]
    ]
