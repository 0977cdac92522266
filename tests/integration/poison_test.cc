// Messages made to hurt: none stops the process, each is counted, and what is
// refused can be read again.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <set>

#include "tests/integration/worker_fixture.h"
#include "tests/support/poison_file.h"

namespace tacho {
namespace {

using nlohmann::json;
using poison::FromBase64;
using poison::PoisonLines;
using poison::ValueOf;

// What the reject topic takes (Kafka's default), and what is left of that for
// the message beside its headers.
constexpr size_t kTopicLimit = 1048588;
constexpr size_t kLeastKept = 1047000;

KafkaRecord ToMessage(const json& line) {
  KafkaRecord record;
  if (line.contains("key_base64")) {
    record.key = FromBase64(line["key_base64"]);
  } else if (!line["key"].is_null()) {
    record.key = line["key"].get<std::string>();
  }
  record.value = ValueOf(line);
  record.partition = 0;
  return record;
}

std::map<std::string, std::string> HeadersOf(const KafkaRecord& record) {
  return {record.headers.begin(), record.headers.end()};
}

class PoisonOnKafka : public WorkerOnKafka {
 protected:
  // The signals and limits that the poison file assumes.
  const Arguments job_ = {
      "--set", "input.event_time.max_future_skew=24h",
      "--set", "input.tombstones=reject",
      "--set", "input.signals.lat={path: /lat, min: -90, max: 90}",
      "--set", "input.signals.lon={path: /lon, min: -180, max: 180}"};
};

// A reject is the message, or as much of it as its topic takes, with headers
// that say so.
void ExpectIsReject(const KafkaRecord& reject, const KafkaRecord& message) {
  const auto headers = HeadersOf(reject);
  const std::string key = message.key.value_or("");
  const std::string value = message.value.value_or("");
  if (key.size() + value.size() <= kLeastKept) {
    EXPECT_EQ(reject.key, message.key);
    EXPECT_EQ(reject.value, message.value);
    EXPECT_FALSE(headers.contains("tacho.truncated"));
    return;
  }
  EXPECT_EQ(headers.at("tacho.truncated"), "true");
  EXPECT_EQ(headers.at("tacho.original_size"),
            std::to_string(key.size() + value.size()));
  const std::string kept = *reject.key + *reject.value;
  EXPECT_GE(kept.size(), kLeastKept);
  EXPECT_LT(kept.size(), kTopicLimit);
  EXPECT_TRUE((key + value).starts_with(kept));
}

TEST_F(PoisonOnKafka, EveryMessageOfThePoisonFileIsCountedAndCanBeReadAgain) {
  const std::vector<json> lines = PoisonLines();
  if (lines.empty()) GTEST_SKIP() << "../shared/data/poison.ndjson is absent";
  ASSERT_GT(lines.size(), 100u);
  Prepare("poison", 1, {{"max.message.bytes", "50000000"}});
  std::vector<KafkaRecord> messages;
  for (const json& line : lines) messages.push_back(ToMessage(line));
  Produce(messages);

  Arguments arguments = job_;
  arguments.insert(arguments.end(), {"--until-end", "--close-at-end"});
  const auto worker = Start("host", arguments);

  ASSERT_EQ(worker->WaitExit(), 0) << worker->Output();
  EXPECT_TRUE(AtEnd());
  std::map<Offset, KafkaRecord> rejects;
  const std::vector<Log> refused = Read("poison.rejects");
  for (const KafkaRecord& reject : refused[0]) {
    const Offset offset = std::stoll(HeadersOf(reject).at("tacho.offset"));
    EXPECT_TRUE(rejects.emplace(offset, reject).second) << Describe(reject);
  }
  size_t accepted = 0;
  for (size_t i = 0; i < lines.size(); ++i) {
    SCOPED_TRACE(lines[i]["name"].get<std::string>());
    const auto reject = rejects.find(static_cast<Offset>(i));
    std::set<std::string> allowed = {lines[i]["expect"]};
    for (const json& other : lines[i].value("also_ok", json::array())) {
      allowed.insert(other);
    }
    if (reject == rejects.end()) {
      EXPECT_TRUE(allowed.contains("accepted"));
      ++accepted;
      continue;
    }
    EXPECT_TRUE(allowed.contains(HeadersOf(reject->second)["tacho.reason"]));
    ExpectIsReject(reject->second, messages[i]);
  }
  const auto totals = worker->Events("stopped_lanes");
  EXPECT_EQ(totals.at(0)["messages"], lines.size());
  EXPECT_EQ(totals.at(0)["records"], accepted);
  EXPECT_EQ(totals.at(0)["rejects"], rejects.size());
  EXPECT_EQ(worker->Sum("rejects", "count"),
            static_cast<int64_t>(rejects.size()));
}

// What no compression makes small enough for an output topic.
std::string Noise(size_t bytes) {
  std::mt19937_64 random(7);
  std::string text;
  while (text.size() < bytes) {
    text += static_cast<char>('0' + random() % 75);
    if (text.back() == '\\') text.back() = '/';
  }
  return text;
}

KafkaRecord Big(const std::string& vehicle, int64_t ts, size_t bytes) {
  KafkaRecord record;
  record.key = vehicle;
  record.value = R"({"vehicle_id":")" + vehicle + R"(","ts":)" +
                 std::to_string(ts) + R"(,"speed_kmph":1,"noise":")";
  *record.value += Noise(bytes - record.value->size() - 2) + "\"}";
  record.partition = 0;
  return record;
}

// limits.message_bytes lets a message through that is as large as a topic
// takes by default; as a late record it also carries headers.
TEST_F(PoisonOnKafka, ABigLateRecordDoesNotStopThePartition) {
  Prepare("big-late", 1, {{"max.message.bytes", "50000000"}});
  constexpr int64_t kTime = 1790000000000;
  Produce({Big("v", kTime, 1000), Big("v", kTime - 600000, 1048576),
           Big("v", kTime + 1000, 1000)});

  const auto worker = Start("host", {"--until-end", "--close-at-end"});

  ASSERT_EQ(worker->WaitExit(), 0) << worker->Output();
  EXPECT_EQ(worker->Events("stopped_lanes").at(0)["messages"], 3);
  const std::vector<Log> late = Read("big-late.late");
  ASSERT_EQ(late[0].size(), 2u);  // One a stream.
  for (const KafkaRecord& record : late[0]) {
    const auto headers = HeadersOf(record);
    EXPECT_EQ(headers.at("tacho.offset"), "1");
    EXPECT_EQ(headers.at("tacho.truncated"), "true");
    EXPECT_EQ(headers.at("tacho.original_size"), "1048577");
  }
}

TEST_F(PoisonOnKafka, BigRejectsFitTheirTopicWhateverTheyHold) {
  Prepare("big-rejects", 1, {{"max.message.bytes", "50000000"}});
  KafkaRecord key = Big("v", 1, 2000);
  key.key = Noise(1500000);
  Produce({Big("v", 1790000000000, 3000000), Big("v", 1, 1048000), key});

  const auto worker = Start("host", {"--until-end"});

  ASSERT_EQ(worker->WaitExit(), 0) << worker->Output();
  const std::vector<Log> input = Input();
  const std::vector<Log> rejects = Read("big-rejects.rejects");
  ASSERT_EQ(rejects[0].size(), 3u);
  for (size_t i = 0; i < 3; ++i) ExpectIsReject(rejects[0][i], input[0][i]);
}

}  // namespace
}  // namespace tacho
