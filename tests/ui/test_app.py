"""The web app: who gets in, what is shut, and what a rater's session can do."""

import pytest
from rater_client import CALL, an_answer
from rating_study import FLUENCY, a_task, add_outputs, token_of

from harness.campaign import open_campaign
from harness.study.raters import add_rater
from ui.app import create_app

FINE = {"meaning": 4, "fluency": 3}


def stored(study):
    return study.rows("SELECT rater_name, criterion, value FROM current_ratings")


# Doors


def test_an_invite_page_greets_and_signs_nobody_in_until_the_button(served):
    app = served()
    http = app.visitor()
    invite = add_rater(app.study, "Ana <b>")
    entry = http.get(f"/i/{invite}")
    assert "Welcome, Ana &lt;b&gt;" in entry.text
    assert "set-cookie" not in entry.headers
    assert app.study.column("SELECT count(*) FROM sessions") == [0]


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(served):
    app = served()
    invite = add_rater(app.study, "Ana")
    answer = app.visitor().post(f"/i/{invite}", follow_redirects=False)
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert answer.headers["location"] == "/ui/"


@pytest.mark.parametrize("way", ["get", "post"])
def test_an_unknown_invite_is_answered_in_plain_words(standing, way):
    answer = getattr(standing.stranger, way)("/i/forged")
    assert answer.status_code == 404
    assert "This link is not known" in answer.text


@pytest.mark.parametrize("path", ["/", "/ui", "/ui/"])
def test_without_a_session_there_is_a_page_that_asks_for_the_link(standing, path):
    answer = standing.stranger.get(path)
    assert answer.status_code == 401
    assert "Please open your link" in answer.text
    assert "gradio" not in answer.text


@pytest.mark.parametrize("path", ["/ui/config", "/ui/theme.css", "/ui/assets/x.js"])
def test_without_a_session_nothing_of_the_page_is_served(standing, path):
    assert standing.stranger.get(path).status_code == 401


def test_without_a_session_no_call_is_answered(standing):
    number = standing.ana.component
    message = {"data": {}, "component_id": number, "session_hash": "x"}
    answer = standing.stranger.post(CALL, json=message | {"fn_name": "current"})
    assert answer.status_code == 401
    assert answer.json() == {"error": "signed out"}


def test_a_forged_cookie_is_no_session(served):
    app = served()
    http = app.visitor()
    [name] = app.page().http.cookies
    http.cookies.set(name, "forged")
    assert http.get("/ui/").status_code == 401
    assert http.get("/session").status_code == 401


def test_leaving_ends_the_session_on_the_server(served):
    app = served()
    page = app.page()
    assert page.http.get("/session").json() == {"signed_in": True}
    kept = dict(page.http.cookies)
    assert page.http.post("/leave").status_code == 204
    again = app.visitor()
    again.cookies.update(kept)
    assert again.get("/ui/").status_code == 401


@pytest.mark.parametrize("scheme", ["likert", "slider", "pairwise", "ranking", "spans"])
def test_a_restart_logs_nobody_out_and_resumes_at_the_same_unit(served, scheme):
    app = served(scheme=scheme, criteria=[FLUENCY])
    page = app.page()
    before = page.submit(an_answer(page.current()["shown"]))
    again = app.visitor(create_app(app.study.path, [app.campaign]))
    again.cookies.update(dict(page.http.cookies))
    page.http = again
    page.reload()
    assert page.current()["shown"] == before["shown"]


def test_healthz_answers_anybody(served):
    assert served().visitor().get("/healthz").json() == {"status": "ok"}


# Shut


@pytest.mark.parametrize(
    "path",
    [
        "/docs",
        "/openapi.json",
        "/ui/docs",
        "/ui/openapi.json",
        "/ui/gradio_api/openapi.json",
        "/ui/gradio_api/info",
        "/ui/gradio_api/runs",
        "/ui/gradio_api/file=/etc/passwd",
        "/ui/gradio_api/proxy=http://example.org/",
        "/ui/gradio_api/queue/status",
        "/ui/monitoring",
        "/ui/monitoring/summary",
        "/ui/static/../../../etc/passwd",
        "/ui/static/%2e%2e/%2e%2e/routes.py",
    ],
)
def test_what_the_page_does_not_need_is_shut_even_for_raters(standing, path):
    assert standing.ana.http.get(path).status_code == 404


