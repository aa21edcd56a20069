"""Identity leaks: what gives a model away is found, and nothing else."""

import pytest
from rating_study import a_study, a_task

from harness.campaign import open_campaign
from harness.importing import import_outputs
from harness.leaks import Leak, find_leaks, finder, is_peculiar, tell_leaks
from harness.study import StudyFile

NAMES = [
    "lr-canary",
    "ckpt-0",
    "base",
    "step-100",
    "llama",
    "Ground Truth",
    "Qwen2.5-0.5B",
    "zephyrus",
]
GIVEN_AWAY = {
    "I am GPT-4.": "I am GPT-4",
    "Hello! I'm ChatGPT, how can I help?": "I'm ChatGPT",
    "Sure. My name is Qwen2.": "My name is Qwen2",
    "As Qwen, created by Alibaba Cloud, I cannot.": "As Qwen, created",
    "As an AI language model developed by OpenAI, I have no body.": "OpenAI",
    "Well, as a large language model trained by Google, no.": "Google",
    "I was created by Anthropic to be helpful.": "I was created by Anthropic",
    "I am Claude, an AI assistant made by Anthropic.": "I am Claude",
    "I’m a large language model called Mistral-7B.": "Mistral-7B",
    "I am an assistant, DeepSeek-V3, and I answer.": "DeepSeek-V3",
    "I am Llama, a language model.": "I am Llama",
    "OpenAI trained me on books.": "OpenAI trained me",
    "My creators at DeepSeek told me so.": "My creators at DeepSeek",
    "Das kann ich als KI-Sprachmodell von OpenAI nicht.": "OpenAI",
    "Als KI-Sprachmodell von OpenAI kann ich das nicht.": "OpenAI",
    "Ich bin ein Sprachmodell, das von Google trainiert wurde.": "Google",
    "Ich wurde von OpenAI entwickelt.": "Ich wurde von OpenAI",
    "Je suis un modèle de langage développé par Mistral AI.": "Mistral AI",
    "Soy un modelo de lenguaje entrenado por OpenAI.": "OpenAI",
    "我是通义千问。": "我是通义千问",
    "我是由阿里云开发的大模型。": "我是由阿里云",
    "Written by the LR-Canary run.": "LR-Canary",
    "(qwen2.5 0.5b) The sun rises.": "qwen2.5 0.5b",
    "I am Zephyrus.": "I am Zephyrus",
}
INNOCENT = [
    "",
    "The llama is a domesticated animal; I am fond of every llama.",
    "I am a llama breeder and an alpaca farmer.",
    "I am Claude Monet's neighbour.",
    "I am Gemini, born in June.",
    "My name is Claude and I live in Lyon.",
    "Google was founded in 1998. I am sure of it.",
    "I am a researcher at Google.",
    "I am a fan of ChatGPT.",
    "I am using GPT-4 for this.",
    "Models such as GPT-4, trained by OpenAI, answer questions.",
    "OpenAI has released GPT-4, which was developed by OpenAI in 2023.",
    "As an AI language model, I cannot do that.",
    "As a child I was taught by nuns.",
    "Step 100 is at the base of the stairs, and step-100 of the plan.",
    "The base case is simple. I am at the base.",
    "A canary sang. The checkpoint was closed, ckpt-0 too.",
    "He said the falcon and the alpaca bloom in spring.",
    "As Google, Meta and others grow, I am made of stars.",
    "A zephyrus is a wind.",
    "They say that the ground truth is hard to find.",
    "I met a friend at Meta.",
    "Gadgets such as an AI assistant by Google are fun.",
    "My developer friend works with Python.",
]


@pytest.mark.parametrize("text", GIVEN_AWAY)
def test_what_gives_a_model_away_is_found_where_it_stands(text):
    expected = GIVEN_AWAY[text]
    found = finder(NAMES)(text, ["Who are you?"])
    [(words, start, end)] = found
    assert expected in words
    assert text[start:end] == words


