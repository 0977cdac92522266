#include "pipeline/consume/kafka_partition_log.h"

#include <librdkafka/rdkafka.h>

#include <utility>

#include "pipeline/base/deadline.h"
#include "pipeline/kafka/kafka_admin.h"
#include "pipeline/kafka/topic_list.h"

namespace tacho {
namespace {

constexpr const char* kOffsetsTopic = "__consumer_offsets";

class KafkaPartitionLog final : public PartitionLog {
 public:
  KafkaPartitionLog(KafkaPartitionLogOptions options,
                    KafkaPtr<rd_kafka_t> asker)
      : options_(std::move(options)), asker_(std::move(asker)) {}

  Result<std::map<std::string, int32_t>> PartitionCounts(
      Millis timeout) override;
  Result<std::string> ClusterId(Millis timeout) override {
    return KafkaClusterId(asker_.get(), ToKafkaMs(timeout));
  }
  Result<std::vector<PartitionOffset>> Committed(
      const std::vector<TopicPartition>& partitions, Millis timeout) override;
  Result<std::pair<Offset, Offset>> LogRange(const TopicPartition& tp,
                                             Millis timeout) override;
  Result<LogEnd> End(const TopicPartition& tp, Millis timeout) override;
  Result<std::optional<TransactionHold>> OffsetHold(
      const std::vector<TopicPartition>& partitions, Millis timeout) override;
  TransactionHold InputHold(const TopicPartition& tp,
                            const LogEnd& end) const override {
    return MakeTransactionHold(options_.properties, tp, end.last_stable,
                               end.high_watermark);
  }

 private:
  const KafkaPartitionLogOptions options_;
  // Of the group by name, so that it may ask for its offsets; never a member.
  const KafkaPtr<rd_kafka_t> asker_;
  std::unique_ptr<KafkaAdmin> admin_;       // From the first End on.
  std::unique_ptr<KafkaAdmin> hold_admin_;  // From the first OffsetHold on.
};

Result<std::map<std::string, int32_t>> KafkaPartitionLog::PartitionCounts(
    Millis timeout) {
  const Deadline deadline(timeout);
  std::map<std::string, int32_t> counts;
  for (const std::string& topic : options_.topics) {
    ASSIGN_OR_RETURN(
        counts[topic],
        KafkaPartitionCount(asker_.get(), topic, ToKafkaMs(deadline.left())));
  }
  return counts;
}

Result<std::vector<PartitionOffset>> KafkaPartitionLog::Committed(
    const std::vector<TopicPartition>& partitions, Millis timeout) {
  const auto list = MakeTopicList(partitions);
  RETURN_IF_ERROR(FromKafka(
      rd_kafka_committed(asker_.get(), list.get(), ToKafkaMs(timeout)),
      "committed offsets of group " + options_.group_id));
  std::vector<PartitionOffset> out;
  for (int i = 0; i < list->cnt; ++i) {
    PartitionOffset offset = OffsetOf(list->elems[i]);
    RETURN_IF_ERROR(FromKafka(list->elems[i].err,
                              "committed offset of " + offset.tp.ToString()));
    out.push_back(std::move(offset));
  }
  return out;
}

Result<std::pair<Offset, Offset>> KafkaPartitionLog::LogRange(
    const TopicPartition& tp, Millis timeout) {
  int64_t low = 0;
  int64_t high = 0;
  RETURN_IF_ERROR(
      FromKafka(rd_kafka_query_watermark_offsets(asker_.get(), tp.topic.c_str(),
                                                 tp.partition, &low, &high,
                                                 ToKafkaMs(timeout)),
                "log range of " + tp.ToString(), KafkaTask::kPartition));
  return std::pair<Offset, Offset>(low, high);
}

// A consumer is told one of the two, by its isolation level: ours the last
// stable offset, the admin's the high watermark.
Result<LogEnd> KafkaPartitionLog::End(const TopicPartition& tp,
                                      Millis timeout) {
  const Deadline deadline(timeout);
  ASSIGN_OR_RETURN(const auto stable, LogRange(tp, timeout));
  if (admin_ == nullptr) {
    ASSIGN_OR_RETURN(admin_, KafkaAdmin::Open(options_.properties));
  }
  ASSIGN_OR_RETURN(const auto whole, admin_->LogRange(tp, deadline.left()));
  return LogEnd{stable.second, whole.second};
}

// The coordinator keeps what transactions will commit apart, as it does the
// offsets themselves: in a partition of __consumer_offsets.
Result<std::optional<TransactionHold>> KafkaPartitionLog::OffsetHold(
    const std::vector<TopicPartition>& partitions, Millis timeout) {
  const Deadline deadline(timeout);
  if (hold_admin_ == nullptr) {
    ASSIGN_OR_RETURN(hold_admin_, KafkaAdmin::Open(options_.properties));
  }
  ASSIGN_OR_RETURN(const auto unstable,
                   hold_admin_->UnstableOffsets(options_.group_id, partitions,
                                                deadline.left()));
  if (unstable.empty()) return std::optional<TransactionHold>();
  TopicPartition log{kOffsetsTopic, -1};
  const auto count = hold_admin_->PartitionCount(log.topic, deadline.left());
  Offset last_stable = kNoOffset;
  Offset end = kNoOffset;
  if (count.ok()) {  // Otherwise it is not ours to see.
    log.partition = OffsetsPartition(options_.group_id, *count);
    const auto stable = LogRange(log, deadline.left());
    const auto whole = hold_admin_->LogRange(log, deadline.left());
    if (stable.ok()) last_stable = stable->second;
    if (whole.ok()) end = whole->second;
  }
  return std::optional(
      MakeTransactionHold(options_.properties, log, last_stable, end));
}

}  // namespace

Result<std::unique_ptr<PartitionLog>> MakeKafkaPartitionLog(
    KafkaPartitionLogOptions options) {
  KafkaProperties properties = options.properties;
  const KafkaProperties offsets = ExplicitOffsetProperties();
  properties.insert(properties.end(), offsets.begin(), offsets.end());
  properties.emplace_back("group.id", options.group_id);
  properties.emplace_back("client.id", "tacho-ask");
  ASSIGN_OR_RETURN(
      KafkaPtr<rd_kafka_conf_t> conf,
      MakeKafkaConf(properties, {{"enable.metrics.push", "false"}}));
  ASSIGN_OR_RETURN(KafkaPtr<rd_kafka_t> asker,
                   MakeKafkaConsumer(std::move(conf)));
  return std::unique_ptr<PartitionLog>(std::make_unique<KafkaPartitionLog>(
      std::move(options), std::move(asker)));
}

}  // namespace tacho
