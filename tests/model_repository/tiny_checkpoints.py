"""Makes tiny checkpoints with random weights, as transformers saves them: config, safetensors, processor, tokenizer, chat template.

Nothing is downloaded. What they say is nonsense, but it depends on every word and every pixel, which is what tests need.
"""

from __future__ import annotations

import io
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    CLIPImageProcessorPil,
    CLIPVisionConfig,
    Idefics3Config,
    Idefics3ForConditionalGeneration,
    Idefics3ImageProcessorPil,
    Idefics3Processor,
    LlamaConfig,
    LlamaForCausalLM,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    PreTrainedTokenizerFast,
    Qwen2VLConfig,
    Qwen2VLForConditionalGeneration,
    Qwen2VLImageProcessorPil,
)
from transformers.models.idefics3.configuration_idefics3 import Idefics3VisionConfig

CONTEXT = 512
WIDTH = 32
TEXT = {
    "hidden_size": WIDTH,
    "intermediate_size": 2 * WIDTH,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": CONTEXT,
}
SPREAD = 0.35
"""Of random weights: wide enough that likeliest words stand clear of the others, and that what is asked matters."""
WORDS = "the a red blue green circle square star what colour is in picture left right of yes no how many are there one two three say"

TURNS = (
    "{% for message in messages %}<|{{ message.role }}|>{% for part in message.content %}"
    "{% if part.type == 'image' %}IMAGE{% else %}{{ part.text }}{% endif %}{% endfor %}<end>\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
WORDED = "{% for message in messages %}<|{{ message.role }}|>{{ message.content }}<end>\n{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"
NO_SYSTEM = "{% if messages[0].role == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}" + TURNS
"""As Gemma's template refuses it."""
DEAF_TO_SYSTEM = TURNS.replace("messages %}", "messages if message.role != 'system' %}", 1)
"""As some leave it out without a word."""


def llava(folder: Path, template: str | None = TURNS) -> Path:
    """CLIP, a projector and Llama: 16 places for a picture, whatever its size."""
    words = tokenizer("<image>")
    vision = CLIPVisionConfig(hidden_size=WIDTH, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4, image_size=32, patch_size=8)
    config = LlavaConfig(vision_config=vision, text_config=LlamaConfig(**TEXT, **_ids(words)), image_token_index=_id(words, "<image>"), image_seq_length=16)
    pictures = CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})
    processor = LlavaProcessor(pictures, words, patch_size=8, vision_feature_select_strategy="default", num_additional_image_tokens=1)
    processor.chat_template = template and template.replace("IMAGE", "<image>")
    return _saved(LlavaForConditionalGeneration, config, processor, folder)


def qwen2_vl(folder: Path, template: str | None = TURNS) -> Path:
    """Pictures in as many places as they have pixels, with positions in three dimensions."""
    tokens = ["<|image_pad|>", "<|video_pad|>", "<|vision_start|>", "<|vision_end|>"]
    words = tokenizer(*tokens)
    named = dict(zip(("image_token_id", "video_token_id", "vision_start_token_id", "vision_end_token_id"), words.convert_tokens_to_ids(tokens), strict=True))
    vision = {"depth": 2, "embed_dim": WIDTH, "hidden_size": WIDTH, "num_heads": 4, "mlp_ratio": 2, "patch_size": 8}
    turning = {"rope_type": "default", "mrope_section": [1, 1, 2], "rope_theta": 10_000.0}
    config = Qwen2VLConfig(text_config={**TEXT, **_ids(words), "rope_parameters": turning}, vision_config=vision, **named)
    pictures = Qwen2VLImageProcessorPil(size={"shortest_edge": 16 * 16, "longest_edge": 96 * 96}, patch_size=8)
    words.chat_template = template and template.replace("IMAGE", "<|vision_start|><|image_pad|><|vision_end|>")
    pictures.save_pretrained(folder)
    return _saved(Qwen2VLForConditionalGeneration, config, words, folder)


