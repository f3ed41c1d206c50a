"""A server on loopback that speaks as BigQuery does, as far as the shop asks it: datasets, tables, load jobs by upload, MERGE and UPDATE.

It refuses what BigQuery refuses: rows with unknown or missing columns or another kind of value, columns that change or vanish, a second job of one name, two
source rows for one target row. ``plan`` makes the next requests fail: see ``Fault``.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PROJECT = r"/bigquery/v2/projects/(?P<project>[^/]+)"
MERGE = re.compile(
    r"MERGE `(?P<target>[^`]+)` T USING `(?P<source>[^`]+)` S ON T\.`(?P<key>\w+)` = S\.`(?P=key)`"
    r"(?: WHEN MATCHED AND T\.`(?P<newer>\w+)` <= S\.`(?P=newer)` THEN UPDATE SET (?P<changes>.+?))?"
    r" WHEN NOT MATCHED THEN INSERT \((?P<names>[^)]+)\) VALUES \((?P<values>[^)]+)\)"
)
UPDATE = re.compile(r"UPDATE `(?P<target>[^`]+)` SET (?P<column>\w+) = NULL WHERE (?P=column) IN UNNEST\(@(?P<parameter>\w+)\)")
KINDS: dict[str, Any] = {"STRING": str, "INTEGER": int, "BOOLEAN": bool, "TIMESTAMP": str}


class Refused(Exception):
    """An answer of an error, as BigQuery words it."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.status, self.reason = status, reason


@dataclass
class Fault:
    """What befalls the first request whose path or query has ``where``: a status, or the line is cut ``after`` it was done."""

    where: str
    status: int = 0
    cut_after: bool = False


@dataclass
class Warehouse:
    """``tables`` by name: {"schema": [...], "rows": [...]}; ``asked`` are the requests; ``plan`` are faults to come."""

    url: str = ""
    datasets: dict[str, Any] = field(default_factory=dict)
    tables: dict[str, dict[str, Any]] = field(default_factory=dict)
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    plan: list[Fault] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def forget(self) -> None:
        for kept in (self.datasets, self.tables, self.jobs, self.asked, self.plan):
            kept.clear()

    def rows(self, table: str) -> list[dict[str, Any]]:
        return self.tables[table]["rows"]

    # Datasets and tables

    def make_dataset(self, body: dict[str, Any]) -> dict[str, Any]:
        name = body["datasetReference"]["datasetId"]
        if name in self.datasets:
            raise Refused(409, "duplicate", f"Already Exists: Dataset {name}")
        return self.datasets.setdefault(name, body)

    def get_dataset(self, name: str) -> dict[str, Any]:
        if name not in self.datasets:
            raise Refused(404, "notFound", f"Not found: Dataset {name}")
        return self.datasets[name]

    def get_table(self, name: str) -> dict[str, Any]:
        if name not in self.tables:
            raise Refused(404, "notFound", f"Not found: Table {name}")
        return self.tables[name]["resource"]

    def make_table(self, body: dict[str, Any]) -> dict[str, Any]:
        reference = body["tableReference"]
        name = reference["tableId"]
        if reference["datasetId"] not in self.datasets:
            raise Refused(404, "notFound", f"Not found: Dataset {reference['datasetId']}")
        if name in self.tables:
            raise Refused(409, "duplicate", f"Already Exists: Table {name}")
        self.tables[name] = {"resource": body, "schema": body["schema"]["fields"], "rows": []}
        return body

    def patch_table(self, name: str, body: dict[str, Any]) -> dict[str, Any]:
        resource = self.get_table(name)
        if "schema" in body:
            before, after = self.tables[name]["schema"], body["schema"]["fields"]
            by_name = {one["name"]: one for one in after}
            for column in before:
                if by_name.get(column["name"], {}).get("type") != column["type"]:
                    raise Refused(400, "invalid", f"Provided Schema does not match Table {name}: {column['name']} changed or is missing")
            for column in after[len(before) :]:
                if column.get("mode", "NULLABLE") != "NULLABLE":
                    raise Refused(400, "invalid", f"Cannot add required fields to an existing schema (field: {column['name']})")
            self.tables[name]["schema"] = after
        resource.update(body)
        return resource

    def drop_table(self, name: str) -> dict[str, Any]:
        self.get_table(name)
        del self.tables[name]
        return {}

    # Jobs

    def start(self, body: dict[str, Any], lines: bytes | None = None) -> dict[str, Any]:
        reference = body["jobReference"]
        if reference["jobId"] in self.jobs:
            raise Refused(409, "duplicate", f"Already Exists: Job {reference['jobId']}")
        job = {**body, "id": reference["jobId"], "status": {"state": "DONE"}, "statistics": {}}
        try:
            if lines is not None:
                self.load(body["configuration"]["load"], lines)
            else:
                job["statistics"] = {"query": {"statementType": "MERGE"}}
                self.run(body["configuration"]["query"])
        except Refused as refusal:
            error = {"reason": refusal.reason, "message": str(refusal)}
            job["status"] |= {"errorResult": error, "errors": [error]}
        self.jobs[reference["jobId"]] = job
        return job

    def get_job(self, name: str) -> dict[str, Any]:
        if name not in self.jobs:
            raise Refused(404, "notFound", f"Not found: Job {name}")
        return self.jobs[name]

    def load(self, wanted: dict[str, Any], lines: bytes) -> None:
        name, columns = wanted["destinationTable"]["tableId"], wanted["schema"]["fields"]
        assert wanted["sourceFormat"] == "NEWLINE_DELIMITED_JSON"
        assert wanted["writeDisposition"] == "WRITE_TRUNCATE"
        rows = [self.checked(json.loads(line), columns) for line in lines.decode().splitlines() if line]
        self.tables[name] = {"resource": {"tableReference": wanted["destinationTable"]}, "schema": columns, "rows": rows}

    def checked(self, row: dict[str, Any], columns: list[dict[str, Any]]) -> dict[str, Any]:
        known = {column["name"]: column for column in columns}
        for name, value in row.items():
            if name not in known:
                raise Refused(400, "invalid", f"No such field: {name}.")
            if value is not None and type(value) is not KINDS[known[name]["type"]]:
                raise Refused(400, "invalid", f"Could not convert value {value!r} of {name}")
        missing = [name for name, column in known.items() if column.get("mode") == "REQUIRED" and row.get(name) is None]
        if missing:
            raise Refused(400, "invalid", f"Missing required field: {missing[0]}.")
        return {name: row.get(name) for name in known}

    def run(self, query: dict[str, Any]) -> None:
        if match := MERGE.fullmatch(query["query"]):
            return self.merge(match)
        if match := UPDATE.fullmatch(query["query"]):
            (parameter,) = query["queryParameters"]
            assert parameter["name"] == match["parameter"]
            gone = [one["value"] for one in parameter["parameterValue"]["arrayValues"]]
            for row in self.rows(match["target"].split(".")[-1]):
                if row[match["column"]] in gone:
                    row[match["column"]] = None
            return None
        raise Refused(400, "invalidQuery", f"Syntax error: {query['query'][:80]}")

    def merge(self, match: re.Match[str]) -> None:
        target, source = (match[name].split(".")[-1] for name in ("target", "source"))
        key, names = match["key"], re.findall(r"\w+", match["names"])
        columns = {column["name"] for column in self.tables[target]["schema"]}
        changed = re.findall(r"`(\w+)` = S\.`\1`", match["changes"] or "")
        if unknown := ({*names, *changed} - columns):
            raise Refused(400, "invalidQuery", f"Column {sorted(unknown)[0]} is not present in table {target}")
        assert re.findall(r"S\.`(\w+)`", match["values"]) == names
        there = {row[key]: row for row in self.rows(target)}
        new = self.rows(source)
        if len({row[key] for row in new}) < len(new):
            raise Refused(400, "invalidQuery", "UPDATE/MERGE must match at most one source row for each target row")
        for row in new:
            old = there.get(row[key])
            if old is None:
                self.rows(target).append({**dict.fromkeys(columns), **{name: row[name] for name in names}})
            elif match["newer"] and old[match["newer"]] <= row[match["newer"]]:
                old.update({name: row[name] for name in changed})


