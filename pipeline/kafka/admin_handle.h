#pragma once

#include <functional>
#include <string>

#include "pipeline/base/deadline.h"
#include "pipeline/base/time.h"
#include "pipeline/kafka/kafka_handle.h"

namespace tacho {

// The librdkafka handle under KafkaAdmin: read uncommitted, member of no group.
//
// A request that times out inside librdkafka can end the process when its
// coordinator comes back (an assertion on its reference count, up to 2.8): so
// requests get an hour, their deadline is kept here, and a handle whose request
// has missed it is given up and made anew.
//
// Threading: one thread at a time.
class AdminHandle {
 public:
  // What every request is told as its own time limit.
  static constexpr Millis kRequestTimeout{3600 * 1000};

  explicit AdminHandle(const KafkaProperties& properties);

  // Makes one if there is none; the status says what is wrong with the
  // properties. Before any other call.
  Status Open();
  rd_kafka_t* get() const { return handle_.get(); }
  const KafkaProperties& properties() const { return properties_; }

  // Waits for the answer to the request that `send` puts on its way.
  using Send = std::function<void(rd_kafka_t*, rd_kafka_queue_t*)>;
  Result<KafkaPtr<rd_kafka_event_t>> Call(const std::string& context,
                                          Millis timeout, const Send& send);
  // Waits a moment; false if the deadline has passed.
  bool Pause(const Deadline& deadline) const;

 private:
  const KafkaProperties properties_;
  KafkaPtr<rd_kafka_t> handle_;
};

}  // namespace tacho
