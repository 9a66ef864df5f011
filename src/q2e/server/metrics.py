"""What Prometheus may read: requests by route and status, their seconds, queues, jobs, counts."""

from __future__ import annotations

import time

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_BOUNDS_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics:
    """The numbers of one server."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "q2e_requests", "Requests answered.", ("route", "status"), registry=self.registry
        )
        self.seconds = Histogram(
            "q2e_request_seconds",
            "Seconds from a request to the start of its answer.",
            ("route",),
            buckets=_BOUNDS_S,
            registry=self.registry,
        )
        self.working = Gauge(
            "q2e_working", "Requests worked on.", ("queue",), registry=self.registry
        )
        self.waiting = Gauge(
            "q2e_waiting", "Requests in the queue.", ("queue",), registry=self.registry
        )
        self.jobs = Gauge("q2e_jobs", "Index jobs.", ("state",), registry=self.registry)
        self.videos = Gauge("q2e_videos", "Indexed videos.", registry=self.registry)
        self.evidence = Gauge("q2e_evidence", "Pieces of evidence.", registry=self.registry)

    def text(self) -> bytes:
        return generate_latest(self.registry)


class Measured:
    """Counts the requests that pass through to `app`."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = time.perf_counter()

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                # The route's pattern, never the address: its values would be without number.
                route = getattr(scope.get("route"), "path_format", "none")
                self.metrics.requests.labels(route, str(message["status"])).inc()
                self.metrics.seconds.labels(route).observe(time.perf_counter() - began)
            await send(message)

        await self.app(scope, receive, counted)
