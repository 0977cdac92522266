#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "operators/registry.h"
#include "pipeline/base/headers.h"
#include "pipeline/base/original.h"
#include "pipeline/base/time.h"
#include "pipeline/decode/decoder_config.h"
#include "pipeline/encode/row_encoder.h"
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
// What to do where the client cannot read the log.
enum class OnUnreadable : uint8_t { kStop, kSkip };
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
  const RowEncoding* encoding = &RowEncodings().front();
  TimeFormat time_format = TimeFormat::kEpochMillis;
  // Numbers of these dimensions are written in these units, at most one each.
  std::vector<const Unit*> units;
  OutputTimestamp timestamp = OutputTimestamp::kNow;
  int32_t create_partitions = 0;  // 0: a missing topic is an error.
};

struct StreamConfig {
  std::string name;
  std::string from;  // The stream whose results it reads; "": the records.
  std::vector<OperatorConfig> operators;  // The last one makes rows.
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
  uint64_t records = 1000000;  // Input records of an epoch.
  // Outputs and state changes of one, all lanes of a worker together.
  uint64_t bytes = uint64_t{64} << 20;
};

// A job file, checked and typed: what to read, how to decode it, which streams
// to run and where results go. Keys, defaults, ranges and help are in the key
// table (job/file/job_keys.h); `tacho schema --markdown` prints them.
// Threading: immutable once loaded.
struct Job {
  std::string name;
  // Allow-listed client properties, in Kafka's own spelling, as written;
  // ResolveKafkaProperties reads the secrets.
  std::vector<KafkaProperty> kafka;
  GroupConfig group;
  std::vector<std::string> topics;
  DecoderConfig decode;
  HeaderLimits headers;  // Of rejects and late records.
  uint64_t reject_bytes =
      kDefaultMessageBytes;  // Greatest size of one of these.
  OnUnreadable on_unreadable = OnUnreadable::kStop;
  int partitions_per_worker = 0;  // 0: all of the topics.
  std::vector<StreamConfig> streams;
  SideOutputConfig rejects;
  SideOutputConfig late;
  std::string state_dir = "./state";
  CommitConfig commit;
  uint64_t batch_max_records = 1000;
  uint64_t memory_limit = 0;  // 0: what the machine has room for.
  Guarantee guarantee = Guarantee::kExactlyOnce;
  PartitionsAdded partitions_added = PartitionsAdded::kStop;
  Millis revoke_timeout{10000};  // At most max_poll_interval / 4 by default.
  StreamSettings time;           // vehicle_idle_timeout, vehicle_forget.
  Millis idle_timeout{60000};    // Of a partition.
  IdleAdvance idle_advance = IdleAdvance::kAuto;

  SignalSchema schema;  // From decode.signals.
  // Of all that says what is made of the input: not of where it runs.
  uint64_t digest = 0;
};

}  // namespace tacho
