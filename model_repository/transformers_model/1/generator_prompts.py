"""Makes of a request what the checkpoint reads: a conversation in its own chat template, as tokens and pixels.

What the caller writes is text and never a control token: a prompt that spells `<image>` asks about those seven letters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jinja2 import TemplateError
from PIL import Image

from gateway.pictures import decode
from kernel.contract import Part, Request, Text, Turn
from kernel.errors import InvalidRequest, TooLarge, Unsupported

MOST_LETTERS = 64
"""For each token of the context; a text of more is not even counted."""
PROBE = "Qwertz"


@dataclass(frozen=True)
class Prompt:
    """What is said and shown. guarded: the text spells a control token."""

    system: str | None
    history: tuple[Turn, ...]
    parts: tuple[str | Image.Image, ...]
    guarded: bool

    @property
    def pictures(self) -> list[Image.Image]:
        """In order."""
        return [part for part in self.parts if not isinstance(part, str)]

    @property
    def sort(self) -> tuple[bool, bool]:
        """Only prompts of one sort go through the processor together."""
        return bool(self.pictures), self.guarded


class Prompts:
    """Reads requests for one checkpoint."""

    def __init__(self, checkpoint: Any, most_pictures: int) -> None:
        self._checkpoint = checkpoint
        self._most_pictures = most_pictures
        self._image = getattr(checkpoint.processor, "image_token", None) or ""
        self._in_parts = checkpoint.sees
        if checkpoint.template and not self._understood():
            self._in_parts = not checkpoint.sees
        added = checkpoint.tokenizer.added_tokens_decoder.values()
        self._control = [str(each) for each in added if each.special or (str(each).strip() and str(each) in (checkpoint.template or ""))]

    def read(self, request: Request) -> Prompt:
        """The prompt of a request. Raises `InvalidRequest`, `TooLarge`, `Unsupported`."""
        said = [*([request.system] if request.system else []), *(turn.text for turn in request.history), request.text]
        self._check_text(said)
        if not self._checkpoint.sees and request.pictures:
            raise Unsupported(f"{self._checkpoint.about['model']} reads text alone, and the request has a picture; leave it out")
        if len(request.pictures) > self._most_pictures:
            raise InvalidRequest(f"{len(request.pictures)} pictures were sent, the limit is {self._most_pictures}; the catalog's most_pictures sets it")
        if not request.pictures and not request.text.strip():
            raise InvalidRequest("the prompt is empty; expected some text or a picture")
        guarded = any(token in text for text in said for token in self._control)
        prompt = Prompt(request.system, request.history, tuple(_joined(request.parts)), guarded)
        if guarded and not (self._checkpoint.template and (self._in_parts or not request.pictures)):
            spelt = next(token for token in self._control if any(token in text for text in said))
            raise InvalidRequest(f"the text spells {spelt!r}, a control token of this model, and its chat template cannot tell one from the other")
        if self._checkpoint.template:
            self._check_conversation(prompt)
        return prompt

    def encode(self, prompts: Sequence[Prompt]) -> Any:
        """Tensors of prompts of one sort, filled up on the left. What the processor raises is passed on."""
        checkpoint = self._checkpoint
        if not checkpoint.template:
            texts = [self._plain(prompt) for prompt in prompts]
            shown = {"images": [prompt.pictures for prompt in prompts]} if prompts[0].pictures else {}
            inputs = checkpoint.processor(text=texts, padding=True, return_tensors="pt", **shown)
        else:
            how: dict[str, Any] = {"padding": True}
            if prompts[0].pictures and not self._in_parts:
                how["images"] = [prompt.pictures for prompt in prompts]
            inputs = checkpoint.processor.apply_chat_template(
                [self._conversation(prompt) for prompt in prompts],
                chat_template=checkpoint.template,
                add_generation_prompt=True,
                tokenize=True,
                return_dict=True,
                return_tensors="pt",
                sanitize_control_tokens=prompts[0].guarded,
                **({"processor_kwargs": how} if checkpoint.sees else how),
            )
        if not checkpoint.sees:
            inputs = {name: inputs[name] for name in ("input_ids", "attention_mask")}
        return {name: self._placed(value) for name, value in inputs.items()}

    def _placed(self, value: Any) -> Any:
        network = self._checkpoint.network
        if not isinstance(value, torch.Tensor):
            return value
        return value.to(network.device, network.dtype if value.is_floating_point() else None)

    def _check_text(self, said: Sequence[str]) -> None:
        for text in said:
            try:
                text.encode()
            except UnicodeEncodeError as error:
                raise InvalidRequest(f"the text has half a surrogate pair at character {error.start}; expected whole Unicode") from None
        letters, context = sum(map(len, said)), self._checkpoint.context
        if context and letters > MOST_LETTERS * context:
            raise TooLarge(f"the prompt has {letters} characters, and the model reads at most {context} tokens")

    def _check_conversation(self, prompt: Prompt) -> None:
        """That the chat template has a place for all that is said."""
        try:
            written = self._written(self._conversation(prompt))
        except TemplateError as error:
            raise Unsupported(f"the model's chat template refuses this conversation: {error}") from None
        if prompt.system and prompt.system.strip() not in written:
            raise Unsupported("the model's chat template leaves the system text out; say it in the prompt")

    def _conversation(self, prompt: Prompt) -> list[dict[str, Any]]:
        system = [("system", [prompt.system])] if prompt.system else []
        turns = [*system, *((turn.role, [turn.text]) for turn in prompt.history), ("user", prompt.parts)]
        return [{"role": role, "content": self._content(parts)} for role, parts in turns]

    def _content(self, parts: Sequence[str | Image.Image]) -> Any:
        if self._in_parts:
            return [{"type": "text", "text": part} if isinstance(part, str) else {"type": "image", "image": part} for part in parts]
        return "".join(part if isinstance(part, str) else f"{self._image}\n" for part in parts)

    def _written(self, conversation: list[dict[str, Any]]) -> str:
        written: str = self._checkpoint.processor.apply_chat_template(
            conversation, chat_template=self._checkpoint.template, add_generation_prompt=True, tokenize=False
        )
        return written

    def _understood(self) -> bool:
        """Whether the template reads a content of this form: some know lists of parts, some texts alone."""
        try:
            written = self._written([{"role": "user", "content": self._content([PROBE])}])
        except (TemplateError, TypeError):
            return False
        return PROBE in written and "'type'" not in written

    def _plain(self, prompt: Prompt) -> str:
        """For a checkpoint without a chat template: everything that was said, a line each."""
        asked = "".join(part if isinstance(part, str) else self._image for part in prompt.parts)
        return "\n".join([*([prompt.system] if prompt.system else []), *(turn.text for turn in prompt.history), asked])


def _joined(parts: Sequence[Part]) -> list[str | Image.Image]:
    """Texts that follow each other become one, as `Request.text` has them."""
    joined: list[str | Image.Image] = []
    for part in parts:
        if not isinstance(part, Text):
            joined.append(decode(part.data))
        elif joined and isinstance(joined[-1], str):
            joined[-1] = f"{joined[-1]}\n{part.text}"
        else:
            joined.append(part.text)
    return joined
