"""Requests that no page of ours makes: nothing changes, and the answer says so."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rater_client import CALL

FUNCTIONS = ["current", "submit", "skip", "undo"]
FINE = {"meaning": 4, "fluency": 3}
DEEP = "[" * 60_000 + "]" * 60_000
NESTED = json.loads("[" * 400 + "]" * 400)
ODD = [
    *(None, True, -1, 0, 2.5, 10**400, 1e308, float("nan"), float("inf"), ""),
    *("x" * 50_000, "\x00", "\ud800", "${alert(1)}", [], [[]], {}, {"a": None}, NESTED),
]
TABLES = ["ratings", "current_ratings", "raters", "invites", "campaigns", "outputs"]


def content(study):
    """All of the study that a request might change, but for leases."""
    whole = "SELECT * FROM {} ORDER BY 1"
    rows = [study.rows(whole.format(table)) for table in TABLES]
    return [*rows, study.rows("SELECT id, rater, state, token FROM assignments")]


def send(page, **body):
    """A call of the page with fields of one's own."""
    call = {
        "data": {},
        "component_id": page.component,
        "fn_name": "submit",
        "session_hash": "x",
    }
    # httpx refuses what JavaScript would send, as NaN.
    text = json.dumps(call | body)
    return raw(page, text.encode())


def raw(page, body, kind="application/json", path=CALL):
    headers = {"origin": "http://127.0.0.1:7860", "content-type": kind}
    return page.http.post(path, content=body, headers=headers)


def explained(answer):
    """Whether an answer says in words of ours why nothing was done."""
    assert answer.status_code < 500
    assert "Traceback" not in answer.text
    assert "Error" not in answer.text
    return answer.json().get("error") or answer.json()["screen"]["problem"]


@pytest.fixture(scope="module")
def study(standing):
    """What was stored before, with Ana in front of her first output."""
    standing.token = standing.ana.current()["shown"]["token"]
    return content(standing.study)


@pytest.fixture(autouse=True)
def _nothing_changes(standing, study):
    yield
    assert content(standing.study) == study


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"null", b"[]", b"1", b'"x"', b"\xff\xfe", b"{} {}", DEEP.encode()],
    ids=["empty", "half", "null", "list", "1", "text", "bytes", "two", "deep"],
)
def test_what_is_no_json_object_is_refused(standing, body):
    answer = raw(standing.ana, body)
    assert answer.status_code == 400
    assert "Load it again" in explained(answer)


@pytest.mark.parametrize(
    "kind",
    [
        *("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"),
        *("multipart/form-data; boundary=x", "application/xml", ""),
    ],
)
def test_other_content_types_are_refused(standing, kind):
    call = {"fn_name": "current", "component_id": standing.ana.component}
    answer = raw(standing.ana, json.dumps(call).encode(), kind)
    assert answer.status_code == 400
    assert "something else than JSON" in explained(answer)


@pytest.mark.parametrize(
    "name",
    [
        *("__init__", "__class__", "preprocess", "postprocess", "get_config", "key"),
        *("process_example", "_server_functions", "Submit", "submit ", ""),
    ],
)
def test_other_functions_of_the_component_cannot_be_called(standing, name):
    answer = send(standing.ana, fn_name=name)
    assert answer.status_code == 404
    assert "another version" in explained(answer)


@pytest.mark.parametrize("number", [0, -1, 999_999, 10**400])
def test_other_components_cannot_be_called(standing, number):
    answer = send(standing.ana, component_id=number)
    assert answer.status_code == 404
    assert "another version" in explained(answer)


@pytest.mark.parametrize("field", ["component_id", "fn_name"])
@pytest.mark.parametrize("value", [None, True, 1.0, [], {}, ["submit"]])
def test_a_field_of_another_type_is_refused(standing, field, value):
    answer = send(standing.ana, **{field: value})
    assert answer.status_code == 400
    assert f"no '{field}'" in explained(answer)


@pytest.mark.parametrize("value", ODD, ids=lambda value: repr(value)[:12])
@pytest.mark.parametrize("session", ["session_hash", "event_id", "fn_index"])
def test_fields_that_nobody_reads_change_nothing(standing, session, value):
    answer = send(standing.ana, fn_name="current", **{session: value})
    assert answer.status_code == 200


@pytest.mark.parametrize("value", ODD, ids=lambda value: repr(value)[:12])
@pytest.mark.parametrize("name", ["submit", "skip"])
def test_any_value_in_place_of_a_message_is_answered(standing, name, value):
    assert "Load it again" in explained(send(standing.ana, fn_name=name, data=value))


@pytest.mark.parametrize("value", ODD, ids=lambda value: repr(value)[:12])
@pytest.mark.parametrize("field", ["token", "values"])
def test_any_value_in_a_field_of_an_answer_is_answered(standing, field, value):
    message = {"token": standing.token, "values": FINE, "comment": "", "seconds": 1}
    assert explained(send(standing.ana, data=message | {field: value}))


@pytest.mark.parametrize(
    "value", [one for one in ODD if one != FINE], ids=lambda value: repr(value)[:12]
)
def test_any_value_of_a_criterion_is_answered(standing, value):
    message = {"token": standing.token, "values": FINE | {"meaning": value}}
    message |= {"comment": "", "seconds": 1}
    assert explained(send(standing.ana, data=message))


