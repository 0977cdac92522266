#include "pipeline/kafka/transaction_hold.h"

#include <utility>

#include "pipeline/base/log.h"
#include "pipeline/kafka/kafka_commands.h"

namespace tacho {

TransactionHold MakeTransactionHold(const KafkaProperties& properties,
                                    TopicPartition tp, Offset last_stable,
                                    Offset end) {
  std::string look = LookForTransactionCommands(properties, tp);
  return {std::move(tp), last_stable, end, std::move(look)};
}

void LogTransactionHold(const std::string& waits, const TopicPartition& lane,
                        const TransactionHold& hold, Millis waited) {
  const std::string where =
      hold.tp.partition < 0
          ? hold.tp.topic
          : hold.tp.topic + "-" + std::to_string(hold.tp.partition);
  LOG(kError, "transaction_open",
      {{"topic", lane.topic},
       {"partition", lane.partition},
       {"waits", waits},
       {"seconds", waited.count() / 1000},
       {"on", where},
       {"last_stable_offset", hold.last_stable},
       {"end_offset", hold.end},
       {"look", hold.look},
       {"note",
        "this partition goes on by itself when the transaction ends; others "
        "are not held up. Kafka 4.3.0 and 4.3.1 can leave one open for ever "
        "(KAFKA-20734). Do not abort it blindly: where its coordinator says "
        "CompleteCommit its records are committed, and the marker that is "
        "missing is a commit"}});
}

}  // namespace tacho
