#include "pipeline/preflight/preflight_probe.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "pipeline/base/fail_point.h"
#include "pipeline/base/log.h"
#include "pipeline/commit/offset_metadata.h"
#include "pipeline/kafka/kafka_commands.h"
#include "pipeline/kafka/kafka_connection.h"
#include "pipeline/kafka/kafka_probe.h"
#include "pipeline/restore/changelog.h"

namespace tacho {
namespace {

constexpr Millis kTimeout{5000};

// The generations that a group is in, by input topic.
using Generations = std::map<std::string, std::set<int64_t>>;

class Asking {
 public:
  Asking(const Job& job, const PreflightProbeOptions& options,
         const Clock& clock, KafkaAdmin& admin)
      : job_(job), options_(options), clock_(clock), admin_(admin) {
    findings_.properties = options.properties;
    findings_.client_version = KafkaClientVersionNumber();
  }

  Result<PreflightFindings> Run() {
    for (const std::string& topic : job_.topics) {
      RETURN_IF_ERROR(AskTopic(topic, findings_.topics[topic]));
    }
    for (const std::string& topic : WrittenTopics(job_)) {
      RETURN_IF_ERROR(AskOutput(topic));
    }
    AskBrokers();
    AskGroup();
    AskTransactionalId();
    RETURN_IF_ERROR(AskOffsets());
    if (exactly_once()) RETURN_IF_ERROR(AskChangelogs());
    ProbeTopics();
    AskExpiry();
    return std::move(findings_);
  }

 private:
  bool exactly_once() const { return !options_.transactional_id.empty(); }

  // Whether it is there, and its settings.
  Status AskTopic(const std::string& topic, TopicFinding& finding);
  Status AskOutput(const std::string& topic);
  void AskBrokers();
  void AskGroup();
  void AskTransactionalId();
  Status AskOffsets();
  Status AskChangelogs();
  Result<std::vector<std::pair<std::string, std::string>>> ChangelogNames();
  void ProbeTopics();
  void AskExpiry();
  bool Expires(Millis retention);

