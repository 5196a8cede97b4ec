"""What Prometheus is told: requests, stages, queue, rejections."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class Telemetry:
    """The numbers of one server."""

    def __init__(self, queue: int) -> None:
        registry = self._registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self.requests = Counter(
            "limner_requests", "Answered requests", ["route", "status"], registry=registry
        )
        self.seconds = Histogram(
            "limner_request_seconds", "From the request's head to the end of the answer", ["route"],
            buckets=BUCKETS, registry=registry,
        )  # fmt: skip
        self.stages = Histogram(
            "limner_stage_seconds", "Time in a stage, waiting for it included", ["stage"],
            buckets=BUCKETS, registry=registry,
        )  # fmt: skip
        self.batches = Histogram(
            "limner_batch_images", "Images that went through the network together",
            buckets=(1, 2, 4, 8, 16, 32, 64), registry=registry,
        )  # fmt: skip
        self.rejected = Counter(
            "limner_rejected", "Refused because of a limit", ["reason"], registry=registry
        )
        self.keys = Counter(
            "limner_key_requests",
            "Answered requests of an API key, by its hash",
            ["key", "status"],
            registry=registry,
        )
        self.accepted = Gauge("limner_queue_requests", "Accepted and not yet answered", registry=registry)
        limit = Gauge("limner_queue_limit", "Requests accepted at a time", registry=registry)
        limit.set(queue)

    def observe_stage(self, name: str, seconds: float) -> None:
        """Count a stage."""
        self.stages.labels(name).observe(seconds)

    def text(self) -> bytes:
        """All of it, in Prometheus' text format."""
        return generate_latest(self._registry)
