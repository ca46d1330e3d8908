"""The examples can be followed as they stand: files, settings and commands that they name are there, and fit each other."""

import configparser
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from typer.main import get_command

from gatepass import config
from gatepass.cli import application
from gatepass.config import VARIABLES

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "examples"
FILES = sorted(path for path in EXAMPLES.rglob("*") if path.is_file())
COMMANDS = get_command(application).commands  # type: ignore[attr-defined]
FILLED = {
    "GATEPASS_SECRET_KEY": "a" * 64, "GATEPASS_DATAVERSE_TENANT_ID": "t", "GATEPASS_DATAVERSE_CLIENT_ID": "c",
    "GATEPASS_DATAVERSE_CLIENT_SECRET": "s", "GATEPASS_STRIPE_SECRET_KEY": "sk_test_1",
}  # fmt: skip
"""What the administrator fills in."""


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_setting_and_command_that_is_named_exists(path: Path) -> None:
    text = path.read_text()
    named = set(re.findall(r"GATEPASS_[A-Z_]+[A-Z]", text))
    assert named - set(VARIABLES) == set()
    assert set(re.findall(r'(?:exec web |--command "|^   run )(?:gatepass )?([a-z]+)', text, re.M)) <= set(COMMANDS)


@pytest.mark.parametrize("folder", ["", "azure-container-apps"])
def test_the_settings_are_all_that_it_needs(folder: str, tmp_path: Path) -> None:
    lines = (EXAMPLES / folder / "settings.env.example").read_text().splitlines()
    given = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    assert set(FILLED) <= set(given)

    settings = config.read({**given, **FILLED, "GATEPASS_EVENT_MANAGEMENT": "dataverse"}, data_dir=tmp_path)

    assert settings.remote
    with pytest.raises(config.SettingError, match="DATAVERSE_TENANT_ID"):
        config.read(given | {"GATEPASS_EVENT_MANAGEMENT": "dataverse"}, data_dir=tmp_path)


def test_the_compose_file_fits_itself_and_the_image() -> None:
    compose = yaml.safe_load((EXAMPLES / "compose" / "compose.yaml").read_text())
    services = compose["services"]
    assert set(services) == {"database", "migrate", "web", "worker", "tls"}
    for service in services.values():
        for other in service.get("depends_on", {}):
            assert other in services
        for volume in service.get("volumes", []):
            assert volume.split(":")[0] in compose["volumes"]
    for name in ("migrate", "web", "worker"):
        _check_command(services[name]["command"])
        build = services[name]["build"]
        assert (EXAMPLES / "compose" / build["context"] / build["dockerfile"]).is_file()
    assert set(compose["x-gatepass"]["environment"]) <= set(VARIABLES)


def test_the_image_is_made_of_files_that_are_there() -> None:
    told = (EXAMPLES / "container" / "Dockerfile").read_text()
    for line in re.findall(r"^COPY (?!--from)(.+)", told, re.M):
        *sources, _ = shlex.split(line)
        assert all((ROOT / source).exists() for source in sources), line
    assert "hatchling==" in (ROOT / "requirements.txt").read_text(), "--no-build-isolation needs it"


@pytest.mark.parametrize("name", ["gatepass.service", "gatepass-worker@.service"])
def test_the_units_are_good_and_go_on_for_ever(name: str, tmp_path: Path) -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read_string((EXAMPLES / "systemd" / name).read_text())
    assert (unit["Service"]["Restart"], unit["Unit"]["StartLimitIntervalSec"]) == ("always", "0")
    _check_command(shlex.split(unit["Service"]["ExecStart"])[1:])
    if verify := shutil.which("systemd-analyze"):
        copy = tmp_path / name.replace("@", "@1")
        # What is started is not on this machine: something that is stands in.
        copy.write_text((EXAMPLES / "systemd" / name).read_text().replace("/opt/gatepass/bin/gatepass", "/bin/true"))
        ran = subprocess.run([verify, "verify", str(copy)], capture_output=True, text=True, timeout=60, check=False)
        assert "gatepass" not in ran.stderr, ran.stderr


def test_the_script_for_azure_is_good_shell_and_its_yaml_is_yaml() -> None:
    path = EXAMPLES / "azure-container-apps" / "deploy.sh"
    assert subprocess.run(["sh", "-n", str(path)], check=False).returncode == 0
    text = path.read_text()
    document = yaml.safe_load(re.sub(r"\$\{?\w+(?::[^}]*)?\}?|\$\d", "x", text.split("<<YAML\n")[1].split("\nYAML")[0]))
    (container,) = document["properties"]["template"]["containers"]
    secrets = {one["name"] for one in document["properties"]["configuration"]["secrets"]}
    assert {one["name"] for one in container["env"]} <= set(VARIABLES)
    assert {one["secretRef"] for one in container["env"] if "secretRef" in one} <= secrets
    for command in re.findall(r"^app \S+ '(\[.*?\])'", text, re.M):
        _check_command(yaml.safe_load(command))


def _check_command(words: list[str]) -> None:
    """A command of ours, and options that it takes."""
    command = COMMANDS[words[0]]
    known = {text for option in command.params for text in (*option.opts, *option.secondary_opts)}
    assert {word for word in words if word.startswith("--")} <= known
