"""A real Apache Kafka: brokers that are controllers, too (KRaft)."""

import os
import pathlib
import signal
import socket

from process import Process, wait_until

ROOT = pathlib.Path(__file__).resolve().parents[2]
CLUSTER_ID = "dGFjaG8tZmF1bHRzLXRlcw"
START_SECONDS = 120  # Of a JVM on a busy host, at most.


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
    """One node. Listens directly, for tests, and behind the fault proxy, for
    workers: what it advertises to clients of that listener is the proxy's
    port. `voters` is the cluster's controller quorum, `size` its brokers."""

    def __init__(self, directory, node, ports, voters, size):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True)
        self.node = node
        self.process = None
        self.kills = 0
        direct, self.behind_port, self.proxy_port, controller = ports
        self.bootstrap = f"127.0.0.1:{direct}"
        self.through_proxy = f"127.0.0.1:{self.proxy_port}"
        replicas, least = size, max(1, size - 1)
        properties = {
            "process.roles": "broker,controller",
            "node.id": node,
            "controller.quorum.voters": voters,
            "listeners": f"PLAINTEXT://{self.bootstrap},"
                         f"PROXY://127.0.0.1:{self.behind_port},"
                         f"CONTROLLER://127.0.0.1:{controller}",
            "advertised.listeners": f"PLAINTEXT://{self.bootstrap},"
                                    f"PROXY://{self.through_proxy}",
            "inter.broker.listener.name": "PLAINTEXT",
            "controller.listener.names": "CONTROLLER",
            "listener.security.protocol.map":
                "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,PROXY:PLAINTEXT",
            "log.dirs": self.directory / "data",
            "auto.create.topics.enable": "false",
            "log.retention.ms": -1,
            # Its default would be a third of the heap.
            "log.cleaner.dedupe.buffer.size": 16 << 20,
            "default.replication.factor": replicas,
            "min.insync.replicas": least,
            "offsets.topic.replication.factor": replicas,
            "transaction.state.log.replication.factor": replicas,
            "transaction.state.log.min.isr": least,
            "share.coordinator.state.topic.replication.factor": replicas,
            "share.coordinator.state.topic.min.isr": least,
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

    def format(self):
        """The process that makes the log directory; it has to end with 0."""
        # The history of the group's offsets is read at the end: a log that
        # is being written is not compacted before it rolls, at 100 MB.
        return self._java("kafka.tools.StorageTool", "format",
                          "-t", CLUSTER_ID, "-c")

    def _java(self, main, *arguments):
        return Process(
            ["java", "-Xmx400m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
             "-Dorg.apache.logging.log4j.level=WARN", "-cp", libs() + "/*",
             main, *arguments, self.directory / "server.properties"],
            self.directory / "broker.log")

    # ---- Its life.

    def spawn(self):
        """Starts it and waits for nothing."""
        self.process = self._java("kafka.Kafka")

    def start(self):
        self.spawn()
        self.wait_ready()

    def wait_ready(self):
        wait_until(self.answers, START_SECONDS, "start of a broker\n" +
                   self.process.tail(), every=0.1)

    def running(self):
        return self.process is not None and self.process.running()

    def answers(self):
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
        """Politely: it hands its leaders to others first, if there are any."""
        self.process.signal(signal.SIGTERM)
        if self.process.wait(30) is None:
            self.process.kill()

    def freeze(self):
        self.process.signal(signal.SIGSTOP)

    def thaw(self):
        self.process.signal(signal.SIGCONT)
