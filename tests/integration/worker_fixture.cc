#include "tests/integration/worker_fixture.h"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <nlohmann/json.hpp>

namespace tacho {

bool Matches(const KafkaRecord& actual, const ExpectedOutput& expected) {
  if (actual.key != expected.key || !actual.value) return false;
  if (!expected.headers.empty()) {
    auto headers = actual.headers;
    // For people; the model knows reasons only.
    std::erase_if(headers, [](const auto& header) {
      return header.first == "tacho.path" || header.first == "tacho.detail";
    });
    return *actual.value == expected.value && headers == expected.headers;
  }
  return actual.headers.empty() &&
         nlohmann::json::parse(*actual.value, nullptr, false) ==
             nlohmann::json::parse(expected.value);
}

std::string Describe(const KafkaRecord& record) {
  std::string text = "partition " + std::to_string(record.partition) +
                     " offset " + std::to_string(record.offset) + ": " +
                     record.key.value_or("(null)") + " = " +
                     record.value.value_or("(null)").substr(0, 400);
  for (const auto& [name, value] : record.headers) {
    text += " " + name + "=" + value;
  }
  return text;
}

int CountRewinds(const std::vector<KafkaRecord>& actual,
                 const std::vector<ExpectedOutput>& expected,
                 std::string& why) {
  size_t next = 0;
  int rewinds = 0;
  for (const KafkaRecord& record : actual) {
    if (next < expected.size() && Matches(record, expected[next])) {
      ++next;
      continue;
    }
    const auto end = expected.begin() + static_cast<std::ptrdiff_t>(next);
    const auto seen = std::find_if(
        expected.begin(), end,
        [&](const ExpectedOutput& e) { return Matches(record, e); });
    if (seen == end) {
      why = "got " + Describe(record);
      if (next < expected.size()) why += "\nnot " + expected[next].value;
      return -1;
    }
    next = static_cast<size_t>(seen - expected.begin()) + 1;
    ++rewinds;
  }
  if (next == expected.size()) return rewinds;
  why = "ends after " + std::to_string(next) + " of " +
        std::to_string(expected.size()) + "; next " + expected[next].value;
  return -1;
}

void WorkerOnKafka::Prepare(const std::string& name, int partitions,
                            const std::map<std::string, std::string>& configs) {
  name_ = name;
  CreateTopic(name, partitions, configs);
  for (const std::string& topic : kOutputTopics) {
    CreateTopic(name + "." + topic, partitions);
  }
  WriteJob(
      TelemetryJob(name, broker().bootstrap(), Path("state"), guarantee()));
}

void WorkerOnKafka::CreateTopic(
    const std::string& topic, int partitions,
    const std::map<std::string, std::string>& configs) {
  const Status created = broker().CreateTopic(topic, partitions, configs);
  ASSERT_TRUE(created.ok()) << created.ToString();
}

void WorkerOnKafka::WriteJob(const std::string& text) const {
  std::ofstream(job_path()) << text;
}

std::unique_ptr<TachoProcess> WorkerOnKafka::Start(const std::string& host,
                                                   const Arguments& extra,
                                                   const std::string& cgroup) {
  Arguments arguments = {"run",       job_path(), "--state-dir",  Path(host),
                         "--threads", "2",        "--log-format", "json"};
  arguments.insert(arguments.end(), extra.begin(), extra.end());
  return std::make_unique<TachoProcess>(
      arguments, Path("worker-" + std::to_string(starts_++) + ".log"), cgroup);
}

int WorkerOnKafka::RunToEnd(const std::string& host, const Arguments& extra) {
  Arguments arguments = {"--until-end"};
  arguments.insert(arguments.end(), extra.begin(), extra.end());
  const auto worker = Start(host, arguments);
  const std::optional<int> code = worker->WaitExit();
  EXPECT_EQ(code, 0) << worker->Output();
  return code.value_or(-1);
}

void WorkerOnKafka::Produce(const std::vector<KafkaRecord>& records) {
  const Status status = broker().Produce(name_, records);
  ASSERT_TRUE(status.ok()) << status.ToString();
}

std::vector<KafkaRecord> WorkerOnKafka::Telemetry(int messages, uint64_t seed,
                                                  int start_minutes_ago) const {
  const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::system_clock::now().time_since_epoch());
  TelemetryOptions options;
  options.seed = seed;
  options.messages = messages;
  options.start_ms = now.count() - start_minutes_ago * int64_t{60000};
  return MakeTelemetry(options);
}

std::vector<WorkerOnKafka::Log> WorkerOnKafka::Read(const std::string& topic) {
  const auto ends = broker().EndOffsets(topic);
  EXPECT_TRUE(ends.ok()) << ends.status().ToString();
  // What a dead worker left open is aborted after transaction.timeout.ms.
  EXPECT_TRUE(Eventually([&] {
    const auto stable = broker().EndOffsets(topic, Isolation::kCommitted);
    return stable.ok() && *stable == *broker().EndOffsets(topic);
  })) << topic
      << " has an open transaction";
  const auto records = broker().ConsumeAll(topic, Isolation::kCommitted);
  EXPECT_TRUE(records.ok()) << records.status().ToString();
  if (!ends.ok() || !records.ok()) return {};
  std::vector<Log> logs(ends->size());
  for (const KafkaRecord& record : *records) {
    logs[static_cast<size_t>(record.partition)].push_back(record);
  }
  return logs;
}

std::map<int32_t, Offset> WorkerOnKafka::Committed(const std::string& group) {
  std::map<int32_t, Offset> offsets;
  Status status;
  // A broker that has just come back looks for the group first.
  EXPECT_TRUE(Eventually([&] {
    const auto committed =
        broker().CommittedOffsets(group.empty() ? name_ : group, name_);
    status = committed.status();
    if (!committed.ok()) return false;
    for (const auto& [partition, c] : *committed) offsets[partition] = c.offset;
    return true;
  })) << status.ToString();
  return offsets;
}

bool WorkerOnKafka::AtEnd(const std::string& group) {
  const auto ends = broker().EndOffsets(name_);
  if (!ends.ok()) return false;
  const std::map<int32_t, Offset> committed = Committed(group);
  for (size_t p = 0; p < ends->size(); ++p) {
    const auto at = committed.find(static_cast<int32_t>(p));
    if (at == committed.end() || at->second != (*ends)[p]) return false;
  }
  return true;
}

const std::vector<ExpectedOutput>& WorkerOnKafka::Of(
    const ExpectedOutputs& expected, const std::string& topic) {
  if (topic == "stats") return expected.stats;
  if (topic == "alerts") return expected.alerts;
  return topic == "rejects" ? expected.rejects : expected.late;
}

void WorkerOnKafka::ExpectOutputs(bool closed, int interruptions,
                                  const std::string& outputs) {
  const int rewinds = exactly_once() ? 0 : interruptions;
  const std::vector<Log> input = Input();
  for (const std::string& topic : kOutputTopics) {
    const std::vector<Log> actual =
        Read((outputs.empty() ? name_ : outputs) + "." + topic);
    ASSERT_EQ(actual.size(), input.size());
    for (size_t p = 0; p < input.size(); ++p) {
      const ExpectedOutputs expected =
          ComputeExpected(input[p], name_, 0, closed);
      std::string why;
      const int counted = CountRewinds(actual[p], Of(expected, topic), why);
      EXPECT_GE(counted, 0) << topic << "-" << p << ": " << why;
      EXPECT_LE(counted, rewinds) << topic << "-" << p;
    }
  }
}

}  // namespace tacho
