"""What is put together fits together: schemas, ports, mounts, names of models, and the options that programs are given."""

from __future__ import annotations

import json
import os
import re
import subprocess
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml

from gateway.catalog import Catalog, Player, read_catalog
from gateway.engines import commands
from gateway.installation import find_server
from gateway.servers import Server
from gateway.vendors import Vendor
from kernel import registry
from kernel.shell.running import find_suite
from kernel.spec import models_of
from tests.deploy.containerfile import DEPLOY, stages

PORT = "8001"
SERVICES: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
JOB = next(each for each in yaml.safe_load_all((DEPLOY / "engines-job.yaml").read_text()) if each["kind"] == "Job")


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    """What the evaluator asks."""
    return read_catalog(DEPLOY / "catalog.yaml")


def served(name: str) -> dict[str, Any]:
    """What a server serves."""
    return dict(read_catalog(DEPLOY / name).entries)


def test_compose_keeps_to_the_specification():
    schema = json.loads(files("check_jsonschema.builtin_schemas.vendor").joinpath("compose-spec.json").read_text())

    jsonschema.validate(yaml.safe_load((DEPLOY / "compose.yaml").read_text()), schema)


def test_the_job_and_its_volume_keep_to_the_schema_of_kubernetes():
    for document in yaml.safe_load_all((DEPLOY / "engines-job.yaml").read_text()):
        kubernetes_validate.validate(document, kubernetes_validate.latest_version(), strict=True)


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_contained(name: str):
    service = SERVICES[name]

    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "ports" not in service
    assert not {"environment", "env_file", "privileged"} & service.keys()
    assert service["build"]["target"] in stages()
    assert not service["image"].endswith(":latest")


@pytest.mark.parametrize("name", SERVICES)
def test_what_is_mounted_is_there(name: str):
    for mount in SERVICES[name].get("volumes", []):
        assert mount["type"] == "volume" or (DEPLOY / mount["source"]).is_file()


def test_a_model_is_asked_under_the_name_under_which_it_is_served(catalog: Catalog):
    hosts: dict[str, set[str]] = {}
    for name, entry in catalog.entries.items():
        if isinstance(entry, Server):
            (address,) = entry.server
            host, port = re.fullmatch(r"grpc://(\w+):(\d+)", address).groups()
            hosts.setdefault(host, set()).add(entry.model or name)
            assert port == PORT
            assert PORT in SERVICES[host]["expose"]
            assert set(SERVICES[host]["networks"]) & set(SERVICES["evaluator"]["networks"])

    assert hosts == {host: set(served(name)) for host, name in {"server": "served.yaml", "vendors": "vendors.yaml", "planned": "planned.yaml"}.items()}


def test_all_that_quickstart_asks_is_in_the_catalog(catalog: Catalog):
    suite, evaluators = find_suite("quickstart"), registry.evaluators()
    instruments = {name for task in suite.tasks for name in evaluators.get(task.evaluator).instruments}

    assert instruments
    assert models_of(suite) | instruments <= set(catalog.entries)


def test_every_model_is_told_with_the_kind_that_it_has(catalog: Catalog):
    kinds = {name: catalog.kind(name) for name, entry in catalog.entries.items() if not isinstance(entry, Player)}

    assert None not in kinds.values()
    assert kinds["shapes-diffusion"] == "imagine"


def test_a_key_is_a_file_that_the_service_with_the_proxies_alone_gets():
    files = {Path(entry.key_file) for entry in served("vendors.yaml").values() if isinstance(entry, Vendor)}

    assert len(files) == len(served("vendors.yaml"))
    assert files == {Path("/run/secrets") / name for name in SERVICES["vendors"]["secrets"]}
    assert [name for name, service in SERVICES.items() if "secrets" in service] == ["vendors"]
    assert not any("outside" in service.get("networks", []) for name, service in SERVICES.items() if name != "vendors")


def test_ports_are_the_same_everywhere():
    server = stages()["server"]
    started = [server.last("CMD"), *(SERVICES[name]["command"] for name in ("vendors", "planned"))]
    asked = [server.last("HEALTHCHECK"), *(SERVICES[name]["healthcheck"]["test"] for name in ("vendors", "planned"))]

    assert server.of("EXPOSE") == [(PORT,)]
    assert [words[list(words).index("--port") + 1] for words in [*started, *asked]] == [PORT] * 6
    assert f"--grpc-port={PORT}" in SERVICES["plans"]["command"]


def test_the_server_of_plans_is_given_options_that_tritonserver_has():
    program, *options = SERVICES["plans"]["command"]
    installed = find_server()
    libraries = os.pathsep.join(map(str, installed.libraries))
    told = subprocess.run([installed.program, "--help"], env={**os.environ, "LD_LIBRARY_PATH": libraries}, capture_output=True, text=True, check=False)
    known = set(re.findall(r"^\s+(--[a-z-]+)", told.stdout + told.stderr, re.MULTILINE))

    assert program == installed.program.name
    assert {option.partition("=")[0] for option in options} <= known


def test_what_is_served_is_what_the_job_builds_where_it_builds_it():
    _, _, folder, *models = stages()["engines"].last("CMD")
    entries = served("planned.yaml")

    assert set(entries) == set(models)
    assert {(entry.runtime, entry.engines, entry.precision) for entry in entries.values()} == {("tensorrt", folder, "fp32")}
    repositories = [option.partition("=")[2] for option in SERVICES["plans"]["command"] if option.startswith("--model-repository")]
    assert repositories == [str(commands._served(Path(folder) / model, "any", "fp32").parent) for model in models]


def test_the_job_runs_what_its_image_runs_and_nobody_is_root():
    pod = JOB["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    mounted = {mount["mountPath"] for mount in container["volumeMounts"]}

    assert tuple(container["args"]) == stages()["engines"].last("CMD")
    assert container["image"] == SERVICES["engines"]["image"]
    assert container["args"][2] in mounted
    assert pod["securityContext"]["runAsNonRoot"]
    assert "env" not in container
