"""Entries for servers of others: what may be said, and that every fault is told with its path and line and no secret in it."""

from pathlib import Path

import pytest

from gateway.catalog import read_catalog
from gateway.servers import Header, Server, Tls
from kernel.contract import Kind
from kernel.errors import InvalidSpec

SETTINGS = "max_tokens, n, seed, steps, stop, temperature, top_p, width"
SECRET = "sk-live-51f0a9d3c7"


@pytest.fixture
def write(tmp_path):
    """Writes a catalog with one entry, beside a certificate."""
    for name in ("ca.pem", "us.pem", "us.key"):
        (tmp_path / name).write_text("-----BEGIN …")

    def write_entry(entry: str) -> Path:
        (tmp_path / "catalog.yaml").write_text(f"models:\n  m: {{{entry}}}\n")
        return tmp_path / "catalog.yaml"

    return write_entry


def faults(path: Path) -> list[str]:
    with pytest.raises(InvalidSpec) as refused:
        read_catalog(path)
    return [fault.replace(str(path.parent), "…") for fault in refused.value.faults]


def test_everything_that_an_entry_may_say(write):
    """One address is a list of one; the dialect is the contract's unless told otherwise."""
    whole = read_catalog(
        write(
            'server: ["grpcs://a:1", "grpcs://b:2"], model: vlm, dialect: tensorrt_llm, tensors: {image: picture, top_p: p},'
            "tls: {authority: ca.pem, certificate: us.pem, key: us.key}, headers: {authorization: {env: OUR_TOKEN}, x-tenant: {file: tenant}}"
        )
    ).entries["m"]
    plain = read_catalog(write('server: "grpc://a:1"')).entries["m"]

    assert whole == Server(
        server=["grpcs://a:1", "grpcs://b:2"],
        model="vlm",
        dialect="tensorrt_llm",
        tensors={"image": "picture", "top_p": "p"},
        tls=Tls(authority="ca.pem", certificate="us.pem", key="us.key"),
        headers={"authorization": Header(env="OUR_TOKEN"), "x-tenant": Header(file="tenant")},
    )
    assert (whole.spoken.kind, whole.spoken.theirs("image"), whole.spoken.theirs("seed")) == (Kind.GENERATE, "picture", "sampling_param_seed")
    assert (plain.server, plain.dialect, plain.spoken.names) == (["grpc://a:1"], "kserve", {})


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        ('server: ["grpc://a:1", "http://b"]', "server.1: 'http://b' is no address; expected grpc://host:port or grpcs://host:port"),
        ('server: ["grpc://a:1", "grpc://a:1"]', "server: grpc://a:1 stands twice; keep one"),
        ('server: ["grpc://a:1", "grpcs://b:1"]', "server: some addresses are grpcs:// and some are not; calls go to any of them, so let all be"),
        ("server: []", "server: list should have at least 1 item after validation, not 0 (found [])"),
        ("server: 5", "server: input should be a valid list (found 5)"),
        ("server: [5]", "server.0: input should be a valid string (found 5)"),
        ('server: "grpc://a:1", dialct: vllm', "dialct: unknown key; did you mean 'dialect'?"),
        ('server: "grpc://a:1", dialect: vlm', "dialect: input should be 'kserve', 'vllm' or 'tensorrt_llm' (found 'vlm')"),
        ('server: "grpc://a:1", dialect: vllm, kind: embed', "kind: 'embed' cannot be asked in the dialect 'vllm'; it has generate only"),
        (
            'server: "grpc://a:1", tensors: {text_inptu: prompt}',
            "tensors: no tensor or setting of ours named 'text_inptu'; did you mean 'text_input'?",
        ),
        (
            'server: "grpc://a:1", kind: read, tensors: {max_tokens: n, text_output: t}',
            "tensors: no tensor or setting of ours named 'text_output'; known: detections, guidance, height, image, " + SETTINGS,
        ),
        ('server: "grpc://a:1", tensors: {text_input: x, system: x}', "tensors: 'x' stands twice; each of ours is a tensor of its own there"),
        ('server: "grpc://a:1", tls: {authority: none.pem}', "tls.authority: no file '…/none.pem'; expected one in PEM"),
        ('server: "grpc://a:1", tls: {certificate: us.pem}', "tls: a certificate goes with its key; give both, or neither"),
        ('server: "grpc://a:1", tls: {autority: ca.pem}', "tls.autority: unknown key; did you mean 'authority'?"),
        (
            'server: "grpc://a:1", headers: {Authorization: {env: A}}',
            "headers: 'Authorization' is no name of a header; expected a-z, 0-9, '_', '.', '-'; did you mean 'authorization'?",
        ),
        (
            'server: "grpc://a:1", headers: {grpc-timeout: {env: A}}',
            "headers: 'grpc-timeout' is no name of a header; expected a-z, 0-9, '_', '.', '-', not from grpc- on and not to -bin",
        ),
        (
            'server: "grpc://vlm.example.org:1", headers: {a: {env: A}}',
            "headers: grpc://vlm.example.org:1 shows them to everyone on the way; use grpcs://, or an address of a private network",
        ),
        ('server: "grpc://a:1", headers: {a: {}}', "headers.a: expected the place of its value, {env: VARIABLE} or {file: path}"),
        ('server: "grpc://a:1", headers: {a: {env: A, file: b}}', "headers.a: expected the place of its value, {env: VARIABLE} or {file: path}"),
        ('server: "grpc://a:1", headers: {a: {evn: A}}', "headers.a.evn: unknown key; did you mean 'env'?"),
    ],
)
def test_faults_are_told_with_path_and_line(write, entry, fault):
    """What was found, what was expected."""
    found = faults(write(entry))

    assert found == [f"line 2: models.m.{fault}"]


@pytest.mark.parametrize(
    "headers",
    [
        f"{{a: {SECRET}}}",
        f"{{a: {{env: {SECRET}}}}}",
        f"{{a: {{env: [{SECRET}]}}}}",
        f"{{a: {{file: {SECRET}}}}}",
        f"{{a: {{file: {{x: {SECRET}}}}}}}",
        f"{{a: {{value: {SECRET}}}}}",
        f"[{SECRET}]",
        SECRET,
    ],
)
def test_a_value_in_the_place_of_its_name_is_refused_and_not_shown(write, headers):
    """Whoever writes the secret into the catalog is told so, and the fault can be shown around."""
    found = faults(write(f'server: "grpc://a:1", headers: {headers}'))

    assert len(found) == 1
    assert found[0].startswith("line 2: models.m.headers")
    assert SECRET not in found[0]


def test_all_faults_of_an_entry_are_told_at_once(write):
    """Shape first, meaning then; each with its place."""
    found = faults(write('server: ["grpc://a:0", "x"], tensors: {a: b}, tls: {key: none}, headers: {A: {}}'))

    assert len(found) == 7
    assert all(fault.startswith("line 2: models.m.") for fault in found)
