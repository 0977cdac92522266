#include "tests/support/open_transaction.h"

#include <librdkafka/rdkafka.h>

namespace tacho {
namespace {

constexpr int kCallMs = 30000;

Status Explain(rd_kafka_error_t* error, const std::string& what) {
  if (error == nullptr) return Status::Ok();
  const KafkaPtr<rd_kafka_error_t> owned(error);
  return {StatusCode::kUnavailable, what + ": " + rd_kafka_error_string(error)};
}

}  // namespace

Result<std::unique_ptr<OpenTransaction>> OpenTransaction::Begin(
    const std::string& bootstrap, const std::string& transactional_id,
    Millis timeout) {
  ASSIGN_OR_RETURN(KafkaPtr<rd_kafka_conf_t> conf,
                   MakeKafkaConf({{"bootstrap.servers", bootstrap},
                                  {"transactional.id", transactional_id},
                                  {"transaction.timeout.ms",
                                   std::to_string(timeout.count())},
                                  {"linger.ms", "1"}}));
  ASSIGN_OR_RETURN(KafkaPtr<rd_kafka_t> producer,
                   MakeKafkaProducer(std::move(conf)));
  rd_kafka_t* const handle = producer.get();
  RETURN_IF_ERROR(Explain(rd_kafka_init_transactions(handle, kCallMs), "init"));
  RETURN_IF_ERROR(Explain(rd_kafka_begin_transaction(handle), "begin"));
  return std::unique_ptr<OpenTransaction>(
      new OpenTransaction(std::move(producer)));
}

Status OpenTransaction::Produce(const std::string& topic,
                                const std::vector<KafkaRecord>& records) {
  for (const KafkaRecord& record : records) {
    const auto data = [](const std::optional<std::string>& text) {
      return text ? const_cast<char*>(text->data()) : nullptr;
    };
    RETURN_IF_ERROR(FromKafka(
        rd_kafka_producev(
            producer_.get(), RD_KAFKA_V_TOPIC(topic.c_str()),
            RD_KAFKA_V_PARTITION(record.partition),
            RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY | RD_KAFKA_MSG_F_BLOCK),
            RD_KAFKA_V_KEY(data(record.key), record.key.value_or("").size()),
            RD_KAFKA_V_VALUE(data(record.value),
                             record.value.value_or("").size()),
            RD_KAFKA_V_END),
        "produce to " + topic));
  }
  return FromKafka(rd_kafka_flush(producer_.get(), kCallMs), "flush");
}

Status OpenTransaction::SendOffsets(
    const std::string& group, const std::vector<PartitionOffset>& offsets) {
  const KafkaPtr<rd_kafka_topic_partition_list_t> list(
      rd_kafka_topic_partition_list_new(static_cast<int>(offsets.size())));
  for (const PartitionOffset& offset : offsets) {
    rd_kafka_topic_partition_list_add(list.get(), offset.tp.topic.c_str(),
                                      offset.tp.partition)
        ->offset = offset.offset;
  }
  rd_kafka_consumer_group_metadata_t* const nobody =
      rd_kafka_consumer_group_metadata_new(group.c_str());
  rd_kafka_error_t* const error = rd_kafka_send_offsets_to_transaction(
      producer_.get(), list.get(), nobody, kCallMs);
  rd_kafka_consumer_group_metadata_destroy(nobody);
  return Explain(error, "send offsets");
}

Status OpenTransaction::Commit() {
  return Explain(rd_kafka_commit_transaction(producer_.get(), -1), "commit");
}

Status OpenTransaction::Abort() {
  return Explain(rd_kafka_abort_transaction(producer_.get(), -1), "abort");
}

}  // namespace tacho
