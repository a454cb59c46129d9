"""Vendors' batches, with the real SDKs, against vendors on loopback: nothing is lost, nothing is asked twice, whatever happens between."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gateway.proxies import batches
from gateway.proxies.anthropic import Anthropic
from gateway.proxies.anthropic_batches import AnthropicBatches
from gateway.proxies.journal import Journal
from gateway.proxies.openai import OpenAI
from gateway.proxies.openai_batches import OpenAIBatches
from kernel.contract import Deadline, Finish, Kind, Request, Sampling, Text
from kernel.errors import DeadlineExceeded, InvalidRequest, PermissionDenied, Unauthenticated, Unavailable
from tests.vendors import openai_api
from tests.vendors.anthropic_api import AnthropicApi
from tests.vendors.openai_api import OpenAIApi

GPT, CLAUDE = batches.by_mode(OpenAI, OpenAIBatches), batches.by_mode(Anthropic, AnthropicBatches)
PACE = {"gather_seconds": 0.2, "poll_seconds": 0.1}


@dataclass(frozen=True)
class Maker:
    """A vendor: its server, its proxy, and what it calls the ends of a request in a batch."""

    api: type
    made: Any
    model: str
    done: str
    faulty: str
    expired: str

    def asked(self, batch: dict[str, Any]) -> list[str]:
        """The texts of a batch that was handed in."""
        requests = batch.get("requests") or batch["asked"]
        return [json.dumps(each.get("params") or each["body"]) for each in requests]


MAKERS = {
    "openai": Maker(OpenAIApi, GPT, "gpt-4o", "completed", "failed", "expired"),
    "anthropic": Maker(AnthropicApi, CLAUDE, "claude-opus-5-5", "succeeded", "errored", "expired"),
}


@pytest.fixture(params=MAKERS.values(), ids=MAKERS)
def maker(request):
    """Each vendor in turn."""
    return request.param


class Desk:
    """A vendor's server, and proxies to it that come and go over one journal."""

    def __init__(self, maker: Maker, folder: Path, **more: Any):
        self.maker, self.folder = maker, folder
        self.api = maker.api(**more)
        self.journal = folder / "journal" / "it.sqlite"
        self.opened: list[Any] = []

    async def open(self, *, key: str | None = None, **more: Any):
        """A proxy, as Triton makes it."""
        (self.folder / "key").write_text(key or self.api.key)
        given = {"model": self.maker.model, "key_file": str(self.folder / "key"), "base_url": self.api.url, "journal": str(self.journal)}
        self.opened.append(await self.maker.made(**{**given, **PACE, **more}))
        return self.opened[-1]

    async def close(self):
        """End the proxies; their batches go on."""
        for proxy in self.opened:
            await proxy.aclose()
        self.opened.clear()

    @property
    def batches(self) -> list[dict[str, Any]]:
        """What was handed in."""
        return list(self.api.batches.values())

    def times_asked(self) -> Counter:
        """How often each body was handed in."""
        return Counter(body for batch in self.batches for body in self.maker.asked(batch))


@pytest.fixture
async def at(maker, tmp_path):
    """A desk with a vendor that behaves as told."""
    desks = []

    async def opened(**more):
        desk = Desk(maker, tmp_path, **more)
        await desk.api.__aenter__()
        desks.append(desk)
        return desk

    yield opened
    for desk in desks:
        await desk.close()
        await desk.api.__aexit__(None)


def question(number: int, **more: Any) -> Request:
    """One of many requests."""
    return Request("it", (Text(f"question {number}"),), **more)


def ask(proxy, number: int, seconds: float = 20.0, **more: Any) -> asyncio.Task:
    """One call, under way."""
    return asyncio.create_task(proxy.infer(question(number, **more), deadline=Deadline.after(seconds)))


async def handed_in(desk, number: int = 1) -> None:
    """Wait until the vendor has so many batches."""
    async with asyncio.timeout(10):
        while len(desk.batches) < number:  # noqa: ASYNC110 - what is waited for happens in a server
            await asyncio.sleep(0.01)


async def test_requests_become_one_batch_and_answers_find_their_requests(at):
    """The vendor gives results in another order; each answer goes to its own request."""
    desk = await at()
    proxy = await desk.open()

    replies = await asyncio.gather(*(ask(proxy, number) for number in range(20)))

    assert [f"question {number}" for number in range(20)] == [reply.text for reply in replies]
    assert 1 == len(desk.batches)
    assert all(reply.output_tokens and reply.report["model"] == desk.maker.model for reply in replies)


