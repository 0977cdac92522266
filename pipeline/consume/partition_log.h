#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/base/ids.h"
#include "pipeline/base/partition_offset.h"
#include "pipeline/base/status.h"
#include "pipeline/base/time.h"
#include "pipeline/kafka/transaction_hold.h"

namespace tacho {

// Where a partition's log ends: what a reader of committed messages is given,
// and what there is. Equal: no transaction is open on it.
struct LogEnd {
  Offset last_stable = kNoOffset;
  Offset high_watermark = kNoOffset;
};

// What the brokers know of the input's partitions and of the group's offsets.
// It only asks: nothing is joined, read or moved by it, and it goes on
// answering while a member of the group joins, is fenced, or is made anew.
//
// Threading: any thread, unless a call says otherwise; never the group thread,
// because every call but InputHold waits on the network, up to `timeout`.
// Errors: kNotFound, kPermission, kUnavailable (retryable: ask again).
class PartitionLog {
 public:
  virtual ~PartitionLog() = default;

  // Partition count of each input topic. kNotFound if a topic does not exist.
  virtual Result<std::map<std::string, int32_t>> PartitionCounts(
      Millis timeout) = 0;

  // Of the cluster, never empty; kUnavailable if no broker says it.
  virtual Result<std::string> ClusterId(Millis timeout) = 0;

  // The group's committed offsets; kNoOffset where there is none. Waits also
  // for transactions that have written to one of them and are still open.
  virtual Result<std::vector<PartitionOffset>> Committed(
      const std::vector<TopicPartition>& partitions, Millis timeout) = 0;

  // First and next offset of a partition's log.
  virtual Result<std::pair<Offset, Offset>> LogRange(const TopicPartition& tp,
                                                     Millis timeout) = 0;

  // Both ends of a partition's log, the last stable one first. One thread at a
  // time.
  virtual Result<LogEnd> End(const TopicPartition& tp, Millis timeout) = 0;

  // The transaction whose end Committed of `partitions` waits for; none: it
  // waits for something else, or does not wait. One thread at a time.
  virtual Result<std::optional<TransactionHold>> OffsetHold(
      const std::vector<TopicPartition>& partitions, Millis timeout) = 0;
  // The transaction that is open on a partition whose ends are `end`. Asks
  // nobody.
  virtual TransactionHold InputHold(const TopicPartition& tp,
                                    const LogEnd& end) const = 0;
};

}  // namespace tacho
