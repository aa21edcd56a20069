"""Numbers are answered as the algebra answers them, and nothing but numbers."""

import subprocess
import sys
from importlib import import_module

import pytest

from harness.backends import sizes

TRUTHS = (
    *("expect_true", "guard_or_false", "guard_or_true", "guard_size_oblivious"),
    "statically_known_true",
)
OF_ONE = ("guarding_hint_or_throw", "has_guarding_hint", "is_nested_int")


BEGIN = """
import sys
from importlib import import_module
from harness.backends import sizes
with sizes.taken_for_numbers():
    sympy, algebra = sys.modules[sizes.SYMPY], sys.modules[sizes.ALGEBRA]
"""


def in_new_process(code):
    """Run the code, which asserts, after BEGIN's: SymPy is imported nowhere there."""
    done = subprocess.run(
        [sys.executable, "-c", BEGIN + code],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def questions():
    """Name and values of what PyTorch asks of numbers."""
    for name in TRUTHS:
        yield from ((name, (truth,)) for truth in (True, False))
    for name in OF_ONE:
        yield from ((name, (number,)) for number in (0, 1, 7))
    for name in ("sym_and", "sym_or"):
        for truths in ((True,), (False,), (True, False), (True, True, False)):
            yield name, truths
    for pair in ((2, 2), (2, 3), ((2, 3), (2, 3)), ((2, 3), (2,)), ((), ())):
        yield "sym_eq", pair


@pytest.mark.filterwarnings("ignore:guard_size_oblivious will be removed:FutureWarning")
@pytest.mark.parametrize(("name", "values"), list(questions()))
def test_numbers_are_answered_as_by_the_algebra(name, values):
    expected = getattr(import_module(sizes.ALGEBRA), name)(*values)
    assert sizes.OF_NUMBERS[name](*values) == expected


def test_every_answer_is_compared():
    assert {name for name, _ in questions()} == set(sizes.OF_NUMBERS)


def test_numbers_import_neither_sympy_nor_the_algebra():
    in_new_process("""
    assert algebra.sym_eq((2, 3), (2, 3)) is True
    assert not isinstance(2, sympy.Basic)
    assert sys.modules[sizes.ALGEBRA] is algebra
assert not {sizes.SYMPY, sizes.ALGEBRA} & set(sys.modules)
""")


def test_what_is_no_number_is_asked_of_the_algebra():
    in_new_process("""
    try:
        algebra.sym_eq("one", 1)
    except AssertionError as error:
        assert "unexpected sym_eq" in str(error)
    else:
        raise TypeError
    assert sys.modules[sizes.ALGEBRA] is not algebra
""")


def test_other_questions_import_the_algebra():
    in_new_process("""
    made = algebra.ShapeEnv()
assert type(made) is sys.modules[sizes.ALGEBRA].ShapeEnv
assert made.create_unbacked_symint().node.expr.is_integer
""")


@pytest.mark.parametrize("part", ["core.basic", "logic.boolalg", "printing.str"])
def test_parts_of_sympy_can_be_imported_meanwhile(part):
    in_new_process(f"""
    part = import_module("sympy.{part}")
import sympy
assert sympy.{part} is part is sys.modules["sympy.{part}"]
assert sympy.Basic is sympy.core.basic.Basic
""")


def test_who_keeps_a_stand_in_has_the_real_one_afterwards():
    in_new_process("""
    assert sympy.Basic is sizes._NoNumber
assert sympy.Basic is import_module("sympy").Basic
assert sys.modules["sympy"] is not sympy
assert sympy.__version__ == import_module("sympy").__version__
""")


def test_where_sympy_is_imported_already_nothing_changes():
    real = import_module(sizes.SYMPY)
    with sizes.taken_for_numbers():
        assert import_module(sizes.SYMPY) is real