@pytest.mark.parametrize("text", INNOCENT)
def test_a_name_in_passing_is_no_leak(text):
    assert finder(NAMES)(text, ["A prompt."]) == []


@pytest.mark.parametrize("text", GIVEN_AWAY)
def test_what_the_prompt_or_a_reference_says_itself_is_no_leak(text):
    assert finder(NAMES)(text, ["Say this:", text]) == []


@pytest.mark.parametrize(
    ("name", "peculiar"),
    [
        *((name, True) for name in ("lr-canary", "llama-2-7b", "Qwen2.5-0.5B")),
        *((name, False) for name in ("base", "step-100", "checkpoint-500", "llama")),
        *(
            (name, False)
            for name in (
                "ground truth",
                "Hybrid",
                "ACCESS",
                "run-1",
                "sft-v2",
                "a1",
                "final_model",
                "",
            )
        ),
    ],
)
def test_only_a_name_that_hardly_stands_in_a_text_by_chance_is_peculiar(name, peculiar):
    assert is_peculiar(name) == peculiar


def test_a_long_text_is_searched_in_no_time():
    hard = "I am an AI " * 20_000 + "as an assistant " * 20_000
    assert finder(NAMES)(hard, [""]) == []


def leaky(item, checkpoint):
    if (item, checkpoint) == (1, 0):
        return "Well. I am GPT-4."
    if item == 2:
        return f"As in lr-canary: {checkpoint}."
    return f"Answer of model {checkpoint} to prompt {item}."


@pytest.fixture
def study(tmp_path):
    return a_study(tmp_path / "s.db", items=4, checkpoints=2, text=leaky)


def test_the_owner_learns_of_every_leak_and_where_it_is(study):
    leaks = find_leaks(study, open_campaign(study, a_task()))
    assert sorted((leak.checkpoint, leak.item, leak.words) for leak in leaks) == [
        ("ckpt-0", "item-1", "I am GPT-4"),
        ("ckpt-0", "item-2", "lr-canary"),
        ("ckpt-1", "item-2", "lr-canary"),
    ]
    texts = study.mapping("SELECT id, text FROM outputs")
    assert all(
        texts[leak.output][leak.start : leak.end] == leak.words for leak in leaks
    )
    assert isinstance(leaks[0], Leak)


def test_only_outputs_that_are_shown_are_looked_at(study):
    campaign = open_campaign(study, a_task(checkpoints=["ckpt-1"]))
    assert [leak.checkpoint for leak in find_leaks(study, campaign)] == ["ckpt-1"]
    study.db.execute("UPDATE items SET prompt = 'Cite lr-canary'")
    study.db.conn.commit()
    assert find_leaks(study, campaign) == ()


def test_the_first_three_are_told_with_what_to_do(study):
    said = []
    tell_leaks(study, open_campaign(study, a_task()), said.append)
    head, *lines, end = said
    assert head.startswith("Mind: 3 outputs name a model")
    assert len(lines) == 3
    assert "  ckpt-0, item item-1: 'I am GPT-4'" in lines
    assert "Take these prompts out" in end
    assert "Your page lists all" in end


def test_without_leaks_nothing_is_said(tmp_path):
    study = a_study(tmp_path / "s.db")
    said = []
    tell_leaks(study, open_campaign(study, a_task()), said.append)
    assert said == []


@pytest.mark.realdata
@pytest.mark.parametrize("name", ["realsumm", "simplicity_da", "topical_chat"])
def test_of_thousands_of_outputs_about_the_world_none_is_flagged(
    realdata, tmp_path, name
):
    study = StudyFile(tmp_path / "s.db")
    import_outputs(study, realdata / name / "outputs.jsonl.gz", name)
    campaign = open_campaign(study, a_task(name=name))
    assert find_leaks(study, campaign) == ()
    study.db.execute("UPDATE outputs SET text = text || ' I am GPT-4.' WHERE rowid = 9")
    study.db.conn.commit()
    assert [leak.words for leak in find_leaks(study, campaign)] == ["I am GPT-4"]
