"""Tiny text-to-image pipelines with random weights, made from configurations: nothing is downloaded, and what they paint is noise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from diffusers import (
    AutoencoderKL,
    DDIMScheduler,
    DiffusionPipeline,
    EulerDiscreteScheduler,
    FlowMatchEulerDiscreteScheduler,
    FluxPipeline,
    FluxTransformer2DModel,
    PNDMScheduler,
    SD3Transformer2DModel,
    StableDiffusion3Pipeline,
    StableDiffusionPipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)
from diffusers.pipelines.stable_diffusion import StableDiffusionSafetyChecker
from tokenizers.pre_tokenizers import ByteLevel
from transformers import (
    CLIPConfig,
    CLIPImageProcessorPil,
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    CLIPTokenizer,
    T5Config,
    T5EncoderModel,
    T5Tokenizer,
)

WIDTH = 32
"""Of the text encoders."""
SCALE = 4
"""Pixels a side for one of the latents."""
CONTEXT = 77
NOISE = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "steps_offset": 1}


def stable_diffusion(folder: Path, *, checker: bool | None = None, seed: int = 0) -> Path:
    """Stable Diffusion 1.5 in miniature, 32 pixels a side. `checker`: with a safety checker that flags everything, or nothing."""
    torch.manual_seed(seed)
    return _saved(
        StableDiffusionPipeline(
            vae=_autoencoder(4),
            text_encoder=CLIPTextModel(_clip_text()),
            tokenizer=_clip_tokenizer(),
            unet=_unet(),
            scheduler=PNDMScheduler(**NOISE, skip_prk_steps=True, set_alpha_to_one=False),
            safety_checker=None if checker is None else _checker(flags=checker),
            feature_extractor=None if checker is None else _extractor(),
            requires_safety_checker=checker is not None,
        ),
        folder,
    )


def stable_diffusion_xl(folder: Path, seed: int = 0) -> Path:
    """SDXL in miniature: two text encoders, and an embedding of the picture's size."""
    torch.manual_seed(seed)
    unet = _unet(
        addition_embed_type="text_time",
        addition_time_embed_dim=8,
        projection_class_embeddings_input_dim=6 * 8 + WIDTH,
        cross_attention_dim=2 * WIDTH,
        transformer_layers_per_block=(1, 1),
        attention_head_dim=(2, 2),
        use_linear_projection=True,
    )
    return _saved(
        StableDiffusionXLPipeline(
            vae=_autoencoder(4),
            text_encoder=CLIPTextModel(_clip_text()),
            text_encoder_2=CLIPTextModelWithProjection(_clip_text()),
            tokenizer=_clip_tokenizer(),
            tokenizer_2=_clip_tokenizer(),
            unet=unet,
            scheduler=EulerDiscreteScheduler(**NOISE),
        ),
        folder,
    )


def stable_diffusion_3(folder: Path, seed: int = 0) -> Path:
    """Stable Diffusion 3 in miniature: a transformer, flow matching, two CLIP encoders and T5."""
    torch.manual_seed(seed)
    transformer = SD3Transformer2DModel(
        sample_size=8,
        patch_size=2,
        in_channels=4,
        out_channels=4,
        num_layers=2,
        attention_head_dim=8,
        num_attention_heads=4,
        joint_attention_dim=2 * WIDTH,
        caption_projection_dim=32,
        pooled_projection_dim=2 * WIDTH,
        pos_embed_max_size=32,
    )
    return _saved(
        StableDiffusion3Pipeline(
            vae=_autoencoder(4),
            text_encoder=CLIPTextModelWithProjection(_clip_text()),
            tokenizer=_clip_tokenizer(),
            text_encoder_2=CLIPTextModelWithProjection(_clip_text()),
            tokenizer_2=_clip_tokenizer(),
            text_encoder_3=_t5(2 * WIDTH),
            tokenizer_3=_t5_tokenizer(),
            transformer=transformer,
            scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0),
        ),
        folder,
    )