def parts_of(content_type: str, body: bytes) -> tuple[dict[str, Any], bytes]:
    """A multipart/related upload: the job, and the lines."""
    boundary = re.search(r'boundary="?([^";]+)"?', content_type)
    assert boundary
    first, second = body.split(b"--" + boundary[1].encode().strip(b"'"))[1:3]
    return json.loads(first.partition(b"\r\n\r\n")[2]), second.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n")


@contextmanager
def serve_warehouse() -> Iterator[Warehouse]:
    warehouse = Warehouse()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            with warehouse.lock:
                said = body.decode("utf-8", "replace")
                asked = f"{self.command} {self.path} {said}"
                warehouse.asked.append(asked)
                fault = next((one for one in warehouse.plan if one.where in asked), None)
                if fault:
                    warehouse.plan.remove(fault)
                try:
                    if fault and fault.status:
                        raise Refused(fault.status, "backendError", "not today")
                    status, found = 200, route(warehouse, self.command, self.path, self.headers.get("Content-Type", ""), body)
                except (LookupError, ValueError, AssertionError) as mistake:  # the stand-in does not know this: say so, do not hang up
                    status, found = 501, {"error": {"code": 501, "message": f"{asked[:300]}: {mistake!r}", "errors": []}}
                except Refused as refusal:
                    error = {"reason": refusal.reason, "message": str(refusal)}
                    status, found = refusal.status, {"error": {"code": refusal.status, "message": str(refusal), "errors": [error]}}
            if fault and fault.cut_after:
                self.close_connection = True
                return
            sent = json.dumps(found).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        do_GET = do_POST = do_PATCH = do_DELETE = answer  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Silent."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        warehouse.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield warehouse
        server.shutdown()
        thread.join()


def route(warehouse: Warehouse, method: str, path: str, content_type: str, body: bytes) -> dict[str, Any]:  # noqa: PLR0911
    plain = path.partition("?")[0]
    if plain.startswith("/upload/"):
        job, lines = parts_of(content_type, body)
        return warehouse.start(job, lines)
    match = re.fullmatch(PROJECT + r"/(?P<rest>.+)", plain)
    assert match, path
    sent = json.loads(body) if body else {}
    words = match["rest"].split("/")
    if words[0] == "datasets" and len(words) < 3:
        return warehouse.get_dataset(words[1]) if method == "GET" else warehouse.make_dataset(sent)
    if words[0] == "datasets" and words[2:] == ["tables"]:
        return warehouse.make_table(sent)
    if words[0] == "datasets" and words[2] == "tables":
        acts = {"GET": warehouse.get_table, "DELETE": warehouse.drop_table}
        return warehouse.patch_table(words[3], sent) if method == "PATCH" else acts[method](words[3])
    if words == ["jobs"]:
        return warehouse.start(sent)
    if words[0] == "jobs":
        return warehouse.get_job(words[1])
    if words[0] == "queries":
        job = warehouse.get_job(words[1])
        return {"jobComplete": True, "jobReference": job["jobReference"], "totalRows": "0", "schema": {"fields": []}, "rows": []}
    raise Refused(404, "notFound", path)
