"""The parts that data checks rest on, by hand and computed in another way."""

from random import Random

import pytest
from sklearn.metrics import roc_auc_score

from harness.diagnosis.data.affixes import frame, shared_start
from harness.diagnosis.data.drain import Drain, effective_number
from harness.diagnosis.data.drawing import Drawn
from harness.diagnosis.data.drift import _area
from harness.diagnosis.data.keys import folded, masked
from harness.diagnosis.data.near import candidates, jaccard, signatures
from harness.diagnosis.data.rows import Raw
from harness.diagnosis.data.shapes import sample


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("meet on 3 may 2024 at 10:30", "meet on 0 at 0"),
        ("on the 2nd of march, 12.5 %", "on the 0, 0 %"),
        ("march on, we may decrease it", "march on, we may decrease it"),
        ("in december or sept", "in 0 or 0"),
        ("mail a.b+c@x-y.org or https://x.y/z?q=1", "mail 0 or 0"),
        ("id 123e4567-e89b-12d3-a456-426614174000.", "id 0."),
        ('say "hello there" and \u201cbye\u201d', "say 0 and 0"),
        ("x=-4,200 y=1e5", "x=0 y=0e0"),
    ],
)
def test_what_varies_is_masked_and_words_are_not(text, expected):
    assert masked(folded(text)) == expected


def test_texts_fold_alike():
    assert folded(" Cafe\u0301\n\tA ") == folded("caf\u00e9 a") == "caf\u00e9 a"


def test_drain_by_hand():
    drain = Drain()
    for text in ("turn on the lamp", "turn off the fan", "turn on a fan", "turn on it"):
        drain.add(text)
    # The second shares two of four words with the first, the third only one with the
    # template that they made, and the last has another length.
    assert [(" ".join(one.template), one.size) for one in drain.clusters] == [
        ("turn <*> the <*>", 2),
        ("turn on a fan", 1),
        ("turn on it", 1),
    ]


def test_texts_of_unlike_templates_stay_apart():
    drain = Drain()
    for n in range(50):
        drain.add(f"set lamp {n} to {n + 1} percent")
        drain.add(f"{n} files were copied by user{n}")
    assert sorted(" ".join(one.template) for one in drain.clusters) == [
        "<*> files were copied by <*>",
        "set lamp <*> to <*> percent",
    ]


def test_the_effective_number_by_hand():
    assert effective_number([5, 5, 5, 5]) == pytest.approx(4)
    assert effective_number([7]) == pytest.approx(1)
    # Entropy of 1/2, 1/4, 1/4 is 1.5 bits.
    assert effective_number([2, 1, 1, 0]) == pytest.approx(2**1.5)
    assert effective_number([]) == 0


def test_what_texts_share_at_their_ends():
    assert shared_start(["abc", "abd", "ab"]) == "ab"
    assert shared_start([]) == ""
    texts = [f"question: what {word}? answer:" for word in "abcdefghij"]
    assert frame(texts) == ("question: what ", " answer:")
    assert frame(texts[:9]) == frame(texts[:1] * 20) == ("", "")


def test_bands_find_what_is_alike_and_the_second_look_decides():
    dice = Random(0)  # noqa: S311 - repeatable, nothing secret
    letters = "abcdefghijklmnopqrstuvwxyz "
    texts = ["".join(dice.choices(letters, k=120)) for _ in range(200)]
    near = [text[:60] + "#" + text[61:] for text in texts]
    likeness = [jaccard(*pair) for pair in zip(texts, near, strict=True)]
    # 116 shingles, of which five are others.
    assert min(likeness) == pytest.approx(111 / 121, abs=0.02)
    rows, partners = candidates(signatures([*texts, *near]))
    assert len(rows) >= 198
    assert list(partners) == [row - 200 for row in rows]


def test_a_sample_of_different_rows_is_even_and_repeatable():
    def drawn(numbers):
        keep = Drawn(300)
        keep.see([sample(Raw(n, {"text": f"row {n % 2000}"})) for n in numbers])
        return keep.rows

    rows = drawn(range(6000))
    assert len(rows) == len({one.key for one in rows}) == 300
    assert 120 < sum(one.line < 1000 for one in rows) < 180
    backwards = drawn([*range(2000)][::-1])
    assert [one.key for one in backwards] == [one.key for one in rows]


def test_the_area_is_that_of_scikit_learn():
    import numpy as np

    random = np.random.default_rng(0)
    scores, positive = random.integers(0, 9, 200), random.random(200) < 0.3
    assert _area(scores, positive) == pytest.approx(roc_auc_score(positive, scores))
