#pragma once

#include <cstddef>
#include <map>
#include <string>

#include "pipeline/commit/kafka_output.h"

namespace tacho {

// What the topics of a job take, as read from them at start. It decides how
// messages are put into batches, never what is in them: what a job writes has
// limits of its own, and preflight sees to it that its topics take that.
struct OutputLimits {
  // max.message.bytes by topic; a topic whose settings we may not read is not
  // in it.
  std::map<std::string, size_t> message_bytes;
  // How far from now a message's timestamp may be; likewise.
  std::map<std::string, StampLimits> stamps;
  // The greatest max.message.bytes of the inputs; 0: not all may be read.
  size_t input_message_bytes = 0;
  // The least of them: what a batch of several messages must fit.
  size_t batch_bytes() const;
};

}  // namespace tacho
