"""The lab's broker: a real Apache Kafka with a broker's own defaults, but for
what one node on one machine needs."""

import pathlib
import socket
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests/faults"))

from broker import free_ports, libs  # noqa: E402

CLUSTER_ID = "dGFjaG8tbGFiLWNsdXN0ZQ"
START_SECONDS = 60
HEAP = "-Xmx1g"

SETTINGS = {
    "process.roles": "broker,controller",
    "node.id": 1,
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map":
        "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
    "auto.create.topics.enable": "false",
    "offsets.topic.replication.factor": 1,
    "transaction.state.log.replication.factor": 1,
    "transaction.state.log.min.isr": 1,
    "share.coordinator.state.topic.replication.factor": 1,
    "share.coordinator.state.topic.min.isr": 1,
    "group.initial.rebalance.delay.ms": 0,
    "offsets.topic.num.partitions": 4,
    "transaction.state.log.num.partitions": 4,
    "log.segment.bytes": 256 << 20,
}


class Broker:
    """Runs from the moment that it is made until stop()."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True)
        jar = next(pathlib.Path(libs()).glob("kafka-clients-*.jar"))
        self.version = jar.stem.rsplit("-", 1)[1]
        port, controller = free_ports(2)
        self.bootstrap = f"127.0.0.1:{port}"
        self.settings = SETTINGS | {
            "controller.quorum.voters": f"1@127.0.0.1:{controller}",
            "listeners": f"PLAINTEXT://{self.bootstrap},"
                         f"CONTROLLER://127.0.0.1:{controller}",
            "advertised.listeners": f"PLAINTEXT://{self.bootstrap}",
            "log.dirs": self.directory / "data",
        }
        config = self.directory / "server.properties"
        config.write_text(
            "".join(f"{k}={v}\n" for k, v in self.settings.items()))
        java = ["java", HEAP, "-Dorg.apache.logging.log4j.level=WARN", "-cp",
                f"{libs()}/*"]
        subprocess.run(
            [*java, "kafka.tools.StorageTool", "format", "-t", CLUSTER_ID,
             "-c", config], check=True, stdout=subprocess.DEVNULL)
        self.log = open(self.directory / "broker.log", "ab")
        self.process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "--", *java, "kafka.Kafka",
             config], stdout=self.log, stderr=self.log,
            stdin=subprocess.DEVNULL)
        self._await_port(port)

    def _await_port(self, port):
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", port)) == 0:
                    return
            if self.process.poll() is not None:
                break
            time.sleep(0.1)
        raise RuntimeError(f"the broker did not start: {self.log.name}")

    def bytes_of(self, prefix):
        """Of all partitions of topics whose names start so."""
        data = pathlib.Path(self.settings["log.dirs"])
        return sum(file.stat().st_size for folder in data.glob(f"{prefix}*")
                   for file in folder.glob("*.log"))

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
