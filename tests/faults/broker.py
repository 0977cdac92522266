"""A real Apache Kafka, broker and controller in one process (KRaft)."""

import os
import pathlib
import signal
import socket

from kafka.admin import KafkaAdminClient

from process import Process, wait_until

ROOT = pathlib.Path(__file__).resolve().parents[2]
CLUSTER_ID = "dGFjaG8tZmF1bHRzLXRlcw"


def libs():
    return os.environ.get("TACHO_KAFKA_LIBS", str(ROOT / "build/kafka-libs"))


def free_ports(count):
    """Free a moment ago; held together so that they differ."""
    sockets = [socket.socket() for _ in range(count)]
    for s in sockets:
        s.bind(("127.0.0.1", 0))
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


class Broker:
    """Listens directly, for tests, and behind the fault proxy, for workers:
    what it advertises to clients of that listener is the proxy's port."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True)
        self.process = None
        self.kills = 0
        direct, behind, self.proxy_port, controller = free_ports(4)
        self.bootstrap = f"127.0.0.1:{direct}"
        self.behind_port = behind
        self.through_proxy = f"127.0.0.1:{self.proxy_port}"
        properties = {
            "process.roles": "broker,controller",
            "node.id": 1,
            "controller.quorum.voters": f"1@127.0.0.1:{controller}",
            "listeners": f"PLAINTEXT://127.0.0.1:{direct},"
                         f"PROXY://127.0.0.1:{behind},"
                         f"CONTROLLER://127.0.0.1:{controller}",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{direct},"
                                    f"PROXY://{self.through_proxy}",
            "inter.broker.listener.name": "PLAINTEXT",
            "controller.listener.names": "CONTROLLER",
            "listener.security.protocol.map":
                "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,PROXY:PLAINTEXT",
            "log.dirs": self.directory / "data",
            "auto.create.topics.enable": "false",
            "log.retention.ms": -1,
            "offsets.topic.replication.factor": 1,
            "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1,
            "share.coordinator.state.topic.replication.factor": 1,
            "share.coordinator.state.topic.min.isr": 1,
            "group.initial.rebalance.delay.ms": 0,
            "group.min.session.timeout.ms": 1000,
            "broker.session.timeout.ms": 3000,
            "broker.heartbeat.interval.ms": 500,
            "transaction.abort.timed.out.transaction.cleanup.interval.ms": 500,
            "offsets.topic.num.partitions": 4,
            "transaction.state.log.num.partitions": 4,
        }
        with open(self.directory / "server.properties", "w") as file:
            for name, value in properties.items():
                file.write(f"{name}={value}\n")
        # The history of the group's offsets is read at the end: a log that
        # is being written is not compacted before it rolls, at 100 MB.
        formatting = self._java("kafka.tools.StorageTool", "format",
                                "-t", CLUSTER_ID, "-c")
        if formatting.wait(120) != 0:
            raise RuntimeError("formatting failed:\n" + formatting.tail())

    def _java(self, main, *arguments):
        return Process(
            ["java", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
             "-Dorg.apache.logging.log4j.level=WARN", "-cp", libs() + "/*",
             main, *arguments, self.directory / "server.properties"],
            self.directory / "broker.log")

    def start(self):
        self.process = self._java("kafka.Kafka")
        wait_until(self._answers, 120, "start of the broker\n" +
                   self.process.tail(), every=0.1)

    def _answers(self):
        if not self.process.running():
            raise RuntimeError("the broker ended:\n" + self.process.tail())
        host, port = self.bootstrap.split(":")
        try:
            socket.create_connection((host, int(port)), 1).close()
        except OSError:
            return False
        return True

    def kill(self):
        self.process.kill()
        self.kills += 1

    def stop(self):
        self.process.signal(signal.SIGTERM)
        if self.process.wait(20) is None:
            self.process.kill()

    def create_topics(self, partitions_of):
        admin = KafkaAdminClient(bootstrap_servers=self.bootstrap)
        try:
            admin.create_topics(
                {topic: {"num_partitions": partitions, "replication_factor": 1}
                 for topic, partitions in partitions_of.items()},
                timeout_ms=20000, wait_for_metadata=True)
        finally:
            admin.close()
