"""The checks themselves, on models in this process: a good one fits, and one that breaks a promise is told which."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from gateway import pictures
from gateway.canary import PICTURE
from gateway.conformance import CHECKS, DECLARED, MANGLED, SERVER, THOROUGH, WISHES, Broken
from gateway.conformance.answers import answers_the_same_again, answers_what_its_kind_answers, takes_any_unicode
from gateway.conformance.check import Status
from gateway.policy import Limited, Retrying
from gateway.within import Within
from kernel.contract import Deadline, Finish, Kind, Picture, Reply, Request, Sampling, Text
from kernel.errors import DeadlineExceeded, ModelFault, Unsupported

REQUEST = Request("m", (Text("hello"), PICTURE))
COUNT = itertools.count()


class Good:
    """Repeats its text."""

    seconds = 0.02

    async def infer(self, request, *, deadline):
        if request.kind is not Kind.GENERATE:
            raise Unsupported(f"no {request.kind} here")
        for picture in request.pictures:
            pictures.decode(picture.data)
        if deadline.remaining() < self.seconds:
            await self.wait(deadline.remaining())
            raise DeadlineExceeded("too late")
        await self.wait(self.seconds)
        return self.reply(request)

    async def wait(self, seconds):
        await asyncio.sleep(seconds)

    def reply(self, request):
        return Reply(texts=(request.text,), finish=(Finish.STOP,), input_tokens=1, output_tokens=1)

    async def aclose(self):
        """Nothing is held."""


class Late(Good):
    """Knows no deadline."""

    breaks = {"keeps the deadline", "ends at a short deadline"}

    async def infer(self, request, *, deadline):
        await asyncio.sleep(1.2 if deadline.remaining() < 1 else 0)
        return await super().infer(request, deadline=Deadline.after(10))


class Deaf(Good):
    breaks = {"can be cancelled"}

    async def wait(self, seconds):
        try:
            await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            await asyncio.sleep(1.5)


class Willing(Good):
    breaks = {"refuses another kind"}

    async def infer(self, request, *, deadline):
        return await super().infer(Request(request.model, request.parts, sampling=request.sampling), deadline=deadline)


class ClosesOnce(Good):
    breaks = {"closes twice"}
    closed = False

    async def aclose(self):
        assert not self.closed
        self.closed = True


class Raises(Good):
    breaks = {"refuses a damaged picture", "refuses what is no picture"}

    async def infer(self, request, *, deadline):
        for picture in request.pictures:
            assert picture.data.endswith(b"IEND\xaeB`\x82"), "no end"
        return await super().infer(request, deadline=deadline)


class SaysNothing(Good):
    breaks = {"answers what its kind answers"}

    def reply(self, request):
        return Reply(rows=((1.0,),), finish=(Finish.STOP,), input_tokens=1, output_tokens=1)


def unfit(findings):
    """The required checks that do not hold."""
    return {finding.check for finding in findings if finding.status is Status.BROKEN}


async def findings_of(model):
    return [await check.finding("m", model, REQUEST) for check in CHECKS]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("wrap", [lambda m: m, lambda m: Within(m, 30), lambda m: Limited(m, 4), lambda m: Retrying(m, supervised=False)])
async def test_a_good_model_fits_and_so_do_our_wrappers_around_it(check, wrap):
    """Whoever wraps a model owes what the model owes."""
    await check(wrap(Good()), REQUEST)


@pytest.mark.parametrize("model", [Late, Deaf, Willing, ClosesOnce, Raises, SaysNothing], ids=lambda model: model.__name__)
async def test_a_model_that_breaks_a_promise_is_told_which(model):
    """And only that."""
    assert unfit(await findings_of(model())) == model.breaks


async def test_what_a_model_raises_is_told_and_not_raised():
    """An exception of its own is no ModelError; in pytest it comes through."""

    class Careless(Good):
        def reply(self, request):
            raise ZeroDivisionError("by zero")

    finding = await answers_what_its_kind_answers.finding("m", Careless(), REQUEST)

    assert finding.found == "it raised ZeroDivisionError, which is no ModelError: by zero"
    assert finding.mend == "raise a ModelError of kernel.errors"
    with pytest.raises(ZeroDivisionError):
        await answers_what_its_kind_answers(Careless(), REQUEST)


async def test_an_error_where_an_answer_was_due_names_its_mend():
    class Faulty(Good):
        def reply(self, request):
            raise ModelFault("no memory")

    finding = await answers_what_its_kind_answers.finding("m", Faulty(), REQUEST)

    assert (finding.status, finding.found, finding.mend) == (Status.BROKEN, "ModelFault: no memory", "see the model's log; it raised")


async def test_a_model_that_repeats_text_repeats_it_as_it_was():
    """Of one that says something else, nobody can tell what it read."""

    class Mangles(Good):
        def reply(self, request):
            return Reply(texts=(request.text.replace("漢字", "??"),))

    class Talks(Good):
        def reply(self, request):
            return Reply(texts=("A canary is a bird.",))

    with pytest.raises(Broken, match="it repeats plain text, and makes of"):
        await takes_any_unicode(Mangles(), REQUEST)
    assert await takes_any_unicode(Talks(), REQUEST) == "answered"


async def test_a_model_that_takes_no_seed_is_asked_without():
    class Unseeded(Good):
        def reply(self, request):
            if request.sampling.seed is not None:
                raise Unsupported("no seed")
            return Reply(texts=(str(next(COUNT)),))

    assert await answers_the_same_again(Unseeded(), REQUEST) == "different answers 3 times, and it takes no seed"


async def test_what_does_not_concern_a_model_is_not_asked():
    """A model that sees nothing is asked nothing about pictures; the check passes where it is only called."""
    blind = Request("m", (Text("hello"),), sampling=Sampling(max_tokens=1))
    findings = [await check.finding("m", Good(), blind) for check in CHECKS]

    assert {finding.check for finding in findings if finding.status is Status.NOT_ASKED} == {
        "takes large pictures",
        "refuses what is no picture",
        "refuses a damaged picture",
    }


def test_every_check_has_its_promise_and_its_mend():
    """What is told as it is needs no mend."""
    checks = (*SERVER, *DECLARED, *CHECKS, *WISHES, *THOROUGH, *MANGLED)

    assert len({check.name for check in checks}) == len(checks)
    for check in checks:
        assert check.promise.endswith("."), check.name
        assert bool(check.mend) == (check.weight != "told"), check.name


def test_the_pictures_are_what_they_are_for():
    """The damaged one is a PNG by its first bytes, and as long as a whole one."""
    from gateway.conformance.samples import DAMAGED, NO_PICTURE, different, noise

    assert DAMAGED.data[:41] == PICTURE.data[:41]
    assert len(DAMAGED.data) == len(PICTURE.data)
    assert not NO_PICTURE.data.startswith((b"\x89PNG", b"\xff\xd8", b"RIFF"))
    assert 0.98 < len(noise(1_000_000).data) / 1_000_000 <= 1
    assert len({(one.text, one.pictures[0].data) for one in different(REQUEST, 8)}) == 8
    assert len({one.parts[0].data for one in different(Request("m", (Picture(b""),), Kind.READ), 8)}) == 8
