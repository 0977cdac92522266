#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/base/ids.h"
#include "pipeline/base/status.h"
#include "pipeline/kafka/kafka_handle.h"

namespace tacho {

struct TailMessage {
  const std::string& topic;
  int32_t partition;
  Offset offset;
  std::string_view key;
  std::string_view value;
};

// Reads topics from their beginning, read committed, outside any group: what
// shows a person the newest results. Never commits.
// Threading: one thread.
class KafkaTail {
 public:
  static Result<std::unique_ptr<KafkaTail>> Open(
      const KafkaProperties& properties, const std::vector<std::string>& topics,
      int timeout_ms);
  ~KafkaTail();

  // Visits what has arrived, for at most `timeout_ms`; returns how many.
  size_t Poll(int timeout_ms,
              const std::function<void(const TailMessage&)>& visit);

 private:
  explicit KafkaTail(KafkaPtr<rd_kafka_t> consumer);
  KafkaPtr<rd_kafka_t> consumer_;
};

}  // namespace tacho
