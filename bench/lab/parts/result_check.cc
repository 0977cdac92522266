#include "bench/lab/parts/result_check.h"

#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <unordered_map>

#include "bench/lab/parts/bed.h"
#include "bench/lab/parts/committed_reader.h"
#include "pipeline/base/check.h"

namespace tacho::lab {
namespace {

constexpr std::array<const char*, 7> kFields = {
    "samples",    "speed_min",       "speed_mean", "speed_max",
    "speed_last", "engine_temp_max", "distance"};
constexpr int kQuietPolls = 30;  // Of a second each.

struct Window {
  std::array<double, kFields.size()> values{};
  bool found = false;
};
// By vehicle and start.
using Windows = std::unordered_map<std::string, Window>;

Windows ReadExpected(const std::string& path) {
  Windows windows;
  std::ifstream in(path);
  CHECK(in.good());
  for (std::string line; std::getline(in, line);) {
    std::istringstream fields(line);
    std::string vehicle;
    std::string start;
    Window window;
    fields >> vehicle >> start;
    for (double& value : window.values) fields >> value;
    CHECK(!fields.fail());
    windows.emplace(vehicle + " " + start, window);
  }
  return windows;
}

bool Near(double a, double b) {
  return std::abs(a - b) <= 1e-9 * std::max({1.0, std::abs(a), std::abs(b)});
}

void Count(std::string_view text, Windows& windows, ResultCheck& check) {
  ++check.found;
  const auto row = nlohmann::json::parse(text, nullptr, false);
  if (!row.is_object() || !row.contains("vehicle_id")) {
    ++check.extra;
    return;
  }
  const auto window =
      windows.find(row["vehicle_id"].get<std::string>() + " " +
                   std::to_string(row.value("window_start", int64_t{0})));
  if (window == windows.end() || window->second.found) {
    ++check.extra;
    return;
  }
  window->second.found = true;
  for (size_t i = 0; i < kFields.size(); ++i) {
    const auto field = row.find(kFields[i]);
    if (field == row.end() || !field->is_number() ||
        !Near(field->get<double>(), window->second.values[i])) {
      ++check.wrong;
      return;
    }
  }
}

}  // namespace

ResultCheck CheckResults(const std::string& bootstrap, const std::string& topic,
                         int partitions, const std::string& expected_path) {
  Windows windows = ReadExpected(expected_path);
  ResultCheck check;
  check.expected = windows.size();
  const auto consumer =
      ReadCommitted(bootstrap, topic, partitions, RD_KAFKA_OFFSET_BEGINNING);
  std::vector<bool> ended(static_cast<size_t>(partitions), false);
  int quiet = 0;
  while (std::ranges::find(ended, false) != ended.end()) {
    rd_kafka_message_t* const message =
        rd_kafka_consumer_poll(consumer.get(), 1000);
    if (message == nullptr) {
      if (++quiet < kQuietPolls) continue;
      Die({StatusCode::kUnavailable, topic + " is not readable to its end"});
    }
    quiet = 0;
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
      Count({static_cast<const char*>(message->payload), message->len}, windows,
            check);
    } else if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
      ended[static_cast<size_t>(message->partition)] = true;
    }
    rd_kafka_message_destroy(message);
  }
  rd_kafka_consumer_close(consumer.get());
  for (const auto& [key, window] : windows) {
    check.missing += window.found ? 0 : 1;
  }
  return check;
}

}  // namespace tacho::lab
