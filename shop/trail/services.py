"""Writing down what staff do, in the transaction that does it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

import click
from flask import g, has_request_context
from sqlalchemy import Table, bindparam, insert, update

from shop.db import after_commit, connection, insert_missing, notes
from shop.trail.models import StaffAct, TrailEnd

_acts, _ends = cast("Table", StaffAct.__table__), cast("Table", TrailEnd.__table__)
CLAIM = update(_ends).values(last_position=_ends.c.last_position + 1).returning(_ends.c.last_position, _ends.c.last_hash)
REMEMBER = update(_ends).values(last_hash=bindparam("digest"))
WRITE = insert(_acts)
SECRET = re.compile(r"password|secret|token|hash|cookie|csrf", re.IGNORECASE)
LONGEST, MOST = 300, 40
COVERED = ("position", "at", "actor", "role", "permission", "what", "subject", "before", "after", "network", "request_id")


@dataclass(frozen=True, slots=True)
class Act:
    """Somebody is about to do something: who, by which permission, which endpoint, to what, from where, in which request."""

    actor: str
    role: str
    permission: str
    what: str
    subject: str
    network: str
    request_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Change:
    """What changed, said by the service that changed it."""

    subject: str
    before: dict[str, Any]
    after: dict[str, Any]
    at: datetime


def announce(act: Act) -> None:
    """Said by a door that let somebody of the staff through to do something."""
    g.staff_act, g.staff_act_is_written = act, False


def note_change(subject: str, before: Mapping[str, Any], after: Mapping[str, Any], *, at: datetime) -> None:
    """Say, inside ``transaction()``, what the act of staff changes. Customers' own acts are no acts of staff: nothing is written of them.

    Raises:
        ValueError: a secret is among it, or it is not small; that is a mistake in the shop's code.
    """
    change = Change(subject, _small(before), _small(after), at)
    if _act_of(change) is not None:
        notes().append(change)


def _small(values: Mapping[str, Any]) -> dict[str, Any]:
    if len(values) > MOST or any(SECRET.search(name) for name in values):
        raise ValueError(f"a secret, or too much, for the trail: {sorted(values)}")
    return {name: _short(value) for name, value in values.items()}


def _short(value: Any) -> Any:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, list | tuple | set | frozenset):
        return [_short(one) for one in (value if isinstance(value, list | tuple) else sorted(value))][:MOST]
    return str(value)[:LONGEST]


def write_acts() -> None:
    """At the end of a transaction: the changes that were said, or else the act by its name, once."""
    changes: list[Change] = [change for change in notes() if isinstance(change, Change)]
    act: Act | None = g.get("staff_act")
    if not changes and (act is None or g.staff_act_is_written):
        return
    if changes:
        for change in changes:
            _write(cast("Act", _act_of(change)), change)
    elif act is not None:
        _write(act, Change(act.subject, {}, {}, act.at))
    after_commit(_remember_written)


def _remember_written() -> None:
    g.staff_act_is_written = True


def _act_of(change: Change) -> Act | None:
    """The act that was announced; a command on the machine is one as well."""
    if "staff_act" in g:
        return cast("Act", g.staff_act)
    command = None if has_request_context() else click.get_current_context(silent=True)
    if command is None:
        return None
    return Act(command.command_path[:LONGEST] or "command", "", "", "command", change.subject, "", "", change.at)


def _write(act: Act, change: Change) -> None:
    link = connection()
    end = link.execute(CLAIM).first()
    if end is None:  # the first act of all
        insert_missing(TrailEnd, {"id": 1, "last_position": 0, "last_hash": ""})
        end = link.execute(CLAIM).one()
    values: dict[str, Any] = {
        "position": end.last_position,
        "at": change.at,
        "actor": act.actor,
        "role": act.role,
        "permission": act.permission,
        "what": act.what,
        "subject": change.subject,
        "before": change.before,
        "after": change.after,
        "network": act.network,
        "request_id": act.request_id,
    }
    values["hash"] = digest_of(end.last_hash, values)
    link.execute(WRITE, values)
    link.execute(REMEMBER, {"digest": values["hash"]})


def digest_of(previous: str, act: Mapping[str, Any]) -> str:
    """What the hash of an act must be: over the one before it and everything that it says."""
    said = {**{name: act[name] for name in COVERED}, "at": act["at"].astimezone(UTC).isoformat()}
    return hashlib.sha256(json.dumps([previous, said], sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()).hexdigest()
