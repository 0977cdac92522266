#include "pipeline/restore/kafka_changelog.h"

#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <thread>
#include <utility>
#include <vector>

#include "pipeline/base/fail_point.h"
#include "pipeline/base/log.h"
#include "pipeline/kafka/kafka_admin.h"
#include "pipeline/kafka/kafka_commands.h"
#include "pipeline/restore/kafka_changelog_reader.h"
#include "state/changelog_record.h"
#include "state/marker.h"

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

// Brokers learn of new topics and partitions one by one: one that says that a
// changelog is not there says nothing, and least of all of the input.
Status OfOurs(const Status& status) {
  const Status named = status.With("changelog");
  if (named.code() != StatusCode::kNotFound) return named;
  return {StatusCode::kUnavailable, named.message(), /*retryable=*/true};
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

  Result<std::vector<Status>> Recheck(Millis timeout) override;

  Result<int64_t> NewestGeneration(const std::string& input, int32_t partitions,
                                   Millis timeout) override;

  Result<std::pair<Offset, Offset>> Range(const TopicPartition& input,
                                          int64_t generation,
                                          Millis timeout) override {
    const std::string topic = Topic(input.topic, generation);
    auto range = admin_->LogRange({topic, input.partition}, timeout);
    if (range.ok()) return range;
    // If it has been deleted, Prepare, which looks again before the next try,
    // makes another.
    prepared_.erase(topic);
    return OfOurs(range.status());
  }

  // The consumer is told the last stable offset.
  Result<std::optional<TransactionHold>> Hold(const TopicPartition& input,
                                              int64_t generation, Offset end,
                                              Millis timeout) override {
    const TopicPartition log{Topic(input.topic, generation), input.partition};
    int64_t first = 0;
    int64_t stable = 0;
    RETURN_IF_ERROR(FromKafka(
        rd_kafka_query_watermark_offsets(consumer_.get(), log.topic.c_str(),
                                         log.partition, &first, &stable,
                                         static_cast<int>(timeout.count())),
        "last stable offset of " + log.ToString(), KafkaTask::kKnown));
    if (stable >= end) return std::optional<TransactionHold>();
    return std::optional(
        MakeTransactionHold(options_.properties, log, stable, end));
  }

  Result<std::unique_ptr<ChangelogReader>> Open(const TopicPartition& input,
                                                int64_t generation,
                                                Offset from) override {
    return MakeKafkaChangelogReader(
        consumer_.get(), Topic(input.topic, generation), input.partition, from);
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
  Status CheckNoneOf01(const std::string& input, int32_t partitions,
                       const std::vector<std::string>& topics, Millis timeout);
  Result<bool> HoldsStateOf01(const TopicPartition& tp, Millis timeout);
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
    const std::string topic = Topic(input, generation);
    const Result<int32_t> count = admin_->PartitionCount(topic, timeout);
    if (!count.ok()) return OfOurs(count.status());
    // One that has not grown with its input yet has fewer.
    for (int32_t p = 0; p < std::min(*count, partitions); ++p) {
      const auto range = admin_->LogRange({topic, p}, timeout);
      if (!range.ok()) return OfOurs(range.status());
      if (range->second > 0) return generation;
    }
  }
  RETURN_IF_ERROR(CheckNoneOf01(input, partitions, topics, timeout));
  return int64_t{0};
}

// No offset says that tacho 0.1 was here: they have expired. Its changelog may
// have had another name, which is another group's and input's today: what is in
// it tells.
Status KafkaChangelog::CheckNoneOf01(const std::string& input,
                                     int32_t partitions,
                                     const std::vector<std::string>& topics,
                                     Millis timeout) {
  for (const std::string& topic : topics) {
    if (!IsChangelogOf01(options_.group, input, topic)) continue;
    ASSIGN_OR_RETURN(const int32_t count,
                     admin_->PartitionCount(topic, timeout));
    for (int32_t p = 0; p < std::min(count, partitions); ++p) {
      ASSIGN_OR_RETURN(const bool found, HoldsStateOf01({topic, p}, timeout));
      if (found) return RefusalOf01("the changelog " + topic).ToStatus();
    }
  }
  return Status::Ok();
}

// Looks at the end only: an epoch ends with its meta record.
Result<bool> KafkaChangelog::HoldsStateOf01(const TopicPartition& tp,
                                            Millis timeout) {
  constexpr Offset kTail = 64;
  ASSIGN_OR_RETURN(const auto range, admin_->LogRange(tp, timeout));
  const Offset from = std::max(range.first, range.second - kTail);
  ASSIGN_OR_RETURN(
      const auto reader,
      MakeKafkaChangelogReader(consumer_.get(), tp.topic, tp.partition, from));
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  while (reader->position() < range.second &&
         std::chrono::steady_clock::now() < deadline) {
    ChangelogChunk chunk;
    RETURN_IF_ERROR(reader->Read(chunk, size_t{1} << 20));
    for (const ChangelogChunk::Entry& entry : chunk.entries()) {
      if (chunk.Key(entry) != ChangelogMetaKey()) continue;
      const Result<Marker> meta = DecodeMarker(chunk.Value(entry));
      if (meta.ok() && meta->lane.of_01) return true;
    }
    if (chunk.empty()) std::this_thread::sleep_for(Millis(5));
  }
  return false;
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

Result<std::vector<Status>> KafkaChangelog::Recheck(Millis timeout) {
  std::vector<Status> faults;
  for (auto& [topic, prepared] : prepared_) {
    const Result<int32_t> count = admin_->PartitionCount(topic, timeout);
    if (count.status().code() == StatusCode::kNotFound) {
      faults.push_back(InvalidArgument(
          "changelog topic " + topic +
          " is gone: the state is on this host's disk alone now. Stop the "
          "group "
          "and write it anew, on each host: tacho offsets rebuild-changelog "
          "JOB.yaml"));
      continue;
    }
    RETURN_IF_ERROR(count.status());
    ASSIGN_OR_RETURN(const auto config, admin_->TopicConfig(topic, timeout));
    // Its partitions are told of when the input's are.
    const int32_t expected = std::max(prepared.partitions, *count);
    for (const ChangelogFault& fault :
         CheckChangelogTopic(config, *count, expected)) {
      faults.push_back(Unfit(topic, fault, options_.properties));
    }
    prepared.delete_retention = DeleteRetention(config);
  }
  return faults;
}

KafkaProperties ReaderProperties(const KafkaChangelogOptions& options) {
  KafkaProperties p = FetchProperties(options.fetch);
  p.emplace_back("client.id", "tacho-restore");
  p.emplace_back("fetch.wait.max.ms", "50");
  p.insert(p.end(), options.properties.begin(), options.properties.end());
  const KafkaProperties after =
      FetchPropertiesAfter(options.fetch, options.properties);
  p.insert(p.end(), after.begin(), after.end());
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
