"""Failed attempts: who must wait, and for how long."""

import pytest

from ui.throttle import (
    FREE_FAILURES,
    FREE_FAILURES_OF_ALL,
    MOST_CLIENTS,
    SECONDS_FOR_ALL,
    WINDOW,
    Throttle,
)


class Clock:
    """A clock that stands until it is moved."""

    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def failing(throttle, address, times):
    for _ in range(times):
        throttle.failed(address)
    return throttle


def test_the_wait_doubles_after_five_failures_up_to_the_window(clock):
    throttle, waits = failing(Throttle(clock), "10.0.0.1", FREE_FAILURES - 1), []
    assert throttle.wait("10.0.0.1") == 0
    for _ in range(14):
        throttle.failed("10.0.0.1")
        waits.append(throttle.wait("10.0.0.1"))
        clock.now += waits[-1]
        assert throttle.wait("10.0.0.1") == 0
    assert waits[:5] == [4, 8, 16, 32, 64]
    assert waits[-1] == WINDOW


def test_other_clients_do_not_wait(clock):
    throttle = failing(Throttle(clock), "10.0.0.1", 20)
    assert throttle.wait("10.0.0.2") == 0


def test_failures_are_forgotten_after_the_window_or_by_getting_in(clock):
    throttle = failing(Throttle(clock), "10.0.0.1", 30)
    clock.now += WINDOW + 1
    assert throttle.wait("10.0.0.1") == 0
    throttle.failed("10.0.0.1")
    assert throttle.wait("10.0.0.1") == 0
    failing(throttle, "10.0.0.1", 10).passed("10.0.0.1")
    assert throttle.wait("10.0.0.1") == 0


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("2001:db8::1", "2001:db8::ffff:1"),
        ("10.0.0.1", "::ffff:10.0.0.1"),
        ("fe80::1%eth0", "fe80::2"),
        ("forged", ""),
    ],
    ids=["one network", "mapped", "zone", "no address"],
)
def test_addresses_of_one_client_count_together(clock, one, other):
    throttle = failing(Throttle(clock), one, FREE_FAILURES)
    assert throttle.wait(other) > 0


def test_very_many_clients_wait_together_but_for_those_that_got_in(clock):
    throttle = Throttle(clock)
    throttle.passed("10.9.9.9")
    for number in range(FREE_FAILURES_OF_ALL):
        throttle.failed(f"10.0.{number}.1")
    assert throttle.wait("10.8.8.8") == SECONDS_FOR_ALL
    assert throttle.wait("10.9.9.9") == 0
    clock.now += SECONDS_FOR_ALL
    assert throttle.wait("10.8.8.8") == 0


def test_memory_is_bounded(clock):
    throttle = Throttle(clock)
    for number in range(MOST_CLIENTS + 50):
        address = f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"
        throttle.failed(address)
        throttle.passed(f"11{address[2:]}")
    held = (throttle._failures, throttle._good, throttle._of_all)
    assert [len(one) for one in held] == [
        MOST_CLIENTS,
        MOST_CLIENTS,
        FREE_FAILURES_OF_ALL,
    ]