@pytest.mark.parametrize("path", ["queue/join", "run/predict", "upload", "reset"])
def test_gradios_other_calls_are_shut_even_for_raters(standing, path):
    answer = standing.ana.http.post(
        f"/ui/gradio_api/{path}", json={"data": [], "fn_index": 0}
    )
    assert answer.status_code == 404


@pytest.mark.parametrize("host", ["example.org", "127.0.0.1.example.org", "[::1", ""])
def test_another_host_name_is_refused(standing, host):
    http = standing.ana.http
    assert http.get("/ui/", headers={"host": host}).status_code == 421


@pytest.mark.parametrize("origin", ["http://example.org", "null", "http://127.0.0.1"])
def test_another_sites_calls_are_refused(standing, origin):
    for path in (CALL, "/leave"):
        answer = standing.ana.http.post(path, json={}, headers={"origin": origin})
        assert answer.status_code == 403


def test_an_endless_body_is_refused(standing):
    http = standing.ana.http
    assert http.post(CALL, content=b"x" * 200_001).status_code == 413
    assert http.post(CALL, content=iter([b"x"])).status_code == 413


def test_every_answer_forbids_other_origins(standing):
    http, stranger = standing.ana.http, standing.stranger
    paths = ["/ui/", "/ui/config", "/", "/i/forged", "/nothing", "/ui/upload"]
    for answer in [http.get(path) for path in paths] + [stranger.get("/ui/")]:
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "connect-src 'self'" in policy
        assert "img-src 'self' data:;" in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert answer.headers["cache-control"] == "no-store"


# Rating over HTTP


def test_a_whole_campaign_is_rated_with_one_request_for_each_rating(served):
    app = served(outputs={"items": 2, "checkpoints": 3})
    page = app.page()
    screen = page.current()
    shown = []
    while screen["shown"]:
        shown.append(screen["shown"]["outputs"][0])
        screen = page.submit(FINE, comment="ok")
    assert len(page.bodies) == 1 + 6
    assert (screen["done"], screen["left"]) == (6, 0)
    texts = app.study.column("SELECT text FROM outputs")
    assert sorted(shown) == sorted(texts)
    assert len(stored(app.study)) == 12


@pytest.mark.parametrize(
    ("sent", "flagged"), [(True, 1), (False, 0), ("yes", 0), (None, 0)]
)
def test_a_flag_for_the_owner_is_stored_and_comes_back_on_undo(served, sent, flagged):
    app = served()
    page = app.page()
    token = page.current()["shown"]["token"]
    message = {"token": token, "values": FINE, "comment": "", "flagged": sent}
    page.screen = page.call("submit", message)["screen"]
    assert app.study.column("SELECT DISTINCT flagged FROM ratings") == [flagged]
    assert page.undo()["shown"]["answer"]["flagged"] == bool(flagged)


def test_undo_and_skip_over_http(served):
    app = served()
    page = app.page()
    first = page.current()["shown"]
    page.submit(FINE, comment="why")
    back = page.undo()
    assert token_of(back["shown"]["token"]) == token_of(first["token"])
    assert back["shown"]["answer"]["values"] == FINE
    assert back["shown"]["answer"]["comment"] == "why"
    assert page.skip("cannot tell")["notice"] == "Skipped"
    assert stored(app.study) == []


def test_an_undo_sent_again_or_of_another_rater_takes_nothing_back(served):
    app = served()
    page, other = app.page("Ana"), app.page("Ben")
    page.current()
    page.submit(FINE)
    last = page.submit(FINE)["last"]
    other.current()
    other.submit(FINE)
    said = other.call("undo", {"token": last})["screen"]["problem"]
    assert "does not belong to you" in said
    assert len(stored(app.study)) == 6
    page.undo()
    again = page.call("undo", {"token": last})["screen"]
    assert "Nothing was taken back" in again["problem"]
    assert token_of(again["shown"]["token"]) == token_of(last)
    assert len(stored(app.study)) == 4


