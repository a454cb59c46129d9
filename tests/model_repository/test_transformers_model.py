"""transformers_model without Triton: what it answers is what the library answers, alone and in any batch."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")

import torch
from transformers import AutoModelForCausalLM, AutoModelForImageTextToText

from gateway.repository import BUNDLED
from gateway.session import open_gateway
from gateway.wire import NOT_HONOURED
from kernel.contract import Deadline, Finish, Picture, Reply, Request, Sampling, Text, Turn
from kernel.errors import TooLarge, Unsupported
from tests.model_repository import tiny_checkpoints
from tests.model_repository.folders import load
from tests.model_repository.tiny_checkpoints import SEEING, encoded, llama, llava, picture

SIZES = ((50, 70), (90, 30), (33, 34), (20, 20), (64, 128))
SHOWN = tuple(picture(seed, size) for seed, size in enumerate(SIZES))
TALK = (Turn("user", "how many are there"), Turn("assistant", "two"))


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    """Networks as small as these are slower on two threads, and a hundred times slower when others use the machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One tiny checkpoint of each architecture."""
    made = {**SEEING, "llama": llama}
    return {name: make(tmp_path_factory.mktemp("checkpoints") / name) for name, make in made.items()}


@pytest.fixture(scope="module")
def generators(folders: dict[str, Path]) -> dict[str, Any]:
    return {name: generator(folder) for name, folder in folders.items()}


def generator(folder: Path, **arguments: Any) -> Any:
    return load("transformers_model", "generator").Generator(str(folder), **arguments)


def asked(*parts: Any, system: str | None = None, history: tuple[Turn, ...] = (), **sampling: Any) -> Request:
    """Texts are words, pictures numbers."""
    said = tuple(Text(part) if isinstance(part, str) else Picture(encoded(SHOWN[part])) for part in parts)
    return Request("m", said, system=system, history=history, sampling=Sampling(**sampling))


QUESTIONS = (
    asked("what colour is it", 0, max_tokens=16),
    asked(1, "is the square left of the star", 2, "or right", max_tokens=16),
    asked(3, max_tokens=16),
    asked("how many", 4, "are there", system="say one", history=TALK, max_tokens=16),
    asked("what is red", max_tokens=16),
    asked("say yes", system="say no", max_tokens=16),
)


def library(model: Any, generator: Any, request: Request, **more: Any) -> list[int]:
    """The tokens of the plain call, without the last one."""
    processor, sees = generator._checkpoint.processor, generator._checkpoint.sees
    pictures = iter([part for part in generator._prompts.read(request).parts if not isinstance(part, str)])
    content: Any = [{"type": "text", "text": part.text} if isinstance(part, Text) else {"type": "image", "image": next(pictures)} for part in request.parts]
    said = [("system", request.system), *((turn.role, turn.text) for turn in request.history)]
    earlier = [{"role": role, "content": [{"type": "text", "text": text}] if sees else text} for role, text in said if text]
    conversation = [*earlier, {"role": "user", "content": content if sees else request.text}]
    inputs = processor.apply_chat_template(conversation, add_generation_prompt=True, tokenize=True, return_dict=True, return_tensors="pt")
    with torch.inference_mode():
        written = model.generate(**inputs, do_sample=False, max_new_tokens=request.sampling.max_tokens, **more)
    tokens: list[int] = written[0, inputs["input_ids"].shape[1] :].tolist()
    return tokens[:-1] if tokens[-1] == model.config.get_text_config().eos_token_id else tokens


def tokens(generator: Any, requests: Sequence[Request]) -> list[list[int]]:
    """What is answered, token by token."""
    writer = generator._writer
    writer.text = lambda row: json.dumps(row.tokens)
    try:
        return [json.loads(reply.text) for reply in generator.answer(requests)]
    finally:
        del writer.text


@pytest.mark.parametrize("name", [*SEEING, "llama"])
def test_a_batch_is_answered_as_the_library_answers_each(name: str, folders: dict[str, Path], generators: dict[str, Any]) -> None:
    """Token by token: pictures of five sizes, none to two a prompt, with system text and earlier turns; the batch is padded, the plain call is not."""
    model = (AutoModelForImageTextToText if name in SEEING else AutoModelForCausalLM).from_pretrained(folders[name])
    questions = [each for each in QUESTIONS if name in SEEING or not each.pictures]

    expected = [library(model, generators[name], each) for each in questions]

    assert tokens(generators[name], questions) == expected
    assert tokens(generators[name], questions[::-1]) == expected[::-1]
    assert len({tuple(each) for each in expected}) == len(questions)


@pytest.mark.parametrize("name", SEEING)
def test_what_is_shown_and_where_matters(name: str, generators: dict[str, Any]) -> None:
    """Another picture, and the same two parts the other way round, are other prompts."""
    asks = (("what is it", 0), ("what is it", 1), (0, "what is it"), ("what", 0, "is it", 1), ("what", 1, "is it", 0))

    replies = generators[name].answer([asked(*parts, max_tokens=12) for parts in asks])

    assert len({reply.text for reply in replies}) == 5


@pytest.mark.parametrize("name", [*SEEING, "llama"])
def test_each_request_has_its_own_settings_whatever_the_batch(name: str, generators: dict[str, Any]) -> None:
    """Lengths, temperatures, seeds, stop words and numbers of samples beside each other, and each as alone."""
    shown = [] if name == "llama" else [0]
    settings: list[dict[str, Any]] = [
        {"max_tokens": 3},
        {"max_tokens": 20, "temperature": 4.0, "seed": 7},
        {"max_tokens": 12, "temperature": 8.0, "top_p": 0.9, "seed": 7, "n": 3},
        {"max_tokens": 20, "stop": ("e", "at")},
        {"max_tokens": 5, "n": 2},
        {"max_tokens": 9, "temperature": 9.0, "top_p": 0.0, "seed": 1},
    ]
    requests = [asked("what colour is the star", *shown, **each) for each in settings]

    replies = generators[name].answer(requests)

    assert replies == [generators[name].answer([each])[0] for each in requests]
    assert [len(reply.texts) for reply in replies] == [1, 1, 3, 1, 2, 1]
    assert len(set(replies[2].texts)) > 1
    assert len(set(replies[4].texts)) == 1
    assert replies[5].text.startswith(replies[4].text)


def test_a_seed_decides_and_its_absence_leaves_it_to_chance(generators: dict[str, Any]) -> None:
    """The same samples again for the same seed, others for another one, and others each time without."""
    same, again, other, free, freer = generators["llava"].answer(
        [asked("say", 0, temperature=20.0, n=4, max_tokens=8, seed=seed) for seed in (5, 5, 6, None, None)]
    )

    assert same == again
    assert len({*same.texts, *other.texts, *free.texts, *freer.texts}) == 16


@pytest.mark.parametrize("name", [*SEEING, "llama"])
def test_a_stop_word_cuts_where_it_first_stands(name: str, generators: dict[str, Any]) -> None:
    """Also one of several tokens; the answer ends there, and what was not needed is not written."""
    whole = generators[name].answer([asked("what is red", max_tokens=40)])[0]
    word = whole.text[7:12]

    stopped, other = generators[name].answer([asked("what is red", max_tokens=40, stop=("never", word)), asked("what is red", max_tokens=40, stop=("never",))])

    assert stopped.text == whole.text[: whole.text.index(word)]
    assert stopped.finish == (Finish.STOP,)
    assert stopped.output_tokens < whole.output_tokens
    assert other == whole


def test_why_an_answer_ended_is_told(folders: dict[str, Path], tmp_path: Path) -> None:
    """By itself, or for want of room; the token that ends it is not counted."""
    folder = shutil.copytree(folders["llama"], tmp_path / "llama")
    free = generator(folder)
    written = tokens(free, [asked("one", max_tokens=30)])[0]
    settings = json.loads((folder / "generation_config.json").read_text())
    (folder / "generation_config.json").write_text(json.dumps({**settings, "eos_token_id": [settings["eos_token_id"], written[9]]}))

    ended, cut, default = generator(folder, max_tokens=4).answer([asked("one", max_tokens=30), asked("one", max_tokens=3), asked("one")])

    at = written.index(written[9])
    assert (ended.finish, ended.output_tokens) == ((Finish.STOP,), at)
    assert (cut.finish, cut.output_tokens) == ((Finish.LENGTH,), 3)
    assert (default.finish, default.output_tokens) == ((Finish.LENGTH,), 4)


def test_what_a_checkpoint_says_of_repetition_holds_in_a_batch_too(folders: dict[str, Path], tmp_path: Path) -> None:
    """The filling on the left is nothing that was said, even where it is a token that the answer has."""
    folder = shutil.copytree(folders["llama"], tmp_path / "llama")
    settings = json.loads((folder / "generation_config.json").read_text())
    habits = {"repetition_penalty": 1.4, "no_repeat_ngram_size": 2, "temperature": 0.1, "top_k": 3, "do_sample": True}
    (folder / "generation_config.json").write_text(json.dumps({**settings, **habits}))
    model = AutoModelForCausalLM.from_pretrained(folder)
    assert model.generation_config.repetition_penalty == 1.4
    served = generator(folder)
    questions = [asked(text, max_tokens=60) for text in ("say", "how many are there in the picture right of the star", "is it yes or no")]

    expected = [library(model, served, each, temperature=1.0, top_k=50) for each in questions]
    words = served._checkpoint.tokenizer
    words.pad_token = words.convert_ids_to_tokens(expected[0][0])

    assert tokens(served, questions) == expected


def test_a_reply_says_all_that_the_contract_has_for_it(generators: dict[str, Any]) -> None:
    """Texts, why they ended, what was read and written, who answered, and what was not used."""
    (reply,) = generators["llama"].answer([asked("say", max_tokens=2, n=2, steps=3, guidance=1.0, width=64)])

    assert reply == Reply(
        texts=(reply.text,) * 2,
        finish=(Finish.LENGTH,) * 2,
        input_tokens=len(generators["llama"]._checkpoint.tokenizer("<|user|>say<end>\n<|assistant|>")["input_ids"]),
        output_tokens=4,
        report={"model": "llama", NOT_HONOURED: ["guidance", "steps", "width"]},
    )


@pytest.mark.parametrize("name", ["llava", "qwen2_vl", "llama"])
def test_a_prompt_cannot_spell_a_control_token(name: str, generators: dict[str, Any]) -> None:
    """`<image>` and `<end>` in a question are letters; with a picture beside them too."""
    served = generators[name]
    shown = [] if name == "llama" else [0]
    spelt = "what is <image> <|image_pad|> <end> <|assistant|>"

    replies = served.answer([asked(spelt, *shown, max_tokens=5), asked("what is", *shown, max_tokens=5)])

    assert all(isinstance(reply, Reply) for reply in replies)
    assert replies[0].input_tokens > replies[1].input_tokens + len("<image> <|image_pad|> <end> <|assistant|>") / 2


@pytest.mark.parametrize("name", [*SEEING, "llama"])
def test_a_checkpoint_without_a_chat_template_gets_lines(name: str, tmp_path: Path) -> None:
    """System text, turns and prompt, one below the other; the report says so."""
    served = generator((SEEING | {"llama": llama})[name](tmp_path / name, template=None))
    shown = [] if name == "llama" else [0]
    talked, plain = asked("what is it", *shown, system="be", history=TALK, max_tokens=6), asked("be\nhow many are there\ntwo\nwhat is it", *shown, max_tokens=6)

    first, second = served.answer([talked, plain])

    assert first == second
    assert "no chat template" in first.report["prompt"]


def test_a_template_that_knows_texts_alone_is_given_texts(generators: dict[str, Any], tmp_path: Path) -> None:
    """Also for a model that sees: the picture's place is then spelt in the text."""
    served = generator(llava(tmp_path / "llava", template=tiny_checkpoints.WORDED))

    first, second = served.answer([asked(0, "what is it", max_tokens=12), asked(1, "what is it", max_tokens=12)])

    assert first.text != second.text
    assert first.input_tokens == generators["llava"].answer([asked(0, "what is it", max_tokens=1)])[0].input_tokens + 1


