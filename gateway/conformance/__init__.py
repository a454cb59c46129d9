"""What every `Model` and every server owes: one list of checks, which pytest runs and `assay check` too."""

from gateway.conformance import answers, declared, limits, mangled, refusals
from gateway.conformance.check import Broken, Check
from kernel.contract import Model, Request

__all__ = ["CHECKS", "DECLARED", "MANGLED", "SERVER", "THOROUGH", "TRANSLATED", "WISHES", "Broken", "Check"]

SERVER = (declared.is_live, declared.is_ready, declared.says_what_it_is)
"""Of a server, given a `Peer`."""

DECLARED = (
    declared.is_loaded,
    declared.tells_its_tensors,
    declared.tells_its_configuration,
    declared.is_of_a_known_kind,
    declared.has_the_tensors_of_its_kind,
    declared.has_the_shapes_of_its_kind,
)
"""Of what a server says of a model, given that as a `Named`."""

TRANSLATED = (*DECLARED[:4], declared.speaks_its_dialect, *DECLARED[4:])
"""As `DECLARED`, of a model that is asked in other tensors than the contract's."""

CHECKS: tuple[Check[[Model, Request]], ...] = (
    answers.answers_what_its_kind_answers,
    answers.takes_any_unicode,
    answers.answers_many_at_once,
    answers.answers_the_same_again,
    limits.takes_large_pictures,
    limits.keeps_the_deadline,
    limits.ends_at_a_short_deadline,
    refusals.refuses_another_kind,
    refusals.refuses_what_is_no_picture,
    refusals.refuses_a_damaged_picture,
    limits.can_be_cancelled,
    limits.closes_twice,
)
"""Of every `Model`, given it and a request that it can answer. In the order in which they are run: the last one closes the model."""

WISHES: tuple[Check[[Model, Request]], ...] = (answers.tells_why_it_ended, answers.counts_tokens)
"""As `CHECKS`, of what a model may lack."""

THOROUGH: tuple[Check[[Model, Request]], ...] = (limits.takes_the_largest_messages,)
"""As `CHECKS`, for those who have the time."""

MANGLED = (
    mangled.answers_under_the_requests_id,
    mangled.knows_no_other_model,
    mangled.refuses_a_missing_input,
    mangled.refuses_another_type,
    mangled.refuses_text_that_is_not_utf8,
    mangled.refuses_bad_sampling_parameters,
    mangled.calls_bad_input_by_its_name,
)
"""Of a model behind a server, given a `Peer`, the model and a request that it can answer."""