def test_two_tabs_of_one_rater_store_one_rating_and_say_so(served):
    app = served()
    one = app.page()
    token = one.current()["shown"]["token"]
    one.submit(FINE)
    assert "counts once" in one.submit(FINE, token=token)["notice"]
    screen = one.submit({"meaning": 1, "fluency": 1}, token=token)
    assert "perhaps in another window. Nothing was changed" in screen["problem"]
    assert [row["value"] for row in stored(app.study)] == [4, 3]


def test_another_raters_token_is_refused_and_changes_nothing(served):
    app = served()
    token = app.page("Ana").current()["shown"]["token"]
    ben = app.page("Ben")
    screen = ben.submit(FINE, token=token)
    assert "does not belong to you" in screen["problem"]
    assert screen["shown"]["token"] != token
    assert stored(app.study) == []


@pytest.mark.parametrize(
    "message",
    [
        None,
        [],
        "text",
        {},
        {"token": 1, "values": {}, "comment": ""},
        {"token": "x", "values": [], "comment": ""},
        {"token": "x", "values": {}, "comment": None},
    ],
)
def test_malformed_messages_are_answered_and_change_nothing(standing, message):
    page = standing.ana
    assert "Load it again" in page.call("submit", message)["error"]
    assert "Load it again" in page.call("skip", message)["error"]
    assert standing.study.column("SELECT count(*) FROM ratings") == [0]


def test_only_the_functions_of_the_page_can_be_called(standing):
    page = standing.ana
    for name in ["get_config", "__init__", "postprocess", "nothing"]:
        message = {"data": {}, "component_id": page.component, "session_hash": "x"}
        answer = page.http.post(CALL, json=message | {"fn_name": name})
        assert answer.status_code == 404


def test_a_study_that_cannot_be_written_is_told_without_its_path(served):
    app = served()
    page = app.page()
    page.current()
    app.study.db.execute(
        "CREATE TRIGGER broken BEFORE INSERT ON ratings "
        "BEGIN SELECT RAISE(ABORT, 'disk is full'); END"
    )
    message = {"token": page.screen["shown"]["token"], "values": FINE, "comment": ""}
    reply = page.call("submit", message)
    assert "still on this page" in reply["error"]
    assert "s.db" not in reply["error"]
    app.study.db.execute("DROP TRIGGER broken")
    assert page.submit(FINE)["notice"] == "Saved"


def test_a_session_that_ended_while_the_page_was_open_stores_nothing(served):
    app = served()
    page = app.page()
    token = page.current()["shown"]["token"]
    app.study.db.execute("DELETE FROM sessions")
    app.study.db.conn.commit()
    answer = page.http.post(
        CALL,
        json={
            "data": {"token": token, "values": FINE, "comment": ""},
            "component_id": page.component,
            "fn_name": "submit",
            "session_hash": "x",
        },
    )
    assert answer.status_code == 401
    assert stored(app.study) == []


def test_several_tasks_are_served_one_after_the_other(served):
    app = served(outputs={"items": 1, "checkpoints": 1})
    add_outputs(app.study, task="summarize", items=1, checkpoints=1)
    second = open_campaign(app.study, a_task("summarize"))
    app.app = create_app(app.study.path, [app.campaign, second])
    page = app.page()
    page.http = app.visitor(app.app)
    invite = add_rater(app.study, "Ana")
    page = type(page)(page.http, invite)
    prompts = [page.current()["shown"]["prompt"]]
    prompts.append(page.submit(FINE)["shown"]["prompt"])
    assert [prompt.split()[-1] for prompt in prompts] == ["modernize", "summarize"]
    assert page.submit(FINE)["shown"] is None


def test_simulated_ratings_are_announced_on_every_page(served):
    app = served()
    robot = app.page("robot", "simulated")
    robot.current()
    page = app.page()
    note = "SIMULATED ratings are in this study"
    assert page.current()["simulated"] is True
    assert note in page.entry.text
    stranger = app.visitor()
    for path in ["/", "/ui/", "/i/forged"]:
        assert note in stranger.get(path).text


def test_without_simulated_ratings_no_page_speaks_of_them(served):
    app = served()
    page = app.page()
    assert page.current()["simulated"] is False
    assert "SIMULATED" not in page.entry.text
    assert "SIMULATED" not in app.visitor().get("/").text
