"""Two threads for what takes long, and one for each matrix product."""

from threading import Barrier, Thread

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from harness.stats.side_by_side import side_by_side


def product_threads():
    blas = (one for one in threadpool_info() if one["user_api"] == "blas")
    return {one["num_threads"] for one in blas}


def in_a_thread(work):
    other = Thread(target=work)
    other.start()
    other.join()


@pytest.fixture
def three_threads():
    # However many cores there are; numpy has loaded its library by now. A thread that
    # sets a limit keeps others from it for as long as it lives.
    np.ones((2, 2)) @ np.ones((2, 2))
    limits = []
    in_a_thread(lambda: limits.append(threadpool_limits(3, "blas")))
    if product_threads() != {3}:
        pytest.skip("this process cannot choose how many threads multiply matrices")
    yield
    in_a_thread(limits[0].restore_original_limits)


@pytest.mark.usefixtures("three_threads")
def test_products_take_one_thread_within_and_as_many_as_before_after():
    with side_by_side() as threads:
        assert threads.submit(product_threads).result() == {1}
    assert product_threads() == {3}


@pytest.mark.usefixtures("three_threads")
def test_an_error_within_leaves_the_threads_as_they_were():
    with pytest.raises(ZeroDivisionError), side_by_side() as threads:
        threads.submit(lambda: 1 / 0).result()
    assert product_threads() == {3}


@pytest.mark.usefixtures("three_threads")
def test_two_that_overlap_leave_the_threads_as_they_were():
    first_is_in, second_is_in, first_is_out = (Barrier(2, timeout=30) for _ in "abc")
    seen = []

    def first():
        with side_by_side():
            first_is_in.wait()
            second_is_in.wait()
        first_is_out.wait()

    other = Thread(target=first)
    other.start()
    first_is_in.wait()
    with side_by_side():
        second_is_in.wait()
        first_is_out.wait()
        seen.append(product_threads())
    other.join()
    assert seen == [{1}]
    assert product_threads() == {3}
