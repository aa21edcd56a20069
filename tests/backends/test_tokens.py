"""Start tokens come once, boundaries hold, answers keep their spaces."""

from dataclasses import replace

import pytest
from backends.tiny_models import CHAT, LINES, byte_tokenizer, space_tokenizer

from harness.backends.tokens import Codec
from harness.errors import CheckpointError, InputError
from harness.types import Item

BYTES = byte_tokenizer()
SPACES = space_tokenizer()
PLAIN = Item("id", "task", "key", "the light in the kitchen", (" is too bright.",))


def codec(tokenizer, **settings):
    return Codec(tokenizer, vocabulary=len(tokenizer), **settings)


def scored(subject, item, prompt):
    return subject.continuation(item, prompt, item.references[0])


def ids(tokenizer, text):
    return tokenizer(text, add_special_tokens=False)["input_ids"]


def chat(*turns, tokenizer=SPACES, template=CHAT):
    tokenizer.chat_template = template
    messages = tuple({"role": role, "content": content} for role, content in turns)
    return Item("id", "task", "key", "as text", ("Fine.",), messages)


@pytest.fixture(autouse=True)
def _no_template_left():
    yield
    SPACES.chat_template = None


def test_a_start_token_is_added_if_the_tokenizer_adds_one():
    assert codec(SPACES).prompt(PLAIN) == [1, *ids(SPACES, PLAIN.prompt)]
    assert codec(BYTES).prompt(PLAIN) == ids(BYTES, PLAIN.prompt)


def test_a_start_token_in_the_text_is_not_doubled():
    written = replace(PLAIN, prompt="<s>the light")
    tokens = codec(SPACES).prompt(written)
    assert tokens.count(1) == 1
    assert tokens[0] == 1
    assert scored(codec(SPACES), written, tokens) == ids(SPACES, PLAIN.references[0])


def test_an_end_token_that_the_tokenizer_adds_is_left_out_but_for_encoders():
    closing = space_tokenizer(bos=True, eos=True)
    tokens = [1, *ids(closing, PLAIN.prompt)]
    assert codec(closing).prompt(PLAIN) == tokens
    assert codec(closing, encoder=True).prompt(PLAIN) == [*tokens, 2]


def test_an_empty_prompt_starts_from_bos_or_eos_alone():
    empty = replace(PLAIN, prompt="", references=("the",))
    assert codec(SPACES).prompt(empty) == [1]
    assert codec(BYTES).prompt(empty) == [BYTES.eos_token_id]
    assert scored(codec(SPACES), empty, [1]) == ids(SPACES, "the")
    unstarted = byte_tokenizer()
    unstarted.bos_token = unstarted.eos_token = None
    with pytest.raises(CheckpointError, match="neither a BOS nor an EOS"):
        codec(unstarted).prompt(empty)


@pytest.mark.parametrize("tokenizer", [BYTES, SPACES], ids=["bytes", "spaces"])
@pytest.mark.parametrize("cut", [1, 6, 14, 15, 16, 30])
@pytest.mark.parametrize("line", [0, 3])
def test_prompt_and_reference_decode_to_their_joined_text(tokenizer, cut, line):
    text = LINES[line]
    item = replace(PLAIN, prompt=text[:cut], references=(text[cut:],))
    subject = codec(tokenizer)
    prompt = subject.prompt(item)
    reference = scored(subject, item, prompt)
    assert subject.text(prompt, reference) == text[cut:]
    assert subject.text([], prompt) == text[:cut]


def test_a_reference_is_encoded_with_its_prompt_where_the_prompt_stays_whole():
    subject = codec(SPACES)
    prompt = subject.prompt(PLAIN)
    whole = SPACES(PLAIN.prompt + PLAIN.references[0])["input_ids"]
    assert prompt + scored(subject, PLAIN, prompt) == whole


@pytest.mark.parametrize("tokenizer", [BYTES, SPACES], ids=["bytes", "spaces"])
def test_a_prompt_that_ends_inside_a_token_does_not_swallow_the_reference(tokenizer):
    subject = codec(tokenizer)
    item = replace(PLAIN, prompt="fox aga", references=("in",))
    prompt = subject.prompt(item)
    whole = tokenizer("fox again")["input_ids"]
    assert whole[: len(prompt)] != prompt  # else this tests nothing
    reference = scored(subject, item, prompt)
    assert prompt == tokenizer("fox aga")["input_ids"]
    # No space slips in between, as encoding the reference by itself would bring.
    assert tokenizer.decode(reference).strip() == "in"
    assert subject.text(prompt, reference) == "in"


def test_an_empty_reference_has_no_tokens():
    item = replace(PLAIN, references=("",))
    for tokenizer in (BYTES, SPACES):
        assert scored(codec(tokenizer), item, codec(tokenizer).prompt(item)) == []


@pytest.mark.parametrize("tokenizer", [BYTES, SPACES], ids=["bytes", "spaces"])
@pytest.mark.parametrize("answer", [" lamp", "lamp", "ů", "\n the", "  "])
def test_an_answer_keeps_its_leading_space_and_its_bytes(tokenizer, answer):
    subject = codec(tokenizer)
    item = replace(PLAIN, prompt="Behold,", references=(answer,))
    prompt = subject.prompt(item)
    assert subject.text(prompt, scored(subject, item, prompt)) == answer


