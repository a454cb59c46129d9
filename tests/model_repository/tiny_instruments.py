"""Tiny checkpoints in the formats of the real ones: random weights from configurations, tokenizers of letters, no download."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from string import ascii_lowercase, digits
from typing import Any

import torch
import transformers as hub
from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker

from gateway.repository import BUNDLED

SEED = 7
SPECIAL = {0: "[PAD]", 100: "[UNK]", 101: "[CLS]", 102: "[SEP]", 1012: ".", 1029: "?"}
"""GroundingDINO knows these by BERT's own numbers."""
SIGNS = [*ascii_lowercase, *digits, *".,!?-'"]
ENCODER = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
EYE = {**ENCODER, "image_size": 32, "patch_size": 8}


def saved(folder: Path, network: Any, *parts: Any) -> Path:
    """The folder, with the network and what prepares its input."""
    for each in (network, *parts):
        each.save_pretrained(folder)
    return folder


def random(network: Any, configuration: Any, spread: float = 0.5) -> Any:
    """A network whose weights are large enough that its answers differ."""
    torch.manual_seed(SEED)
    made = network(configuration).eval()
    with torch.no_grad():
        for name, weights in made.named_parameters():
            if weights.ndim > 1 and "norm" not in name.lower():
                weights.normal_(0, spread / weights.shape[-1] ** 0.5 if weights.ndim == 2 else 0.1)
    return made


def bert_tokenizer(longest: int = 64) -> Any:
    """Letters and their continuations, with the special tokens where BERT has them."""
    words = [SPECIAL.get(number, f"[unused{number}]") for number in range(1030)]
    taken = iter(number for number in range(1, 1030) if number not in SPECIAL)
    for piece in [*SIGNS, *(f"##{sign}" for sign in SIGNS)]:
        if piece not in SPECIAL.values():
            words[next(taken)] = piece
    return hub.BertTokenizer(vocab={word: number for number, word in enumerate(words)}, do_lower_case=True, model_max_length=longest)


def clip_tokenizer(longest: int = 16) -> Any:
    """Letters, within a word and at its end."""
    pieces = [*SIGNS, *(f"{sign}</w>" for sign in SIGNS), "<|startoftext|>", "<|endoftext|>"]
    return hub.CLIPTokenizer(vocab={piece: number for number, piece in enumerate(pieces)}, merges=[], model_max_length=longest)


def roberta_tokenizer(longest: int = 60) -> Any:
    """Letters; a space is a sign of its own."""
    pieces = ["<s>", "<pad>", "</s>", "<unk>", "<mask>", "\u0120", *SIGNS, *ascii_lowercase.upper()]
    return hub.RobertaTokenizer(vocab={piece: number for number, piece in enumerate(pieces)}, merges=[], model_max_length=longest)


def siglip2_tokenizer(longest: int = 16) -> Any:
    """Letters; padded at the right, without a mask, as the checkpoints are."""
    pieces = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>", "\u2581", *SIGNS]
    vocab = {piece: number for number, piece in enumerate(pieces)}
    return hub.Siglip2Tokenizer(vocab=vocab, merges=[], model_max_length=longest, padding_side="right", model_input_names=["input_ids"])


def clip(folder: Path) -> Path:
    """As openai/clip-vit-base-patch32."""
    tokenizer = clip_tokenizer()
    ends = {"bos_token_id": len(tokenizer) - 2, "eos_token_id": len(tokenizer) - 1}
    reading = {**ENCODER, **ends, "vocab_size": len(tokenizer), "max_position_embeddings": 16}
    network = random(hub.CLIPModel, hub.CLIPConfig(text_config=reading, vision_config=EYE, projection_dim=12))
    return saved(folder, network, hub.CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size=32), tokenizer)


def siglip(folder: Path) -> Path:
    """As google/siglip2-base-patch16-224, which is a SigLIP with SigLIP 2's tokenizer."""
    tokenizer = siglip2_tokenizer()
    reading = {**ENCODER, "vocab_size": len(tokenizer), "max_position_embeddings": 16, "projection_size": 16}
    network = random(hub.SiglipModel, hub.SiglipConfig(text_config=reading, vision_config=EYE))
    return saved(folder, network, hub.SiglipProcessor(hub.SiglipImageProcessorPil(size={"height": 32, "width": 32}), tokenizer))


def siglip2(folder: Path) -> Path:
    """As google/siglip2-base-patch16-naflex: pictures keep their proportions."""
    tokenizer = siglip2_tokenizer()
    reading = {**ENCODER, "vocab_size": len(tokenizer), "max_position_embeddings": 16, "projection_size": 16}
    eye = {**ENCODER, "patch_size": 16, "num_patches": 256}
    network = random(hub.Siglip2Model, hub.Siglip2Config(text_config=reading, vision_config=eye))
    return saved(folder, network, hub.Siglip2Processor(hub.Siglip2ImageProcessorPil(patch_size=16, max_num_patches=256), tokenizer))


def sentences(folder: Path, *, pooling: str = "mean", normalize: bool = True, longest: int = 24) -> Path:
    """As sentence-transformers/all-MiniLM-L6-v2: a BERT, and beside it how its words become one vector."""
    tokenizer = bert_tokenizer()
    network = random(hub.BertModel, hub.BertConfig(**ENCODER, vocab_size=len(tokenizer), max_position_embeddings=64))
    kinds = ["Transformer", "Pooling", *(["Normalize"] if normalize else [])]
    paths = ["", "1_Pooling", "2_Normalize"]
    modules = [{"idx": at, "name": str(at), "path": paths[at], "type": f"sentence_transformers.models.{kind}"} for at, kind in enumerate(kinds)]
    saved(folder, network, tokenizer)
    (folder / "1_Pooling").mkdir()
    told = {"word_embedding_dimension": 16, f"pooling_mode_{pooling}": True}
    for name, value in {
        "modules.json": modules,
        "1_Pooling/config.json": {"pooling_mode_cls_token": False, "pooling_mode_mean_tokens": False, **told},
        "sentence_bert_config.json": {"max_seq_length": longest, "do_lower_case": False},
    }.items():
        (folder / name).write_text(json.dumps(value))
    return folder


