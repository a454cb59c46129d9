"""Texts that a language model writes together: one step is one token for each, and a text joins or leaves between two steps.

The keys and values of all rows are one table, [rows, heads, places, width] for each layer. A row stands at its right end, so what a step
gives out is what the next one takes in, and nothing is copied but when a row comes or goes. The table is as long as its longest row, and
never longer than the profile of the plan.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

import torch

from gateway.engines.serving import Network, Networks, Tensors

PAST, PRESENT = "past_", "present_"


@dataclass(eq=False)
class Row:
    """A text that is being written.

    read: what stands before it, as the decoder takes it [length, width]. most: tokens that it may have. draw: the next token, of logits on
    the CPU; without it the likeliest is taken.
    """

    read: torch.Tensor
    most: int
    draw: Callable[[torch.Tensor], int] | None = None
    written: list[int] = field(default_factory=list)

    @property
    def places(self) -> int:
        """Places in the table: the last token that was written has none before the next step."""
        return len(self.read) + max(0, len(self.written) - 1)


class Rows:
    """The rows that are written at the moment. end: the token after which a text ends. steps: tokens that were written one for each row."""

    def __init__(self, networks: Networks, *, end: int) -> None:
        self._network: Network = networks["decoder_step"]
        self._words: Network = networks["token_embedding"]
        self._device, self._end = networks.device, end
        self._rows: list[Row] = []
        graph = self._network.graph
        self._room, self._reach = graph.axes["batch"][2], graph.axes["past"][2]
        dims = {each.name: each.dims for each in graph.inputs if each.name.startswith(PAST)}
        self._nothing = {name: torch.empty(0, int(heads), 0, int(width), device=self._device) for name, (_, heads, _, width) in dims.items()}
        self._table: Tensors = self._nothing
        self.steps = 0

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def free(self) -> int:
        """How many more rows there is room for."""
        return self._room - len(self._rows)

    def join(self, fresh: Sequence[Row]) -> list[Row]:
        """Read what stands before new rows, and write the first token of each. Those that end with it are given back and stay out."""
        longest = max(row.places for row in fresh)
        before = torch.stack([_filled_up(row.read, longest) for row in fresh])
        logits, table = self._asked(before, fresh, {name: each.new_empty(len(fresh), each.shape[1], 0, each.shape[3]) for name, each in self._nothing.items()})
        places = max(longest, self._table_places)
        both = {name: torch.cat([_filled_up(part, places) for part in (self._table[name], each)]) for name, each in table.items()}
        ended = self._drawn(fresh, logits)
        self._rows, self._table = [*self._rows, *fresh], both
        self.leave(ended)
        return ended

    def step(self) -> list[Row]:
        """Write a token of every row. Those that end with it have left and are given back."""
        self.steps += 1
        last = torch.tensor([row.written[-1:] for row in self._rows], device=self._device)
        logits, self._table = self._asked(self._words(input_ids=last)["inputs_embeds"], self._rows, self._table)
        ended = self._drawn(self._rows, logits)
        self.leave(ended)
        return ended

    def leave(self, gone: Collection[Row]) -> None:
        """Take rows out, and the places in the table that only they needed."""
        kept = [number for number, row in enumerate(self._rows) if row not in gone]
        if len(kept) == len(self._rows):
            return
        self._rows = [self._rows[number] for number in kept]
        longest = max((row.places for row in self._rows), default=0)
        self._table = {name: each[kept, :, each.shape[2] - longest :] for name, each in self._table.items()} if kept else self._nothing

    @property
    def _table_places(self) -> int:
        return next(iter(self._table.values())).shape[2]

    def _asked(self, embeds: torch.Tensor, rows: Sequence[Row], table: Tensors) -> tuple[torch.Tensor, Tensors]:
        """Logits for each row, and the longer table."""
        length = embeds.shape[1]
        total = next(iter(table.values())).shape[2] + length
        taken = torch.tensor([[len(row.read) + len(row.written)] for row in rows], device=self._device)
        mask = (torch.arange(total, device=self._device) >= total - taken).long()
        positions = (mask.cumsum(1) - 1).clamp(min=0)[:, -length:]
        found = self._network(inputs_embeds=embeds, attention_mask=mask, position_ids=positions, **table)
        return found["logits"], {name: found[name.replace(PAST, PRESENT)] for name in table}

    def _drawn(self, rows: Sequence[Row], logits: torch.Tensor) -> list[Row]:
        """Write the next token of each; those that end with it."""
        for row, token, likely in zip(rows, logits.argmax(-1).tolist(), logits, strict=True):
            row.written.append(token if row.draw is None else row.draw(likely.float().cpu()))
        return [row for row in rows if row.written[-1] == self._end or len(row.written) >= row.most or row.places > self._reach]


def _filled_up(tensor: torch.Tensor, places: int) -> torch.Tensor:
    """With zeros before it, up to so many places."""
    return torch.nn.functional.pad(tensor, (0, 0, places - tensor.shape[-2], 0))
