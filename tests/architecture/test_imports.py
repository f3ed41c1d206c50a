"""Imports point down only: the contract stands in pyproject.toml; `make architecture` runs it, this test shows that it bites."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.rules import ROOT


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("lint-imports")
    environ = {**os.environ, "PYTHONPATH": str(folder)}
    return subprocess.run(
        [program, "--config", ROOT / "pyproject.toml", "--no-cache"], cwd=folder, env=environ, capture_output=True, text=True, check=False
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The shop's Python code, to be spoiled."""
    shutil.copytree(
        ROOT / "shop",
        tmp_path / "shop",
        ignore=lambda folder, names: [n for n in names if Path(folder, n).is_file() and not n.endswith(".py")],
    )
    for path in [*ROOT.glob("config*.py"), ROOT / "environment.py"]:
        shutil.copy(path, tmp_path)
    return tmp_path


def test_imports_point_down_only(copy: Path) -> None:
    result = lint_imports(copy)

    assert result.returncode == 0, result.stdout + result.stderr


def test_an_import_that_points_up_is_found(copy: Path) -> None:
    with (copy / "shop" / "money.py").open("a") as file:
        file.write("\nimport shop.catalog\n")

    result = lint_imports(copy)

    assert result.returncode != 0
    assert "shop.money -> shop.catalog" in result.stdout


def test_a_package_without_a_place_is_found(copy: Path) -> None:
    (copy / "shop" / "loyalty").mkdir()
    (copy / "shop" / "loyalty" / "__init__.py").write_text("")

    result = lint_imports(copy)

    assert result.returncode != 0
    assert "loyalty" in result.stdout + result.stderr
