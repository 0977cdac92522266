#include "bench/lab/parts/raw_consumer.h"

#include <librdkafka/rdkafka.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>
#include <vector>

#include "pipeline/consume/kafka_group_options.h"
#include "pipeline/kafka/topic_list.h"

namespace tacho::lab {
namespace {

using Clock = std::chrono::steady_clock;

struct Queue {
  KafkaPtr<rd_kafka_queue_t> queue;
  std::mutex mutex;  // One thread drains it at a time.
  uint64_t messages = 0;
  uint64_t bytes = 0;
};

void Count(rd_kafka_message_t* message, void* opaque) {
  if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) return;
  auto* queue = static_cast<Queue*>(opaque);
  ++queue->messages;
  queue->bytes += message->len + message->key_len;
}

}  // namespace

Result<RawResult> ConsumeRaw(const std::string& bootstrap,
                             const std::string& topic, int partitions,
                             const std::string& group, uint64_t messages,
                             int threads, size_t fetch_bytes) {
  KafkaGroupMemberOptions options;
  options.properties = {{"bootstrap.servers", bootstrap}};
  options.group_id = group;
  options.topics = {topic};
  options.fetch = FetchLimitsFor(fetch_bytes, partitions);
  KafkaProperties properties = KafkaConsumerProperties(options);
  properties.emplace_back("auto.offset.reset", "earliest");
  ASSIGN_OR_RETURN(KafkaPtr<rd_kafka_conf_t> conf, MakeKafkaConf(properties));
  ASSIGN_OR_RETURN(KafkaPtr<rd_kafka_t> consumer,
                   MakeKafkaConsumer(std::move(conf)));
  rd_kafka_poll_set_consumer(consumer.get());

  std::vector<Queue> queues(static_cast<size_t>(partitions));
  for (int p = 0; p < partitions; ++p) {
    Queue& q = queues[static_cast<size_t>(p)];
    q.queue.reset(
        rd_kafka_queue_get_partition(consumer.get(), topic.c_str(), p));
    rd_kafka_queue_forward(q.queue.get(), nullptr);
  }
  {
    const auto list = MakeTopicList({{topic, RD_KAFKA_PARTITION_UA}});
    RETURN_IF_ERROR(
        FromKafka(rd_kafka_subscribe(consumer.get(), list.get()), "subscribe"));
  }

  std::atomic<bool> stop{false};
  std::atomic<uint64_t> total{0};
  std::vector<std::thread> workers;
  for (int t = 0; t < threads; ++t) {
    workers.emplace_back([&, t] {
      while (!stop) {
        uint64_t got = 0;
        for (size_t i = static_cast<size_t>(t); i < queues.size();
             i += static_cast<size_t>(threads)) {
          const std::lock_guard lock(queues[i].mutex);
          const uint64_t before = queues[i].messages;
          rd_kafka_consume_callback_queue(queues[i].queue.get(), 0, Count,
                                          &queues[i]);
          got += queues[i].messages - before;
        }
        total += got;
        if (got == 0) {
          std::this_thread::sleep_for(std::chrono::microseconds(200));
        }
      }
    });
  }
  Clock::time_point first{};
  const auto deadline = Clock::now() + std::chrono::minutes(5);
  while (total < messages && Clock::now() < deadline) {
    rd_kafka_message_t* const m = rd_kafka_consumer_poll(consumer.get(), 1);
    if (m != nullptr) rd_kafka_message_destroy(m);
    if (first == Clock::time_point{} && total > 0) first = Clock::now();
  }
  const auto last = Clock::now();
  stop = true;
  for (std::thread& worker : workers) worker.join();

  RawResult result;
  for (Queue& q : queues) {
    result.messages += q.messages;
    result.bytes += q.bytes;
    q.queue.reset();
  }
  result.seconds = std::chrono::duration<double>(last - first).count();
  rd_kafka_consumer_close(consumer.get());
  if (result.messages < messages) {
    return Status(StatusCode::kUnavailable, "raw consumption timed out");
  }
  return result;
}

}  // namespace tacho::lab
