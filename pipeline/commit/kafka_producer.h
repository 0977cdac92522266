#pragma once

#include <memory>
#include <vector>

#include "pipeline/commit/epoch.h"
#include "pipeline/commit/kafka_output.h"
#include "pipeline/kafka/kafka_handle.h"

namespace tacho {

// The producer under a transaction: sends what epochs write without copying
// the values and knows when all of it is acknowledged.
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
  // State changes and, after them, the part's meta record, to the input's
  // partition of `topic`. Once that record is acknowledged with its offset,
  // part.marker.changelog_next is the offset after it.
  Status ProduceChangelog(LaneEpoch& part, const std::string& topic);
  // Waits until all is acknowledged. The first failure is the status; after a
  // time-out the rest is purged.
  Status WaitDelivered(Millis timeout);
  // Forgets what is in flight; after return no value is referred to.
  void Purge();
  // True if a connection broke or a request timed out since the last call: the
  // client may have sent something twice.
  bool TakeDisturbance();

  rd_kafka_t* handle() const;

 private:
  struct Impl;
  explicit KafkaProducer(std::unique_ptr<Impl> impl);
  Status ProduceOne(const LaneEpoch& part, const OutputRecord& record);

  std::unique_ptr<Impl> impl_;
};

}  // namespace tacho
