#include "tests/support/expected.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <tuple>
#include <utility>

#include "tests/support/exact_mean.h"

namespace tacho {
namespace {

using nlohmann::json;

constexpr int64_t kMinute = 60000;
constexpr int64_t kLateness = 10000;
constexpr int64_t kIdle = 30 * kMinute;
constexpr int64_t kForget = 7 * 24 * 60 * kMinute;
constexpr int64_t kMaxSkew = 5 * kMinute;
constexpr int64_t kFirstTime = 946684800000;  // 2000-01-01.
constexpr int64_t kHold = 5000;
constexpr Offset kEnd = std::numeric_limits<Offset>::max();
constexpr int64_t kNever = std::numeric_limits<int64_t>::min() / 4;

struct Row {
  std::string vehicle;
  int64_t time = 0;
  std::optional<double> speed;
  std::optional<double> temp;
  std::optional<double> odometer;
};

// A reject reason, or nothing and `row` filled.
std::string Parse(const KafkaRecord& message, Row& row) {
  json doc;
  try {
    doc = json::parse(message.value.value_or(""));
  } catch (const json::parse_error& e) {
    const bool bytes = std::string(e.what()).find("UTF-8") != std::string::npos;
    return bytes ? "invalid_utf8" : "unparsable_json";
  }
  if (!doc.is_object()) return "not_an_object";
  if (!doc.contains("vehicle_id") || !doc.contains("ts")) {
    return "missing_field";
  }
  row.vehicle = doc["vehicle_id"];
  row.time = doc["ts"];
  if (row.time < kFirstTime) return "clock_past";
  if (row.time > message.timestamp_ms + kMaxSkew) return "clock_future";
  const auto number = [&](const char* name) -> std::optional<double> {
    if (!doc.contains(name) || !doc[name].is_number()) return std::nullopt;
    return doc[name].get<double>();
  };
  if (doc.contains("speed_kmph") && doc["speed_kmph"].is_string()) {
    return "wrong_type";
  }
  row.speed = number("speed_kmph");
  row.temp = number("engine_temp_c");
  row.odometer = number("odometer_km");
  if (row.speed && (*row.speed < 0 || *row.speed > 400)) return "out_of_range";
  if (row.temp && (*row.temp < -60 || *row.temp > 250)) row.temp.reset();
  return "";
}

// The records of one window, in the order in which they came.
struct Window {
  std::vector<Row> rows;
  int64_t tenths = 0;  // Driven: the feed sends tenths of a kilometre.
  bool has_distance = false;
};

struct Excursion {
  bool pending = false;
  bool open = false;
  int64_t start = 0;
  int64_t last = kNever;
  std::optional<double> peak;
};

class Model {
 public:
  Model(const std::string& prefix, int32_t partition)
      : prefix_(prefix), partition_(partition) {}

  void Take(const KafkaRecord& message) {
    message_ = &message;
    cause_ = message.offset;
    Row row;
    const std::string reason = Parse(message, row);
    if (!reason.empty()) return Refuse(reason);
    ++out_.records;
    partition_time_ = std::max(partition_time_, row.time);
    CloseSilent();
    auto& vehicle_time =
        vehicle_time_.try_emplace(row.vehicle, row.time).first->second;
    vehicle_time = std::max(vehicle_time, row.time);
    CloseUpTo(row.vehicle, vehicle_time - kLateness);
    EmitClosing();
    AddToWindow(row, vehicle_time - kLateness);
    AddToExcursion(row);
    last_seen_[row.vehicle] = partition_time_;
  }

  ExpectedOutputs Finish(bool close) {
    if (!close) return std::move(out_);
    cause_ = kEnd;
    for (const auto& [key, window] : windows_) {
      closing_.emplace_back(key.second + kMinute, key.first);
    }
    EmitClosing();
    std::vector<std::pair<int64_t, std::string>> open;
    for (const auto& [vehicle, e] : excursions_) {
      if (e.open) open.emplace_back(last_seen_[vehicle] + kForget, vehicle);
    }
    std::sort(open.begin(), open.end());
    for (const auto& [due, vehicle] : open) {
      EmitAlert(vehicle, excursions_[vehicle], false,
                excursions_[vehicle].last);
    }
    return std::move(out_);
  }

 private:
  void Refuse(const std::string& reason) {
    out_.rejects.push_back(
        {cause_,
         message_->key,
         *message_->value,
         {{"tacho.reason", reason},
          {"tacho.topic", prefix_},
          {"tacho.partition", std::to_string(partition_)},
          {"tacho.offset", std::to_string(message_->offset)},
          {"tacho.timestamp", std::to_string(message_->timestamp_ms)},
          {"tacho.job", prefix_}}});
  }

  using Headers = std::vector<std::pair<std::string, std::string>>;

  void Late(const std::string& stream, const Headers& what) {
    Headers headers = {{"tacho.stream", stream}};
    headers.insert(headers.end(), what.begin(), what.end());
    const Headers from = {
        {"tacho.topic", prefix_},
        {"tacho.partition", std::to_string(partition_)},
        {"tacho.offset", std::to_string(message_->offset)},
        {"tacho.timestamp", std::to_string(message_->timestamp_ms)},
        {"tacho.job", prefix_}};
    headers.insert(headers.end(), from.begin(), from.end());
    out_.late.push_back(
        {cause_, message_->key, *message_->value, std::move(headers)});
  }

  void CloseSilent() {
    for (const auto& [key, window] : windows_) {
      const auto& [vehicle, start] = key;
      const int64_t end = start + kMinute;
      if (partition_time_ < std::max(end, last_seen_[vehicle]) + kIdle) {
        continue;
      }
      closing_.emplace_back(end, vehicle);
      auto& closed = closed_.try_emplace(vehicle, kNever).first->second;
      closed = std::max(closed, end);
    }
  }

