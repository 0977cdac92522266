#include "bench/lab/parts/output_watch.h"

#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <string_view>

#include "bench/lab/parts/bed.h"
#include "bench/lab/parts/committed_reader.h"

namespace tacho::lab {
namespace {

using std::chrono::steady_clock;
constexpr std::chrono::milliseconds kPoll{5};

// An opened excursion starts, and a closed one ends, with the record that
// caused the output.
int64_t SentMs(std::string_view value) {
  const bool open = value.find("\"event\":\"open\"") != std::string_view::npos;
  const std::string_view field = open ? "\"start\":" : "\"end\":";
  const size_t at = value.find(field);
  if (at == std::string_view::npos) return 0;
  int64_t ms = 0;
  std::from_chars(value.data() + at + field.size(), value.data() + value.size(),
                  ms);
  return ms;
}

}  // namespace

OutputWatch::OutputWatch(const std::string& bootstrap, const std::string& topic,
                         int partitions) {
  consumer_ = ReadCommitted(bootstrap, topic, partitions, RD_KAFKA_OFFSET_END);
  thread_ = std::thread([this, partitions] { Run(partitions); });
  while (at_end_ < partitions) std::this_thread::sleep_for(kPoll);
}

OutputWatch::~OutputWatch() {
  stop_ = true;
  thread_.join();
  rd_kafka_consumer_close(consumer_.get());
}

void OutputWatch::Run(int partitions) {
  std::vector<bool> ended(static_cast<size_t>(partitions), false);
  while (!stop_) {
    rd_kafka_message_t* const message =
        rd_kafka_consumer_poll(consumer_.get(), 50);
    if (message == nullptr) continue;
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
      const std::string_view value(static_cast<const char*>(message->payload),
                                   message->len);
      Arrival arrival{message->partition, SentMs(value), NowMs(),
                      std::string(static_cast<const char*>(message->key),
                                  message->key_len)};
      const std::lock_guard lock(mutex_);
      arrivals_.push_back(std::move(arrival));
      count_ = arrivals_.size();
    } else if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
      const auto p = static_cast<size_t>(message->partition);
      if (!ended[p]) ++at_end_;
      ended[p] = true;
    }
    rd_kafka_message_destroy(message);
  }
}

std::vector<OutputWatch::Arrival> OutputWatch::arrivals() const {
  const std::lock_guard lock(mutex_);
  return arrivals_;
}

bool OutputWatch::Await(size_t count, std::chrono::seconds timeout) const {
  const auto deadline = steady_clock::now() + timeout;
  while (count_ < count) {
    if (steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(kPoll);
  }
  return true;
}

int64_t OutputWatch::Gap(int32_t partition, int64_t from_ms,
                         int64_t to_ms) const {
  const std::lock_guard lock(mutex_);
  int64_t last = -1;
  int64_t gap = 0;
  for (const Arrival& a : arrivals_) {
    if (a.partition != partition) continue;
    if (last >= 0 && a.seen_ms >= from_ms) {
      gap = std::max(gap, a.seen_ms - last);
    }
    last = a.seen_ms;
    if (a.seen_ms > to_ms) return gap;
  }
  return -1;
}

int64_t OutputWatch::FirstSeen(int32_t partition, int64_t sent_ms) const {
  const std::lock_guard lock(mutex_);
  for (const Arrival& a : arrivals_) {
    if (a.partition == partition && a.sent_ms > sent_ms) return a.seen_ms;
  }
  return -1;
}

}  // namespace tacho::lab
