"""Raters elsewhere: Chromium through real reverse proxies, and beside them."""

import shutil
import socket
import subprocess
from contextlib import ExitStack
from types import SimpleNamespace

import pytest
from chromium import hear_console, missing
from rating_study import a_study, a_task
from reverse_proxy import reverse_proxy
from server_thread import in_thread, running

from harness.campaign import open_campaign
from harness.study.owners import invite_owner
from harness.study.raters import add_rater
from ui.password import Password
from ui.site import site

pytestmark = pytest.mark.browser

PASSWORD = "correct horse"  # noqa: S105


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """What a server with https needs; the browser is told not to check it."""
    tool = shutil.which("openssl") or missing("openssl; install it as a package")
    folder = tmp_path_factory.mktemp("certificate")
    names = ("-keyout", folder / "key.pem", "-out", folder / "cert.pem")
    made = ("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=test")
    subprocess.run([tool, *made, *names], check=True, capture_output=True)
    return {"ssl_keyfile": folder / "key.pem", "ssl_certfile": folder / "cert.pem"}


@pytest.fixture
def behind(chromium, tmp_path, certificate):
    """A rating page behind a proxy; gives a browser, links and what was asked for."""
    with ExitStack() as stack:

        def start(*, strips, keeps_host, https=False, prefix="/study"):
            study = a_study(tmp_path / "s.db", items=2, checkpoints=1)
            stack.callback(study.close)
            campaign = open_campaign(study, a_task())
            listener = socket.create_server(("127.0.0.1", 0))
            scheme = "https" if https else "http"
            port = listener.getsockname()[1]
            public = f"{scheme}://rate.example.org:{port}{prefix}"
            where = site("127.0.0.1", public)
            password = Password.of(PASSWORD)
            behind = stack.enter_context(
                running(study.path, campaign, site=where, password=password)
            )
            local, outside = f"http://127.0.0.1:{behind}", []

            def proxy():
                return reverse_proxy(
                    local,
                    prefix,
                    strips=strips,
                    keeps_host=keeps_host,
                    outside=outside,
                )

            secure = certificate if https else {}
            stack.enter_context(in_thread(proxy, listener, **secure))
            context = chromium.new_context(ignore_https_errors=True)
            stack.callback(context.close)
            page, complaints, asked = context.new_page(), [], []
            hear_console(page, complaints)
            context.on("request", lambda request: asked.append(request.url))
            return SimpleNamespace(
                study=study,
                context=context,
                page=page,
                invite=add_rater(study, "Ana"),
                public=public,
                local=local,
                asked=asked,
                outside=outside,
                complaints=complaints,
            )

        yield start


def sign_in(page, link):
    page.goto(link)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Start").click()
    page.wait_for_selector(".criterion")


def rate_one(page):
    page.evaluate("document.querySelector('.output').dataset.old = 'yes'")
    for key in ("2", "4", "Enter"):
        page.keyboard.press(key)
    page.wait_for_function(
        "!document.querySelector('.output[data-old]')"
        " || document.querySelector('[data-part=end]:not([hidden])')"
    )


@pytest.mark.parametrize(
    "proxy",
    [
        {"strips": True, "keeps_host": True},
        {"strips": False, "keeps_host": False},
        {"strips": True, "keeps_host": False, "https": True},
        {"strips": True, "keeps_host": True, "https": True, "prefix": ""},
    ],
    ids=["strips", "keeps prefix, other host", "https, other host", "no prefix"],
)
def test_everything_works_through_a_proxy_and_nothing_leaves_its_prefix(behind, proxy):
    seen = behind(**proxy)
    page = seen.page
    sign_in(page, f"{seen.public}/i/{seen.invite}")
    assert page.url == f"{seen.public}/ui/"
    [cookie] = seen.context.cookies()
    assert cookie["secure"] is proxy.get("https", False)
    assert cookie["path"] == (proxy.get("prefix", "/study") or "/")
    rate_one(page)
    page.reload()
    page.wait_for_selector(".criterion")
    rate_one(page)
    assert page.get_by_role("heading", name="That was the last one").is_visible()
    assert seen.study.column("SELECT count(*) FROM current_ratings") == [4]
    page.get_by_role("button", name="Leave").click()
    page.get_by_role("heading", name="Please open your link").wait_for()
    assert page.url == f"{seen.public}/"
    assert seen.study.column("SELECT count(*) FROM sessions") == [0]
    assert [url for url in seen.asked if not url.startswith(seen.public + "/")] == []
    # The page without a session is asked for once Ana has left, and Chromium tells
    # which of our headers it only heeds under https.
    expected = ("401", "Cross-Origin-Opener-Policy header has been ignored")
    # Browsers look for an icon there, and without one it is the other app's.
    assert set(seen.outside) <= {"/favicon.ico"}
    expected += ("404",) if seen.outside else ()
    assert [
        said for said in seen.complaints if not any(words in said for words in expected)
    ] == []


def test_signed_out_elsewhere_is_told_through_a_proxy(behind):
    seen = behind(strips=True, keeps_host=True)
    sign_in(seen.page, f"{seen.public}/i/{seen.invite}")
    with seen.study.transaction() as db:
        db.execute("DELETE FROM sessions")
    for key in ("2", "4", "Enter"):
        seen.page.keyboard.press(key)
    seen.page.get_by_text("you are signed out. Open your link again").wait_for()
    assert seen.study.column("SELECT count(*) FROM current_ratings") == [0]


def test_beside_the_proxy_a_tunnel_to_the_same_server_works_as_well(behind):
    seen = behind(strips=True, keeps_host=True, https=True)
    sign_in(seen.page, f"{seen.local}/i/{seen.invite}")
    rate_one(seen.page)
    assert seen.study.column("SELECT count(*) FROM current_ratings") == [2]
    assert [url for url in seen.asked if not url.startswith(seen.local + "/")] == []
    assert seen.complaints == []


def test_the_owner_makes_and_opens_the_report_through_a_proxy(behind):
    seen = behind(strips=True, keeps_host=False, https=True)
    page = seen.page
    page.goto(f"{seen.public}/o/{invite_owner(seen.study)}")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Open").click()
    page.get_by_role("tab", name="Report").click()
    link = page.get_by_role("link", name="Open the report")
    link.wait_for(timeout=120_000)
    with seen.context.expect_page() as window:
        link.click()
    window.value.get_by_role("heading", name="How this was done").wait_for()
    assert window.value.url == f"{seen.public}/owner/report"
    assert [url for url in seen.asked if not url.startswith(seen.public + "/")] == []
