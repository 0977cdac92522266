#include "pipeline/preflight/preflight_rules.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>

#include "pipeline/base/original.h"
#include "pipeline/commit/offset_metadata.h"
#include "pipeline/kafka/kafka_commands.h"
#include "pipeline/kafka/kafka_connection.h"
#include "pipeline/restore/changelog.h"

namespace tacho {
namespace {

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

// Brokers before 3.6 have one setting for both ways. Where the broker sets the
// time itself, it does not look at ours.
StampLimits StampLimitsOf(const std::map<std::string, std::string>& config) {
  constexpr Millis kAny = Millis::max();
  if (Setting(config, "message.timestamp.type") == "LogAppendTime") {
    return {kAny, kAny};
  }
  const auto either = Number(config, "message.timestamp.difference.max.ms");
  const auto limit = [&](const char* name) {
    const auto own = Number(config, name);
    const int64_t ms = own ? *own : either ? *either : kAny.count();
    return Millis(std::max<int64_t>(0, ms));
  };
  return {limit("message.timestamp.before.max.ms"),
          limit("message.timestamp.after.max.ms")};
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
    CheckGroup();
    CheckRights();
    SetLimits();
    CheckSizes();
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
  void CheckTimestamps(const std::string& topic, const TopicFinding& finding);
  void CheckOutput(const std::string& topic);
  void CheckMissing(const std::string& topic, const TopicFinding& finding);
  void CheckCompaction(const std::string& topic, const TopicFinding& finding);
  void CheckReplicas(const std::string& topic, const TopicFinding& finding);
  void CheckMarks(const std::string& topic, const TopicFinding& finding);
  void CheckChangelog(const std::string& topic,
                      const ChangelogFinding& changelog);
  void CheckGroup();
  void CheckRights();
  void SetLimits();
  void CheckSizes();
  void CheckSize(const JobOutput& output);
  size_t InputMessageBytes() const;

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
  const std::string scram =
      ScramNote(findings_.properties, findings_.client_version);
  if (!scram.empty()) Warn(scram);
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
  CheckMarks(topic, finding);
  CheckTimestamps(topic, finding);
}

// With LogAppendTime the broker's clock stands beside the sender's, with
// CreateTime the sender's own does, and nothing in the log tells a clock that
// is wrong from one that is right. Kafka's default is CreateTime.
void Evaluation::CheckTimestamps(const std::string& topic,
                                 const TopicFinding& finding) {
  if (!job_.decode.event_time.clock_guard ||
      Setting(finding.config, "message.timestamp.type") != "CreateTime") {
    return;
  }
  const auto skew = job_.decode.event_time.max_future_skew.count();
  const auto bound = Number(finding.config, "message.timestamp.after.max.ms");
  if (bound && *bound <= skew) return;
  report_.notes.push_back(
      "input topic " + topic +
      " has message.timestamp.type=CreateTime: a producer whose clock is ahead "
      "is believed, and can make the records of others late; let the broker "
      "stamp them: " +
      AlterTopicCommand(findings_.properties, topic,
                        "message.timestamp.type=LogAppendTime") +
      " or refuse such clocks: " +
      AlterTopicCommand(
          findings_.properties, topic,
          "message.timestamp.after.max.ms=" + std::to_string(skew)));
}

void Evaluation::CheckOutput(const std::string& topic) {
  const TopicFinding& finding = findings_.topics.at(topic);
  if (finding.found.code() == StatusCode::kNotFound) {
    return CheckMissing(topic, finding);
  }
  if (Denied(finding.found) || Denied(finding.writable)) {
    return Misses("Write", "topic " + topic);
  }
  if (finding.writable.code() == StatusCode::kInvalidArgument) {
    return Problem(StatusCode::kInvalidArgument,
                   "output topic " + topic +
                       " takes no messages: " + finding.writable.message(),
                   "write to a topic of the job's own");
  }
  CheckCompaction(topic, finding);
  CheckReplicas(topic, finding);
  CheckMarks(topic, finding);
}

// A topic by another name, but made to hold somebody's state.
void Evaluation::CheckMarks(const std::string& topic,
                            const TopicFinding& finding) {
  if (!HasChangelogMarks(finding.config)) return;
  Problem(StatusCode::kInvalidArgument,
          "topic " + topic +
              " has the settings with which tacho makes changelogs: records "
              "of another kind would destroy the state in it",
          "name another topic, or give it settings of its own if it holds no "
          "state");
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

// Before it is joined: a member of another job takes partitions from those that
// work, only to refuse their state.
void Evaluation::CheckGroup() {
  std::set<std::string> said;
  for (const auto& [tp, metadata] : findings_.offsets) {
    auto refusal = RefuseMetadata(job_.group.id, job_.name, metadata);
    if (!refusal.has_value()) continue;
    const bool input = std::find(job_.topics.begin(), job_.topics.end(),
                                 tp.topic) != job_.topics.end();
    if (!input) {
      // Of an input that was dropped: its job is known, or it says nothing.
      if (metadata.format != OffsetMetadata::kFormat) continue;
      refusal->what = "group " + job_.group.id + " belongs to job " +
                      metadata.job + ": it has offsets of topic " + tp.topic;
      refusal->fix =
          "give this job a group.id of its own; or, if job " + metadata.job +
          " is no more, drop them: " +
          DeleteOffsetsCommand(findings_.properties, job_.group.id, tp.topic);
    }
    if (!said.insert(refusal->what).second) continue;
    Problem(StatusCode::kInvalidArgument, refusal->what, refusal->fix);
  }
}

void Evaluation::CheckRights() {
  if (Denied(findings_.group))
    Misses("Read", "group " + ShellWord(job_.group.id));
  const Status& id = findings_.transactional_id;
  if (Denied(id)) {
    // Its first part is the same for all workers of the job.
    const std::string prefix = job_.name + "-" + job_.group.id + "-";
    Problem(StatusCode::kPermission,
            "no right to Write and Describe transactional id " +
                findings_.transactional_name,
            GrantCommand(findings_.properties, "Write Describe",
                         "--transactional-id " + ShellWord(prefix) +
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
    if (!finding.config.empty()) {
      limits.stamps[topic] = StampLimitsOf(finding.config);
    }
  };
  for (const std::string& topic : WrittenTopics(job_)) {
    add(topic, findings_.topics.at(topic));
  }
  for (const auto& [name, changelog] : findings_.changelogs) {
    add(name, changelog.topic);
  }
  limits.input_message_bytes = InputMessageBytes();
}

size_t Evaluation::InputMessageBytes() const {
  size_t greatest = 0;
  for (const std::string& topic : job_.topics) {
    const auto finding = findings_.topics.find(topic);
    if (finding == findings_.topics.end()) return 0;
    const auto bytes = Number(finding->second.config, "max.message.bytes");
    if (!bytes || *bytes < 0) return 0;
    greatest = std::max(greatest, static_cast<size_t>(*bytes));
  }
  return greatest;
}

// Everything that is written has been measured when it was accepted; here it is
// held against what the topics take.
void Evaluation::CheckSizes() {
  for (const JobOutput& output : OutputsOf(job_)) CheckSize(output);
  for (const auto& [name, changelog] : findings_.changelogs) {
    CheckSize({name, "a change of state", MaxStateBytes(job_),
               "limits.string_bytes"});
  }
}

void Evaluation::CheckSize(const JobOutput& output) {
  const auto& [topic, what, bytes, limit, create] = output;
  const auto known = report_.limits.message_bytes.find(topic);
  const std::string need = what + " can have " + std::to_string(bytes) +
                           " bytes under this job's " + limit;
  const std::string remedy = "; lower " + limit + ", or raise it";
  if (known != report_.limits.message_bytes.end()) {
    if (bytes <= known->second) return;
    return Misset(topic,
                  need + ", and max.message.bytes is " +
                      std::to_string(known->second) + remedy,
                  "max.message.bytes=" + std::to_string(bytes));
  }
  if (bytes <= kDefaultMessageBytes) return;
  Warn("topic " + topic + ": " + need +
       ", and its max.message.bytes cannot be read; if it is less, the job "
       "stops there: " +
       AlterTopicCommand(findings_.properties, topic,
                         "max.message.bytes=" + std::to_string(bytes)));
}

}  // namespace

PreflightReport EvaluatePreflight(const Job& job,
                                  const PreflightFindings& findings) {
  return Evaluation(job, findings).Run();
}

std::vector<std::string> WrittenTopics(const Job& job) {
  std::vector<std::string> topics;
  std::set<std::string> seen;
  for (const JobOutput& output : OutputsOf(job)) {
    if (seen.insert(output.topic).second) topics.push_back(output.topic);
  }
  return topics;
}

int32_t PartitionsToCreate(const Job& job, const std::string& topic) {
  int32_t partitions = 0;
  for (const JobOutput& output : OutputsOf(job)) {
    if (output.topic != topic) continue;
    partitions = std::max(partitions, output.create_partitions);
  }
  return partitions;
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
