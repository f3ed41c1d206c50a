"""The files that others read: units of systemd, logrotate's, the Dockerfile and compose.yaml; each by its own checker, which finds a planted fault."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.deploy.image import read_dockerfile
from tests.deploy.installation import CODE
from tests.servers import PROGRAMS, ROOT

UNITS = sorted((ROOT / "deploy" / "systemd").iterdir())
SERVICES = [unit.name for unit in UNITS if unit.suffix == ".service"]


def run(*words: str | Path) -> tuple[int, str]:
    """Exit status and everything said."""
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False)
    return done.returncode, (done.stdout + done.stderr).strip()


# Units


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """The units with the programs that they start where those lie here."""
    programs = tmp_path / "current"
    (programs / ".venv" / "bin").mkdir(parents=True)
    for name in ("gunicorn", "flask"):
        (programs / ".venv" / "bin" / name).symlink_to(PROGRAMS / name)
    (programs / "deploy").symlink_to(ROOT / "deploy")
    folder = tmp_path / "units"
    folder.mkdir()
    for unit in UNITS:
        (folder / unit.name).write_text(unit.read_text().replace("/srv/bodega/current", str(programs)))
    return folder


def change(file: Path, old: str, new: str) -> None:
    before = file.read_text()
    assert old in before, f"{file.name} holds no {old}"
    file.write_text(before.replace(old, new))


def test_systemd_takes_the_units(units: Path) -> None:
    assert run("systemd-analyze", "--man=no", "verify", *sorted(units.iterdir())) == (0, "")


@pytest.mark.parametrize(
    ("unit", "right", "wrong"),
    [
        ("bodega.service", "ExecReload=", "ExecRelaod="),
        ("bodega.service", "deploy/reload.sh", "deploy/relaod.sh"),
        ("bodega.service", "Type=notify", "Type=notified"),
        ("bodega.service", "Requires=bodega.socket", "Requires=nobody.socket"),
        ("bodega.socket", "SocketMode=0660", "SocketMode=everybody"),
        ("bodega-worker.service", "/bin/flask", "/bin/flusk"),
        ("bodega-backup.timer", "03:30:00", "25:30:00"),
    ],
)
def test_a_fault_in_a_unit_is_found(units: Path, unit: str, right: str, wrong: str) -> None:
    change(units / unit, right, wrong)

    _status, said = run("systemd-analyze", "--man=no", "verify", *sorted(units.iterdir()))

    assert unit.partition(".")[0] in said


MOST_EXPOSED = 30  # tenths, of 100; a plain service has 96


def exposure(unit: Path) -> tuple[int, str]:
    return run("systemd-analyze", "security", "--offline=true", "--no-pager", f"--threshold={MOST_EXPOSED}", unit)


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_may_do_little_else_than_its_work(units: Path, name: str) -> None:
    status, said = exposure(units / name)
    assert status == 0, said

    change(units / name, "ProtectSystem=strict", "ProtectSystem=no")
    change(units / name, "CapabilityBoundingSet=\n", "")
    change(units / name, "SystemCallFilter=@system-service", "")
    assert exposure(units / name)[0] != 0


def test_the_socket_of_the_units_is_that_of_nginx_and_outlives_the_service() -> None:
    door = re.search(r"ListenStream=(.*)", (ROOT / "deploy/systemd/bodega.socket").read_text())
    service = (ROOT / "deploy/systemd/bodega.service").read_text()

    assert door
    assert f"server unix:{door[1]} " in (ROOT / "deploy/nginx.conf").read_text()
    assert f"RuntimeDirectory={Path(door[1]).parent.name}\n" not in service, (
        "systemd removes that folder, and the socket in it, at each stop"
    )


# logrotate


@pytest.fixture
def rotation(tmp_path: Path) -> Path:
    """The file with the folders and people of this machine."""
    text = (ROOT / "deploy" / "logrotate" / "bodega").read_text()
    text = re.sub(r"/(var/log/nginx/bodega|srv/bodega/instance/logs)", rf"{tmp_path}/\1", text)
    text = re.sub(r"\b(su|create 0640) \w+ \w+", lambda found: f"{found[1]} {OWNER}", text)
    for folder in ("var/log/nginx/bodega", "srv/bodega/instance/logs"):
        (tmp_path / folder).mkdir(parents=True)
    rotation = tmp_path / "bodega"
    rotation.write_text(text)
    rotation.chmod(0o644)
    return rotation


OWNER = " ".join(subprocess.run(["bash", "-c", "id -un; id -gn"], capture_output=True, text=True, check=True).stdout.split())
LOGROTATE = shutil.which("logrotate", path="/usr/sbin:/usr/bin:/sbin") or "logrotate"


def test_logrotate_takes_its_file_and_lays_full_ones_aside(rotation: Path) -> None:
    log = rotation.parent / "srv/bodega/instance/logs/app.log"
    log.write_text("a line\n")
    status, said = run(LOGROTATE, "-d", rotation)
    assert (status, "error" in said) == (0, False), said

    status, said = run(LOGROTATE, "--force", "--state", rotation.parent / "state", rotation)

    assert (status, said) == (0, "")
    assert (log.read_text(), log.with_suffix(".log.1").read_text()) == ("", "a line\n")


@pytest.mark.parametrize(("right", "wrong"), [("rotate 14", "rotate many"), ("endscript", "end"), ("daily", "dayly")])
def test_a_fault_in_logrotates_file_is_found(rotation: Path, right: str, wrong: str) -> None:
    change(rotation, right, wrong)

    assert "error" in run(LOGROTATE, "-d", rotation)[1]


# Dockerfile


def lint(dockerfile: Path) -> tuple[int, str]:
    return run(PROGRAMS / "hadolint", "--no-color", dockerfile)


def test_hadolint_has_nothing_to_say_to_the_dockerfile() -> None:
    assert lint(ROOT / "Dockerfile") == (0, "")


@pytest.mark.parametrize(
    ("right", "wrong", "rule"),
    [
        ("python:3.11-slim-bookworm AS build", "python:latest AS build", "DL3007"),
        ("USER 10001:10001", "USER root", "DL3002"),
        ("FROM python:3.11-slim-bookworm\nRUN", "FROM python\nRUN", "DL3006"),
        ('CMD ["gunicorn", ', "CMD [gunicorn, ", "DL"),
        ("WORKDIR /srv/bodega\nENV", "WORKDIR srv\nENV", "DL3000"),
    ],
)
def test_a_fault_in_the_dockerfile_is_found(tmp_path: Path, right: str, wrong: str, rule: str) -> None:
    dockerfile = tmp_path / "Dockerfile"
    dockerfile.write_text((ROOT / "Dockerfile").read_text())
    change(dockerfile, right, wrong)

    status, said = lint(dockerfile)

    assert status != 0
    assert rule in said


def test_the_image_holds_the_code_its_lock_and_nothing_that_is_ours_alone() -> None:
    first, last = read_dockerfile((ROOT / "Dockerfile").read_text())
    copied = {source for name, words in first.steps if name == "COPY" for source in words.split()[:-1]}
    taken = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}

    assert copied == {*CODE, "requirements.txt", "requirements-server.txt"} == taken
    assert any("--require-hashes" in words for name, words in first.steps if name == "RUN")
    assert [name for name, words in last.steps if re.search(r"SECRET|PASSWORD|KEY=", words)] == []
    assert last.last("USER") == "10001:10001"
    assert "deploy/healthy.py" in last.last("HEALTHCHECK")
    assert last.last("STOPSIGNAL") == "SIGTERM"


# compose.yaml


@pytest.fixture
def compose() -> dict[str, Any]:
    fleet: dict[str, Any] = YAML(typ="safe").load(ROOT / "compose.yaml")
    return fleet


def fits(file: Path) -> int:
    return run(PROGRAMS / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", file)[0]


@pytest.mark.parametrize(
    ("right", "wrong"),
    [("read_only: true", "readonly: true"), ("condition: service_healthy", "condition: healthy"), ("interval: 10s", "intervall: 10s")],
)
def test_compose_fits_its_schema_and_a_fault_does_not(tmp_path: Path, right: str, wrong: str) -> None:
    file = tmp_path / "compose.yaml"
    file.write_text((ROOT / "compose.yaml").read_text())
    assert fits(file) == 0

    change(file, right, wrong)

    assert fits(file) != 0


def test_nobody_waits_for_the_health_of_somebody_who_does_not_tell(compose: dict[str, Any]) -> None:
    services = compose["services"]
    waits = [(name, other, how["condition"]) for name, one in services.items() for other, how in one.get("depends_on", {}).items()]

    mute = [wait for wait in waits if wait[2] == "service_healthy" and wait[1] != "shop" and "test" not in services[wait[1]]["healthcheck"]]
    assert mute == []
    assert {"nginx", "shop", "worker", "postgres", "redis", "rabbitmq"} <= set(services)
    assert all(
        volume.split(":")[0] in compose["volumes"] for one in services.values() for volume in one.get("volumes", ()) if volume[0].isalpha()
    )


def test_the_shops_of_compose_write_nowhere_else_and_become_nobody_else(compose: dict[str, Any]) -> None:
    for name in ("tables", "shop", "worker"):
        one = compose["services"][name]
        assert (one["read_only"], one["cap_drop"], one["security_opt"]) == (True, ["ALL"], ["no-new-privileges:true"])


def test_no_secret_stands_in_what_is_committed(compose: dict[str, Any]) -> None:
    words = [str(value) for one in compose["services"].values() for value in one.get("environment", {}).values()]
    assert [word for word in words if re.search(r"://\w+:(?!\$\{)[^@/]*@", word)] == []
    asked = set(re.findall(r"\$\{(\w+)", str(compose)))
    example = dict(line.split("=", 1) for line in (ROOT / "deploy/shop.env.example").read_text().splitlines() if re.match(r"[A-Z]", line))

    assert asked <= set(example)
    assert [name for name in ("SECRET_KEY", "POSTGRES_PASSWORD", "RABBITMQ_PASSWORD", "MAIL_URL") if example[name]] == []
    ignored = ["shop.env", ".env", "tls/privkey.pem"]
    assert run("git", "-C", ROOT, "check-ignore", *ignored)[1].split() == ignored


def test_the_commands_of_compose_are_known(compose: dict[str, Any]) -> None:
    programs = {name: compose["services"][name]["command"] for name in ("tables", "shop", "worker")}
    _status, known = run("env", "FLASK_APP=wsgi", f"PYTHONPATH={ROOT}", PROGRAMS / "flask", "shop", "--help")

    assert [name for name, words in programs.items() if not (PROGRAMS / words[0]).exists()] == []
    assert [words for words in programs.values() if words[0] == "flask" and not re.search(rf"^  {words[2]} ", known, re.MULTILINE)] == []


# The guide


def test_the_scripts_and_the_commands_of_the_guide_are_right_for_a_shell(tmp_path: Path) -> None:
    blocks = re.findall(r"```sh[^\n]*\n(.*?)```", (ROOT / "docs" / "deploy.md").read_text(), re.DOTALL)
    assert len(blocks) > 5
    for number, block in enumerate(blocks):
        (tmp_path / f"{number}.sh").write_text(block)
    scripts = [*tmp_path.glob("*.sh"), *(ROOT / "deploy").glob("*.sh")]

    assert {script.name: run("bash", "-n", script) for script in scripts if run("bash", "-n", script) != (0, "")} == {}


def test_what_the_guide_names_is_there() -> None:
    guide = (ROOT / "docs" / "deploy.md").read_text()
    named = set(re.findall(r"\b((?:deploy|migrations|tests)/[a-z.][\w./-]*\w)", guide)) - set(re.findall(r"# (migrations/\S+)", guide))
    links = {link for link in re.findall(r"\]\(([^)#]+)\)", guide) if "://" not in link}

    assert [path for path in named if not list(ROOT.glob(path + "*"))] == []
    assert [link for link in links if not (ROOT / "docs" / link).exists()] == []