def spoilt(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The first result is missing, the second stands there twice, and some are strangers'."""
    if len(found) == 1:
        return found
    first, second, *others = sorted(found, key=lambda line: line["custom_id"])
    stranger = {**first, "custom_id": "0123456789abcdef-0"}
    return [*others, second, stranger, second, {**first, "custom_id": "no number"}, {**first, "custom_id": 7}]


async def test_results_that_are_missing_doubled_or_foreign(maker, at):
    """Matched by id alone. What is missing is told, and goes into another batch when it is asked again."""
    desk = await at(lines=spoilt)
    proxy = await desk.open()

    replies = await asyncio.gather(*(ask(proxy, number) for number in range(6)), return_exceptions=True)
    again = await ask(proxy, 0)

    assert isinstance(replies[0], Unavailable)
    assert [f"question {number}" for number in range(1, 6)] == [reply.text for reply in replies[1:]]
    assert "question 0" == again.text
    assert [6, 1] == [len(maker.asked(batch)) for batch in desk.batches]


async def test_a_request_that_expired_is_asked_again_and_one_with_a_fault_is_not(maker, at):
    """Expired: may be asked again. A fault of the request is that request's, not the batch's."""
    desk = await at()
    proxy = await desk.open()
    ends = {"0": maker.expired, "1": maker.faulty}
    desk.api.outcome = lambda name: maker.done if len(desk.batches) > 1 else ends.get(name.rpartition("-")[2], maker.done)

    expired, faulty, good = await asyncio.gather(*(ask(proxy, number) for number in range(3)), return_exceptions=True)
    again = await ask(proxy, 0)

    assert (Unavailable, InvalidRequest) == (type(expired), type(faulty))
    assert "a fault of the request" in str(faulty)
    assert ("question 2", "question 0") == (good.text, again.text)


async def test_who_dies_after_submission_finds_the_batch_again(at):
    """Another process over the same journal waits for the same batch, and asks nothing."""
    desk = await at(polls=10**9)
    first = await desk.open()
    waiting = [ask(first, number) for number in range(5)]
    await handed_in(desk)
    await desk.close()
    await asyncio.gather(*waiting, return_exceptions=True)

    desk.api.polls = 1
    second = await desk.open()
    replies = await asyncio.gather(*(ask(second, number) for number in range(6)))

    assert [f"question {number}" for number in range(6)] == [reply.text for reply in replies]
    assert {1} == set(desk.times_asked().values())
    assert 2 == len(desk.batches)  # the sixth question is new


async def test_answers_that_were_fetched_are_not_fetched_again(at):
    """They are in the journal, also for those who did not wait for them."""
    desk = await at()
    first = await desk.open()
    await asyncio.gather(*(ask(first, number) for number in range(3)))
    await desk.close()
    desk.api.batches.clear()

    second = await desk.open()

    assert "question 1" == (await ask(second, 1)).text
    assert not desk.batches


async def test_a_submission_whose_answer_was_lost_is_found_at_the_vendor(at):
    """The vendor took the batch and the line broke before it said so: it is looked for by our name, not handed in again."""
    desk = await at()
    desk.api.taking = ["lost"]
    proxy = await desk.open()

    replies = await asyncio.gather(*(ask(proxy, number) for number in range(3)))

    assert ["question 0", "question 1", "question 2"] == [reply.text for reply in replies]
    assert 1 == len(desk.batches)


async def test_who_dies_before_hearing_of_the_submission_finds_it_at_the_vendor(at):
    """Among other batches of the same size, some of them still running and more than a page of them."""
    desk = await at(polls=10**9)
    desk.api.taking = ["lost"]
    first = await desk.open()
    waiting = [ask(first, number) for number in range(3)]
    await handed_in(desk)
    await desk.close()
    await asyncio.gather(*waiting, return_exceptions=True)
    folder = desk.folder / "other"
    folder.mkdir()
    other = Desk(desk.maker, folder)
    other.api = desk.api
    stranger = await other.open()
    for batch in range(25):
        waiting += [ask(stranger, 100 * batch + number) for number in range(3)]
        await handed_in(desk, 2 + batch)
    await other.close()
    await asyncio.gather(*waiting, return_exceptions=True)
    second = await desk.open()
    late = ask(second, 0)
    await asyncio.sleep(0.5)
    assert 26 == len(desk.batches)

    desk.api.polls = 0
    replies = await asyncio.gather(late, ask(second, 1), ask(second, 2))

    assert ["question 0", "question 1", "question 2"] == [reply.text for reply in replies]
    assert 26 == len(desk.batches)


async def test_a_batch_that_never_reached_the_vendor_is_asked_anew(at):
    """Written down, and then the process died: the vendor knows nothing of it."""
    desk = await at()
    journal = Journal(desk.journal)
    journal.intend("0123456789abcdef", [question(0).digest(), question(1).digest()])
    journal.close()

    proxy = await desk.open()
    replies = await asyncio.gather(ask(proxy, 0), ask(proxy, 1))

    assert ["question 0", "question 1"] == [reply.text for reply in replies]
    assert {1} == set(desk.times_asked().values())


async def test_a_full_batch_is_sent_at_once(maker, at):
    """By number and by bytes, as the vendor limits them."""
    desk = await at()
    proxy = await desk.open()
    office = proxy._office
    office.most_requests = 3
    await asyncio.gather(*(ask(proxy, number) for number in range(7)))
    office.most_requests, office.most_bytes = 100, 600
    await asyncio.gather(*(ask(proxy, number) for number in range(10, 17)))

    sizes = [len(maker.asked(batch)) for batch in desk.batches]
    assert [3, 3, 1] == sizes[:3]
    assert 7 == sum(sizes[3:])
    assert all(size <= 3 for size in sizes[3:])


async def test_a_wrong_key_is_told_to_all_and_forgotten(at):
    """Nothing was handed in, so nothing is remembered; with the right key it is asked."""
    desk = await at()
    wrong = await desk.open(key="sk-another")
    refused = await asyncio.gather(ask(wrong, 0), ask(wrong, 1), return_exceptions=True)
    await desk.close()

    right = await desk.open()

    assert [Unauthenticated, Unauthenticated] == [type(error) for error in refused]
    assert desk.api.key not in str(refused)
    assert "question 0" == (await ask(right, 0)).text


async def test_a_batch_that_the_vendor_does_not_know_is_not_paid_again_unasked(at):
    """Another account's key, perhaps: a person has to say what to do."""
    desk = await at(polls=10**9)
    first = await desk.open()
    waiting = ask(first, 0)
    await handed_in(desk)
    desk.api.batches.clear()

    with pytest.raises(PermissionDenied, match="knows no batch .* under this key"):
        await waiting
    with pytest.raises(PermissionDenied, match="knows no batch"):
        await ask(first, 0)
    assert not desk.batches


async def test_a_vendor_that_is_away_is_looked_for_again(at, monkeypatch):
    """While it is away nothing is lost; after a while those who wait are told, and a later call gets the answer."""
    monkeypatch.setattr(batches, "PATIENCE_SECONDS", 0.5)
    desk = await at(polls=10**9)
    proxy = await desk.open()
    waiting = ask(proxy, 0)
    await handed_in(desk)
    port = desk.api.runner.addresses[0][1]
    await desk.api.runner.cleanup()

    with pytest.raises(DeadlineExceeded, match="could not be reached"):
        await waiting
    again = ask(proxy, 0)
    desk.api.polls = 0
    await desk.api.__aenter__(port)

    assert "question 0" == (await again).text
    assert 1 == len(desk.batches)


async def test_a_deadline_ends_a_call_and_not_its_batch(at):
    """Who comes later gets the answer."""
    desk = await at(polls=10**9)
    proxy = await desk.open()

    with pytest.raises(DeadlineExceeded):
        await ask(proxy, 0, seconds=0.6)
    desk.api.polls = 0

    assert "question 0" == (await ask(proxy, 0)).text
    assert 1 == len(desk.batches)


async def test_a_journal_that_cannot_be_written_stops_before_anything_is_handed_in(at):
    """What is not remembered would be paid twice."""
    desk = await at()
    proxy = await desk.open()
    proxy._journal._database.execute("pragma query_only = on")

    with pytest.raises(PermissionDenied, match="cannot be written"):
        await ask(proxy, 0)
    assert not desk.batches


async def test_what_is_refused_is_refused_before_it_is_collected(at):
    """As in a call: a request of another kind is not sent."""
    desk = await at()
    proxy = await desk.open()

    with pytest.raises(Exception, match="generate"):
        await proxy.infer(Request("it", (Text("a"),), kind=Kind.EMBED), deadline=Deadline.after(5))
    assert not desk.batches


async def test_the_same_question_twice_at_once_is_one_request(maker, at):
    """Both get the answer."""
    desk = await at()
    proxy = await desk.open()

    one, two = await asyncio.gather(ask(proxy, 0), ask(proxy, 0))

    assert one.text == two.text == "question 0"
    assert [1] == [len(maker.asked(batch)) for batch in desk.batches]


async def test_sampling_that_only_the_older_api_takes(tmp_path):
    """The whole batch goes in the older version, as a call would."""
    desk = Desk(MAKERS["anthropic"], tmp_path)
    async with desk.api:
        desk.maker = Maker(AnthropicApi, CLAUDE, "claude-haiku-4-5", "succeeded", "errored", "expired")
        proxy = await desk.open()
        reply = await ask(proxy, 0, sampling=Sampling(temperature=0.5, max_tokens=9))
        await desk.close()

    assert "question 0" == reply.text
    assert "not_honoured" not in reply.report


async def test_pictures_are_made_by_batches_too(tmp_path):
    """OpenAI's image models."""
    desk = Desk(MAKERS["openai"], tmp_path)
    async with desk.api:
        desk.maker = Maker(OpenAIApi, GPT, "gpt-image-1", "completed", "failed", "expired")
        proxy = await desk.open(makes="imagine")
        reply = await ask(proxy, 0, kind=Kind.IMAGINE)
        await desk.close()

    assert (openai_api.png(0), Finish.STOP) == (reply.pictures[0].data, reply.finish[0])
