#pragma once

#include <memory>
#include <string>
#include <vector>

#include "pipeline/base/time.h"
#include "pipeline/kafka/kafka_groups.h"
#include "pipeline/kafka/kafka_handle.h"
#include "tests/support/real_broker.h"

namespace tacho {

// A transaction of somebody else, in the caller's hands: what it has produced
// is at the broker and undecided until Commit or Abort. Destroyed without
// either it stays open until the broker times it out.
class OpenTransaction {
 public:
  // init_transactions and begin_transaction: whoever else uses the id is
  // fenced.
  static Result<std::unique_ptr<OpenTransaction>> Begin(
      const std::string& bootstrap, const std::string& transactional_id,
      Millis timeout = Millis(60000));

  // Waits until all are acknowledged. REQUIRES: records name their partition.
  Status Produce(const std::string& topic,
                 const std::vector<KafkaRecord>& records);
  // Offsets of a group whose members do not matter: brokers let them pass.
  Status SendOffsets(const std::string& group,
                     const std::vector<PartitionOffset>& offsets);
  Status Commit();
  Status Abort();

 private:
  explicit OpenTransaction(KafkaPtr<rd_kafka_t> producer)
      : producer_(std::move(producer)) {}
  KafkaPtr<rd_kafka_t> producer_;
};

}  // namespace tacho
