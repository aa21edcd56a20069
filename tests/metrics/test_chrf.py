"""chrF, by hand and against the figures that sacreBLEU publishes."""

import numpy as np
import pytest

from harness.errors import InputError
from harness.metrics import ChrF, ChrFPlusPlus
from harness.types import Item

REFERENCES = [
    ("The dog bit the man.", "The dog had bit the man."),
    ("It was not unexpected.", "No one was surprised."),
    ("The man bit him first.", "The man had bitten the dog."),
]
OUTPUTS = [
    "The dog bit the man.",
    "It wasn't surprising.",
    "The man had just bitten him.",
]
JUDGED = [
    (Item(str(n), "task", str(n), "", references), text)
    for n, (references, text) in enumerate(zip(REFERENCES, OUTPUTS, strict=True))
]


def chrf(text, *references, **settings):
    metric = ChrF(**settings)
    tally = metric.tally(Item("1", "task", "1", "", references), text)
    return float(metric.output_value(tally))


@pytest.mark.parametrize(
    ("metric", "expected"), [(ChrF(), 59.73), (ChrFPlusPlus(), 59.15)]
)
def test_sacrebleus_example_has_its_published_score(metric, expected):
    value = metric.value(np.sum(metric.tallies(JUDGED), axis=0))
    assert float(value) == pytest.approx(expected, abs=0.005)


def test_four_decimals_of_the_example():
    chrf2 = ChrF().value(np.sum(ChrF().tallies(JUDGED), axis=0))
    plus = ChrFPlusPlus().value(np.sum(ChrFPlusPlus().tallies(JUDGED), axis=0))
    assert [round(float(chrf2), 4), round(float(plus), 4)] == [59.7275, 59.1531]


@pytest.mark.parametrize(
    ("pairs", "expected", "of_the_first_alone"),
    [
        (
            [
                ("Le chat dort", "Le chat dort"),
                ("Me gusta pizza", "Me gusta la pizza"),
                ("Das Wetter ist schön", "Das Wetter ist schön"),
            ],
            89.16,
            100,
        ),
        (
            [
                ("Le soleil", "Le soleil est brillant"),
                ("La luna", "La luna está llena"),
                ("Die Sterne", "Die Sterne sind wunderschön"),
            ],
            34.85,
            37.68,
        ),
    ],
)
def test_all_outputs_count_where_lighteval_takes_the_first(
    pairs, expected, of_the_first_alone
):
    """Its own tests expect the values that references not transposed give."""
    judged = [
        (Item(str(n), "task", str(n), "", (reference,)), text)
        for n, (text, reference) in enumerate(pairs)
    ]
    tallies = np.array(ChrF().tallies(judged))
    assert float(ChrF().value(tallies.sum(axis=0))) == pytest.approx(expected, abs=0.01)
    assert float(ChrF().value(tallies[0])) == pytest.approx(
        of_the_first_alone, abs=0.01
    )


def test_two_orders_by_hand():
    # "ab" against "abc": letters 2/2 and 2/3, pairs 1/1 and 1/2. P = 1, R = 7/12.
    value = chrf("ab", "abc", char_order=2, beta=1)
    assert value == pytest.approx(100 * 14 / 19)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("The cat sat.", 100), ("", 0), ("zzz", 0), ("Thecatsat.", 100)],
    ids=["same text", "nothing", "nothing shared", "spaces do not count"],
)
def test_extremes(text, expected):
    assert chrf(text, "The cat sat.") == pytest.approx(expected)


def test_spaces_count_if_told_so():
    assert chrf("Thecatsat.", "The cat sat.", whitespace=True) < 100


def test_the_best_reference_counts():
    assert chrf("abc", "xyz", "abc") == pytest.approx(100)
    item = Item("1", "task", "1", "", ("xyz", "abc"))
    alone = Item("1", "task", "1", "", ("abc",))
    assert np.array_equal(ChrF().tally(item, "abd"), ChrF().tally(alone, "abd"))


def test_an_empty_reference_shares_nothing():
    assert chrf("abc", "") == 0
    assert chrf("", "") == 0


def test_a_weight_of_recall_other_than_two_is_in_the_signature():
    assert ChrF().signature.startswith("chrf|nrefs:var|case:mixed|eff:yes|nc:6|nw:0")
    assert ChrF(beta=1).signature.startswith("chrf|beta:1|nrefs:var")
    assert ChrFPlusPlus().signature.startswith("chrf++|nrefs:var|case:mixed|eff:yes")


@pytest.mark.parametrize(
    "settings", [{"char_order": 0}, {"word_order": -1}, {"beta": 0}]
)
def test_orders_without_meaning_are_refused(settings):
    with pytest.raises(InputError, match=r"metric 'chrf': setting .* or more"):
        ChrF(**settings)
