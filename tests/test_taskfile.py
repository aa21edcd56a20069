"""Task files: what their keys mean, and what is said of wrong ones."""

import pytest

from harness.errors import InputError
from harness.task import load_task
from harness.types import Generation

PLAIN = "name: t\ndata: data.jsonl\nprompt: '{{ q }}'\n"
RATING = (
    PLAIN
    + "rating:\n  points: 5\n  criteria:\n    - name: fit\n      question: Fits?\n"
)


@pytest.fixture
def written(tmp_path):
    """Write a task file of a text; returns its path."""

    def write(text):
        path = tmp_path / "task.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_the_defaults_of_a_task(written):
    task = load_task(written(PLAIN))
    assert task.name == "t"
    assert task.generation == Generation(128, (), 0.0, 1.0, 1, 0)
    assert task.file.references == []
    assert task.file.metrics == []
    assert task.file.rating is None
    assert task.text == PLAIN


def test_a_task_may_ask_for_no_outputs(written):
    assert load_task(written(PLAIN + "generation: none\n")).generation is None


def test_every_key_of_a_task(written):
    task = load_task(
        written(
            RATING.replace("points: 5", "points: 7\n  items: all\n  seed: 3")
            + "      definition: All of it.\n      anchors: {1: none, 7: fully}\n"
            "description: D\nreferences: [a, b]\n"
            "generation: {max_new_tokens: 9, stop: ['\\n', END], temperature: 0.5,\n"
            "  top_p: 0.9, samples: 4, seed: 2}\n"
            "metrics: [bleu, {chrf: {beta: 1}}]\n"
        )
    )
    assert task.generation == Generation(9, ("\\n", "END"), 0.5, 0.9, 4, 2)
    assert task.file.metrics == ["bleu", {"chrf": {"beta": 1}}]
    assert task.file.rating.items == "all"
    assert task.file.rating.criteria[0].anchors == {1: "none", 7: "fully"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[a]", ":1: a task file must map keys to values"),
        ("text", ":1: a task file must map keys to values"),
        (PLAIN.replace("name: t\n", ""), ":1: key 'name' is missing"),
        (PLAIN.replace("data: data.jsonl\n", ""), ":1: key 'data' is missing"),
        (
            PLAIN + "metric: [bleu]\n",
            ":4: unknown key 'metric'; did you mean 'metrics'?",
        ),
        (PLAIN + "zzz: 1\n", ":4: unknown key 'zzz'; known: name, description, data"),
        (PLAIN.replace("name: t", "name: a b"), ":1: key 'name'"),
        (PLAIN.replace("name: t", "name: ../t"), ":1: key 'name'"),
        (
            PLAIN.replace("name: t", "name: 3"),
            ":1: key 'name': Input should be a valid",
        ),
        (PLAIN.replace("name: t", f"name: {'t' * 101}"), ":1: key 'name'"),
        (PLAIN.replace("data.jsonl", "''"), ":2: key 'data'"),
        (PLAIN + "messages: []\n", ":1: task: it needs either 'prompt' or 'messages'"),
        ("name: t\ndata: d\n", ":1: task: it needs either 'prompt' or 'messages'"),
        (
            PLAIN + "references: target\n",
            ":4: key 'references': Input should be a valid",
        ),
        (PLAIN + "metrics: bleu\n", ":4: key 'metrics': Input should be a valid list"),
        (PLAIN + "metrics:\n  - bleu\n  - 3\n", ":6: key 'metrics.1'"),
        (
            PLAIN + "generation:\n  max_tokens: 3\n",
            ":5: unknown key 'generation.max_tokens'; did you mean 'max_new_tokens'?",
        ),
        (
            PLAIN + "generation:\n  samples: 0\n",
            ":5: key 'generation.samples': Input should be greater than or equal to 1",
        ),
        (PLAIN + "generation: {temperature: -1}\n", ":4: key 'generation.temperature'"),
        (
            PLAIN + "generation: {temperature: .inf}\n",
            ":4: key 'generation.temperature'",
        ),
        (
            PLAIN + "generation: {temperature: .nan}\n",
            ":4: key 'generation.temperature'",
        ),
        (PLAIN + "generation: {temperature: hot}\n", "not 'hot'"),
        (
            PLAIN + "generation: nothing\n",
            ":4: key 'generation': It must map settings to values, or be none, not",
        ),
        (PLAIN + "generation: null\n", "or be none, not None"),
        (
            RATING + "generation: none\n",
            "with 'generation: none' there are no outputs that people could rate",
        ),
        (PLAIN + "generation: {samples: 1.5}\n", "not 1.5"),
        (PLAIN + "generation: {samples: true}\n", "not True"),
        (PLAIN + "generation: {top_p: 0}\n", ":4: key 'generation.top_p'"),
        (PLAIN + "generation: {stop: ['']}\n", ":4: key 'generation.stop.0'"),
        (
            RATING.replace("points", "point"),
            ":5: unknown key 'rating.point'; did you mean 'points'?",
        ),
        (
            RATING.replace("question", "questoin"),
            ":8: unknown key 'rating.criteria.0.questoin'; did you mean 'question'?",
        ),
        (RATING.replace("points: 5", "points: 1"), ":5: key 'rating.points'"),
        (RATING.replace("points: 5", "points: 12"), ":5: key 'rating.points'"),
        (RATING.replace("points: 5", "scheme: stars"), ":5: key 'rating.scheme'"),
        (RATING.replace("points: 5", "items: some"), ":5: key 'rating.items'"),
        (RATING.replace("points: 5", "items: 0"), ":5: key 'rating.items'"),
        (
            RATING + "      anchors: {9: top}\n",
            "'fit' has an anchor for 9, but the scale",
        ),
        (
            RATING + "      anchors: {1: no}\n",
            "valid string, not False; put it in quotes",
        ),
        (PLAIN.replace("data:", "dat:"), ":2: unknown key 'dat'; did you mean 'data'?"),
        (
            RATING + "    - {name: fit, question: q}\n",
            "two criteria have the same name",
        ),
        (
            RATING.replace("points: 5", "repeat_rate: 0.4\n  degraded_rate: 0.2"),
            "at most half of what a rater is shown may be checks",
        ),
        (RATING.replace("points: 5", "gold_rate: 0.6"), "key 'rating.gold_rate'"),
        (PLAIN + "rating: {criteria: []}\n", ":4: key 'rating.criteria'"),
        (PLAIN + "rating: {}\n", "key 'criteria' is missing in 'rating'"),
        (
            "name: t\ndata: d\nmessages:\n  - {role: robot, content: x}\n",
            ":4: key 'messages.0.role'",
        ),
        ("name: t\ndata: d\nmessages:\n  - {role: user}\n", "'content' is missing in"),
    ],
)
def test_a_wrong_key_is_named_with_file_and_line(written, text, message):
    path = written(text)
    with pytest.raises(InputError) as caught:
        load_task(path)
    found = str(caught.value)
    assert found.startswith(f"{path}:")
    assert message in found
    assert "\n" not in found
