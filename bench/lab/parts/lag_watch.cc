#include "bench/lab/parts/lag_watch.h"

#include <librdkafka/rdkafka.h>

#include <chrono>
#include <thread>
#include <vector>

#include "bench/lab/parts/bed.h"
#include "pipeline/kafka/kafka_handle.h"
#include "pipeline/kafka/topic_list.h"

namespace tacho::lab {
namespace {

constexpr std::chrono::milliseconds kPoll{20};
constexpr int64_t kSayEveryMs = 1000;
constexpr int kTimeoutMs = 5000;

// Sum of what is committed; false if the group could not be asked.
bool Committed(rd_kafka_t* consumer, const std::string& topic, int partitions,
               int64_t& sum) {
  std::vector<TopicPartition> all;
  for (int32_t p = 0; p < partitions; ++p) all.push_back({topic, p});
  const auto list = MakeTopicList(all);
  if (rd_kafka_committed(consumer, list.get(), kTimeoutMs) !=
      RD_KAFKA_RESP_ERR_NO_ERROR) {
    return false;
  }
  sum = 0;
  for (int i = 0; i < list->cnt; ++i) {
    if (list->elems[i].offset > 0) sum += list->elems[i].offset;
  }
  return true;
}

int64_t Ends(rd_kafka_t* consumer, const std::string& topic, int partitions) {
  int64_t sum = 0;
  for (int32_t p = 0; p < partitions; ++p) {
    int64_t low = 0;
    int64_t high = 0;
    Die(FromKafka(rd_kafka_query_watermark_offsets(consumer, topic.c_str(), p,
                                                   &low, &high, kTimeoutMs),
                  "ends of " + topic));
    sum += high;
  }
  return sum;
}

}  // namespace

void WatchLag(const std::string& bootstrap, const std::string& group,
              const std::string& topic, int partitions, bool until_end,
              const std::atomic<bool>& stop,
              const std::function<void(const Lag&)>& say) {
  // Read uncommitted: an answer that waits for no pending transaction.
  auto conf = MakeKafkaConf({{"bootstrap.servers", bootstrap},
                             {"group.id", group},
                             {"isolation.level", "read_uncommitted"}});
  Die(conf.status());
  auto consumer = MakeKafkaConsumer(*std::move(conf));
  Die(consumer.status());
  Lag lag;
  int64_t said_ms = 0;
  bool was_zero = false;
  while (!stop) {
    if (Committed(consumer->get(), topic, partitions, lag.committed)) {
      lag.time_ms = NowMs();
      const bool is_due = lag.time_ms - said_ms >= kSayEveryMs;
      if (is_due) lag.end = Ends(consumer->get(), topic, partitions);
      const bool is_zero = lag.end > 0 && lag.committed >= lag.end;
      if (is_due || (is_zero && !was_zero)) {
        say(lag);
        said_ms = lag.time_ms;
      }
      was_zero = is_zero;
      if (until_end && is_zero) return;
    }
    std::this_thread::sleep_for(kPoll);
  }
}

}  // namespace tacho::lab
