"""The owner's page over HTTP: who gets in, and that nobody else learns anything."""

import csv
import json
from io import BytesIO, StringIO
from zipfile import ZipFile

import pytest
from owner_client import MESSAGE, OwnersPage, call
from raters_at_work import checkpoint_in, rate_all

from harness.study.owners import invite_owner
from harness.study.raters import add_rater, rater_for_invite

PATHS = [
    *("/", "/config", "/theme.css", "/assets/x.js", "/gradio_api/heartbeat/x"),
    *("/download/csv", "/download/jsonl", "/report", "/report/html", "/samples"),
]
READING = ["ask_standing", "ask_questions", "ask_raters", "ask_remarks"]
READING += ["ask_remark", "ask_leaks"]
JUDGING = ["ask_disputes", "ask_case", "decide_case"]
REPORTING = ["ask_report", "make_report"]
FUNCTIONS = [*READING, *JUDGING, *REPORTING, "make_link", "revoke_rater"]


def wide_apart(by):
    def judge(shown):
        return {"meaning": 1 + checkpoint_in(shown.outputs[0]) + by, "fluency": 3}

    return judge


@pytest.fixture
def owned(served):
    """A served study with two raters' answers, and its owner's page."""
    app = served()
    rate_all(app.study, app.campaign, {"Ana": wide_apart(0), "Ben": wide_apart(2)})
    app.owner = OwnersPage(app.visitor(), invite_owner(app.study))
    return app


@pytest.fixture(scope="module")
def shut(standing):
    """Everybody who must not get in, and the owner."""
    owner = OwnersPage(standing.visitor(), invite_owner(standing.study))
    forger = standing.visitor()
    session = dict(standing.ana.http.cookies)
    for name in owner.http.cookies:
        # A rater's session under the name of the owner's cookie.
        forger.cookies.set(name, next(iter(session.values())))
    return {
        "a stranger": standing.stranger,
        "a rater": standing.ana.http,
        "a forger": forger,
        "component": owner.component,
        "owner": owner,
    }


WHO = ["a stranger", "a rater", "a forger"]


# Who gets in


def test_the_link_greets_and_signs_nobody_in_until_the_button(owned):
    assert "for you alone" in owned.owner.greeting.text
    assert "set-cookie" not in owned.owner.greeting.headers


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(owned):
    invite = invite_owner(owned.study)
    answer = owned.visitor().post(f"/o/{invite}", follow_redirects=False)
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert answer.headers["location"] == "/owner/"


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("who", WHO)
def test_nobody_else_gets_any_path(shut, who, path):
    answer = shut[who].get(f"/owner{path}")
    assert answer.status_code == 401
    assert "ckpt" not in answer.text


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("who", WHO)
def test_nobody_else_gets_an_answer_to_any_call(shut, standing, who, name):
    answer = call(shut[who], "/owner", shut["component"], name)
    assert answer.status_code == 401
    assert standing.study.column("SELECT name FROM raters") == ["Ana"]
    assert standing.study.column("SELECT count(*) FROM adjudications") == [0]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_raters_page_does_not_know_the_owners_functions(shut, standing, name):
    http = standing.ana.http
    for component in {shut["component"], standing.ana.component, *range(4)}:
        assert call(http, "/ui", component, name).status_code >= 400


@pytest.mark.parametrize("path", ["/", "/config", "/theme.css"])
def test_the_owner_is_no_rater(shut, path):
    assert shut["owner"].http.get(f"/ui{path}").status_code == 401


@pytest.mark.parametrize("name", ["current", "submit", "skip", "undo"])
def test_the_owner_cannot_call_what_raters_can(shut, standing, name):
    http = shut["owner"].http
    assert call(http, "/ui", standing.ana.component, name).status_code == 401
    assert call(http, "/owner", shut["component"], name).status_code >= 400


def test_an_owners_link_is_no_raters_and_the_other_way_round(standing):
    stranger = standing.visitor()
    assert stranger.get(f"/i/{invite_owner(standing.study)}").status_code == 404
    assert stranger.get(f"/o/{add_rater(standing.study, 'Ana')}").status_code == 404
    assert stranger.post("/o/forged").status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        *("/docs", "/openapi.json", "/monitoring", "/static/%2e%2e/config"),
        *("/gradio_api/info", "/gradio_api/file=/etc/passwd", "/gradio_api/runs"),
    ],
)
def test_what_the_page_does_not_need_is_shut_even_for_the_owner(shut, path):
    assert shut["owner"].http.get(f"/owner{path}").status_code == 404