def test_special_tokens_are_not_part_of_the_text():
    prompt = codec(SPACES).prompt(PLAIN)
    lamp = ids(SPACES, " lamp")
    assert codec(SPACES).text(prompt, [0, *lamp, 2, 2]) == " lamp"


@pytest.mark.parametrize("tokenizer", [BYTES, SPACES], ids=["bytes", "spaces"])
def test_a_piece_holds_every_character_that_its_token_can_bring(tokenizer):
    subject = codec(tokenizer)
    before = ids(tokenizer, "a")
    for token in range(len(tokenizer)):
        brought = subject.text(before, [token])
        assert set(brought) <= set(subject.piece(token)) | {"\ufffd"}
        assert ("\ufffd" in brought) <= ("\ufffd" in subject.piece(token))


def test_cutting_keeps_the_start_token_and_the_end():
    subject = codec(SPACES)
    assert subject.cut([1, 5, 6, 7], 4) == [1, 5, 6, 7]
    assert subject.cut([1, 5, 6, 7], 3) == [1, 6, 7]
    assert subject.cut([1, 5, 6, 7], 1) == [7]
    assert subject.cut([5, 6, 7], 2) == [6, 7]
    assert codec(BYTES).cut([5, 6, 7], 2) == [6, 7]


def test_messages_go_through_the_template_with_its_own_start_token():
    item = chat(("user", "the light?"))
    tokens = codec(SPACES).prompt(item)
    assert SPACES.decode(tokens) == SPACES.decode(
        ids(SPACES, "<s>user\nthe light?</s>\n<s>assistant\n")
    )
    assert tokens[:2] != [1, 1]
    assert tokens[0] == 1


def test_a_template_without_a_start_token_gets_none():
    item = chat(("user", "light"), template="{{ messages[0]['content'] }}")
    assert codec(SPACES).prompt(item) == ids(SPACES, "light")


def test_a_reference_is_what_the_assistant_says():
    item = chat(("user", "the light?"))
    subject = codec(SPACES)
    prompt = subject.prompt(item)
    whole = ids(SPACES, "<s>user\nthe light?</s>\n<s>assistant\nFine.")
    assert prompt + scored(subject, item, prompt) == whole


def test_messages_need_a_template():
    item = chat(("user", "the light?"), template=None)
    with pytest.raises(CheckpointError, match="Task 'task' gives messages, but"):
        codec(SPACES).prompt(item)


def test_what_the_template_refuses_names_the_item():
    item = chat(("user", "x"), template="{{ raise_exception('roles alternate') }}")
    with pytest.raises(InputError, match=r"item 'key'.*roles alternate"):
        codec(SPACES).prompt(item)


def test_a_template_cannot_reach_into_python():
    item = chat(("user", "x"), template="{{ messages.__class__.__mro__ }}")
    with pytest.raises(InputError, match="template refuses"):
        codec(SPACES).prompt(item)


def test_another_models_tokenizer_is_found_out():
    with pytest.raises(CheckpointError, match="belongs to another model"):
        Codec(SPACES, vocabulary=50).prompt(PLAIN)


def test_half_a_surrogate_pair_is_no_obstacle():
    broken = replace(PLAIN, prompt="the \ud83d light")
    tokens = codec(BYTES).prompt(broken)
    assert codec(BYTES).text([], tokens) == "the ? light"


def test_a_vocabulary_without_letters_still_shows_its_start_token():
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    digits = Tokenizer(models.WordLevel({"<s>": 0, "7": 1, "8": 2}))
    digits.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    digits.post_processor = processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", 0)]
    )
    start = {"bos_token": "<s>"}
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=digits, **start)
    item = replace(PLAIN, prompt="7 8")
    assert codec(tokenizer).prompt(item) == [0, 1, 2]


def test_a_document_starts_from_what_the_tokenizer_adds_else_from_bos_or_eos():
    text = "the light"
    assert codec(SPACES).document(text) == ([1], ids(SPACES, text))
    closing = space_tokenizer(bos=True, eos=True)
    assert codec(closing).document(text) == ([1], ids(closing, text))
    silent = space_tokenizer(bos=False, eos=True)
    assert codec(silent).document(text) == ([1], ids(silent, text))
    silent.bos_token = None
    assert codec(silent).document(text) == ([2], ids(silent, text))
    silent.eos_token = None
    assert codec(silent).document(text) == ([], ids(silent, text))


@pytest.mark.parametrize(
    ("text", "letters"), [("lamp", None), ("ůň", 0), ("y", 1)], ids=str
)
def test_the_letters_of_a_first_token_are_counted_unless_it_is_part_of_one(
    text, letters
):
    first = ids(BYTES, text)[0]
    expected = len(BYTES.decode([first])) if letters is None else letters
    assert codec(BYTES).letters(text, first) == expected


def test_a_space_that_the_tokenizer_brings_is_no_letter():
    first = ids(SPACES, "the lamp")[0]
    piece = SPACES.convert_ids_to_tokens(first)
    assert piece.startswith("▁")
    assert codec(SPACES).letters("the lamp", first) == len(piece) - 1
