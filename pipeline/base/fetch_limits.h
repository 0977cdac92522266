#pragma once

#include <cstddef>

namespace tacho {

// How far ahead a consumer fetches, for each partition that it is assigned.
// librdkafka looks at a queue before it asks for more, never after, so a queue
// may pass its limits by what one answer unpacks to.
struct FetchLimits {
  size_t queue_messages = 20000;               // Looked at before a fetch.
  size_t queue_bytes = size_t{16} << 20;       // The same, of values.
  size_t partition_bytes = size_t{256} << 10;  // Of an answer, as in the log.
  size_t answer_bytes = size_t{2} << 20;       // All partitions of a broker.
  // Of a batch, unpacked, and of an answer: what is more is refused.
  size_t batch_bytes = 100000000;
};

// What keeps the queues of so many partitions within `bytes` together: a third
// for messages and what librdkafka keeps beside each, a third for values, and a
// third for what one fetch adds that unpacks to fifty times its size.
// Limits: no queue gets so little that nothing would move, so that a very large
// number of partitions takes more.
FetchLimits FetchLimitsFor(size_t bytes, int partitions);

}  // namespace tacho
