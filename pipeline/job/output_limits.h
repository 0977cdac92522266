#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "pipeline/commit/kafka_output.h"
#include "pipeline/job/job.h"

namespace tacho {

// How large what a job writes can be, and what its topics take. The job's own
// limits decide what is in a message; preflight sees to it that each topic
// takes that, and what the topics say decides only how messages are put into
// batches.
//
// Sizes are as a topic counts them: key, value, headers and framing. Texts and
// ids are measured as JSON writes them where they are accepted, so none of
// these can be passed; a topic that takes them takes everything.

// One thing that a job writes to a topic.
struct JobOutput {
  std::string topic;
  std::string what;               // "a reject", "a result of stream s".
  size_t most_bytes = 0;          // Of a message.
  std::string limit;              // The job's key that bounds it.
  int32_t create_partitions = 0;  // 0: a missing topic is an error.
};

// Rejects and late records, if they have a topic and as one if it is the same,
// then results by stream.
std::vector<JobOutput> OutputsOf(const Job& job);
// A result of `stream`.
size_t MaxResultBytes(const Job& job, const StreamConfig& stream);
// A change of state, of any operator.
size_t MaxStateBytes(const Job& job);

// What the topics of a job take, as read from them at start.
struct OutputLimits {
  // max.message.bytes by topic; a topic whose settings we may not read is not
  // in it.
  std::map<std::string, size_t> message_bytes;
  // How far from now a message's timestamp may be; likewise.
  std::map<std::string, StampLimits> stamps;
  // The greatest max.message.bytes of the inputs; 0: not all may be read.
  size_t input_message_bytes = 0;
  // The least of message_bytes: what a batch of several messages must fit.
  size_t batch_bytes() const;
};

}  // namespace tacho
