"""What the container file says is so: what it copies is there and may be seen, nobody is root, nothing is secret, every command exists."""

from __future__ import annotations

import re
import subprocess
import tomllib

import pathspec
import pytest

from tests.deploy.containerfile import CONTAINERFILE, DEPLOY, ROOT, arguments, stages

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
EXTRAS = PROJECT["project"]["optional-dependencies"]
IMAGES = ("server", "engines", "evaluator")
SECRET = re.compile(r"key|token|secret|password|credential", re.IGNORECASE)
TEMPTING = [
    *(".venv/bin/python", ".venv-mlserver/pyvenv.cfg", ".git/config", ".github/token", ".env", "gateway/.env", "deploy/secrets/openai"),
    *("assay-data/assay.sqlite", "report.html", "training/checkpoints/model.safetensors", "dist/trust_assay.whl", "tests/conftest.py"),
    *("kernel/__pycache__/errors.cpython-311.pyc", "model_repository/openai/1/openai.key", "deploy/authority.pem", "notes.txt"),
]


@pytest.fixture(scope="module")
def ignored() -> pathspec.PathSpec:
    """What a build does not get to see. The patterns mean the same to git, whose syntax this is."""
    return pathspec.PathSpec.from_lines("gitignore", (DEPLOY / "Containerfile.dockerignore").read_text().splitlines())


@pytest.fixture(scope="module")
def tracked() -> list[str]:
    """What git has, and what it would take: a folder under work counts, too."""
    listed = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True)
    return listed.stdout.splitlines()


def copied() -> list[str]:
    """What comes from the folder of the build, copied or bound."""
    paths = []
    for stage in stages().values():
        for command in stage.commands:
            if command.cmd in ("COPY", "ADD") and not any(flag.startswith("--from") for flag in command.flags):
                paths += command.value[:-1]
            bound = [dict(part.split("=") for part in flag.removeprefix("--mount=").split(",")) for flag in command.flags if flag.startswith("--mount")]
            paths += [mount["source"] for mount in bound if "from" not in mount]
    return sorted(set(paths))


@pytest.mark.parametrize("path", copied())
def test_what_is_copied_is_in_git_and_may_be_seen(path: str, tracked: list[str], ignored: pathspec.PathSpec):
    files = [file for file in tracked if file == path or file.startswith(f"{path}/")]

    assert files
    assert [file for file in files if ignored.match_file(file)] == []


def test_everything_that_the_wheel_is_made_of_is_copied():
    read = PROJECT["project"]
    wanted = {"pyproject.toml", read["readme"], *read["license-files"], *PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]}

    assert wanted <= {path for copy in stages()["wheel"].of("COPY") for path in copy[:-1]}


@pytest.mark.parametrize("path", TEMPTING)
def test_what_is_nobodys_business_is_not_seen(path: str, ignored: pathspec.PathSpec):
    assert ignored.match_file(path)


@pytest.mark.parametrize("name", IMAGES)
def test_nobody_is_root(name: str):
    assert stages()[name].last("USER") == ("1000:1000",)
    kinds = [command.cmd for command in stages()[name].commands]
    assert {"RUN", "COPY", "ADD"}.isdisjoint(kinds[kinds.index("USER") :])


def test_no_argument_and_no_variable_is_a_secret():
    variables = [name for stage in stages().values() for env in stage.of("ENV") for name in env[::2]]

    assert len(variables) > len(IMAGES)
    assert [name for name in [*variables, *arguments()] if SECRET.search(name)] == []


@pytest.mark.parametrize("name", ["wheel", *IMAGES])
def test_every_base_has_a_tag_that_stays(name: str):
    image, _, tag = stages()[name].base.partition(":")

    assert image in ("python", "nvcr.io/nvidia/tritonserver", "nvcr.io/nvidia/tensorrt")
    assert re.fullmatch(r"\d+\.\d+-[a-z0-9-]+", tag), tag


def test_plans_are_built_and_served_under_one_release():
    assert {stages()[name].base.partition(":")[2] for name in ("server", "engines")} == {f"{arguments()['RELEASE']}-py3"}


def test_the_tests_run_on_the_python_of_the_evaluator():
    assert arguments()["PYTHON"].startswith("3.11-")


@pytest.mark.parametrize(("name", "extras"), [("server", {"local"}), ("engines", {"engines"}), ("evaluator", {"evaluators", "vendors"})])
def test_the_extras_exist(name: str, extras: set[str]):
    given = {extra for words in stages()[name].shell() for word in words for extra in ",".join(re.findall(r"\[([a-z,]+)]$", word)).split(",")} - {""}

    assert given == extras
    assert given <= set(EXTRAS)


def test_the_servers_own_triton_is_found_because_the_wheel_has_gone():
    commands = [words[1:] for words in stages()["server"].shell()]
    installed = next(index for index, words in enumerate(commands) if "install" in words)

    assert commands[installed + 1][-3:] == ["uninstall", "--yes", "nvidia-pytriton"]
    assert any(wanted.startswith("nvidia-pytriton==") for wanted in EXTRAS["gateway"])


def test_the_python_with_the_tools_is_first_on_the_path():
    for name in ("server", "engines"):
        env = stages()[name].last("ENV")
        assert dict(zip(env[::2], env[1::2], strict=True))["PATH"] == "/opt/assay/bin:${PATH}"


def test_nothing_but_spaces_follows_a_line_that_goes_on():
    assert re.findall(r"\\[ \t]+$", CONTAINERFILE.read_text(), re.MULTILINE) == []
