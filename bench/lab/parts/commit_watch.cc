#include "bench/lab/parts/commit_watch.h"

#include <librdkafka/rdkafka.h>

#include <chrono>
#include <thread>

#include "bench/lab/parts/bed.h"
#include "pipeline/kafka/kafka_handle.h"
#include "pipeline/kafka/topic_list.h"

namespace tacho::lab {
namespace {

constexpr std::chrono::milliseconds kPoll{20};
constexpr std::chrono::minutes kPatience{10};
constexpr int kTimeoutMs = 5000;

bool Reached(const rd_kafka_topic_partition_list_t& list,
             const std::vector<Offset>& ends) {
  for (int i = 0; i < list.cnt; ++i) {
    const rd_kafka_topic_partition_t& entry = list.elems[i];
    const Offset end = ends[static_cast<size_t>(entry.partition)];
    if (entry.err != RD_KAFKA_RESP_ERR_NO_ERROR) return false;
    if (end > 0 && entry.offset < end) return false;
  }
  return true;
}

}  // namespace

int64_t AwaitCommitted(const std::string& bootstrap, const std::string& group,
                       const std::string& topic,
                       const std::vector<Offset>& ends) {
  // Read uncommitted: an answer that waits for no pending transaction.
  auto conf = MakeKafkaConf({{"bootstrap.servers", bootstrap},
                             {"group.id", group},
                             {"isolation.level", "read_uncommitted"}});
  Die(conf.status());
  auto handle = MakeKafkaConsumer(*std::move(conf));
  Die(handle.status());
  std::vector<TopicPartition> all;
  for (size_t p = 0; p < ends.size(); ++p) {
    all.push_back({topic, static_cast<int32_t>(p)});
  }
  const auto list = MakeTopicList(all);
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (std::chrono::steady_clock::now() < deadline) {
    const auto error =
        rd_kafka_committed(handle->get(), list.get(), kTimeoutMs);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR && Reached(*list, ends)) {
      return NowMs();
    }
    std::this_thread::sleep_for(kPoll);
  }
  Die({StatusCode::kUnavailable, "group " + group + " never reached the end"});
  return 0;
}

}  // namespace tacho::lab
