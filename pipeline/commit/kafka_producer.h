#pragma once

#include <memory>
#include <vector>

#include "pipeline/commit/kafka_at_least_once.h"

namespace tacho {

// The producer under a transaction: sends epochs' outputs without copying
// their values and knows when all of them are acknowledged.
// Threading: the committer's thread only.
class KafkaProducer {
 public:
  // Asks for the partition counts of all sinks; waits up to `timeout`.
  static Result<std::unique_ptr<KafkaProducer>> Open(
      const KafkaOutputOptions& options, const KafkaProperties& owned,
      Millis timeout);
  ~KafkaProducer();

  // Values are not copied: the part must outlive WaitDelivered or Purge.
  Status Produce(const LaneEpoch& part);
  // Waits until all is acknowledged. The first failure is the status; after a
  // time-out the rest is purged.
  Status WaitDelivered(Millis timeout);
  // Forgets what is in flight; after return no value is referred to.
  void Purge();

 private:
  struct Impl;
  explicit KafkaProducer(std::unique_ptr<Impl> impl);
  Status ProduceOne(const LaneEpoch& part, const OutputRecord& record);

  std::unique_ptr<Impl> impl_;
};

}  // namespace tacho
