"""Transactions that the broker has forgotten to end, and the operator's way
out: what kafka-transactions.sh find-hanging and abort do.

Kafka 4.3.1 can leave one when it is killed and started again: if a transaction
times out in the first seconds, the coordinator may call the abort complete
though no marker reached the partitions. Their readers then wait for ever, as
do restores. No client can do anything about that.
"""

import time

from kafka import TopicPartition
from kafka.admin import AbortTransactionSpec, KafkaAdminClient

OLD_MS = 20_000  # Twice transaction.timeout.ms.


def abort_hanging(bootstrap, topics, partitions):
    """How many there were; raises RuntimeError if one must not be aborted,
    because its coordinator calls it committed."""
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        return _abort(admin, [TopicPartition(t, p) for t in topics
                              for p in range(partitions)])
    finally:
        admin.close()


def _abort(admin, tps):
    now = time.time() * 1000
    suspects = [(tp, p) for tp, state in admin.describe_producers(tps).items()
                for p in state.active_producers
                if p.current_transaction_start_offset >= 0
                and p.last_timestamp < now - OLD_MS]
    if not suspects:
        return 0
    listed = [t for of in admin.list_transactions().values() for t in of]
    described = admin.describe_transactions(
        [t.transactional_id for t in listed])
    known = {d.producer_id: d for d in described.values()}
    hanging = 0
    for tp, p in suspects:
        d = known.get(p.producer_id)
        state = d.state.value if d else "Dead"
        if state in ("Ongoing", "PrepareCommit", "PrepareAbort"):
            continue
        # An epoch that was bumped since was not committed.
        if state == "CompleteCommit" and d.producer_epoch == p.producer_epoch:
            raise RuntimeError(
                f"the broker has lost a commit of producer {p.producer_id} on "
                f"{tp.topic}-{tp.partition}: this run can't be judged")
        admin.abort_transaction(AbortTransactionSpec(
            topic_partition=tp, producer_id=p.producer_id,
            producer_epoch=p.producer_epoch,
            coordinator_epoch=p.coordinator_epoch))
        hanging += 1
    return hanging
