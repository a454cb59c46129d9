"""What is asked of the Hugging Face hub, and what it refuses, told in one line that says what mends it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gateway import weights
from kernel.errors import InvalidSpec

DESCRIBING = (weights.CONFIG, "model_index.json")


@contextmanager
def asked(where: str, named_by: str, source: str, revision: str | None) -> Iterator[None]:
    """Whatever the hub, or the way to it, refuses is raised as `InvalidSpec`."""
    from huggingface_hub import errors  # noqa: PLC0415 - half a second, for those who name a model of the hub

    try:
        yield
    except InvalidSpec:
        raise
    except errors.GatedRepoError:
        mend = f"ask for access at huggingface.co/{source}, then `hf auth login`"
        raise InvalidSpec(where, [f"{named_by}: {source} is gated; {mend}"]) from None
    except (errors.RepositoryNotFoundError, errors.RevisionNotFoundError):
        raise InvalidSpec(where, [f"{named_by}: the hub has no {source}" + (f" at {revision}" if revision else "")]) from None
    except Exception as error:  # noqa: BLE001 - whatever its HTTP library raises
        why = f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else ''}"[:300]
        raise InvalidSpec(where, [f"{named_by}: {source} is not on this machine and cannot be had from the hub ({why})"]) from None


def described(where: str, named_by: str, source: str, revision: str | None, folder: Path, *, code: bool = False) -> None:
    """Bring what describes a checkpoint, and no weights, into a folder. Raises `InvalidSpec` where it may not be had or has no safetensors.

    code: whether the checkpoint's own Python is brought too.
    """
    import huggingface_hub  # noqa: PLC0415 - half a second, for those who name a model of the hub

    with asked(where, named_by, source, revision):
        huggingface_hub.auth_check(source)
        told = huggingface_hub.model_info(source, revision=revision)
        names = [each.rfilename for each in told.siblings or ()]
        if not any(name.endswith(".safetensors") for name in names):
            found = weights.some([name for name in names if name.endswith(weights.PICKLES)]) or "nothing"
            raise InvalidSpec(where, [f"{named_by}: {source} has no safetensors on the hub, of weights it has {found}; name a revision that has them"])
        for name in names:
            if name in DESCRIBING or (code and name.endswith(".py")):
                huggingface_hub.hf_hub_download(source, name, revision=told.sha, local_dir=folder)