@pytest.mark.parametrize("value", [None, True, 1, [], {}, "x" * 10_001])
@pytest.mark.parametrize(("name", "field"), [("submit", "comment"), ("skip", "reason")])
def test_a_comment_that_is_no_text_or_too_long_is_answered(
    standing, name, field, value
):
    message = {"token": standing.token, "values": FINE, field: value}
    assert explained(send(standing.ana, fn_name=name, data=message))


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=10), inner, max_size=4)
    ),
    max_leaves=8,
)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    name=st.sampled_from(["submit", "skip", "undo"]),
    message=ANYTHING
    | st.fixed_dictionaries(
        {"token": ANYTHING, "values": ANYTHING, "comment": ANYTHING},
        optional={"seconds": ANYTHING, "flagged": ANYTHING, "reason": ANYTHING},
    ),
)
def test_whatever_is_sent_is_answered_in_words(standing, name, message):
    assert explained(send(standing.ana, fn_name=name, data=message))


@pytest.mark.parametrize("token", ["", "x", "' OR 1=1 --", "%", "A" * 32])
@pytest.mark.parametrize("name", ["submit", "skip", "undo"])
def test_forged_tokens_are_refused(standing, name, token):
    message = {"token": token, "values": FINE, "comment": "", "reason": ""}
    said = explained(send(standing.ana, fn_name=name, data=message))
    assert "does not belong to you" in said


# Gradio's other ways in


@pytest.mark.parametrize("number", [0, 1, -1, 999])
@pytest.mark.parametrize(
    "path",
    [
        *("queue/join", "queue/join/", "run/predict", "run/predict/", "api/predict"),
        *("call/submit", "call/0", "queue/data", "run/submit", "api/submit", "cancel"),
        *("stream/x/1/2", "process_recording", "login", "token", "../queue/join"),
    ],
)
def test_gradios_queue_is_shut(standing, path, number):
    body = {"data": [{}], "fn_index": number, "trigger_id": 1, "session_hash": "x"}
    for way in (f"/ui/gradio_api/{path}", f"/ui/{path}"):
        answer = standing.ana.http.post(way, json=body)
        assert answer.status_code in {404, 405}


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_calls_come_by_post_alone(standing, method):
    answer = standing.ana.http.request(method, CALL)
    assert answer.status_code in {404, 405, 413}


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", ["/", "/ui/", "/i/x", "/session", "/leave"])
def test_no_other_methods_are_answered(standing, method, path):
    answer = standing.ana.http.request(method, path, content=b"")
    assert answer.status_code in {404, 405, 413}


# Other sites


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://example.org"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:7861"},
        {"origin": "http://127.0.0.1:7860.example.org"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
    ids=str,
)
@pytest.mark.parametrize("path", [CALL, "/leave", "/i/forged"])
def test_requests_of_other_sites_are_refused(standing, path, headers):
    call = {"fn_name": "undo", "component_id": standing.ana.component, "data": {}}
    assert standing.ana.http.post(path, json=call, headers=headers).status_code == 403


# The study's file


def test_the_study_is_never_served(standing):
    path = str(standing.study.path.resolve())
    name = standing.study.path.name
    asked = [
        *("/{name}", "/ui/{name}", "/ui/static/{name}", "/ui/assets/{name}"),
        *("/ui/file={path}", "/ui/file/{path}", "/ui/gradio_api/file={path}"),
        *("/ui/gradio_api/file/{path}", "/ui/static/../../..{path}", "/{path}"),
        *("/ui/static/..%2f..%2f..{path}", "/ui/assets/{path}", "/ui/svelte/{path}"),
        *("/ui/gradio_api/stream/{path}", "/ui/gradio_api/proxy=file://{path}"),
        *("/i/..%2f..%2f{name}", "/ui/theme.css?file={path}", "/ui/config?path={path}"),
    ]
    for ending in ("", "-wal", "-shm"):
        for way in asked:
            url = way.format(name=name, path=path) + ending
            for http in (standing.ana.http, standing.stranger):
                answer = http.get(url)
                assert answer.status_code < 500
                assert b"SQLite format 3" not in answer.content
                assert b"campaigns" not in answer.content
                assert path.encode() not in answer.content


def test_a_right_request_is_answered_after_all_of_this(standing):
    answer = send(standing.ana, fn_name="current")
    assert answer.json()["screen"]["shown"]["token"] == standing.token


class TestOfOnesOwn:
    """Tests that change their study."""

    @pytest.fixture(autouse=True)
    def _nothing_changes(self):
        """Here something does."""

    def test_times_and_flags_of_nonsense_do_not_cost_an_answer(self, served):
        app = served(outputs={"items": len(ODD), "checkpoints": 1})
        page = app.page()
        for value in ODD:
            message = {"token": page.current()["shown"]["token"], "values": FINE}
            message |= {"comment": "", "seconds": value, "flagged": value}
            assert send(page, data=message).json()["screen"]["notice"] == "Saved"
        rows = app.study.rows("SELECT seconds, flagged FROM ratings")
        assert len(rows) == 2 * len(ODD)
        assert all(row["seconds"] is None or row["seconds"] < 60 for row in rows)
