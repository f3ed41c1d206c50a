"""Write the reference from the code: ``make reference``. A test compares what is written with what the code says.

Each page is a function that gives its text; the words are those of the code (docstrings, help, descriptions).
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click
from flask import Flask
from sqlalchemy import Column, Table

FOLDER = Path(__file__).resolve().parent
HEAD = "<!-- Written by `make reference` from the code: change the code, not this file. -->\n\n"
OF_FLASK = {"routes", "run", "shell"}


class Asked(Mapping[str, str]):
    """An environment that notes which settings are asked for."""

    def __init__(self, given: dict[str, str]) -> None:
        self.given, self.names = given, set[str]()

    def __getitem__(self, name: str) -> str:
        self.names.add(name)
        return self.given[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.given)

    def __len__(self) -> int:
        return len(self.given)


def make_app() -> Flask:
    """A shop in a folder of its own, with every command registered."""
    from config import Config
    from shop import create_app, enable_migrations

    folder = Path(tempfile.mkdtemp(prefix="bodega-reference-"))
    environ = {"SHOP_INSTANCE": str(folder), "SECRET_KEY": os.urandom(16).hex(), "SHOP_COURIER": "0"}
    app = create_app(Config.from_env(environ, testing=True))
    enable_migrations(app)
    return app


def commands(app: Flask) -> str:
    """Every command with its words, arguments and options."""
    lines = ["# Commands\n", "Run them as `.venv/bin/flask --app wsgi …`; `--help` after each says the same.\n"]
    with app.app_context():
        for name in sorted(app.cli.commands.keys() - OF_FLASK - {"db"}):
            lines += _command(f"flask {name}", app.cli.commands[name], level=2)
    lines.append("`flask db …` are the commands of Flask-Migrate; a shop needs `flask db upgrade` only.")
    return "\n".join(lines)


def _command(name: str, command: click.Command, level: int) -> Iterator[str]:
    words = (command.help or "").split("\f")[0].strip()
    if isinstance(command, click.Group):
        yield f"{'#' * level} {name}\n\n{words}\n"
        for part in sorted(command.commands):
            yield from _command(f"{name} {part}", command.commands[part], level + 1)
        return
    usage = " ".join(command.collect_usage_pieces(click.Context(command)))
    yield f"{'#' * level} {name}\n\n`{name} {usage}`\n\n{words}\n"
    options = [param.get_help_record(click.Context(command)) for param in command.params if isinstance(param, click.Option)]
    told = [record for record in options if record]
    if told:
        yield "\n".join(f"- `{names}` {_line(help_)}".rstrip() for names, help_ in told) + "\n"


def events(app: Flask) -> str:
    """What happens in the shop that the world outside may hear of."""
    lines = [
        "# Events\n",
        "What webhooks, topics, queues and exports hear of. Each comes in an envelope (`id`, `kind`, `subject`, `at`, `version`, `data`), at least",
        "once, in order for one subject. `data` holds facts and no person.\n",
        "| kind | what it says |",
        "|---|---|",
    ]
    published = app.extensions["published"]
    lines += [f"| `{kind}` | {_line(published[kind].says)} |" for kind in sorted(published)]
    return "\n".join(lines)


def api(app: Flask) -> str:
    """Every address of the JSON API, from its description."""
    from shop.web.openapi import describe_api

    with app.app_context():
        document = describe_api(app)
    lines = [
        "# JSON API\n",
        "The whole description is `/api/v1/openapi.json`, with a page to read at `/api/docs`.\n",
        "| address | what it does |",
        "|---|---|",
    ]
    for path, acts in sorted(document["paths"].items()):
        lines += [f"| `{verb.upper()} {path}` | {_line(act.get('summary', ''))} |" for verb, act in acts.items() if isinstance(act, dict)]
    return "\n".join(lines)


def tables(_app: Flask) -> str:
    """Every table with its columns."""
    from shop.db import Base

    lines = [
        "# Tables\n",
        "The same on SQLite and PostgreSQL. Moments are UTC; `_minor` are whole minor units of a currency, `_bp` basis points, `_g` grams.\n",
    ]
    described = {mapper.local_table: (mapper.class_.__doc__ or "") for mapper in Base.registry.mappers}
    for table in sorted(Base.metadata.tables.values(), key=lambda table: table.name):
        lines += [f"## {table.name}\n", f"{_line(described.get(table, ''))}\n", "| column | type | |", "|---|---|---|"]
        lines += [_column(table, column) for column in table.columns]
        lines.append("")
    return "\n".join(lines)


def _column(_table: Table, column: Column[Any]) -> str:
    facts = ["key"] if column.primary_key else []
    facts += ["may be empty"] if column.nullable else []
    facts += [f"→ {key.target_fullname}" for key in sorted(column.foreign_keys, key=lambda key: key.target_fullname)]
    return f"| `{column.name}` | {_type(column)} | {', '.join(facts)} |"


def _type(column: Column[Any]) -> str:
    words = getattr(column.type, "enums", None)
    return (
        ", ".join(f"`{word}`" for word in words)
        if words
        else type(column.type).__name__.lower().replace("biginteger", "integer").replace("utcdatetime", "moment")
    )


def settings(_app: Flask) -> str:
    """Every setting of the machine, in the words of the README, and those that staff change."""
    from shop.settings.known import GROUPS

    lines = [
        "# Settings\n",
        "## Of the machine\n",
        "In the environment or in `.env`.\n",
        "| setting | default | what it does |",
        "|---|---|---|",
    ]
    lines += [row.replace("](docs/", "](../") for row in _readme_rows() if row.split("`")[1].isupper()]
    lines += [
        "\n## That staff change\n",
        "On the page Settings of the back office, and at `/api/v1/settings`.\n",
        "| setting | default | what it is |",
        "|---|---|---|",
    ]
    lines += [
        f"| `{known.name}` | {f'`{known.default}`' if known.default else '–'} | {_line(known.label)} |"
        for group in GROUPS
        for known in group.settings
    ]
    return "\n".join(lines)


def _readme_rows() -> list[str]:
    text = (FOLDER.parents[1] / "README.md").read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line.startswith("| `")]


def asked_settings() -> set[str]:
    """The names of all settings that the code asks for."""
    from config import Config

    asked = Asked(
        {"SHOP_INSTANCE": tempfile.mkdtemp(), "SECRET_KEY": os.urandom(16).hex(), "SHOP_PAYMENT_METHODS": "bank_transfer,test_card"}
    )
    Config.from_env(asked)
    return asked.names


def _line(words: object) -> str:
    """The first paragraph in one line, safe in a table."""
    return " ".join(str(words).strip().partition("\n\n")[0].split()).replace("|", "\\|")


PAGES: dict[str, Callable[[Flask], str]] = {
    "commands.md": commands,
    "events.md": events,
    "api.md": api,
    "tables.md": tables,
    "settings.md": settings,
}


def write() -> dict[str, str]:
    """All pages by the name of their file."""
    app = make_app()
    with app.test_request_context():
        return {name: HEAD + page(app).rstrip() + "\n" for name, page in PAGES.items()}


if __name__ == "__main__":
    for name, text in write().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
