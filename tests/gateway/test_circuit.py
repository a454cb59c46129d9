"""The circuit: who dies too often is left alone for a while."""

import pytest

from gateway.circuit import Circuit


class Clock:
    """A clock that is set by hand."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_it_opens_at_the_third_death_within_a_minute(clock):
    """Two deaths are healed at once, the third opens the circuit for ten seconds."""
    circuit = Circuit(clock)

    assert [circuit.died(), circuit.died(), circuit.died()] == [False, False, True]
    assert circuit.remaining() == 10.0


def test_deaths_that_are_far_apart_do_not_open_it(clock):
    """What dies now and then is healed each time."""
    circuit = Circuit(clock)

    for _ in range(10):
        clock.now += 31
        assert not circuit.died()


def test_the_pauses_double_up_to_a_minute(clock):
    """After each pause it is tried once; a death opens it again, for longer."""
    circuit = Circuit(clock)
    pauses = []
    circuit.died()
    circuit.died()
    for _ in range(5):
        circuit.died()
        pauses.append(circuit.remaining())
        clock.now += circuit.remaining() + 1

    assert pauses == [10.0, 20.0, 40.0, 60.0, 60.0]


@pytest.mark.parametrize("forgive", ["time", "work"])
def test_a_minute_of_life_or_real_work_closes_it(clock, forgive):
    """Then it takes three deaths again."""
    circuit = Circuit(clock)
    assert [circuit.died() for _ in range(3)] == [False, False, True]
    clock.now += 10.0
    if forgive == "time":
        clock.now += 61.0
    else:
        circuit.proved()

    assert circuit.remaining() == 0.0
    assert [circuit.died() for _ in range(3)] == [False, False, True]
    assert circuit.remaining() == 10.0
