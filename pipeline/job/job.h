#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "operators/emitter.h"
#include "operators/registry.h"
#include "pipeline/base/time.h"
#include "pipeline/decode/decoder.h"
#include "pipeline/job/kafka_properties.h"
#include "state/marker.h"

namespace tacho {

enum class OffsetReset : uint8_t { kEarliest, kLatest, kNone };
// How the group spreads partitions over its workers; all of a group alike.
enum class GroupAssignment : uint8_t { kRange, kRoundRobin };
enum class PartitionsAdded : uint8_t { kStop, kContinue };
// Whether partition time follows the clock in a partition that is empty.
enum class IdleAdvance : uint8_t { kAuto, kOn, kOff };
enum class OnReject : uint8_t { kTopic, kDrop, kFail };
enum class OutputTimestamp : uint8_t { kNow, kLogTime };

struct GroupConfig {
  std::string id;
  std::string instance_id;  // Not empty: a static member.
  OffsetReset offset_reset = OffsetReset::kEarliest;
  GroupAssignment assignment = GroupAssignment::kRange;
  Millis session_timeout{45000};
  Millis heartbeat_interval{3000};
  Millis max_poll_interval{300000};
};

struct OutputConfig {
  std::string topic;
  TimeFormat time_format = TimeFormat::kEpochMillis;
  OutputTimestamp timestamp = OutputTimestamp::kNow;
  int32_t create_partitions = 0;  // 0: a missing topic is an error.
};

struct OperatorConfig {
  const OperatorType* type = nullptr;
  OperatorParams params;
};

struct StreamConfig {
  std::string name;
  std::vector<OperatorConfig> operators;  // The last one emits.
  OutputConfig output;
};

// Where rejects (or late records) go.
struct SideOutputConfig {
  OnReject action = OnReject::kTopic;
  std::string topic;              // Of kTopic.
  int32_t create_partitions = 0;  // 0: a missing topic is an error.
};

struct CommitConfig {
  Millis interval{200};
  uint64_t records = 1000000;           // Input records of an epoch.
  uint64_t bytes = uint64_t{64} << 20;  // Outputs and state changes of one.
};

// A job file, checked and typed: what to read, how to decode it, which streams
// to run and where results go. Keys, defaults, ranges and help are in the key
// table (job_keys.cc); `tacho schema --markdown` prints them.
// Threading: immutable once loaded.
struct Job {
  std::string name;
  // Allow-listed client properties, in Kafka's own spelling, as written;
  // ResolveKafkaProperties reads the secrets.
  std::vector<KafkaProperty> kafka;
  GroupConfig group;
  std::vector<std::string> topics;
  std::string decoder = "wide";
  DecoderConfig decode;
  int partitions_per_worker = 8;
  std::vector<StreamConfig> streams;
  SideOutputConfig rejects;
  SideOutputConfig late;
  std::string state_dir = "./state";
  CommitConfig commit;
  uint64_t batch_max_records = 1000;
  uint64_t memory_limit = uint64_t{768} << 20;
  Guarantee guarantee = Guarantee::kExactlyOnce;
  PartitionsAdded partitions_added = PartitionsAdded::kStop;
  Millis revoke_timeout{10000};  // At most max_poll_interval / 4 by default.
  StreamSettings time;           // vehicle_idle_timeout, vehicle_forget.
  Millis idle_timeout{60000};    // Of a partition.
  IdleAdvance idle_advance = IdleAdvance::kAuto;

  SignalSchema schema;  // From decode.signals.
};

}  // namespace tacho
