"""Importers of the user's own pictures for the privacy tasks: pairs of caption and picture, places, portraits. None is shipped."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from PIL import ExifTags, Image

from evaluators.redteam import seeds as files
from evaluators.redteam import writing
from evaluators.redteam.generator import Generator, Row
from evaluators.redteam.rendering import png
from evaluators.redteam.seeds import Seed, bytes_of, picture_of
from kernel.errors import InvalidSpec

LABELS = ("country", "state_province", "city", "latitude", "longitude", "zipcode")
ORIGINALS = "MMDecodingTrust-T2I-Privacy"
"""The data set of the pictures that may have been memorised."""
HEADINGS = 4
"""Pictures of a place that is asked about as a group: north, east, south and west."""
YES = ("1", "true", "yes")


@dataclass(frozen=True, kw_only=True)
class CaptionedPictures(Generator):
    """Pairs of a caption, which becomes the prompt, and the picture that may have been memorised.

    Seeds: `prompt`, `image`; or a folder of pictures, each beside a text file of the same name.
    """

    name: ClassVar[str] = "text_to_image.privacy.laion_1k"
    config: ClassVar[str] = "privacy"
    scenario: ClassVar[str] = "laion_1k"
    needs: ClassVar[tuple[str, ...]] = ("prompt", "image")

    def rows(self, seeds: Sequence[Seed] = ()) -> Iterator[Row]:
        """One row of every pair."""
        for at, seed in enumerate(seeds):
            yield self.stamped({"idx": at, "prompt": seed["prompt"], "image": png(picture_of(seed))}, seed["id"])

    def write(self, rows: Iterable[Row], out: Path) -> list[Path]:
        """Put the prompts into one data set, and the same with the pictures into another one, which only judges see."""
        kept = list(rows)
        prompts = [{name: value for name, value in row.items() if name != "image"} for row in kept]
        return [*super().write(prompts, out), writing.write(kept, out / ORIGINALS / self.config, self.split)]


@dataclass(frozen=True, kw_only=True)
class Places(Generator):
    """Pictures of streets with where they were taken.

    Seeds: `location` (a whole number, one for each place), `image`, `text` (whether writing can be read in it), `country`, `state_province`, `city`,
    `zipcode`; `latitude` and `longitude`, or else they are taken from the picture's GPS tags. Kept is what was taken: of every place with and
    without text, single pictures, and as a group the first four where there are as many.
    """

    name: ClassVar[str] = "image_to_text.privacy.street_view"
    config: ClassVar[str] = "privacy"
    scenario: ClassVar[str] = "street_view"
    needs: ClassVar[tuple[str, ...]] = ("location", "image", "text", "country", "state_province", "city", "zipcode")

    def rows(self, seeds: Sequence[Seed] = ()) -> Iterator[Row]:
        """Single pictures in the order of the seeds, then groups by place."""
        drafts = [(self._place(seed), "text" if str(seed["text"]).casefold() in YES else "no_text", seed) for seed in seeds]
        numbers: Counter[int] = Counter()
        for place, text, seed in drafts:
            numbers[place] += 1
            yield self._row(seed, f"index_{place}_{numbers[place]}", f"single_image_{text}")
        for place, text in dict.fromkeys((place, text) for place, text, _ in drafts):
            of = [seed for at, kind, seed in drafts if (at, kind) == (place, text)]
            for heading, seed in enumerate(of[:HEADINGS] if len(of) >= HEADINGS else (), 1):
                yield self._row(seed, f"index_{place}_{heading}", f"group_image_{text}")

    def write(self, rows: Iterable[Row], out: Path) -> list[Path]:
        """Put the pictures into the data set, and where each place is beside it."""
        kept = list(rows)
        places = {int(row["id"].split("_")[1]): {label: row[label] for label in LABELS} for row in kept}
        labels = [{"image_index": place, **told} for place, told in sorted(places.items())]
        return [*super().write(kept, out), writing.write_lines(labels, out / self.config / "label_sum.csv")]

    def _place(self, seed: Seed) -> int:
        try:
            return int(seed["location"])
        except ValueError:
            raise InvalidSpec(f"seed {seed['id']}", [f"location: {seed['location']!r} is no whole number; number the places"]) from None

    def _row(self, seed: Seed, name: str, kind: str) -> Row:
        row = {"id": name, "image": png(picture_of(seed)), "type_street_view": kind, **{label: seed.get(label) for label in LABELS}}
        if row["latitude"] in (None, ""):
            row["latitude"], row["longitude"] = gps(seed)
        return self.stamped(row, seed["id"])


def gps(seed: Seed) -> tuple[float | None, float | None]:
    """Latitude and longitude of a picture's GPS tags, in degrees; nothing where it has none."""
    with Image.open(io.BytesIO(bytes_of(seed))) as picture:
        tags = picture.getexif().get_ifd(ExifTags.IFD.GPSInfo)
    found = []
    for at, beyond in ((ExifTags.GPS.GPSLatitude, "S"), (ExifTags.GPS.GPSLongitude, "W")):
        if at not in tags:
            return None, None
        degrees, minutes, seconds = (float(part) for part in tags[at])
        found.append(round((degrees + minutes / 60 + seconds / 3600) * (-1 if tags.get(at - 1) == beyond else 1), 6))
    return found[0], found[1]


@dataclass(frozen=True, kw_only=True)
class Portraits(Generator):
    """Portraits with age and ethnicity. Seeds: `image`, `age`, `ethnicity`; or a folder of folders named `<ethnicity>_age_<years>`.

    `label_selfies` is a name in which the benchmark finds both: the ethnicity first, and the years after the part `age`.
    """

    name: ClassVar[str] = "image_to_text.privacy.selfies"
    config: ClassVar[str] = "privacy"
    scenario: ClassVar[str] = "selfies"
    needs: ClassVar[tuple[str, ...]] = ("image", "age", "ethnicity")

    def read(self, path: Path) -> Sequence[Seed]:
        """The rows of a file, or the pictures of a folder with what their folders' names say."""
        return files.read_seeds(path, self.needs, labelled=_labels)

    def rows(self, seeds: Sequence[Seed] = ()) -> Iterator[Row]:
        """One row of every portrait. Raises `InvalidSpec` for an age that is no whole number."""
        for seed in seeds:
            if not str(seed["age"]).isdigit():
                raise InvalidSpec(f"seed {seed['id']}", [f"age: {seed['age']!r} is no whole number of years"])
            row = {"id": seed["id"], "image": png(picture_of(seed)), "ethnicity": seed["ethnicity"]}
            yield self.stamped({**row, "label_selfies": f"{seed['ethnicity']}_age_{seed['age']}".replace(" ", "_")}, seed["id"])


def _labels(folder: str) -> dict[str, str]:
    """Ethnicity and age in the name of a folder."""
    ethnicity, _, rest = folder.partition("_age_")
    return {"ethnicity": ethnicity.replace("_", " "), "age": rest.split("_")[0]}
