#pragma once

#include <memory>

#include "pipeline/base/status.h"
#include "pipeline/consume/group_member.h"
#include "pipeline/consume/kafka_group_options.h"

namespace tacho {

// A member of a Kafka consumer group: librdkafka's consumer, driven by events.
//
// One thread, the group thread, polls events for ever and does nothing slow;
// data never passes through it. Each partition has its own unforwarded queue,
// drained by callback straight into the batch's arena. Offsets are always
// explicit: librdkafka neither looks up committed offsets nor resets them.
Result<std::unique_ptr<GroupMember>> MakeKafkaGroupMember(
    KafkaGroupMemberOptions options);

}  // namespace tacho
