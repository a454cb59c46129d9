"""Vendors' entries of a catalog: what is refused, and where a key goes and where it does not."""

import stat
from dataclasses import replace

import pytest

from gateway import repository, vendors
from gateway.catalog import read_catalog
from kernel.contract import Kind
from kernel.errors import InvalidSpec

CANARY = "sk-canary-0123456789abcdefghijklmnopqrstuvwxyz"


@pytest.fixture
def entry(tmp_path):
    """One entry, read from a catalog of its own."""

    def read(text):
        (tmp_path / "catalog.yaml").write_text(f"models:\n  it: {text}\n")
        return read_catalog(tmp_path / "catalog.yaml").entries["it"]

    return read


def test_an_entry_says_what_stands_in_the_design(entry):
    """The two examples of the README, with all that they may say."""
    gpt = entry("{openai: gpt-4o, key_env: OPENAI_API_KEY, requests_per_minute: 500, tokens_per_minute: 300000, price: {input: 2.5, output: 10.0}}")
    claude = entry("{anthropic: claude-sonnet-4-6, key_file: secret, max_tokens: 2048, leave_out: [temperature], at_once: 256}")
    pictures = entry("{openai: gpt-image-1, kind: imagine, key_env: KEY, price: {picture: 0.04}}")

    assert ("gpt-4o", "openai") == (gpt.model, gpt.proxy)
    assert ("claude-sonnet-4-6", "anthropic") == (claude.model, claude.proxy)
    assert "openai_images" == pictures.proxy


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("{openai: gpt-4o}", "key_env: missing"),
        ("{openai: gpt-4o, key_env: A, key_file: b}", "give one of them"),
        ("{openai: gpt-4o, key_env: CANARY}", "no name of a variable"),
        ("{openai: gpt-4o, key_file: CANARY}", "looks like a key"),
        ("{openai: gpt-4o, key_env: A, base_url: 'https://me:CANARY@host/v1'}", "has no place in it"),
        ("{openai: gpt-4o, key_env: A, base_url: 'https://host/v1?key=CANARY'}", "has no place in it"),
        ("{openai: gpt-4o, key_env: A, base_url: 'http://api.example.com/v1'}", "plain http"),
        ("{openai: gpt-4o, key_env: A, base_url: 'ftp://host/v1'}", "no address of HTTP"),
        ("{openai: gpt-4o, key_env: A, base_url: 'http://[::1'}", "no address"),
        ("{openai: gpt-4o, key_envv: A}", "did you mean 'key_env'"),
        ("{openai: gpt-4o, key_env: A, requests_per_minute: 0}", "requests_per_minute"),
        ("{openai: gpt-4o, key_env: A, price: {input: -1.0}}", "price.input"),
        ("{openai: gpt-4o, key_env: A, mode: later}", "mode"),
        ("{openai: omni-moderation-latest, key_env: A, kind: classify, mode: batch}", "mode: has no meaning for a model that classifies"),
        ("{openai: omni-moderation-latest, key_env: A, kind: classify, max_tokens: 4}", "max_tokens: has no meaning"),
        ("{perspective: [], key_env: A}", "perspective"),
        ("{perspective: [THREAT, THREAT], key_env: A}", "expected each attribute once"),
        ("{perspective: [TOXICITY]}", "key_env: missing"),
        ("{openai: gpt-4o, key_env: A, mode: batch, tokens_per_minute: 9}", "no meaning with mode: batch"),
        ("{openai: gpt-4o, key_env: A, mode: batch, deadline: 9}", "no meaning with mode: batch"),
        ("{openai: gpt-4o, key_env: A, poll_seconds: 9}", "no meaning without mode: batch"),
    ],
)
def test_what_is_wrong_is_told_and_no_key_with_it(entry, text, fault):
    """One line each, with path and line; what may be a key is not repeated."""
    with pytest.raises(InvalidSpec) as caught:
        entry(text.replace("CANARY", CANARY))

    assert fault in str(caught.value)
    assert "line 2: models.it." in str(caught.value)
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize(
    "address", ["https://vlm.example.com/v1", "http://127.0.0.1:8000/v1", "http://vllm:8000/v1", "http://10.1.2.3/v1", "http://vlm.internal/v1"]
)
def test_a_server_of_ones_own_needs_no_key(entry, address, tmp_path):
    """Plain http within a private network, https everywhere; without a key, a word that is none is sent."""
    own = entry(f"{{openai: qwen, base_url: '{address}'}}")

    assert vendors.NO_KEY == vendors.key_of("it", own, tmp_path, {})


