#include "pipeline/demo/embedded_broker.h"

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include <utility>

#include "pipeline/kafka/kafka_handle.h"

namespace tacho {

struct EmbeddedBroker::Impl {
  KafkaPtr<rd_kafka_t> host;  // The handle that the mock cluster lives in.
  rd_kafka_mock_cluster_t* cluster = nullptr;

  ~Impl() {
    if (cluster != nullptr) rd_kafka_mock_cluster_destroy(cluster);
  }
};

EmbeddedBroker::EmbeddedBroker(std::unique_ptr<Impl> impl)
    : impl_(std::move(impl)),
      bootstrap_(rd_kafka_mock_cluster_bootstraps(impl_->cluster)) {}

EmbeddedBroker::~EmbeddedBroker() = default;

Result<std::unique_ptr<EmbeddedBroker>> EmbeddedBroker::Start() {
  ASSIGN_OR_RETURN(KafkaPtr<rd_kafka_conf_t> conf,
                   MakeKafkaConf({{"client.id", "tacho-embedded-broker"}}));
  auto impl = std::make_unique<Impl>();
  ASSIGN_OR_RETURN(impl->host, MakeKafkaProducer(std::move(conf)));
  impl->cluster = rd_kafka_mock_cluster_new(impl->host.get(), 1);
  if (impl->cluster == nullptr) {
    return Status(StatusCode::kInternal, "the embedded broker did not start");
  }
  return std::unique_ptr<EmbeddedBroker>(new EmbeddedBroker(std::move(impl)));
}

Status EmbeddedBroker::CreateTopic(const std::string& topic, int partitions) {
  return FromKafka(
      rd_kafka_mock_topic_create(impl_->cluster, topic.c_str(), partitions, 1),
      "create topic " + topic);
}

}  // namespace tacho
