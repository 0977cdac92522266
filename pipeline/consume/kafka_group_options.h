#pragma once

#include <string>
#include <vector>

#include "pipeline/base/fetch_limits.h"
#include "pipeline/base/time.h"
#include "pipeline/kafka/kafka_handle.h"

namespace tacho {

struct KafkaGroupMemberOptions {
  KafkaProperties properties;  // The job's `kafka:` section, resolved.
  std::string group_id;
  std::string instance_id;  // Not empty: a static member.
  std::vector<std::string> topics;
  // An eager assignor; cooperative ones pause every lane as well and have bugs
  // in librdkafka before 2.10.
  std::string assignment = "range";
  Millis session_timeout{45000};
  Millis heartbeat_interval{3000};
  Millis max_poll_interval{300000};
  FetchLimits fetch = FetchLimitsFor(size_t{400} << 20, 8);
  // How long a broker may hold back an answer that has little in it. Nobody is
  // in a hurry for a fraction of the commit interval: a message is seen by
  // others no sooner than its epoch is committed.
  Millis fetch_wait{50};
  // How long Close waits for librdkafka before it leaves the handle behind.
  Millis close_timeout{4000};
};

// A quarter of the commit interval, from 5 to 100 ms. Without data each wait is
// an empty answer: 10 ms of waiting cost a hundred of them a second.
Millis FetchWaitFor(Millis commit_interval);

// The client properties that the options stand for, the job's own first:
// what is owned by tacho always wins. For tests and `validate`.
KafkaProperties KafkaConsumerProperties(const KafkaGroupMemberOptions& options);

}  // namespace tacho
