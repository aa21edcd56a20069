"""Lanes leave places to each other, each to one."""

from threading import Thread

from harness.executors.places import Places


def test_what_is_left_is_taken_once():
    places = Places()
    assert not places.take()
    places.leave(2)
    assert [places.take() for _ in range(3)] == [True, True, False]


def test_many_threads_take_no_more_than_is_left():
    places, taken = Places(), []
    places.leave(50)

    def take():
        for _ in range(20):
            taken.append(places.take())  # noqa: PERF401 - others take meanwhile

    threads = [Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(taken) == 50


def test_places_are_used_from_the_first_that_begins_to_a_while_after_the_last_ends():
    places, one, other = Places(), object(), object()
    assert not places.are_used(60)
    places.end(one)
    assert not places.are_used(60)
    places.begin(one)
    places.begin(other)
    places.end(one)
    places.end(one)
    assert places.are_used(0)
    places.end(other)
    assert places.are_used(60)
    assert not places.are_used(-1)
