"""A dataset of BigQuery: tables are made and get new columns; a batch is loaded beside each table and merged into it by its key.

A load job into a table beside, which is emptied first, and one MERGE: both may run again at any time and leave the same. Streamed rows would be
deduplicated for a minute only, and cannot be changed while they lie in the buffer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from shop.analytics.reading import Batch
from shop.analytics.schema import BY_NAME, TABLES, VERSION, Kind, Table
from shop.analytics.services import LoadFailed

if TYPE_CHECKING:
    from config_outside import Warehouse

TIMEOUT_S = 60
RETRY_S = 60
"""A passing trouble is overcome for so long; then the next export takes it up."""
TRIES = 3
JOB_TIMEOUT_S = 600
SAME = {"INT64": "INTEGER", "BOOL": "BOOLEAN"}


class Dataset:
    """One dataset. ``shop`` is in the names of the tables beside, so that two shops do not write into each other's."""

    def __init__(self, warehouse: Warehouse, shop: str, *, make_client: Callable[[Warehouse], Any] | None = None) -> None:
        self.id = f"{warehouse.project}.{warehouse.dataset}"
        self.name = f"bigquery:{self.id}"
        self.location = warehouse.location
        self.beside = f"__new_{shop.replace('-', '_')}"
        self.client = (make_client or make_bigquery_client)(warehouse)

    @property
    def retry(self) -> Any:
        """How long the client tries again by itself; by default it would for ten minutes."""
        from google.cloud.bigquery import DEFAULT_RETRY

        return DEFAULT_RETRY.with_timeout(RETRY_S)

    def prepare(self) -> None:
        """Make the dataset and its tables, and add columns that a table has not.

        Raises:
            LoadFailed: a column there holds another kind of value, or BigQuery refused it or did not answer in time.
        """
        from google.cloud import bigquery

        wanted = bigquery.Dataset(self.id)
        wanted.location = self.location
        with _in_our_words("preparing"):
            self.client.create_dataset(wanted, exists_ok=True, retry=self.retry, timeout=TIMEOUT_S)
            for table in TABLES:
                self._prepare(table)

    def _prepare(self, table: Table) -> None:
        from google.api_core.exceptions import NotFound
        from google.cloud import bigquery

        fields = _fields(table)
        try:
            there = self.client.get_table(f"{self.id}.{table.name}", retry=self.retry, timeout=TIMEOUT_S)
        except NotFound:
            made = bigquery.Table(f"{self.id}.{table.name}", schema=fields)
            made.description, made.labels, made.clustering_fields = table.says, {"schema": str(VERSION)}, [table.key]
            self.client.create_table(made, exists_ok=True, retry=self.retry, timeout=TIMEOUT_S)
            return
        known = {field.name: SAME.get(field.field_type, field.field_type) for field in there.schema}
        for field in fields:
            if known.get(field.name, field.field_type) != field.field_type:
                raise LoadFailed(f"{self.id}.{table.name}.{field.name} holds {known[field.name]} there, the shop writes {field.field_type}")
        missing = [bigquery.SchemaField(one.name, one.field_type, description=one.description) for one in fields if one.name not in known]
        if missing:
            there.schema = [*there.schema, *missing]
            there.labels = {**there.labels, "schema": str(VERSION)}
            self.client.update_table(there, ["schema", "labels"], retry=self.retry, timeout=TIMEOUT_S)

    def load(self, batch: Batch) -> None:
        """Load and merge, table by table, and cut erased people off their orders.

        Raises:
            LoadFailed: BigQuery refused it or did not answer in time.
        """
        with _in_our_words(f"batch {batch.number}"):
            for name, found in batch.rows.items():
                if found:
                    self._load(BY_NAME[name], found)
            if batch.gone:
                self._forget(batch.gone)

    def _load(self, table: Table, found: list[dict[str, Any]]) -> None:
        from google.cloud import bigquery

        beside = f"{self.id}.{table.name}{self.beside}"
        job = self.client.load_table_from_json(
            found,
            beside,
            location=self.location,
            num_retries=TRIES,
            timeout=TIMEOUT_S,
            job_config=bigquery.LoadJobConfig(schema=_fields(table), write_disposition="WRITE_TRUNCATE"),
        )
        job.result(retry=self.retry, timeout=JOB_TIMEOUT_S)
        self._query(merge_of(table, f"{self.id}.{table.name}", beside))
        self.client.delete_table(beside, not_found_ok=True, retry=self.retry, timeout=TIMEOUT_S)

    def _forget(self, gone: tuple[str, ...]) -> None:
        from google.cloud import bigquery

        names = bigquery.ArrayQueryParameter("gone", "STRING", list(gone))
        self._query(f"UPDATE `{self.id}.orders` SET customer = NULL WHERE customer IN UNNEST(@gone)", [names])  # noqa: S608 - our own name

    def _query(self, sql: str, parameters: list[Any] | None = None) -> None:
        from google.cloud import bigquery

        config = bigquery.QueryJobConfig(query_parameters=parameters or [])
        asked = {"location": self.location, "job_config": config, "retry": self.retry, "job_retry": None, "timeout": TIMEOUT_S}
        self.client.query(sql, **asked).result(retry=self.retry, timeout=JOB_TIMEOUT_S)


@contextmanager
def _in_our_words(doing: str) -> Iterator[None]:
    from google.api_core.exceptions import GoogleAPIError
    from google.auth.exceptions import GoogleAuthError
    from requests.exceptions import RequestException

    try:
        yield
    except (GoogleAPIError, GoogleAuthError, RequestException, TimeoutError) as error:
        raise LoadFailed(f"BigQuery, {doing}: {type(error).__name__}: {error}"[:900]) from error


def make_bigquery_client(warehouse: Warehouse) -> Any:
    """Google's client; it finds its key itself. With an endpoint of a test nobody is asked for one.

    Raises:
        LoadFailed: it finds none.
    """
    from google.cloud import bigquery

    if not warehouse.endpoint:
        with _in_our_words("looking for a key"):
            return bigquery.Client(project=warehouse.project, location=warehouse.location)
    from google.auth.credentials import AnonymousCredentials

    return bigquery.Client(
        project=warehouse.project,
        location=warehouse.location,
        credentials=AnonymousCredentials(),  # type: ignore[no-untyped-call]
        client_options={"api_endpoint": warehouse.endpoint},
    )


def _fields(table: Table) -> list[Any]:
    from google.cloud import bigquery

    return [
        bigquery.SchemaField(one.name, one.kind.value, mode="REQUIRED" if one.name == table.key else "NULLABLE", description=one.says)
        for one in table.columns
    ]


def merge_of(table: Table, target: str, source: str) -> str:
    """The statement that brings the rows beside into the table. A row that is newer there stays."""
    assert all(isinstance(column.kind, Kind) for column in table.columns)
    names = ", ".join(f"`{name}`" for name in table.names)
    values = ", ".join(f"S.`{name}`" for name in table.names)
    changes = ", ".join(f"`{name}` = S.`{name}`" for name in table.names if name != table.key)
    matched = "" if table.is_fixed else f" WHEN MATCHED AND T.`exported_at` <= S.`exported_at` THEN UPDATE SET {changes}"
    return (
        f"MERGE `{target}` T USING `{source}` S ON T.`{table.key}` = S.`{table.key}`{matched}"  # noqa: S608 - names of our own
        f" WHEN NOT MATCHED THEN INSERT ({names}) VALUES ({values})"
    )
