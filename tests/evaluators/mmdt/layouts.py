"""The official data sets of MMDT in miniature, in exactly the forms in which they are published.

Image to text: Parquet with the pictures inside, as `datasets` pushes it, and a card that names the files of every configuration and split.
Text to image: a JSON array a split, and a card. The originals of the privacy prompts: Parquet. Beside them JSON lines and CSV.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from tests.evaluators.mmdt.layout_rows import fairness_files, image_to_text, picture, text_to_image

T2I, I2T, ORIGINALS = "MMDecodingTrust-T2I", "MMDecodingTrust-I2T", "MMDecodingTrust-T2I-Privacy"
Rows = Sequence[Mapping[str, Any]]

IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def write_json(folder: Path, config: str, split: str, rows: Rows, repository: str = T2I) -> Path:
    """A split as a JSON array, named in the card."""
    path = folder / repository / config / f"{split}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(rows, indent=4), encoding="utf-8")
    _name_in_card(folder / repository, config, split, f"{config}/{split}.json")
    return path


def write_parquet(folder: Path, config: str, split: str, rows: Rows, repository: str = I2T, *, shards: int = 1, row_group: int = 100) -> list[Path]:
    """A split as Parquet, named in the card. A value of bytes is a picture; fields that a row lacks are null, as all rows have one schema."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    pictures = {name for name in names for row in rows if isinstance(row.get(name), bytes)}
    features = {name: {"_type": "Image"} if name in pictures else {"dtype": "string", "_type": "Value"} for name in names}
    columns = []
    for name in names:
        values = [row.get(name) for row in rows]
        held = [None if value is None else {"bytes": value, "path": None} for value in values]
        columns.append(pa.array(held, IMAGE) if name in pictures else pa.array(values))
    whole = pa.Table.from_arrays(columns, names=names).replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    paths = []
    size = -(-len(rows) // shards) if rows else 0
    for shard in range(shards):
        path = folder / repository / config / f"{split}-{shard:05}-of-{shards:05}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(whole.slice(shard * size, size), path, row_group_size=row_group)
        paths.append(path)
    _name_in_card(folder / repository, config, split, f"{config}/{split}-*")
    return paths


def write_folder(folder: Path, config: str, split: str, rows: Rows, repository: str = I2T) -> Path:
    """A split as a folder of pictures with their fields in `metadata.jsonl`; the picture of a row is its field `image`."""
    place = folder / repository / config / split
    place.mkdir(parents=True, exist_ok=True)
    lines = []
    for number, row in enumerate(rows):
        name = f"{number:04}.png"
        (place / name).write_bytes(row["image"])
        lines.append(json.dumps({"file_name": name, **{key: value for key, value in row.items() if key != "image"}}) + "\n")
    (place / "metadata.jsonl").write_text("".join(lines), encoding="utf-8")
    return place


def write_lines(folder: Path, name: str, rows: Rows) -> Path:
    """JSON lines beside the data sets, such as `fairness/hiring`."""
    path = folder / f"{name}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def write_table(folder: Path, name: str, rows: Rows) -> Path:
    """CSV beside the data sets, such as `privacy/label_sum`."""
    path = folder / f"{name}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def _name_in_card(repository: Path, config: str, split: str, path: str) -> None:
    card = repository / "README.md"
    head = yaml.load(card.read_text(encoding="utf-8").split("---")[1], yaml.CSafeLoader) if card.is_file() else {"language": ["en"], "configs": []}
    entry = next((each for each in head["configs"] if each["config_name"] == config), None)
    if entry is None:
        entry = {"config_name": config, "data_files": []}
        head["configs"].append(entry)
    entry["data_files"] = [each for each in entry["data_files"] if each["split"] != split] + [{"split": split, "path": path}]
    card.write_text(f"---\n{yaml.dump(head, Dumper=yaml.CSafeDumper, sort_keys=False)}---\n# {repository.name}\n", encoding="utf-8")


def write_official(folder: Path, each: int = 2) -> Path:
    """Every configuration and split, `each` rows of every task."""
    for (config, split), rows in text_to_image(each).items():
        write_json(folder, config, split, rows)
    for (config, split), rows in image_to_text(each).items():
        write_parquet(folder, config, split, rows)
    captions = [{"idx": number, "prompt": f"a caption of picture {number}", "image": picture(number)} for number in range(each)]
    write_parquet(folder, "privacy", "laion_1k", captions, ORIGINALS)
    for name, rows in fairness_files(each).items():
        write_lines(folder, f"fairness/{name}", rows)
    place = {"country": "France", "state_province": "Occitanie", "city": "Toulouse", "latitude": 43.6, "longitude": 1.44}
    write_table(folder, "privacy/label_sum", [{**place, "image_index": 1 + number, "zipcode": "31000"} for number in range(each)])
    return folder
