"""The brokers of a run, one or three, as one Kafka."""

import pathlib

from kafka import TopicPartition
from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError

from broker import Broker, free_ports
from process import wait_until

# Until all replicas are in sync again: a broker that comes back from a kill -9
# reads its logs first, on two cores beside everything else.
SYNC_SECONDS = 90


class Cluster:
    """Every topic is on all brokers; a write needs all but one of them."""

    def __init__(self, directory, size=1):
        held = free_ports(4 * size)
        each = [held[4 * i : 4 * i + 4] for i in range(size)]
        voters = ",".join(f"{i + 1}@127.0.0.1:{ports[3]}"
                          for i, ports in enumerate(each))
        self.brokers = [
            Broker(pathlib.Path(directory) / f"broker-{i + 1}", i + 1, ports,
                   voters, size) for i, ports in enumerate(each)]
        self.bootstrap = ",".join(b.bootstrap for b in self.brokers)
        self.through_proxy = ",".join(b.through_proxy for b in self.brokers)
        # What the proxy listens on, and where it leads.
        self.routes = [(b.proxy_port, b.behind_port) for b in self.brokers]
        for process in [b.format() for b in self.brokers]:
            if process.wait(120) != 0:
                raise RuntimeError("formatting failed:\n" + process.tail())

    @property
    def size(self):
        return len(self.brokers)

    def start(self):
        for broker in self.brokers:
            broker.spawn()
        for broker in self.brokers:
            broker.wait_ready()

    def stop(self):
        for broker in self.brokers:
            broker.kill()

    def heal(self):
        """All brokers run, and all replicas are in sync."""
        for broker in self.brokers:
            if broker.running():
                broker.thaw()
            else:
                broker.spawn()
        self.wait_in_sync()

    # ---- What only an admin client can say or do.

    def admin(self):
        return KafkaAdminClient(
            bootstrap_servers=self.bootstrap, request_timeout_ms=4000,
            reconnect_backoff_max_ms=300, bootstrap_timeout_ms=10000)

    def create_topics(self, partitions_of):
        admin = self.admin()
        try:
            admin.create_topics(
                {topic: {"num_partitions": partitions,
                         "replication_factor": self.size}
                 for topic, partitions in partitions_of.items()},
                timeout_ms=20000, wait_for_metadata=True)
        finally:
            admin.close()

    def wait_in_sync(self):
        def in_sync():
            return all(b.answers() for b in self.brokers) and self.in_sync()
        wait_until(in_sync, SYNC_SECONDS, "replicas in sync", every=0.3)

    def in_sync(self):
        try:
            admin = self.admin()
        except (KafkaError, OSError):
            return False
        try:
            return all(
                p["leader_id"] >= 0 and len(p["isr_nodes"]) == self.size
                for topic in admin.describe_topics()
                for p in topic["partitions"])
        except (KafkaError, OSError):
            return False
        finally:
            admin.close()

    def controller(self):
        """The broker that leads the controllers."""
        admin = self.admin()
        try:
            quorum = admin.describe_metadata_quorum()
        finally:
            admin.close()
        leader = quorum["topics"][0]["partitions"][0]["leader_id"]
        return next(b for b in self.brokers if b.node == leader)

    def move_leaders(self, rng):
        """Every partition gets its replicas in another order, and the first
        of them to lead it; how many partitions."""
        admin = self.admin()
        try:
            order = {}
            for topic in admin.describe_topics():
                for p in topic["partitions"]:
                    nodes = [b.node for b in self.brokers]
                    rng.shuffle(nodes)
                    order[TopicPartition(topic["name"],
                                         p["partition_index"])] = nodes
            admin.alter_partition_reassignments(order)
            admin.elect_leaders(0, raise_errors=False)
            return len(order)
        finally:
            admin.close()

    def balance(self):
        """The preferred replica of each partition leads it again."""
        self.wait_in_sync()
        admin = self.admin()
        try:
            admin.elect_leaders(0, raise_errors=False)
        finally:
            admin.close()

