"""Spans for OpenTelemetry: one per request, call of a gateway, delivery and task, sent to a collector by the standard variables ``OTEL_…``.

The number of a request is the number of its trace: who has the one from an error page or a line finds the other, and what comes of a request later
(mails, deliveries) stands in the same trace. Spans hold words of the code, numbers and times, as the lines do.
"""

from __future__ import annotations

import hashlib
import os
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

from shop.observe.process import eyes
from shop.observe.trace import Trace, current

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Tracer

HEX = re.compile(r"(?!0+$)[0-9a-f]{8,32}")
CLOSING_MS = 3000


class Spans:
    """The spans of this process; the thread that sends them begins with the first, after the fork."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        import opentelemetry.exporter.otlp.proto.http.trace_exporter
        import opentelemetry.sdk.trace.export  # noqa: F401 - loaded now, so that workers share them

        for name, value in variables.items():  # some may stand in .env alone
            os.environ.setdefault(name, value)
        self.lock = threading.Lock()
        self.begun: tuple[int, TracerProvider | None, Tracer | None] = (0, None, None)

    @property
    def tracer(self) -> Tracer:
        """Makes spans in this process."""
        with self.lock:
            if self.begun[0] != os.getpid():
                provider = self._begin()
                self.begun = os.getpid(), provider, provider.get_tracer("shop")
            tracer = self.begun[2]
        assert tracer is not None
        return tracer

    @cached_property
    def kinds(self) -> dict[str, Any]:
        """The kinds of spans by their names."""
        from opentelemetry.trace import SpanKind

        return {kind.name.lower(): kind for kind in SpanKind}

    def begin_request(self, parent: tuple[int, int, int] | None) -> RequestSpan:
        """A span for what is asked of us, below the proxy's ``parent`` (trace, span, flags) if it told one."""
        from opentelemetry import trace
        from opentelemetry.context import Context

        above = None
        if parent is not None:
            told = trace.SpanContext(parent[0], parent[1], is_remote=True, trace_flags=trace.TraceFlags(parent[2]))
            above = trace.set_span_in_context(trace.NonRecordingSpan(told), Context())
        return RequestSpan(self.tracer.start_span("request", above or Context(), self.kinds["server"]))

    def close(self) -> None:
        """Send what is left."""
        pid, provider, _tracer = self.begun
        if provider is not None and pid == os.getpid():
            provider.force_flush(CLOSING_MS)
            provider.shutdown()
            self.begun = (0, None, None)

    @staticmethod
    def _begin() -> TracerProvider:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

        class Numbers(RandomIdGenerator):
            """A trace is called as the request."""

            def generate_trace_id(self) -> int:
                trace = current.get()
                return trace_id(trace.request_id) if trace is not None else super().generate_trace_id()

        provider = TracerProvider(id_generator=Numbers())
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        return provider


class RequestSpan:
    """The span of a request, and the context in which what it does is measured."""

    def __init__(self, span: Any) -> None:
        from opentelemetry import context, trace

        self.span = span
        self.token = context.attach(trace.set_span_in_context(span))

    def describe(self, method: str, endpoint: str, route: str, status: int, trace: Trace) -> None:
        """What it was and came to. Source: OpenTelemetry, semantic conventions for HTTP spans."""
        from opentelemetry.trace import Status, StatusCode

        self.span.update_name(f"{method} {endpoint}")
        self.span.set_attributes(
            {
                "http.request.method": method,
                "http.route": route,
                "http.response.status_code": status,
                "shop.name": trace.shop,
                "shop.endpoint": endpoint,
                "shop.request_id": trace.request_id,
                "shop.statements": trace.statements,
                "shop.statement_ms": trace.sql_ns / 1e6,
            }
        )
        if status >= 500:
            self.span.set_status(Status(StatusCode.ERROR))

    def end(self) -> None:
        from opentelemetry import context

        context.detach(self.token)
        self.span.end()


@contextmanager
def span(name: str, kind: str = "internal", **attributes: str | int) -> Iterator[None]:
    """Measure a block, below what is measured already; nothing where no traces are sent. An error is told by its kind alone."""
    spans = eyes().spans
    if spans is None:
        yield
        return
    from opentelemetry.trace import Status, StatusCode

    told = {f"shop.{label}": value for label, value in attributes.items()}
    with spans.tracer.start_as_current_span(
        name, kind=spans.kinds[kind], attributes=told, record_exception=False, set_status_on_exception=False
    ) as begun:
        try:
            yield
        except BaseException as error:
            begun.set_attribute("error.type", type(error).__name__)
            begun.set_status(Status(StatusCode.ERROR))
            raise
        finally:
            if (trace := current.get()) is not None:
                begun.set_attributes({"shop.name": trace.shop, "shop.request_id": trace.request_id})


def trace_id(number: str) -> int:
    """The number of a request as that of a trace: itself where it is hexadecimal, else a hash of it."""
    return int(number, 16) if HEX.fullmatch(number) else int.from_bytes(hashlib.sha256(number.encode()).digest()[:16]) or 1