  void CloseUpTo(const std::string& vehicle, int64_t watermark) {
    for (const auto& [key, window] : windows_) {
      const int64_t end = key.second + kMinute;
      if (key.first == vehicle && end <= watermark) {
        closing_.emplace_back(end, vehicle);
      }
    }
  }

  void EmitClosing() {
    std::sort(closing_.begin(), closing_.end());
    closing_.erase(std::unique(closing_.begin(), closing_.end()),
                   closing_.end());
    for (const auto& [end, vehicle] : closing_) {
      const auto at = windows_.find({vehicle, end - kMinute});
      EmitWindow(vehicle, end, at->second);
      windows_.erase(at);
    }
    closing_.clear();
  }

  void EmitWindow(const std::string& vehicle, int64_t end, const Window& w) {
    json doc = {{"vehicle_id", vehicle},
                {"window_start", end - kMinute},
                {"window_end", end},
                {"samples", w.rows.size()}};
    std::vector<double> speeds;
    std::optional<std::pair<int64_t, double>> last;
    std::optional<double> temp;
    ExactMean mean;
    for (const Row& row : w.rows) {
      if (row.temp) temp = std::max(temp.value_or(*row.temp), *row.temp);
      if (!row.speed) continue;
      speeds.push_back(*row.speed);
      mean.Add(*row.speed);
      if (!last || row.time >= last->first) last = {row.time, *row.speed};
    }
    const bool any = !speeds.empty();
    doc["speeds"] = speeds.size();
    doc["speed_min"] =
        any ? json(*std::min_element(speeds.begin(), speeds.end())) : json();
    doc["speed_mean"] = any ? json(mean.Value()) : json();
    doc["speed_max"] =
        any ? json(*std::max_element(speeds.begin(), speeds.end())) : json();
    doc["speed_last"] = any ? json(last->second) : json();
    doc["temp_max"] = temp ? json(*temp) : json();
    doc["distance"] =
        w.has_distance ? json(static_cast<double>(w.tenths) / 10) : json();
    out_.stats.push_back({cause_, vehicle, doc.dump(), {}});
  }

  void AddToWindow(const Row& row, int64_t watermark) {
    const int64_t start = row.time - row.time % kMinute;
    const int64_t end = start + kMinute;
    const auto closed = closed_.find(row.vehicle);
    if (end <= watermark ||
        (closed != closed_.end() && end <= closed->second)) {
      return Late("stats", {{"tacho.window_start", std::to_string(start)},
                            {"tacho.window_end", std::to_string(end)}});
    }
    Window& window = windows_[{row.vehicle, start}];
    window.rows.push_back(row);
    if (!row.odometer) return;
    window.has_distance = true;
    const int64_t tenths = std::llround(*row.odometer * 10);
    const auto [at, first] =
        readings_.try_emplace(row.vehicle, std::pair(row.time, tenths));
    auto& [time, value] = at->second;
    if (first || row.time < time) return;
    window.tenths += std::max<int64_t>(0, tenths - value);
    time = row.time;
    value = tenths;
  }

  void AddToExcursion(const Row& row) {
    Excursion& e = excursions_[row.vehicle];
    if (row.time < e.last) {
      return Late("alerts", {{"tacho.last_sample", std::to_string(e.last)}});
    }
    e.last = row.time;
    const bool fast = row.speed && *row.speed > 120;
    if (e.open && row.speed && *row.speed < 115) {
      EmitAlert(row.vehicle, e, false, row.time);
      e.open = false;
      return;
    }
    if (!e.open && !e.pending) {
      if (!fast) return;
      e.pending = true;
      e.start = row.time;
      e.peak.reset();
    } else if (e.pending && row.speed && !fast) {
      e.pending = false;
      return;
    }
    if (row.speed) e.peak = std::max(e.peak.value_or(*row.speed), *row.speed);
    if (e.pending && fast && row.time - e.start >= kHold) {
      e.pending = false;
      e.open = true;
      EmitAlert(row.vehicle, e, true, row.time);
    }
  }

  void EmitAlert(const std::string& vehicle, const Excursion& e, bool open,
                 int64_t at) {
    const json doc = {{"vehicle_id", vehicle},
                      {"name", "fast"},
                      {"event", open ? "open" : "close"},
                      {"id", vehicle + "/fast/" + std::to_string(e.start)},
                      {"start", e.start},
                      {"end", open ? json() : json(at)},
                      {"duration_ms", at - e.start},
                      {"peak", *e.peak}};
    out_.alerts.push_back({cause_, vehicle, doc.dump(), {}});
  }

  const std::string prefix_;
  const int32_t partition_;
  const KafkaRecord* message_ = nullptr;
  Offset cause_ = kNoOffset;
  int64_t partition_time_ = kNever;
  std::map<std::string, int64_t> vehicle_time_;
  std::map<std::string, int64_t> last_seen_;  // Partition time then.
  std::map<std::string, int64_t> closed_;     // By silence, up to here.
  std::map<std::pair<std::string, int64_t>, Window> windows_;
  std::vector<std::pair<int64_t, std::string>> closing_;  // {end, vehicle}
  std::map<std::string, std::pair<int64_t, int64_t>> readings_;
  std::map<std::string, Excursion> excursions_;
  ExpectedOutputs out_;
};

}  // namespace

ExpectedOutputs ComputeExpected(const std::vector<KafkaRecord>& log,
                                const std::string& prefix, Offset from,
                                bool close) {
  Model model(prefix, log.empty() ? 0 : log.front().partition);
  for (const KafkaRecord& message : log) {
    if (message.offset >= from) model.Take(message);
  }
  return model.Finish(close);
}

}  // namespace tacho