def flux(folder: Path, *, guided: bool = False, seed: int = 0) -> Path:
    """FLUX in miniature. `guided`: as FLUX.1-dev, which takes a guidance; FLUX.1-schnell takes none."""
    torch.manual_seed(seed)
    transformer = FluxTransformer2DModel(
        in_channels=16,
        num_layers=1,
        num_single_layers=1,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=WIDTH,
        pooled_projection_dim=WIDTH,
        guidance_embeds=guided,
        axes_dims_rope=(4, 4, 8),
    )
    return _saved(
        FluxPipeline(
            scheduler=FlowMatchEulerDiscreteScheduler(),
            vae=_autoencoder(4),
            text_encoder=CLIPTextModel(_clip_text()),
            tokenizer=_clip_tokenizer(),
            text_encoder_2=_t5(WIDTH),
            tokenizer_2=_t5_tokenizer(),
            transformer=transformer,
        ),
        folder,
    )


def no_prompt(folder: Path) -> Path:
    """A pipeline of diffusers that paints without being asked for anything."""
    from diffusers import DDIMPipeline, UNet2DModel

    unet = UNet2DModel(
        sample_size=8,
        in_channels=3,
        out_channels=3,
        layers_per_block=1,
        block_out_channels=(32,),
        down_block_types=("DownBlock2D",),
        up_block_types=("UpBlock2D",),
    )
    return _saved(DDIMPipeline(unet=unet, scheduler=DDIMScheduler()), folder)


def _saved(pipeline: DiffusionPipeline, folder: Path) -> Path:
    pipeline.save_pretrained(folder, safe_serialization=True)
    return folder


def _unet(**more: Any) -> UNet2DConditionModel:
    shape = {"sample_size": 8, "in_channels": 4, "out_channels": 4, "layers_per_block": 1, "block_out_channels": (32, 64), "norm_num_groups": 8}
    blocks = {"down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"), "up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D")}
    return UNet2DConditionModel(**{**shape, **blocks, "cross_attention_dim": WIDTH, "attention_head_dim": 2, **more})


def _autoencoder(channels: int) -> AutoencoderKL:
    return AutoencoderKL(
        block_out_channels=(8, 16, 16),
        down_block_types=("DownEncoderBlock2D",) * 3,
        up_block_types=("UpDecoderBlock2D",) * 3,
        latent_channels=channels,
        norm_num_groups=4,
        layers_per_block=1,
        sample_size=32,
        shift_factor=0.0,
    )


def _clip_text() -> CLIPTextConfig:
    vocabulary = len(_letters()) + 2
    return CLIPTextConfig(
        vocab_size=vocabulary,
        hidden_size=WIDTH,
        intermediate_size=37,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=CONTEXT,
        projection_dim=WIDTH,
        bos_token_id=vocabulary - 2,
        eos_token_id=vocabulary - 1,
        pad_token_id=vocabulary - 1,
    )


def _t5(width: int) -> T5EncoderModel:
    vocabulary = len(_t5_tokenizer())
    return T5EncoderModel(T5Config(vocab_size=vocabulary, d_model=width, d_kv=8, d_ff=37, num_layers=2, num_heads=4, feed_forward_proj="gated-gelu"))


def _letters() -> list[str]:
    """Every byte, inside a word and at its end."""
    letters = sorted(ByteLevel.alphabet())
    return letters + [f"{letter}</w>" for letter in letters]


def _clip_tokenizer() -> CLIPTokenizer:
    """A token for every letter."""
    names = [*_letters(), "<|startoftext|>", "<|endoftext|>"]
    return CLIPTokenizer(vocab={name: place for place, name in enumerate(names)}, merges=[], model_max_length=CONTEXT)


def _t5_tokenizer() -> T5Tokenizer:
    letters = [("▁", -2.0), *((letter, -2.0) for letter in "abcdefghijklmnopqrstuvwxyz,.")]
    return T5Tokenizer(vocab=[("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), *letters], extra_ids=0, model_max_length=512)


def _checker(*, flags: bool) -> StableDiffusionSafetyChecker:
    """Takes nothing for a concept, or everything: what is compared is a cosine, which is between -1 and 1."""
    vision = {"hidden_size": WIDTH, "intermediate_size": 37, "num_hidden_layers": 1, "num_attention_heads": 4, "image_size": 32, "patch_size": 8}
    checker = StableDiffusionSafetyChecker(CLIPConfig(text_config=_clip_text().to_dict(), vision_config=vision, projection_dim=WIDTH))
    for name in ("concept_embeds_weights", "special_care_embeds_weights"):
        getattr(checker, name).data.fill_(-2.0 if flags else 2.0)
    return checker


def _extractor() -> CLIPImageProcessorPil:
    return CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})