def toxicity(folder: Path, names: Sequence[str] = ("toxic", "obscene", "threat"), problem: str | None = "multi_label_classification") -> Path:
    """As unitary/toxic-bert: several labels, each with a score of its own."""
    tokenizer = bert_tokenizer()
    settings = hub.BertConfig(**ENCODER, vocab_size=len(tokenizer), max_position_embeddings=64, **labels(names), problem_type=problem)
    return saved(folder, random(hub.BertForSequenceClassification, settings, 2.0), tokenizer)


def refusals(folder: Path) -> Path:
    """As the Longformers that tell six ways of refusing to answer; their label names are only numbers."""
    tokenizer = roberta_tokenizer()
    settings = hub.LongformerConfig(
        **ENCODER,
        vocab_size=len(tokenizer),
        max_position_embeddings=62,
        attention_window=[4, 4],
        pad_token_id=1,
        bos_token_id=0,
        eos_token_id=2,
        **labels([f"LABEL_{number}" for number in range(6)]),
    )
    return saved(folder, random(hub.LongformerForSequenceClassification, settings, 2.0), tokenizer)


def nsfw(folder: Path) -> Path:
    """As Falconsai/nsfw_image_detection: a ViT with two classes."""
    network = random(hub.ViTForImageClassification, hub.ViTConfig(**EYE, **labels(["normal", "nsfw"])), 2.0)
    return saved(folder, network, hub.ViTImageProcessorPil(size={"height": 32, "width": 32}))


def labels(names: Sequence[str]) -> dict[str, Any]:
    """The names of classes, as a configuration has them."""
    return {"id2label": dict(enumerate(names)), "label2id": {name: number for number, name in enumerate(names)}}


def grounding_dino(folder: Path, name: str = "GroundingDino") -> Path:
    """As IDEA-Research/grounding-dino-tiny: a Swin, a BERT, and sixteen queries; or one of its kin."""
    tokenizer = bert_tokenizer(32)
    swin = hub.SwinConfig(image_size=64, patch_size=4, embed_dim=8, depths=[1, 1, 1, 1], num_heads=[1, 2, 2, 2], window_size=4, out_indices=[2, 3, 4])
    settings = getattr(hub, f"{name}Config")(
        backbone_config=swin,
        text_config=hub.BertConfig(**ENCODER, vocab_size=len(tokenizer), max_position_embeddings=32),
        d_model=32,
        encoder_layers=1,
        decoder_layers=2,
        encoder_ffn_dim=32,
        decoder_ffn_dim=32,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        num_queries=16,
        max_text_len=32,
    )
    network = random(getattr(hub, f"{name}ForObjectDetection"), settings)
    return saved(folder, network, hub.GroundingDinoImageProcessorPil(size={"shortest_edge": 96, "longest_edge": 160}), tokenizer)


def mm_grounding_dino(folder: Path) -> Path:
    """As openmmlab-community/mm_grounding_dino_tiny_o365v1_goldg."""
    return grounding_dino(folder, "MMGroundingDino")


def owlv2(folder: Path, name: str = "Owlv2") -> Path:
    """As google/owlv2-base-patch16-ensemble: a CLIP whose every patch is a query; or its elder."""
    tokenizer = clip_tokenizer()
    ends = {"bos_token_id": len(tokenizer) - 2, "eos_token_id": len(tokenizer) - 1}
    reading = {**ENCODER, **ends, "vocab_size": len(tokenizer), "max_position_embeddings": 16}
    settings = getattr(hub, f"{name}Config")(text_config=reading, vision_config={**EYE, "image_size": 48}, projection_dim=16)
    pictures = getattr(hub, f"{name}ImageProcessorPil")(size={"height": 48, "width": 48})
    return saved(folder, random(getattr(hub, f"{name}ForObjectDetection"), settings), getattr(hub, f"{name}Processor")(pictures, tokenizer))


def owlvit(folder: Path) -> Path:
    """As google/owlvit-base-patch32."""
    return owlv2(folder, "OwlViT")


def safety_checker(folder: Path) -> Path:
    """As CompVis/stable-diffusion-safety-checker; thresholds among the cosines, so that some pictures are safe and others not."""
    network = random(StableDiffusionSafetyChecker, hub.CLIPConfig(text_config=ENCODER, vision_config=EYE, projection_dim=12))
    with torch.no_grad():
        network.concept_embeds.normal_()
        network.special_care_embeds.normal_()
        network.concept_embeds_weights.uniform_(0.16, 1.16)
        network.special_care_embeds_weights.uniform_(-0.5, 0.5)
    return saved(folder, network, hub.CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size=32))


def template(folder: Path, name: str, checkpoint: Path, **parameters: str) -> Path:
    """A template of the model repository, filled in as a catalog's entry fills it."""
    made = folder / name
    shutil.copytree(BUNDLED / name, made, ignore=shutil.ignore_patterns("__pycache__"))
    told = {"checkpoint": str(checkpoint), **parameters}
    lines = [f'parameters {{ key: "{key}" value: {{ string_value: {json.dumps(value)} }} }}' for key, value in told.items()]
    (made / "config.pbtxt").write_text("\n".join([(made / "config.pbtxt").read_text(), *lines]))
    return made