  const Job& job_;
  const PreflightProbeOptions& options_;
  const Clock& clock_;
  KafkaAdmin& admin_;
  PreflightFindings findings_;
  std::map<TopicPartition, Offset> committed_;
  Generations generations_;
};

// What says nothing about what was asked: a broker that is going, or gone. All
// is asked again then; no problem is made of it, and no advice.
bool IsOutage(const Status& status) { return status.retryable(); }

// What says something about the topic; anything else is about the cluster.
bool IsAnswer(const Status& status) {
  return status.ok() || status.code() == StatusCode::kNotFound ||
         status.code() == StatusCode::kPermission;
}

Status Asking::AskTopic(const std::string& topic, TopicFinding& finding) {
  const auto shape = admin_.Shape(topic, kTimeout);
  if (!IsAnswer(shape.status())) return shape.status();
  finding.found = shape.status();
  if (!shape.ok()) return Status::Ok();
  finding.shape = *shape;
  auto config = admin_.TopicConfig(topic, kTimeout);
  if (IsOutage(config.status())) return config.status();
  finding.described = config.status();
  if (config.ok()) finding.config = *std::move(config);
  return Status::Ok();
}

Status Asking::AskOutput(const std::string& topic) {
  TopicFinding& finding = findings_.topics[topic];
  RETURN_IF_ERROR(AskTopic(topic, finding));
  const int32_t partitions = PartitionsToCreate(job_, topic);
  if (finding.found.code() == StatusCode::kNotFound && partitions > 0) {
    finding.creatable =
        admin_.CheckCreateTopic(topic, partitions, {}, kTimeout);
    if (IsOutage(finding.creatable)) return finding.creatable;
  }
  return Status::Ok();
}

void Asking::AskBrokers() {
  const auto brokers = admin_.Brokers(kTimeout);
  if (!brokers.ok() || brokers->empty()) return;
  findings_.brokers = brokers->size();
  auto config = admin_.BrokerConfig(brokers->front(), kTimeout);
  if (config.ok()) findings_.broker_config = *std::move(config);
}

void Asking::AskGroup() {
  findings_.group = admin_.DescribeGroup(job_.group.id, kTimeout).status();
}

void Asking::AskTransactionalId() {
  if (!exactly_once()) return;
  findings_.transactional_name = options_.transactional_id;
  findings_.transactional_id =
      ProbeTransactionalId(options_.properties, options_.transactional_id,
                           options_.transaction_timeout, kTimeout);
}

// Whose group it is must be known before it is joined. An open transaction says
// nothing else about that.
Status Asking::AskOffsets() {
  const auto offsets =
      admin_.GroupOffsets(job_.group.id, kTimeout, KafkaAdmin::Offsets::kAny);
  if (!offsets.ok()) {
    return offsets.status().retryable() ? offsets.status() : Status::Ok();
  }
  for (const PartitionOffset& offset : *offsets) {
    committed_[offset.tp] = offset.offset;
    const auto metadata = ParseOffsetMetadata(offset.metadata);
    if (!metadata.has_value()) continue;
    findings_.offsets[offset.tp] = *metadata;
    if (metadata->format != OffsetMetadata::kFormat) continue;
    generations_[offset.tp.topic].insert(metadata->generation);
  }
  return Status::Ok();
}

// (input, changelog) of each that the group is in; where its offsets do not
// say, the last one that there is.
Result<std::vector<std::pair<std::string, std::string>>>
Asking::ChangelogNames() {
  ASSIGN_OR_RETURN(const auto topics, admin_.Topics(kTimeout));
  std::vector<std::pair<std::string, std::string>> names;
  for (const std::string& input : job_.topics) {
    std::set<int64_t> generations = generations_[input];
    if (generations.empty()) {
      int64_t last = 0;
      for (const std::string& topic : topics) {
        last = std::max(
            last, ChangelogGeneration(job_.group.id, input, topic).value_or(0));
      }
      generations = {last};
    }
    for (const int64_t generation : generations) {
      names.emplace_back(input,
                         ChangelogTopic(job_.group.id, input, generation));
    }
  }
  return names;
}

Status Asking::AskChangelogs() {
  ASSIGN_OR_RETURN(const auto names, ChangelogNames());
  for (const auto& [input, name] : names) {
    ChangelogFinding& changelog = findings_.changelogs[name];
    changelog.input = input;
    RETURN_IF_ERROR(AskTopic(name, changelog.topic));
    const int32_t partitions = findings_.topics[input].shape.partitions;
    if (changelog.topic.found.code() == StatusCode::kNotFound &&
        partitions > 0) {
      changelog.topic.creatable = admin_.CheckCreateTopic(
          name, partitions, ChangelogTopicConfig(), kTimeout);
      if (IsOutage(changelog.topic.creatable)) {
        return changelog.topic.creatable;
      }
    }
  }
  return Status::Ok();
}

void Asking::ProbeTopics() {
  std::map<std::string, TopicFinding*> read;
  std::map<std::string, TopicFinding*> written;
  const auto add = [](auto& to, const std::string& name,
                      TopicFinding& finding) {
    if (finding.found.ok()) to[name] = &finding;
  };
  for (const std::string& topic : job_.topics) {
    add(read, topic, findings_.topics[topic]);
  }
  for (const std::string& topic : WrittenTopics(job_)) {
    add(written, topic, findings_.topics[topic]);
  }
  for (auto& [name, changelog] : findings_.changelogs) {
    add(read, name, changelog.topic);
    add(written, name, changelog.topic);
  }
  const auto names = [](const auto& topics) {
    std::vector<std::string> all;
    for (const auto& [name, finding] : topics) all.push_back(name);
    return all;
  };
  const auto readable = ProbeRead(options_.properties, names(read), kTimeout);
  const auto writable =
      ProbeWrite(options_.properties, names(written), kTimeout);
  for (const auto& [name, finding] : read) {
    if (readable.ok()) finding->readable = readable->at(name);
  }
  for (const auto& [name, finding] : written) {
    if (writable.ok()) finding->writable = writable->at(name);
  }
}

void Asking::AskExpiry() {
  for (const StreamConfig& stream : job_.streams) {
    if (stream.output.timestamp != OutputTimestamp::kLogTime) continue;
    const auto& config = findings_.topics[stream.output.topic].config;
    const auto found = config.find("retention.ms");
    if (found == config.end() || found->second == "-1") continue;
    if (Expires(Millis(std::strtoll(found->second.c_str(), nullptr, 10)))) {
      findings_.expiring.push_back(stream.output.topic);
    }
  }
}

// True if the group will read something older than `retention`.
bool Asking::Expires(Millis retention) {
  const Timestamp oldest = clock_.Now() - retention;
  for (const std::string& topic : job_.topics) {
    for (int32_t p = 0; p < findings_.topics[topic].shape.partitions; ++p) {
      const TopicPartition tp{topic, p};
      const auto range = admin_.LogRange(tp, kTimeout);
      const auto kept = admin_.OffsetForTime(tp, oldest, kTimeout);
      if (!range.ok() || !kept.ok()) return false;
      const auto committed = committed_.find(tp);
      const Offset start =
          committed == committed_.end() ? range->first : committed->second;
      if (*kept > start) return true;
    }
  }
  return false;
}

Status Create(const Job& job, const PreflightReport& report,
              const PreflightFindings& findings, KafkaAdmin& admin) {
  for (const auto& [topic, partitions] : report.create) {
    const bool changelog = findings.changelogs.contains(topic);
    LOG(kInfo, changelog ? "changelog_create" : "output_create",
        {{"job", job.name}, {"topic", topic}, {"partitions", partitions}});
    if (changelog) FAIL_POINT("takeover.before_create");
    RETURN_IF_ERROR(
        admin.CreateTopic(topic, partitions,
                          changelog ? ChangelogTopicConfig()
                                    : std::map<std::string, std::string>(),
                          kTimeout));
  }
  return Status::Ok();
}

Result<PreflightReport> Ask(const Job& job,
                            const PreflightProbeOptions& options,
                            const Clock& clock, KafkaAdmin& admin,
                            PreflightFindings& findings) {
  ASSIGN_OR_RETURN(findings, Asking(job, options, clock, admin).Run());
  return EvaluatePreflight(job, findings);
}

}  // namespace

Result<OutputLimits> ProbePreflight(const Job& job,
                                    const PreflightProbeOptions& options,
                                    const Clock& clock) {
  // First, because whatever else is asked says only that nobody answers.
  RETURN_IF_ERROR(CheckKafkaConnection(options.properties, kTimeout));
  ASSIGN_OR_RETURN(const auto admin, KafkaAdmin::Open(options.properties));
  PreflightFindings findings;
  ASSIGN_OR_RETURN(PreflightReport report,
                   Ask(job, options, clock, *admin, findings));
  if (report.problems.empty() && !report.create.empty()) {
    RETURN_IF_ERROR(Create(job, report, findings, *admin));
    // What is new has settings and rights of its own.
    ASSIGN_OR_RETURN(report, Ask(job, options, clock, *admin, findings));
  }
  for (const std::string& warning : report.warnings) {
    LOG(kWarn, "preflight_warning", {{"what", warning}});
  }
  for (const std::string& note : report.notes) {
    LOG(kInfo, "preflight_note", {{"what", note}});
  }
  for (const PreflightProblem& problem : report.problems) {
    LOG(kError, "preflight_problem",
        {{"what", problem.what}, {"fix", problem.fix}});
  }
  RETURN_IF_ERROR(ToStatus(report.problems));
  return std::move(report.limits);
}

}  // namespace tacho
