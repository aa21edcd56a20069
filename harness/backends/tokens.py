"""From texts to tokens and back: start tokens, chat templates, boundaries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.errors import CheckpointError, InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.types import Item

Tokens = list[int]

ANCHOR = 8
"""Tokens of the prompt that an answer is decoded with."""


class Codec:
    """A checkpoint's tokenizer, used alike for generation and for likelihoods.

    A plain prompt gets the special tokens that the tokenizer itself puts in front of
    a text, once. Messages go through the chat template, which says by itself which
    special tokens there are. What is scored after a prompt follows its tokens as they
    are.
    """

    def __init__(
        self, tokenizer: Any, *, vocabulary: int, encoder: bool = False
    ) -> None:
        """Args say how the model reads.

        Args:
            tokenizer: of the transformers package.
            vocabulary: tokens that the model has embeddings for.
            encoder: prompts go to an encoder, which wants them closed as well.
        """
        self.tokenizer = tokenizer
        self.vocabulary = vocabulary
        self.encoder = encoder
        self.apart: set[str] = set()
        """Ids of items of which a text was encoded apart from its prompt."""
        self.prefix, self.suffix = self._specials()

    def prompt(self, item: Item) -> Tokens:
        """The item's prompt as the model reads it, at least one token.

        Raises:
            CheckpointError: messages without a chat template, an empty prompt without
                a start token, or tokens that the model does not know.
            InputError: the chat template refuses the messages.
        """
        tokens = self._encode(self._written(item))
        if not item.messages:
            tokens = self._with_prefix(tokens)
        if self.encoder:
            tokens = tokens + self.suffix
        return tokens or [self._start()]

    def continuation(self, item: Item, prompt: Tokens, text: str) -> Tokens:
        """The text's tokens where they follow the prompt's.

        Prompt and text are encoded together if the prompt's tokens stay what they
        are alone, which is how the model read them in training; else apart, which is
        how the model would have to write them.
        """
        before = self._written(item)
        if self.encoder or not before:
            return self._encode(text)
        together = self._encode(before + text)
        if not item.messages:
            together = self._with_prefix(together)
        if together[: len(prompt)] == prompt:
            return together[len(prompt) :]
        self.apart.add(item.id)
        return self._encode_apart(text)

    def document(self, text: str) -> tuple[Tokens, Tokens]:
        """What a document starts from, and its own tokens.

        It starts from what the tokenizer itself puts in front of a text. Where that is
        nothing, it starts from BOS, else from EOS, which in training stood between
        documents; without either, from nothing.
        """
        boundary = self._boundary()
        start = self.prefix or ([] if boundary is None else [boundary])
        tokens = self._encode(text)
        begun = tokens[: len(start)] == start
        return start, tokens[len(start) :] if begun else tokens

    def letters(self, text: str, token: int) -> int:
        """How many of the text's letters are its first token; 0 if one is but a part.

        A space that the tokenizer puts in front of every text is none of them.
        """
        piece = self._decode([token])
        return len(piece) if text.startswith(piece) else 0

    def names(self, tokens: Tokens) -> str:
        """Special tokens as the vocabulary writes them."""
        return "".join(self.tokenizer.convert_ids_to_tokens(tokens))

    def target_prefix(self) -> Tokens:
        """What the tokenizer puts in front of texts that a decoder writes."""
        return self._specials(target=True)[0]

    def cut(self, prompt: Tokens, room: int) -> Tokens:
        """The prompt's last `room` tokens, a start token kept in front of them."""
        if len(prompt) <= room:
            return prompt
        head = self._head(prompt)
        if room <= len(head):
            return prompt[-room:]
        return head + prompt[len(prompt) - room + len(head) :]

    def text(self, context: Sequence[int], answer: Sequence[int]) -> str:
        """The answer as it continues the context, without special tokens.

        Decoded alone, an answer would lose its leading space with some tokenizers and
        half a character with others.
        """
        anchor = list(context[-ANCHOR:])
        before, whole = self._decode(anchor), self._decode([*anchor, *answer])
        if whole.startswith(before):
            return whole[len(before) :]
        return self._decode(answer)

    def piece(self, token: int) -> str:
        """All characters that the token may add to a text, some of them twice."""
        # The first token of a text may lose its space, so the second one tells.
        return self._decode([token, token])

    def _written(self, item: Item) -> str:
        return self._render(item) if item.messages else item.prompt

    def _render(self, item: Item) -> str:
        from jinja2 import TemplateError

        if not self.tokenizer.chat_template:
            raise CheckpointError(
                f"Task '{item.task}' gives messages, but the checkpoint's tokenizer "
                "has no chat template. Give the task a 'prompt' instead, or copy the "
                "base model's chat_template.jinja into the checkpoint's folder."
            )
        try:
            text = self.tokenizer.apply_chat_template(
                [dict(turn) for turn in item.messages],
                tokenize=False,
                add_generation_prompt=True,
            )
        except (TemplateError, ValueError, TypeError) as error:
            raise InputError(
                f"Task '{item.task}', item '{item.key}': the checkpoint's chat "
                f"template refuses the messages: {error}"
            ) from None
        return str(text)

    def _encode(self, text: str) -> Tokens:
        tokens = self._plain(text)
        if tokens and max(tokens) >= self.vocabulary:
            raise CheckpointError(
                f"The tokenizer wrote token {max(tokens)}, but the model knows only "
                f"{self.vocabulary}. The tokenizer belongs to another model: copy the "
                "base model's tokenizer files into the checkpoint's folder."
            )
        return tokens

    def _encode_apart(self, text: str) -> Tokens:
        # Some tokenizers put a space before every text; a line break takes it up.
        line = self._encode("\n")
        together = self._encode("\n" + text)
        if together[: len(line)] == line:
            return together[len(line) :]
        return self._encode(text)

    def _plain(self, text: str) -> Tokens:
        # JSON allows lone surrogates, tokenizers do not.
        text = text.encode("utf-8", "replace").decode("utf-8")
        encoded = self.tokenizer(text, add_special_tokens=False, verbose=False)
        return list(encoded["input_ids"])

    def _decode(self, tokens: Sequence[int]) -> str:
        text = self.tokenizer.decode(
            list(tokens), skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
        return str(text)

    def _with_prefix(self, tokens: Tokens) -> Tokens:
        if tokens[: len(self.prefix)] == self.prefix:
            return tokens
        return self.prefix + tokens

    def _head(self, prompt: Tokens) -> Tokens:
        if self.prefix and prompt[: len(self.prefix)] == self.prefix:
            return self.prefix
        return prompt[:1] if prompt[0] == self.tokenizer.bos_token_id else []

    def _boundary(self) -> int | None:
        """BOS, else EOS, if there is one."""
        for token in (self.tokenizer.bos_token_id, self.tokenizer.eos_token_id):
            if token is not None:
                return int(token)
        return None

    def _start(self) -> int:
        token = self._boundary()
        if token is not None:
            return token
        raise CheckpointError(
            "A prompt is empty and the tokenizer has neither a BOS nor an EOS token "
            "to start from. Give the prompt a first character."
        )

    def _specials(self, *, target: bool = False) -> tuple[Tokens, Tokens]:
        """Special tokens that the tokenizer puts before and after a text."""
        name = "text_target" if target else "text"
        # Not every vocabulary has letters, but its own entries it can write.
        known = self.tokenizer.get_vocab().keys()
        for probe in sorted(known - self.tokenizer.all_special_tokens):
            whole = list(self.tokenizer(**{name: probe})["input_ids"])
            plain = self._plain(probe)
            for start in range(len(whole) - len(plain) + 1):
                if plain and whole[start : start + len(plain)] == plain:
                    return whole[:start], whole[start + len(plain) :]
        return [], []
