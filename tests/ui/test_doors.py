"""Getting in with a password, and failing to."""

import pytest
from fastapi.testclient import TestClient

from harness.study.owners import invite_owner
from harness.study.raters import add_rater
from ui.app import create_app
from ui.password import Password
from ui.site import Site

RIGHT = "correct horse"
OWN = ("10.0.0.1", 1)
OTHER = ("10.0.0.2", 1)


@pytest.fixture
def guarded(served):
    """Ana's link at a study with a password, and what a browser anywhere gets."""
    password = Password.of(RIGHT)
    app = served(outputs={"items": 1, "checkpoints": 1}, password=password)
    link = f"/i/{add_rater(app.study, 'Ana')}"

    def send(method, password=None, client=OWN, path=link, **form):
        http = TestClient(app.app, base_url="http://127.0.0.1:7860", client=client)
        data = form if password is None else {"password": password}
        more = {"data": data} if method == "POST" else {}
        with http:
            return http.request(method, path, follow_redirects=False, **more)

    app.send = send
    return app


def sessions(app):
    [count] = app.study.column("SELECT count(*) FROM sessions")
    return count


def test_the_link_asks_for_the_password_before_a_session_is_opened(guarded):
    entry = guarded.send("GET")
    assert 'type="password"' in entry.text
    for wrong in [None, "", "Correct horse"]:
        answer = guarded.send("POST", wrong)
        assert answer.status_code == 403
        assert "This is not the password" in answer.text
        assert "set-cookie" not in answer.headers
    assert sessions(guarded) == 0
    answer = guarded.send("POST", RIGHT)
    assert answer.status_code == 303
    assert sessions(guarded) == 1


def test_the_owners_link_asks_for_it_too_and_shares_the_throttle(guarded):
    path = f"/o/{invite_owner(guarded.study)}"
    assert 'type="password"' in guarded.send("GET", path=path).text
    answer = guarded.send("POST", "wrong password", path=path)
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers
    assert guarded.send("POST", RIGHT, path=path).headers["location"] == "/owner/"
    for number in range(5):
        guarded.send("GET", path=f"/o/forged-{number}")
    for link in (path, "/i/any"):
        assert guarded.send("GET", path=link).status_code == 429


def test_without_a_password_the_link_is_enough(served):
    app = served(outputs={"items": 1, "checkpoints": 1})
    page = app.page()
    assert "password" not in page.entry.text


def test_wrong_passwords_are_throttled_even_before_a_right_one(guarded):
    statuses = [guarded.send("POST", f"wrong {n}").status_code for n in range(5)]
    assert statuses == [403] * 4 + [429]
    answer = guarded.send("POST", RIGHT)
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) >= 1
    assert "Too many attempts" in answer.text
    assert sessions(guarded) == 0


def test_the_right_password_of_another_client_still_works(guarded):
    for number in range(8):
        guarded.send("POST", f"wrong {number}")
    assert guarded.send("POST", RIGHT, client=OTHER).status_code == 303


def test_unknown_invites_are_throttled_and_say_nothing_of_real_ones(guarded):
    statuses = [
        guarded.send(method, path=f"/i/forged-{number}").status_code
        for number in range(3)
        for method in ("GET", "POST")
    ]
    assert statuses == [404] * 5 + [429]
    assert guarded.send("GET").status_code == 429
    assert guarded.send("GET", client=OTHER).status_code == 200


def test_what_a_client_says_of_its_address_does_not_help_it(guarded):
    http = TestClient(guarded.app, base_url="http://127.0.0.1:7860", client=OWN)
    with http:
        statuses = [
            http.get(
                "/i/forged",
                headers={
                    "x-forwarded-for": f"10.1.1.{number}",
                    "forwarded": f"for=10.1.1.{number}",
                },
            ).status_code
            for number in range(6)
        ]
    assert statuses == [404] * 5 + [429]


@pytest.mark.parametrize(
    "body", [b"\xff\xfe", b"password", b"&" * 5000, b"password=%ff", b'{"password":1}']
)
def test_a_form_of_nonsense_is_a_wrong_password(guarded, body):
    http = TestClient(guarded.app, base_url="http://127.0.0.1:7860")
    [link] = [f"/i/{add_rater(guarded.study, 'Ana')}"]
    with http:
        assert http.post(link, content=body).status_code == 403


def test_behind_https_the_cookie_is_secure_and_stays_under_the_prefix(served):
    app = served(outputs={"items": 1, "checkpoints": 1})
    where = Site(public="https://rate.example.org", prefix="/study")
    app.app = create_app(app.study.path, [app.campaign], site=where)
    link = f"/i/{add_rater(app.study, 'Ana')}"
    for base, secure in [
        ("http://rate.example.org", True),
        ("http://localhost:7860", False),
    ]:
        http = TestClient(app.app, base_url=base)
        origin = where.public if secure else base
        with http:
            answer = http.post(link, headers={"origin": origin}, follow_redirects=False)
        cookie = answer.headers["set-cookie"].lower()
        assert ("secure" in cookie) is secure
        assert "path=/study;" in cookie
        assert answer.headers["location"] == "/study/ui/"