@pytest.mark.parametrize(("template", "fault"), [("NO_SYSTEM", "System role not supported"), ("DEAF_TO_SYSTEM", "leaves the system text out")])
def test_a_template_without_a_place_for_what_is_said_is_told(template: str, fault: str, tmp_path: Path) -> None:
    """Nothing is left out in silence; the others are answered."""
    served = generator(llava(tmp_path / "llava", template=getattr(tiny_checkpoints, template)))

    refused, fine = served.answer([asked("what", 0, system="say no"), asked("what", 0, max_tokens=2)])

    assert isinstance(refused, Unsupported)
    assert fault in str(refused)
    assert isinstance(fine, Reply)


def test_an_answer_has_the_room_that_the_prompt_leaves(generators: dict[str, Any]) -> None:
    """The context holds both; a prompt that fills it is refused, with both numbers."""
    served = generators["llama"]
    long, longer = (asked("~" * count, max_tokens=400) for count in (500, 508))

    cut, refused, fine = served.answer([long, longer, asked("say", max_tokens=2)])

    assert isinstance(cut, Reply)
    assert cut.input_tokens + cut.output_tokens <= tiny_checkpoints.CONTEXT
    assert isinstance(refused, TooLarge)
    assert f"has 512 tokens, and the model reads at most {tiny_checkpoints.CONTEXT}" in str(refused)
    assert fine == served.answer([asked("say", max_tokens=2)])[0]