def test_leaving_ends_the_session_on_the_server(owned):
    kept = dict(owned.owner.http.cookies)
    assert owned.owner.http.post("/owner/leave").status_code == 204
    again = owned.visitor()
    again.cookies.update(kept)
    assert again.get("/owner/").status_code == 401


def test_the_page_itself_holds_nothing_of_the_study(owned):
    config = owned.owner.http.get("/owner/config").text
    assert "ckpt" not in config + owned.owner.answer.text


# What the owner gets


def test_standing_raters_and_remarks_are_told(owned):
    [campaign] = owned.owner.call("ask_standing")["campaigns"]
    assert (campaign["finished"], campaign["units"]) == (18, 18)
    names = [one["checkpoint"] for one in campaign["checkpoints"]]
    assert names == ["ckpt-0", "ckpt-1", "ckpt-2"]
    told = owned.owner.call("ask_raters")
    assert [one["name"] for one in told["raters"]] == ["Ana", "Ben"]
    assert [one["rater"] for one in told["quality"][0]["raters"]] == ["Ana", "Ben"]
    assert owned.owner.call("ask_remarks") == {"remarks": []}
    assert owned.owner.call("ask_leaks")["leaks"] == []


def test_figures_are_not_worked_out_again_at_once(owned):
    before = owned.owner.call("ask_standing")
    add_rater(owned.study, "Cem")
    rate_all(owned.study, owned.campaign, {"Cem": wide_apart(1)})
    assert owned.owner.call("ask_standing") == before


def test_a_case_tells_no_checkpoint_until_it_is_decided(owned):
    owner = owned.owner
    listed = owner.call("ask_disputes")
    unit = listed["disputes"][0]["unit"]
    case = owner.call("ask_case", MESSAGE | {"unit": unit})
    assert "ckpt" not in json.dumps([listed, case])
    verdict = owner.call("decide_case", MESSAGE | {"unit": unit})["verdict"]
    assert verdict["checkpoints"][0].startswith("ckpt-")
    assert owner.call("ask_disputes")["verdicts"] == [verdict]


def test_a_link_that_was_made_lets_in_and_one_that_was_revoked_does_not(owned):
    invite = owned.owner.call("make_link", {"name": "Dora"})["invite"]
    rater = rater_for_invite(owned.study, invite)
    assert rater.name == "Dora"
    http = owned.visitor()
    http.post(f"/i/{invite}")
    assert http.get("/ui/").status_code == 200
    owned.owner.call("revoke_rater", {"rater": rater.id})
    assert http.get("/ui/").status_code == 401
    assert http.get(f"/i/{invite}").status_code == 404


@pytest.mark.parametrize("name", [*JUDGING, "ask_remark", "make_link", "revoke_rater"])
@pytest.mark.parametrize(
    "message", [None, [], {}, {"campaign": "x", "unit": True, "name": "", "rater": "1"}]
)
def test_nonsense_is_answered_in_words_and_changes_nothing(shut, name, message):
    assert shut["owner"].call(name, message)["error"]


def test_a_download_holds_all_tables_and_no_secret(owned):
    http = owned.owner.http
    answer = http.get("/owner/download/csv")
    assert answer.headers["content-type"] == "application/zip"
    assert "s-csv.zip" in answer.headers["content-disposition"]
    with ZipFile(BytesIO(answer.content)) as packed:
        names = set(packed.namelist())
        ratings = packed.read("ratings.csv").decode()
    assert {"adjudications.csv", "judgements.csv"} <= names
    assert not [name for name in names if "session" in name or "invite" in name]
    assert len(list(csv.DictReader(StringIO(ratings)))) == 2 * 18 * 2
    assert http.get("/owner/download/exe").status_code == 422


@pytest.mark.parametrize("kind", ["label-studio", "argilla"])
def test_ratings_can_be_downloaded_for_other_tools(owned, kind):
    answer = owned.owner.http.get(f"/owner/download/{kind}")
    with ZipFile(BytesIO(answer.content)) as packed:
        assert packed.namelist()


def test_ratings_for_other_tools_need_ratings(shut):
    answer = shut["owner"].http.get("/owner/download/argilla")
    assert answer.status_code == 404
    assert "has no ratings to export" in answer.text
