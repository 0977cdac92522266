#pragma once

#include <memory>
#include <string>

#include "pipeline/base/membership.h"
#include "pipeline/kafka/kafka_handle.h"

namespace tacho {

// Somebody in a consumer group: joins, and stays until it is destroyed.
class PlainMember {
 public:
  // Waits until the group has given it its partitions, all of them if it is
  // alone.
  static Result<std::unique_ptr<PlainMember>> Join(const std::string& bootstrap,
                                                   const std::string& group,
                                                   const std::string& topic,
                                                   const std::string& client);
  ~PlainMember();

  // Who it is in the generation of now.
  Result<GroupMembership> membership() const;

 private:
  explicit PlainMember(KafkaPtr<rd_kafka_t> consumer);
  KafkaPtr<rd_kafka_t> consumer_;
};

}  // namespace tacho