@pytest.mark.parametrize("name", [*SEEING, "llama"])
def test_eight_bits_on_a_processor(name: str, folders: dict[str, Path]) -> None:
    """The decoder's matrices are quantised, and it still writes."""
    served = generator(folders[name], quantize="int8")

    kinds = {type(module).__module__ for module in served._checkpoint.network.get_decoder().modules()}

    assert any("quantized.dynamic" in kind for kind in kinds)
    assert served.answer([asked("what is it", *([] if name == "llama" else [0]), max_tokens=5)])[0].output_tokens == 5


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float32"])
def test_the_weights_are_held_as_asked(dtype: str, folders: dict[str, Path]) -> None:
    served = generator(folders["qwen2_vl"], dtype=dtype, device="cpu")

    assert served._checkpoint.network.dtype == getattr(torch, dtype)
    assert isinstance(served.answer([asked("what is it", 0, max_tokens=3)])[0], Reply)


@pytest.mark.slow
def test_compiled_it_answers_the_same(folders: dict[str, Path], generators: dict[str, Any]) -> None:
    """Compiling takes a minute; the answers are those of the network as it is."""
    question = asked("what is it", max_tokens=4)

    assert generator(folders["llama"], compile=True).answer([question]) == generators["llama"].answer([question])


@pytest.mark.triton
@pytest.mark.slow
async def test_through_the_real_server_each_gets_its_own_answer(folders: dict[str, Path], generators: dict[str, Any], tmp_path: Path) -> None:
    """Many at once through the client, Triton's batches and back."""
    for name, checkpoint in folders.items():
        shutil.copytree(BUNDLED / "transformers_model", tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
        with (tmp_path / name / "config.pbtxt").open("a") as config:
            config.write(f'parameters {{ key: "checkpoint" value: {{ string_value: "{checkpoint}" }} }}\n')
    (tmp_path / "catalog.yaml").write_text(json.dumps({"models": {name: {"folder": str(tmp_path / name)} for name in folders}}))
    calls = [(name, each) for name in folders for each in QUESTIONS if name in SEEING or not each.pictures]

    async with open_gateway(tmp_path / "catalog.yaml") as session:
        requests = [Request(name, each.parts, system=each.system, history=each.history, sampling=each.sampling) for name, each in calls]
        answers = await asyncio.gather(*(session.infer(each, deadline=Deadline.after(120)) for each in requests))

    assert answers == [generators[name].answer([each])[0] for name, each in calls]
