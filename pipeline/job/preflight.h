#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/base/output_buffer.h"
#include "pipeline/base/status.h"
#include "pipeline/job/job.h"
#include "pipeline/kafka/kafka_admin.h"

namespace tacho {

// What the topics of a job take, as read from them at start.
struct OutputLimits {
  size_t reject_bytes = kOriginalBytes;  // Key and value of a reject.
  size_t late_bytes = kOriginalBytes;    // Of a late record.
  // max.message.bytes by topic; a topic whose settings we may not read is not
  // in it.
  std::map<std::string, size_t> message_bytes;
  // The least of them: what a batch of several messages must fit.
  size_t batch_bytes() const;
};

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
  size_t brokers = 1;
  std::map<std::string, std::string> broker_config;  // Empty: not ours to see.
  Status group;                                      // READ.
  Status transactional_id;
  std::string transactional_name;
  std::map<std::string, TopicFinding> topics;  // Inputs and outputs.
  std::map<std::string, ChangelogFinding> changelogs;
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

// The largest value that an operator's state can have under the job's limits.
size_t MaxStateValueBytes(const Job& job);

}  // namespace tacho
