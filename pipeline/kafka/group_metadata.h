#pragma once

#include <memory>
#include <string_view>

#include "pipeline/base/membership.h"
#include "pipeline/base/status.h"

typedef struct rd_kafka_consumer_group_metadata_s
    rd_kafka_consumer_group_metadata_t;

namespace tacho {

// librdkafka 2.0.2 has no getters for what is in its group metadata; its
// serialised form has been the same from there to 2.15:
//
//   "CGMDv2:" i32 generation (native), group id \0, member id \0,
//   u8 instance id is null, [instance id \0]
Result<GroupMembership> ParseGroupMetadata(std::string_view serialised);

Result<GroupMembership> ReadGroupMetadata(
    const rd_kafka_consumer_group_metadata_t* metadata);

struct GroupMetadataDeleter {
  void operator()(rd_kafka_consumer_group_metadata_t* p) const;
};
// The same membership as librdkafka wants it.
std::unique_ptr<rd_kafka_consumer_group_metadata_t, GroupMetadataDeleter>
MakeGroupMetadata(const GroupMembership& membership);

}  // namespace tacho
