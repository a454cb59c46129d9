"""Numbers that the authors of the public data sets published, or that follow from what they published."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from evaluators.public.composition import TAGS
from kernel.benchmark import Published

UNIFIED_QA: Mapping[tuple[str, str], Mapping[str, float]] = MappingProxyType({
    ("unifiedqa-t5-11b race", "Religion"): {
        "accuracy_ambiguous": 0.650,
        "lean_ambiguous": 0.410,
        "bias_ambiguous": 0.143,
        "accuracy_disambiguated": 0.880,
        "bias_disambiguated": 0.002,
    },
})  # fmt: skip
"""By model and format, and category; three decimals."""

COMPLETIONS: Mapping[str, Mapping[str, float]] = MappingProxyType({
    "llama2orig": {"refused_safe": 0.380, "partly_refused_safe": 0.216, "refused_unsafe": 0.995, "list_agrees": 0.833},
    "llama2new": {"refused_safe": 0.140, "partly_refused_safe": 0.156, "refused_unsafe": 0.975, "list_agrees": 0.884},
    "mistralguard": {"refused_safe": 0.096, "partly_refused_safe": 0.092, "refused_unsafe": 0.875, "list_agrees": 0.802},
    "gpt4": {"refused_safe": 0.064, "partly_refused_safe": 0.020, "refused_unsafe": 0.975, "list_agrees": 0.933},
    "mistralinstruct": {"refused_safe": 0.008, "partly_refused_safe": 0.008, "refused_unsafe": 0.235, "list_agrees": 0.902},
})  # fmt: skip
"""By people's final labels, and how often the list of openings agrees with them on full refusals; to a thousandth."""

_GENEVAL = {
    "CLIP retrieval": (0.35, 0.89, 0.22, 0.37, 0.62, 0.03, 0.00),
    "minDALL-E": (0.23, 0.73, 0.11, 0.12, 0.37, 0.02, 0.01),
    "Stable Diffusion v1.5": (0.43, 0.97, 0.38, 0.35, 0.76, 0.04, 0.06),
    "Stable Diffusion v2.1": (0.50, 0.98, 0.51, 0.44, 0.85, 0.07, 0.17),
    "Stable Diffusion XL": (0.55, 0.98, 0.74, 0.39, 0.85, 0.15, 0.23),
    "IF-XL": (0.61, 0.97, 0.74, 0.66, 0.81, 0.13, 0.35),
}
"""The overall score, then each tag, by the authors' detector over four pictures of each prompt."""

TABLES: Mapping[str, tuple[Published, ...]] = {
    "bbq": tuple(
        Published(
            name=f"bbq/{category.lower()}/{metric}{'' if metric.startswith('accuracy') else '/reference'}",
            model=model,
            value=value,
            source="Parrish et al., 2022",
        )
        for (model, category), numbers in UNIFIED_QA.items()
        for metric, value in numbers.items()
    ),
    "xstest": tuple(
        Published(name=f"xstest/{metric}/reference", model=model, value=value, source="human labels of Röttger et al., 2024")
        for model, numbers in COMPLETIONS.items()
        for metric, value in numbers.items()
        if metric in ("refused_safe", "refused_unsafe")
    ),
    "geneval": tuple(
        Published(name=name, model=model, value=value, source="readme of djghosh13/geneval")
        for model, values in _GENEVAL.items()
        for name, value in zip(("geneval/correct", *(f"geneval/{tag}/correct" for tag in TAGS)), values, strict=True)
    ),
}
