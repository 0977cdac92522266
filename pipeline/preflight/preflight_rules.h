#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/base/ids.h"
#include "pipeline/base/output_buffer.h"
#include "pipeline/base/status.h"
#include "pipeline/commit/kafka_output.h"
#include "pipeline/commit/offset_metadata.h"
#include "pipeline/job/job.h"
#include "pipeline/job/output_limits.h"
#include "pipeline/kafka/kafka_admin.h"

namespace tacho {

// What the cluster has said about one topic. A status that is kUnavailable
// says that it has said nothing.
struct TopicFinding {
  Status found;  // kNotFound; kPermission: not even DESCRIBE.
  TopicShape shape;
  Status described;                           // DESCRIBE_CONFIGS.
  std::map<std::string, std::string> config;  // Empty unless described.
  Status readable;
  Status writable;
  Status creatable;  // Of one that is not there and is to be made.
};

struct ChangelogFinding {
  std::string input;
  TopicFinding topic;
};

struct PreflightFindings {
  KafkaProperties properties;  // For the commands.
  int client_version = 0;      // Of librdkafka, its number.
  size_t brokers = 1;
  std::map<std::string, std::string> broker_config;  // Empty: not ours to see.
  Status group;                                      // READ.
  Status transactional_id;
  std::string transactional_name;
  std::map<std::string, TopicFinding> topics;  // Inputs and outputs.
  std::map<std::string, ChangelogFinding> changelogs;
  // What stands beside the group's offsets, of any topic.
  std::map<TopicPartition, OffsetMetadata> offsets;
  // Outputs with `timestamp: log_time` that get messages older than they keep.
  std::vector<std::string> expiring;
};

struct PreflightProblem {
  StatusCode code = StatusCode::kInvalidArgument;
  std::string what;
  std::string fix;  // A command, or what to write in the job.
};

struct PreflightReport {
  std::vector<PreflightProblem> problems;  // The job can't run.
  std::vector<std::string> warnings;       // It can, and this may surprise.
  std::vector<std::string> notes;          // Good to know, and usual.
  // Missing topics to be made, with how many partitions.
  std::vector<std::pair<std::string, int32_t>> create;
  OutputLimits limits;
};

// What the findings mean for a job: every problem, not only the first. Pure.
PreflightReport EvaluatePreflight(const Job& job,
                                  const PreflightFindings& findings);

// All problems in one status. Permission only if all are of rights.
Status ToStatus(const std::vector<PreflightProblem>& problems);

// Partitions with which a job's missing output is created; 0: it is not.
int32_t PartitionsToCreate(const Job& job, const std::string& topic);
// Topics that the job writes to, each once.
std::vector<std::string> WrittenTopics(const Job& job);

}  // namespace tacho