def test_keys_come_from_the_environment_or_a_file(entry, tmp_path):
    """Without white space around; a missing or empty one is one clear line."""
    (tmp_path / "secret").write_text(f"{CANARY}\n")
    (tmp_path / "empty").write_text("\n")

    assert vendors.key_of("it", entry("{openai: m, key_env: A_KEY}"), tmp_path, {"A_KEY": f" {CANARY} "}) == CANARY
    assert vendors.key_of("it", entry("{anthropic: m, key_file: secret}"), tmp_path, {}) == CANARY
    for text, told in (("key_env: A_KEY", "A_KEY is not set"), ("key_file: nowhere", "cannot be read"), ("key_file: empty", "is empty")):
        with pytest.raises(InvalidSpec, match=told):
            vendors.key_of("it", entry(f"{{openai: m, {text}}}"), tmp_path, {"A_KEY": ""})


def test_the_key_lies_in_a_private_file_and_nowhere_else(entry, tmp_path):
    """The configuration has the file's path; the folder's other files and everything that is shown do not have the key."""
    plain = vendors.folder_of("it", entry("{openai: gpt-4o, key_env: A}"))
    with_key = replace(plain, secrets={vendors.KEY_FILE: CANARY})

    laid = repository.lay_out("it", with_key, tmp_path / "models")

    found = [path for path in laid.folder.rglob("*") if path.is_file() and CANARY.encode() in path.read_bytes()]
    assert [laid.folder / vendors.KEY_FILE] == found
    assert 0o600 == stat.S_IMODE(found[0].stat().st_mode)
    assert CANARY not in repr(with_key)


def test_identity_is_what_the_vendor_is_asked_for(entry):
    """Model, address and settings make another model; key, price and pace do not."""
    texts = [
        "{openai: a, key_env: A}",
        "{openai: b, key_env: A}",
        "{openai: a, key_env: A, base_url: 'https://h/v1'}",
        "{openai: a, key_env: A, max_tokens: 9}",
    ]
    same = ["{openai: a, key_env: B}", "{openai: a, key_file: f}", "{openai: a, key_env: A, price: {input: 1.0}, requests_per_minute: 3}"]

    different = {vendors.folder_of("it", entry(text)).identity for text in texts}
    alike = {vendors.folder_of("other", entry(text)).identity for text in same}

    assert len(texts) == len(different)
    assert {vendors.folder_of("it", entry(texts[0])).identity} == alike
    assert Kind.IMAGINE is vendors.folder_of("it", entry("{openai: a, kind: imagine, key_env: A}")).description.signature.kind


def test_models_that_classify_tell_their_classes_before_they_are_asked(entry):
    """Of Perspective, they are the attributes of the entry."""
    moderation = vendors.folder_of("it", entry("{openai: omni-moderation-latest, key_env: A, kind: classify}"))
    perspective = vendors.folder_of("it", entry("{perspective: [TOXICITY, THREAT], key_env: A, language: en}"))

    assert 13 == len(moderation.description.signature.classes)
    assert ('["TOXICITY","THREAT"]', '["TOXICITY","THREAT"]') == (perspective.parameter("classes"), perspective.parameter("attributes"))


def test_the_way_of_asking_makes_no_other_model(entry, tmp_path):
    """What was answered in one mode is kept for the other; a journal is each entry's own."""
    now, later = entry("{openai: gpt-4o, key_env: A}"), entry("{openai: gpt-4o, key_env: A, mode: batch, gather_seconds: 3, at_once: 7}")
    folders = [vendors.folder_of("it", each) for each in (now, later)]
    same, batched = (vendors.with_batches("it", each, folder, tmp_path) for each, folder in zip((now, later), folders, strict=True))

    assert same.identity == batched.identity
    assert (None, None, 7) == (same.parameter("journal"), vendors.at_once(now), vendors.at_once(later))
    assert str(tmp_path) in batched.parameter("journal")
    assert ("3.0", 1) == (batched.parameter("gather_seconds"), batched.config.instance_group[0].count)
