"""Every figure that the shop counts or reads, with its labels. Each has the label ``shop`` besides, since several may live in one process.

Labels hold words of the code only (endpoints, names of tasks, states), so that nobody outside can make new ones.
"""

from __future__ import annotations

from dataclasses import dataclass

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
PIECES = (0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)


@dataclass(frozen=True, slots=True, eq=False)
class Counter:
    """Something that only grows, until all processes have ended."""

    name: str
    help: str
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Spread:
    """How something spreads over ``buckets`` (upper ends); it has a count and a sum as well."""

    name: str
    help: str
    labels: tuple[str, ...]
    buckets: tuple[float, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Gauge:
    """A number that is read when Prometheus asks."""

    name: str
    help: str
    labels: tuple[str, ...] = ()


REQUESTS = Counter("bodega_requests_total", "Requests answered", ("endpoint", "method", "status"))
REQUEST_SECONDS = Spread("bodega_request_seconds", "How long answers took, without their way to the visitor", ("endpoint",), SECONDS)
STATEMENTS = Spread("bodega_request_statements", "Statements that a request sent to the database", ("endpoint",), PIECES)
STATEMENT_SECONDS = Counter("bodega_statement_seconds_total", "Seconds that requests waited for the database", ("endpoint",))
BUGS = Counter("bodega_bugs_total", "Requests that ended in an error which nobody foresaw", ("endpoint",))
EVENTS = Counter("bodega_events_total", "What happened: the events of the outbox, once committed", ("kind",))
DELIVERIES = Counter(
    "bodega_deliveries_total", "Events carried to a consumer: done, failed (it is tried again), dead", ("consumer", "outcome")
)
TASKS = Counter("bodega_tasks_total", "Periodic tasks that ran: done or failed", ("task", "outcome"))
TASK_SECONDS = Counter("bodega_task_seconds_total", "Seconds that periodic tasks took", ("task",))
MAILS = Counter("bodega_mails_total", "Mails handed over: sent, failed, maybe_sent, waiting (it is tried again)", ("outcome",))
PAYMENTS = Counter("bodega_payments_total", "What settling a payment did, such as paid or unpaid", ("gateway", "outcome"))
REFUNDS = Counter("bodega_refunds_total", "How refunds ended: done or refused", ("gateway", "outcome"))
GATEWAY_CALLS = Counter(
    "bodega_gateway_calls_total", "Calls of a gateway: answered, silent, refused or broken", ("gateway", "act", "outcome")
)
GATEWAY_SECONDS = Spread("bodega_gateway_seconds", "How long gateways took to answer", ("gateway", "act"), SECONDS)
STOCK_REFUSALS = Counter(
    "bodega_stock_refusals_total", "Wishes for more than there was: in the cart, at the checkout, of an order", ("where",)
)
SIGN_IN_REFUSALS = Counter("bodega_sign_in_refusals_total", "Attempts to sign in that were refused", ("step", "reason"))
CART_PUTS = Counter("bodega_cart_puts_total", "Times that somebody put something into a cart")
DATABASE_UP = Gauge("bodega_database_up", "1 when the database answered just now, else 0")
OUTBOX_LAG = Gauge("bodega_outbox_lag_seconds", "For how long the oldest delivery that is due has waited for its first try")
OUTBOX_WAITING = Gauge("bodega_outbox_waiting", "Deliveries that wait, tried or not")
OUTBOX_DEAD = Gauge("bodega_outbox_dead", "Deliveries that were given up and wait for a person")
TASK_LATE = Gauge("bodega_task_late_seconds", "By how much the most belated periodic task is late")
PROCESSES = Gauge("bodega_processes", "Processes that count just now")

COUNTED: tuple[Counter | Spread, ...] = tuple(found for found in list(globals().values()) if isinstance(found, Counter | Spread))
READ: tuple[Gauge, ...] = tuple(found for found in list(globals().values()) if isinstance(found, Gauge))
