"""Where browsers find the page, and what is believed of proxies."""

import pytest

from harness.errors import UsageError
from ui.site import Site, is_local, root, site

BEHIND = Site(public="https://rate.example.org", prefix="/study")
LOCAL = "http://localhost:7860"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.0.0.2"])
def test_an_address_of_this_machine_is_local(host):
    assert is_local(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.7", "example.org", ""])  # noqa: S104
def test_an_address_that_others_can_reach_is_not_local(host):
    assert not is_local(host)


@pytest.mark.parametrize(
    ("url", "public", "prefix"),
    [
        ("https://rate.example.org", "https://rate.example.org", ""),
        ("https://Rate.example.org:443/", "https://rate.example.org", ""),
        ("http://h:8080/a/b/", "http://h:8080", "/a/b"),
    ],
)
def test_a_public_address_is_an_origin_and_a_prefix(url, public, prefix):
    found = site("127.0.0.1", url)
    assert (found.public, found.prefix) == (public, prefix)
    assert root(found, "127.0.0.1", 7860) == public + prefix


@pytest.mark.parametrize(
    "url",
    [
        *("rate.example.org", "ftp://example.org", "https://", "https://[::1"),
        *("https://h:port", "https://me:secret@h", "https://h/?a=b", "https://h/#a"),
    ],
)
def test_what_is_no_web_address_is_refused(url):
    with pytest.raises(UsageError, match="is no web address"):
        site("127.0.0.1", url)


@pytest.mark.parametrize("path", ["/a//b", "/..", "/a b", "/<script>", "/ä", "/%2e"])
def test_an_odd_prefix_is_refused(path):
    with pytest.raises(UsageError, match="cannot stand before"):
        site("127.0.0.1", root_path=path)


@pytest.mark.parametrize("path", ["/ui", "/i/study", "leave"])
def test_a_prefix_that_is_a_path_of_ours_is_refused(path):
    with pytest.raises(UsageError, match="begins like a path of the rating page"):
        site("127.0.0.1", root_path=path)


def test_a_prefix_that_contradicts_the_public_address_is_refused():
    assert site("::1", "https://h/study", "study").prefix == "/study"
    assert site("::1", "https://h", "/study").prefix == "/study"
    with pytest.raises(UsageError, match="is not the path of --public-url"):
        site("::1", "https://h/study", "/other")


@pytest.mark.parametrize(
    ("path", "inner"),
    [
        ("/study/ui/", "/ui/"),
        ("/study", "/"),
        ("/study/", "/"),
        ("/ui/", "/ui/"),
        ("/studyx/", "/studyx/"),
    ],
)
def test_the_prefix_is_taken_off_if_the_proxy_left_it_on(path, inner):
    assert BEHIND.inner(path) == inner


@pytest.mark.parametrize(
    ("headers", "origin"),
    [
        ({"host": "rate.example.org"}, "https://rate.example.org"),
        ({"host": "RATE.example.org:443"}, "https://rate.example.org"),
        ({"host": "localhost:7860"}, LOCAL),
        (
            {"host": "localhost:7860", "x-forwarded-host": "rate.example.org"},
            "https://rate.example.org",
        ),
        # Any other claim is as if it were not made.
        ({"host": "localhost:7860", "x-forwarded-host": "evil.example"}, LOCAL),
        ({"host": "localhost:7860", "x-forwarded-proto": "https"}, LOCAL),
        ({"host": "evil.example", "x-forwarded-host": "localhost"}, None),
        ({"host": "192.168.0.7:7860"}, None),
        ({}, None),
    ],
)
def test_the_origin_is_the_public_one_or_one_of_this_machine(headers, origin):
    assert BEHIND.origin(headers, "http") == origin


def test_a_public_address_on_this_machine_is_told_by_its_port():
    here = Site(public="http://localhost:8080", prefix="/study")
    assert here.origin({"host": "localhost:8080"}, "http") == "http://localhost:8080"
    assert here.origin({"host": "localhost:7860"}, "http") == LOCAL


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])  # noqa: S104
def test_listening_at_all_addresses_lets_numbers_through_and_no_names(
    host, monkeypatch
):
    monkeypatch.setattr("socket.gethostname", lambda: "Machine")
    everywhere = site(host)
    for fine in ["192.168.0.7:7860", "[fe80::1]:7860", "machine:7860", "localhost"]:
        assert everywhere.origin({"host": fine}, "http") == f"http://{fine}"
    assert everywhere.origin({"host": "evil.example:7860"}, "http") is None
    assert root(everywhere, host, 7860) == "http://Machine:7860"


@pytest.mark.parametrize(
    ("claimed", "origin", "fine"),
    [
        ("https://rate.example.org", "https://rate.example.org", True),
        ("http://rate.example.org", "https://rate.example.org", False),
        ("https://rate.example.org:8443", "https://rate.example.org", False),
        ("null", "https://rate.example.org", False),
        # Through a proxy that names itself in no header, and through a tunnel.
        ("https://rate.example.org", LOCAL, True),
        (LOCAL, LOCAL, True),
        ("http://localhost:1", LOCAL, False),
        ("https://evil.example", LOCAL, False),
    ],
)
def test_a_change_must_come_from_the_public_or_the_local_origin(claimed, origin, fine):
    assert BEHIND.same_site({"origin": claimed}, origin) is fine


@pytest.mark.parametrize(
    ("said", "fine"),
    [(None, True), ("same-origin", True), ("cross-site", False), ("same-site", False)],
)
def test_without_an_origin_the_browsers_other_word_counts(said, fine):
    headers = {} if said is None else {"sec-fetch-site": said}
    assert BEHIND.same_site(headers, LOCAL) is fine


@pytest.mark.parametrize(
    ("headers", "secure"),
    [
        ({"origin": "https://rate.example.org"}, True),
        ({}, True),
        ({"origin": LOCAL}, False),
    ],
)
def test_cookies_go_over_https_alone_but_through_a_tunnel(headers, secure):
    assert BEHIND.is_secure(headers, LOCAL) is secure
    assert not Site().is_secure({}, LOCAL)
