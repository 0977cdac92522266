#include "pipeline/job/preflight.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>

#include "pipeline/commit/changelog.h"
#include "pipeline/kafka/kafka_commands.h"

namespace tacho {
namespace {

// What a message costs beside its key, its value and the names in its headers:
// batch and record framing, header names, numbers.
constexpr size_t kMessageRoom = 1024;
// A state value but for its texts.
constexpr size_t kFixedStateBytes = 8192;

std::optional<int64_t> Number(const std::map<std::string, std::string>& config,
                              const std::string& name) {
  const auto found = config.find(name);
  if (found == config.end()) return std::nullopt;
  int64_t number = 0;
  const char* const begin = found->second.data();
  const char* const end = begin + found->second.size();
  const auto parsed = std::from_chars(begin, end, number);
  if (parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  return number;
}

std::string Setting(const std::map<std::string, std::string>& config,
                    const std::string& name) {
  const auto found = config.find(name);
  return found == config.end() ? "" : found->second;
}

bool Compacts(const std::map<std::string, std::string>& config) {
  return Setting(config, "cleanup.policy").find("compact") != std::string::npos;
}

bool Denied(const Status& status) {
  return status.code() == StatusCode::kPermission;
}

// "2.4-IV1" is less than 2.5; what is not a version is not.
bool OlderThan25(const std::string& version) {
  int major = 0;
  int minor = 0;
  const char* const end = version.data() + version.size();
  const auto first = std::from_chars(version.data(), end, major);
  if (first.ec != std::errc() || first.ptr == end || *first.ptr != '.') {
    return false;
  }
  const auto second = std::from_chars(first.ptr + 1, end, minor);
  return second.ec == std::errc() && (major < 2 || (major == 2 && minor < 5));
}

class Evaluation {
 public:
  Evaluation(const Job& job, const PreflightFindings& findings)
      : job_(job), findings_(findings) {}

  PreflightReport Run() {
    CheckBrokers();
    for (const std::string& topic : job_.topics) CheckInput(topic);
    for (const std::string& topic : WrittenTopics(job_)) CheckOutput(topic);
    for (const auto& [name, changelog] : findings_.changelogs) {
      CheckChangelog(name, changelog);
    }
    CheckRights();
    SetLimits();
    CheckStateSizes();
    return std::move(report_);
  }

 private:
  void Problem(StatusCode code, std::string what, std::string fix) {
    report_.problems.push_back({code, std::move(what), std::move(fix)});
  }
  void Warn(std::string what) { report_.warnings.push_back(std::move(what)); }
  void Misses(const std::string& right, const std::string& resource) {
    const std::string flag = "--" + resource;
    Problem(StatusCode::kPermission, "no right to " + right + " " + resource,
            GrantCommand(findings_.properties, right, flag));
  }
  void Misset(const std::string& topic, const std::string& what,
              const std::string& setting) {
    Problem(StatusCode::kInvalidArgument, "topic " + topic + ": " + what,
            AlterTopicCommand(findings_.properties, topic, setting));
  }

  // The number that a missing topic should have.
  std::string InputPartitions() const {
    for (const std::string& topic : job_.topics) {
      const auto found = findings_.topics.find(topic);
      if (found != findings_.topics.end() &&
          found->second.shape.partitions > 0) {
        return std::to_string(found->second.shape.partitions);
      }
    }
    return "N";
  }

  void CheckBrokers();
  void CheckInput(const std::string& topic);
  void CheckOutput(const std::string& topic);
  void CheckMissing(const std::string& topic, const TopicFinding& finding);
  void CheckCompaction(const std::string& topic, const TopicFinding& finding);
  void CheckReplicas(const std::string& topic, const TopicFinding& finding);
  void CheckChangelog(const std::string& topic,
                      const ChangelogFinding& changelog);
  void CheckRights();
  void SetLimits();
  // What is left of a topic's limit for key and value.
  size_t OriginalBytes(const std::string& topic);
  void CheckStateSizes();

  const Job& job_;
  const PreflightFindings& findings_;
  PreflightReport report_;
};

void Evaluation::CheckBrokers() {
  const auto& config = findings_.broker_config;
  const std::string version = Setting(config, "inter.broker.protocol.version");
  if (OlderThan25(version)) {
    Warn("the brokers speak protocol " + version +
         "; transactions that commit a group's offsets need brokers of 2.5 or "
         "later");
  }
}

void Evaluation::CheckInput(const std::string& topic) {
  const TopicFinding& finding = findings_.topics.at(topic);
  if (finding.found.code() == StatusCode::kNotFound) {
    return Problem(StatusCode::kNotFound,
                   "input topic " + topic + " does not exist",
                   CreateTopicCommand(findings_.properties, topic, "N"));
  }
  if (Denied(finding.found) || Denied(finding.readable)) {
    return Misses("Read", "topic " + topic);
  }
  // With any other type the broker's clock stands beside the sender's.
  if (job_.decode.event_time.clock_guard &&
      Setting(finding.config, "message.timestamp.type") == "CreateTime") {
    Warn("input topic " + topic +
         " has message.timestamp.type=CreateTime: max_future_skew compares "
         "event times with the producers' own clocks");
  }
}

void Evaluation::CheckOutput(const std::string& topic) {
  const TopicFinding& finding = findings_.topics.at(topic);
  if (finding.found.code() == StatusCode::kNotFound) {
    return CheckMissing(topic, finding);
  }
  if (Denied(finding.found) || Denied(finding.writable)) {
    return Misses("Write", "topic " + topic);
  }
  CheckCompaction(topic, finding);
  CheckReplicas(topic, finding);
}

void Evaluation::CheckMissing(const std::string& topic,
                              const TopicFinding& finding) {
  const int32_t partitions = PartitionsToCreate(job_, topic);
  if (partitions == 0) {
    return Problem(
        StatusCode::kNotFound, "output topic " + topic + " does not exist",
        CreateTopicCommand(findings_.properties, topic, InputPartitions()));
  }
  if (Denied(finding.creatable)) return Misses("Create", "topic " + topic);
  if (!finding.creatable.ok()) {
    return Problem(finding.creatable.code(), finding.creatable.message(),
                   "change create.partitions, or create it by hand");
  }
  report_.create.emplace_back(topic, partitions);
}

void Evaluation::CheckCompaction(const std::string& topic,
                                 const TopicFinding& finding) {
  if (!Compacts(finding.config)) return;
  if (topic == job_.rejects.topic || topic == job_.late.topic) {
    return Misset(topic,
                  "it is compacted, so it refuses messages without a key, and "
                  "keeps one a key",
                  "cleanup.policy=delete");
  }
  Warn("output topic " + topic +
       " is compacted: of each vehicle only the newest result stays");
}

void Evaluation::CheckReplicas(const std::string& topic,
                               const TopicFinding& finding) {
  const auto least = Number(finding.config, "min.insync.replicas");
  const int32_t replication = finding.shape.replication;
  if (!least || replication == 0 || *least <= replication) return;
  Misset(topic,
         "min.insync.replicas is " + std::to_string(*least) + " and it has " +
             std::to_string(replication) + " replicas: no write can succeed",
         "min.insync.replicas=" + std::to_string(replication));
}

void Evaluation::CheckChangelog(const std::string& topic,
                                const ChangelogFinding& changelog) {
  const TopicFinding& finding = changelog.topic;
  const auto input = findings_.topics.find(changelog.input);
  if (finding.found.code() == StatusCode::kNotFound) {
    if (Denied(finding.creatable)) return Misses("Create", "topic " + topic);
    if (!finding.creatable.ok()) {
      return Problem(finding.creatable.code(),
                     "changelog: " + finding.creatable.message(),
                     "create it by hand, compacted");
    }
    report_.create.emplace_back(topic, input->second.shape.partitions);
    return;
  }
  if (Denied(finding.found)) {
    // Nor can it be known whether it is there.
    return Misses("Read Write Create DescribeConfigs", "topic " + topic);
  }
  if (Denied(finding.readable)) Misses("Read", "topic " + topic);
  if (Denied(finding.writable)) Misses("Write", "topic " + topic);
  if (Denied(finding.described)) Misses("DescribeConfigs", "topic " + topic);
  if (finding.config.empty()) return;
  // An input that can't be seen is a problem of its own; a changelog that may
  // grow with its input does so when a partition is taken over.
  int32_t partitions = input->second.shape.partitions;
  const bool grows = job_.partitions_added == PartitionsAdded::kContinue &&
                     finding.shape.partitions < partitions;
  if (partitions == 0 || grows) partitions = finding.shape.partitions;
  for (const ChangelogFault& fault : CheckChangelogTopic(
           finding.config, finding.shape.partitions, partitions)) {
    if (!fault.config.empty()) {
      Misset(topic, "not fit for a changelog: " + fault.what, fault.config);
      continue;
    }
    Problem(StatusCode::kInvalidArgument,
            "changelog topic " + topic + ": " + fault.what +
                "; where partitions were added, keys have moved and their "
                "state does not follow: set partitions_added: continue to "
                "accept that, or start a new generation",
            "tacho offsets reset JOB.yaml --to OFFSET --state wipe");
  }
  CheckReplicas(topic, finding);
  if (finding.shape.replication == 1 && findings_.brokers > 1) {
    Warn("changelog topic " + topic + " has one replica on a cluster of " +
         std::to_string(findings_.brokers) +
         " brokers: state is lost with its disk");
  }
}

void Evaluation::CheckRights() {
  if (Denied(findings_.group)) Misses("Read", "group " + job_.group.id);
  const Status& id = findings_.transactional_id;
  if (Denied(id)) {
    // Its first part is the same for all workers of the job.
    const std::string prefix = job_.name + "-" + job_.group.id + "-";
    Problem(StatusCode::kPermission,
            "no right to Write and Describe transactional id " +
                findings_.transactional_name,
            GrantCommand(findings_.properties, "Write Describe",
                         "--transactional-id " + prefix +
                             " --resource-pattern-type prefixed"));
  } else if (id.code() == StatusCode::kInvalidArgument) {
    Problem(id.code(), id.message(),
            "set transaction.max.timeout.ms of the brokers to at least 10000");
  }
  for (const std::string& topic : findings_.expiring) {
    Warn("output topic " + topic +
         " has timestamp: log_time and will get messages older than its "
         "retention.ms: the broker deletes them at its next check");
  }
}

void Evaluation::SetLimits() {
  OutputLimits& limits = report_.limits;
  const auto add = [&](const std::string& topic, const TopicFinding& finding) {
    const auto bytes = Number(finding.config, "max.message.bytes");
    if (bytes && *bytes >= 0) {
      limits.message_bytes[topic] = static_cast<size_t>(*bytes);
    }
  };
  for (const std::string& topic : WrittenTopics(job_)) {
    add(topic, findings_.topics.at(topic));
  }
  for (const auto& [name, changelog] : findings_.changelogs) {
    add(name, changelog.topic);
  }
  limits.reject_bytes = OriginalBytes(job_.rejects.topic);
  limits.late_bytes = OriginalBytes(job_.late.topic);
}

size_t Evaluation::OriginalBytes(const std::string& topic) {
  const auto found = report_.limits.message_bytes.find(topic);
  if (found == report_.limits.message_bytes.end()) return kOriginalBytes;
  size_t names = 0;
  for (const std::string& input : job_.topics) {
    names = std::max(names, input.size());
  }
  size_t stream = 0;
  for (const StreamConfig& config : job_.streams) {
    stream = std::max(stream, config.name.size());
  }
  const size_t room = kMessageRoom + job_.name.size() + names + stream;
  if (found->second > room) return found->second - room;
  Misset(topic,
         "max.message.bytes is " + std::to_string(found->second) +
             ", which has no room for a message and its headers",
         "max.message.bytes=1048588");
  return 0;
}

void Evaluation::CheckStateSizes() {
  const size_t most = MaxStateValueBytes(job_);
  for (const auto& [name, changelog] : findings_.changelogs) {
    const auto limit = report_.limits.message_bytes.find(name);
    if (limit == report_.limits.message_bytes.end() || most <= limit->second) {
      continue;
    }
    Misset(name,
           "a state value can have " + std::to_string(most) +
               " bytes under this job's limits.string_bytes, and "
               "max.message.bytes is " +
               std::to_string(limit->second) +
               "; lower limits.string_bytes, or raise it",
           "max.message.bytes=" + std::to_string(most));
  }
}

size_t CountTexts(const std::vector<OutputField>& fields) {
  return static_cast<size_t>(std::count_if(
      fields.begin(), fields.end(),
      [](const auto& field) { return field.type == FieldType::kText; }));
}

}  // namespace

PreflightReport EvaluatePreflight(const Job& job,
                                  const PreflightFindings& findings) {
  return Evaluation(job, findings).Run();
}

size_t OutputLimits::batch_bytes() const {
  size_t least = kOriginalBytes;
  for (const auto& [topic, bytes] : message_bytes) {
    least = std::min(least, bytes);
  }
  return least;
}

std::vector<std::string> WrittenTopics(const Job& job) {
  std::vector<std::string> topics;
  std::set<std::string> seen;
  const auto add = [&](const std::string& topic) {
    if (!topic.empty() && seen.insert(topic).second) topics.push_back(topic);
  };
  if (job.rejects.action == OnReject::kTopic) add(job.rejects.topic);
  if (job.late.action == OnReject::kTopic) add(job.late.topic);
  for (const StreamConfig& stream : job.streams) add(stream.output.topic);
  return topics;
}

int32_t PartitionsToCreate(const Job& job, const std::string& topic) {
  int32_t partitions = 0;
  const auto take = [&](const std::string& name, int32_t asked) {
    if (name == topic) partitions = std::max(partitions, asked);
  };
  take(job.rejects.topic, job.rejects.create_partitions);
  take(job.late.topic, job.late.create_partitions);
  for (const StreamConfig& stream : job.streams) {
    take(stream.output.topic, stream.output.create_partitions);
  }
  return partitions;
}

size_t MaxStateValueBytes(const Job& job) {
  size_t texts = 0;
  for (const StreamConfig& stream : job.streams) {
    for (const OperatorConfig& config : stream.operators) {
      // The other operators keep numbers only.
      if (config.type->name != "window_aggregate") continue;
      std::vector<ParamError> errors;
      const auto made =
          config.type->make(config.params, job.schema, job.time, errors);
      if (made == nullptr) continue;  // The parser has refused it.
      // All but the vehicle's id are texts of records, held as they came.
      texts = std::max(texts, CountTexts(made->OutputSchema()) - 1);
    }
  }
  return kFixedStateBytes + job.decode.limits.vehicle_id_bytes +
         texts * job.decode.limits.string_bytes;
}

Status ToStatus(const std::vector<PreflightProblem>& problems) {
  if (problems.empty()) return Status::Ok();
  StatusCode code = problems.front().code;
  std::string text;
  for (const PreflightProblem& problem : problems) {
    if (problem.code != code) code = StatusCode::kInvalidArgument;
    text += (text.empty() ? "" : "; ") + problem.what + ": " + problem.fix;
  }
  if (problems.size() == 1) return {code, text};
  return {code, std::to_string(problems.size()) + " problems: " + text};
}

}  // namespace tacho
