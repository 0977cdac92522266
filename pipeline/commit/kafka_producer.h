#pragma once

#include <memory>
#include <vector>

#include "pipeline/commit/epoch.h"
#include "pipeline/commit/kafka_output.h"
#include "pipeline/kafka/kafka_handle.h"

namespace tacho {

// The producer of an epoch writer, with or without a transaction: sends what
// epochs write without copying the values and knows when all of it is
// acknowledged.
//
// Threading: the committer's thread only.
// Limits: a cycle's Produce and ProduceChangelog wait for room in the client's
// queue (KafkaOutputOptions::queue_bytes), no longer than BeginCycle allows.
class KafkaProducer {
 public:
  // Asks for the partition counts of all sinks; waits up to `timeout`. With
  // `seen`, because an earlier producer has found them, a sink that is not
  // there can be asked for again: a broker that starts may not know it yet.
  static Result<std::unique_ptr<KafkaProducer>> Open(
      const KafkaOutputOptions& options, const KafkaProperties& owned,
      Millis timeout, bool seen);
  ~KafkaProducer();

  // What an epoch writes is to be handed over within `timeout` from now.
  void BeginCycle(Millis timeout);
  // Values are not copied: the part must outlive a WaitDelivered that is ok, or
  // this producer.
  Status Produce(const LaneEpoch& part);
  // The log's identity if the part begins it, state changes and, after them,
  // the part's meta record, to the input's partition of `topic`. Once that
  // record is acknowledged with its offset, part.marker.changelog_next is the
  // offset after it; likewise part.changelog_first, with the first of those
  // before it.
  Status ProduceChangelog(LaneEpoch& part, const std::string& topic);
  // Waits until all is acknowledged. The first failure is the status; after
  // one, this producer is to be destroyed.
  Status WaitDelivered(Millis timeout);

  // Connections that were closed, by either side, since the producer was made.
  // A request that was under way on one may reach the broker at any later
  // time, and the client has sent it again meanwhile. It is counted before
  // that: whoever has the answer to a request that was sent twice sees it.
  uint64_t closed_connections() const;
  // Messages whose timestamp was not what the job asks for (ClampStamp).
  uint64_t clamped_stamps() const;

  rd_kafka_t* handle() const;

 private:
  struct Impl;
  explicit KafkaProducer(std::unique_ptr<Impl> impl);
  Status ProduceOne(const LaneEpoch& part, const OutputRecord& record,
                    Timestamp now);

  std::unique_ptr<Impl> impl_;
};

}  // namespace tacho