def idefics3(folder: Path, template: str | None = TURNS) -> Path:
    """Large pictures cut to tiles, whose number differs; SmolVLM is the same network."""
    rows = [f"<row_{row + 1}_col_{column + 1}>" for row in range(6) for column in range(6)]
    words = tokenizer("<image>", "<fake_token_around_image>", "<end_of_utterance>", "<global-img>", *rows)
    vision = Idefics3VisionConfig(hidden_size=WIDTH, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4, image_size=32, patch_size=8)
    config = Idefics3Config(
        vision_config=vision,
        text_config=LlamaConfig(**TEXT, **_ids(words)),
        image_token_id=_id(words, "<image>"),
        scale_factor=2,
        pad_token_id=words.pad_token_id,
    )
    pictures = Idefics3ImageProcessorPil(size={"longest_edge": 64}, max_image_size={"longest_edge": 32})
    processor = Idefics3Processor(pictures, words, image_seq_len=4, chat_template=template and template.replace("IMAGE", "<image>"))
    return _saved(Idefics3ForConditionalGeneration, config, processor, folder)


def llama(folder: Path, template: str | None = WORDED) -> Path:
    """Text alone."""
    words = tokenizer()
    words.chat_template = template
    return _saved(LlamaForCausalLM, LlamaConfig(**TEXT, **_ids(words)), words, folder)


SEEING: dict[str, Callable[..., Path]] = {"llava": llava, "qwen2_vl": qwen2_vl, "idefics3": idefics3}


def tokenizer(*tokens: str) -> PreTrainedTokenizerFast:
    """Pairs of bytes of a few English words; only what is printable has tokens, so that every token can be read again."""
    bare = Tokenizer(models.BPE(unk_token="<unk>"))
    bare.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bare.decoder = decoders.ByteLevel()
    special = ["<pad>", "<unk>", "<bos>", "<end>", "<|system|>", "<|user|>", "<|assistant|>", *tokens]
    printable = pre_tokenizers.ByteLevel(add_prefix_space=False).pre_tokenize_str("".join(map(chr, range(32, 127))) + "\n")
    letters = sorted({letter for piece, _ in printable for letter in piece})
    trainer = trainers.BpeTrainer(vocab_size=len(special) + len(letters) + 40, initial_alphabet=letters, show_progress=False)
    bare.train_from_iterator([WORDS] * 4, trainer)
    bare.add_special_tokens([AddedToken(each, normalized=False, special=True) for each in special])
    return PreTrainedTokenizerFast(tokenizer_object=bare, pad_token="<pad>", unk_token="<unk>", bos_token="<bos>", eos_token="<end>")


def picture(seed: int, size: tuple[int, int]) -> Image.Image:
    """Coloured noise in large patches."""
    rng = random.Random(seed)
    return Image.frombytes("RGB", (4, 4), rng.randbytes(48)).resize(size, Image.Resampling.BICUBIC)


def encoded(image: Image.Image) -> bytes:
    """As a PNG file."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def _id(words: PreTrainedTokenizerFast, token: str) -> int:
    number = words.convert_tokens_to_ids(token)
    assert isinstance(number, int)
    return number


def _ids(words: PreTrainedTokenizerFast) -> dict[str, Any]:
    return {
        "vocab_size": len(words),
        "pad_token_id": words.pad_token_id,
        "bos_token_id": words.bos_token_id,
        "eos_token_id": words.eos_token_id,
    }


def _saved(network: Any, config: Any, reader: Any, folder: Path, seed: int = 0) -> Path:
    torch.manual_seed(seed)
    made = network(config).eval()
    with torch.no_grad():
        for name, parameter in made.named_parameters():
            if parameter.ndim > 1:
                parameter.normal_(std=SPREAD * (3 if "embed" in name or "lm_head" in name else 1))
    made.generation_config.pad_token_id = config.get_text_config().pad_token_id
    made.generation_config.eos_token_id = config.get_text_config().eos_token_id
    made.save_pretrained(folder)
    reader.save_pretrained(folder)
    return folder
