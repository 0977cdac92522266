"""What a run left behind, as plain data. Collecting it is collect.py's work."""

from dataclasses import dataclass, field

# The sinks of the job in job.py, by the end of their topics' names.
SINKS = ("stats", "alerts", "rejects", "late")


@dataclass(frozen=True)
class Record:
    offset: int
    timestamp: int  # Milliseconds, as the broker has it.
    key: bytes | None
    value: bytes | None
    headers: tuple = ()  # ((name, bytes), ...)


@dataclass(frozen=True)
class Commit:
    """One committed offset of the group, in the order of __consumer_offsets."""

    offset: int
    metadata: str
    time: int = 0  # Milliseconds.


@dataclass
class Store:
    """A lane's RocksDB directory after its worker has ended."""

    name: str  # Where it was, for messages.
    marker: bytes | None
    tables: dict  # Table name -> {state key: value}


@dataclass
class History:
    """Lists are by partition, and within one in the order of the log.

    Topics are as a read_committed reader sees them after the run.
    """

    job: str
    topic: str
    input: list  # [[Record]]
    outputs: dict  # sink -> [[Record]]
    changelog: list  # [[Record]]
    commits: list  # [[Commit]]
    ends: dict  # (topic, partition) -> (read_committed end, high watermark)
    stores: list = field(default_factory=list)  # [[Store]]
    # What a reader saw while it happened: sink -> [[(offset, digest)]]
    observed: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Violation:
    rule: str
    where: str
    what: str

    def __str__(self):
        return f"{self.rule}: {self.where}: {self.what}"
