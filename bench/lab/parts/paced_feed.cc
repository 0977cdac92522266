#include "bench/lab/parts/paced_feed.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <utility>

#include "bench/lab/parts/bed.h"
#include "pipeline/demo/fleet.h"

namespace tacho::lab {
namespace {

using std::chrono::steady_clock;
constexpr size_t kStampDigits = 13;  // Epoch milliseconds, until 2286.
constexpr std::chrono::milliseconds kTick{1};

void Replace(std::string& value, const std::string& field,
             const std::string& number) {
  const size_t begin = value.find("\"" + field + "\":") + field.size() + 3;
  value.replace(begin, value.find_first_of(",}", begin) - begin, number);
}

}  // namespace

PacedFeed::PacedFeed(const std::string& bootstrap, PacedFeedOptions options)
    : options_(std::move(options)), rate_(options_.rate) {
  auto feed =
      KafkaFeed::Open({{"bootstrap.servers", bootstrap}}, options_.topic);
  Die(feed.status());
  feed_ = *std::move(feed);
  MakeTemplates();
  thread_ = std::thread([this] { Run(); });
}

PacedFeed::~PacedFeed() {
  stop_ = true;
  if (thread_.joinable()) thread_.join();
}

void PacedFeed::MakeTemplates() {
  FleetOptions options;
  options.vehicles = options_.vehicles;
  options.start = SystemClock().Now();
  options.late_per_mille = 0;
  options.bad_per_mille = 0;
  Fleet fleet(options);
  templates_.resize(static_cast<size_t>(options_.vehicles));
  for (size_t round = 0; round < 2; ++round) {
    for (size_t v = 0; v < templates_.size(); ++v) {
      const Fleet::Sample& sample = fleet.Next();
      Template& t = templates_[v];
      t.key = sample.key;
      t.probe = v % static_cast<size_t>(options_.probe_every) == 0;
      t.value[round] = sample.value;
      if (t.probe) {
        Replace(t.value[round], "speed_kmph", round == 0 ? "210.0" : "90.0");
      }
      t.stamp[round] = t.value[round].find("\"ts\":") + 5;
    }
  }
}

void PacedFeed::Run() {
  auto started = steady_clock::now();
  int64_t started_ms = NowMs();
  first_ms_ = started_ms;
  uint64_t base = 0;  // Sent before the present rate.
  double rate = rate_;
  while (!stop_) {
    const auto now = steady_clock::now();
    if (rate != rate_) {
      rate = rate_;
      started = now;
      started_ms = NowMs();
      base = sent_;
    }
    const double seconds = std::chrono::duration<double>(now - started).count();
    const auto due = base + static_cast<uint64_t>(seconds * rate);
    while (sent_ < due && !stop_) {
      const uint64_t i = sent_;
      const auto offset_ms =
          static_cast<int64_t>(static_cast<double>(i - base) * 1e3 / rate);
      Template& t = templates_[i % templates_.size()];
      Send(t, i / templates_.size() % 2, started_ms + offset_ms);
      if (i % 1024 == 0) {
        most_behind_ms_ = std::max<int64_t>(most_behind_ms_,
                                            NowMs() - started_ms - offset_ms);
      }
    }
    std::this_thread::sleep_for(kTick);
  }
}

std::string& PacedFeed::Stamp(Template& t, size_t round, int64_t stamp_ms) {
  std::string& value = t.value[round];
  char* const digits = value.data() + t.stamp[round];
  std::to_chars(digits, digits + kStampDigits, stamp_ms);
  return value;
}

void PacedFeed::ForEachSent(
    const std::function<void(const std::string& key, const std::string& value)>&
        use) {
  for (uint64_t i = 0; i < sent_; ++i) {
    const auto offset_ms =
        static_cast<int64_t>(static_cast<double>(i) * 1e3 / rate_);
    Template& t = templates_[i % templates_.size()];
    use(t.key, Stamp(t, i / templates_.size() % 2, first_ms_ + offset_ms));
  }
}

void PacedFeed::Send(Template& t, size_t round, int64_t stamp_ms) {
  const std::string& value = Stamp(t, round, stamp_ms);
  Die(feed_->Send(t.key, value));
  if (t.probe) {
    probe_log_.emplace_back(t.key, stamp_ms);
    ++probes_;
  }
  ++sent_;
}

void PacedFeed::AwaitSent(uint64_t messages) const {
  while (sent_ < messages) std::this_thread::sleep_for(kTick);
}

void PacedFeed::SetRate(double rate) { rate_ = rate; }

void PacedFeed::Stop() {
  stop_ = true;
  if (thread_.joinable()) thread_.join();
  Die(feed_->Flush(Millis(60000)));
}

}  // namespace tacho::lab
