#include "pipeline/commit/kafka_changelog.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <utility>
#include <vector>

#include "pipeline/base/fail_point.h"
#include "pipeline/base/log.h"
#include "pipeline/commit/kafka_changelog_reader.h"
#include "pipeline/kafka/kafka_admin.h"
#include "pipeline/kafka/kafka_commands.h"

namespace tacho {
namespace {

// The first fault stands for all: repaired, the next start names the next.
Status Unfit(const std::string& topic, const ChangelogFault& fault,
             const KafkaProperties& properties) {
  const std::string what =
      "changelog topic " + topic + " is not fit: " + fault.what + ". ";
  if (fault.config.empty()) {
    return InvalidArgument(
        what +
        "Where partitions were added to the input, keys have moved and their "
        "state does not follow: set partitions_added: continue to accept that. "
        "Otherwise stop the group and start a new generation: tacho offsets "
        "reset JOB.yaml --to OFFSET --state wipe");
  }
  return InvalidArgument(what + "Repair it: " +
                         AlterTopicCommand(properties, topic, fault.config));
}

class KafkaChangelog final : public Changelog {
 public:
  KafkaChangelog(KafkaChangelogOptions options,
                 std::unique_ptr<KafkaAdmin> admin,
                 KafkaPtr<rd_kafka_t> consumer)
      : options_(std::move(options)),
        admin_(std::move(admin)),
        consumer_(std::move(consumer)) {}

  Status Prepare(const std::string& input, int32_t partitions,
                 int64_t generation, Millis timeout) override;

  Result<int64_t> NewestGeneration(const std::string& input, int32_t partitions,
                                   Millis timeout) override;

  Result<std::pair<Offset, Offset>> Range(const TopicPartition& input,
                                          int64_t generation,
                                          Millis timeout) override {
    const std::string topic = Topic(input.topic, generation);
    auto range = admin_->LogRange({topic, input.partition}, timeout);
    if (range.ok()) return range;
    const Status status = range.status().With("changelog");
    const bool was_there = prepared_.erase(topic) > 0;
    if (!was_there || status.code() != StatusCode::kNotFound) return status;
    // Brokers learn of new topics and partitions one by one. If it has been
    // deleted, Prepare, which looks again before the next try, makes another.
    return Status(StatusCode::kUnavailable, status.message(),
                  /*retryable=*/true);
  }

  Result<std::unique_ptr<ChangelogReader>> Open(const TopicPartition& input,
                                                int64_t generation,
                                                Offset from) override {
    return MakeKafkaChangelogReader(
        consumer_.get(), Topic(input.topic, generation), input.partition, from);
  }

  Result<std::string> ClusterId(Millis timeout) override {
    return admin_->ClusterId(timeout);
  }

  Millis delete_retention(const std::string& input,
                          int64_t generation) const override {
    const auto found = prepared_.find(Topic(input, generation));
    return found == prepared_.end() ? kMinDeleteRetention
                                    : found->second.delete_retention;
  }

 private:
  struct Prepared {
    int32_t partitions = 0;
    Millis delete_retention{0};
  };

  std::string Topic(const std::string& input, int64_t generation) const {
    return ChangelogTopic(options_.group, input, generation);
  }
  Result<int32_t> EnsureTopic(const std::string& topic, int32_t partitions,
                              Millis timeout);

  const KafkaChangelogOptions options_;
  const std::unique_ptr<KafkaAdmin> admin_;
  const KafkaPtr<rd_kafka_t> consumer_;
  std::map<std::string, Prepared> prepared_;
};

// Its partition count. Asked first: a worker that may not create topics can
// use one that is there.
Result<int32_t> KafkaChangelog::EnsureTopic(const std::string& topic,
                                            int32_t partitions,
                                            Millis timeout) {
  const Result<int32_t> count = admin_->PartitionCount(topic, timeout);
  if (count.ok() && *count < partitions && options_.grows) {
    LOG(kInfo, "changelog_grow",
        {{"topic", topic}, {"before", *count}, {"partitions", partitions}});
    RETURN_IF_ERROR(admin_->CreatePartitions(topic, partitions, timeout));
    return admin_->PartitionCount(topic, timeout);
  }
  if (count.ok() || count.status().code() != StatusCode::kNotFound) {
    return count;
  }
  LOG(kInfo, "changelog_create",
      {{"topic", topic}, {"partitions", partitions}});
  FAIL_POINT("takeover.before_create");
  RETURN_IF_ERROR(
      admin_->CreateTopic(topic, partitions, ChangelogTopicConfig(), timeout));
  return admin_->PartitionCount(topic, timeout);
}

Result<int64_t> KafkaChangelog::NewestGeneration(const std::string& input,
                                                 int32_t partitions,
                                                 Millis timeout) {
  ASSIGN_OR_RETURN(const std::vector<std::string> topics,
                   admin_->Topics(timeout));
  std::vector<int64_t> generations;
  for (const std::string& topic : topics) {
    const auto generation = ChangelogGeneration(options_.group, input, topic);
    if (generation.has_value()) generations.push_back(*generation);
  }
  // A reset that was cut short has left one that is empty.
  std::sort(generations.rbegin(), generations.rend());
  for (const int64_t generation : generations) {
    for (int32_t p = 0; p < partitions; ++p) {
      ASSIGN_OR_RETURN(
          const auto range,
          admin_->LogRange({Topic(input, generation), p}, timeout));
      if (range.second > 0) return generation;
    }
  }
  return int64_t{0};
}

Status KafkaChangelog::Prepare(const std::string& input, int32_t partitions,
                               int64_t generation, Millis timeout) {
  const std::string topic = Topic(input, generation);
  const auto found = prepared_.find(topic);
  if (found != prepared_.end() && found->second.partitions == partitions) {
    return Status::Ok();
  }
  ASSIGN_OR_RETURN(const int32_t count,
                   EnsureTopic(topic, partitions, timeout));
  ASSIGN_OR_RETURN(const auto config, admin_->TopicConfig(topic, timeout));
  const auto faults = CheckChangelogTopic(config, count, partitions);
  if (!faults.empty()) {
    return Unfit(topic, faults.front(), options_.properties);
  }
  prepared_[topic] = {partitions, DeleteRetention(config)};
  return Status::Ok();
}

KafkaProperties ReaderProperties(const KafkaChangelogOptions& options) {
  KafkaProperties p =
      FetchProperties(options.queue_bytes, options.partitions_per_worker);
  p.emplace_back("client.id", "tacho-restore");
  p.emplace_back("fetch.wait.max.ms", "50");
  p.insert(p.end(), options.properties.begin(), options.properties.end());
  const KafkaProperties owned = ExplicitOffsetProperties();
  p.insert(p.end(), owned.begin(), owned.end());
  // Not a member of it: for brokers that account by group.
  p.emplace_back("group.id", options.group + "-restore");
  return p;
}

}  // namespace

Result<std::unique_ptr<Changelog>> MakeKafkaChangelog(
    KafkaChangelogOptions options) {
  ASSIGN_OR_RETURN(auto admin, KafkaAdmin::Open(options.properties));
  ASSIGN_OR_RETURN(auto conf,
                   MakeKafkaConf(ReaderProperties(options),
                                 {{"fetch.queue.backoff.ms", "20"},
                                  {"enable.metrics.push", "false"}}));
  ASSIGN_OR_RETURN(auto consumer, MakeKafkaConsumer(std::move(conf)));
  return std::unique_ptr<Changelog>(std::make_unique<KafkaChangelog>(
      std::move(options), std::move(admin), std::move(consumer)));
}

}  // namespace tacho
