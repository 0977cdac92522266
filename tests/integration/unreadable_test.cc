// Batches that the broker takes and the client cannot read, and messages that
// grow on their way: neither stops a partition for ever.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <map>
#include <string>

#include "tests/integration/worker_fixture.h"

namespace tacho {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr int64_t kTime = 1790000000000;

std::map<std::string, std::string> HeadersOf(const KafkaRecord& record) {
  return {record.headers.begin(), record.headers.end()};
}

KafkaRecord Good(int seconds, const std::string& more = "") {
  KafkaRecord record;
  record.key = "v";
  record.value = R"({"vehicle_id":"v","ts":)" +
                 std::to_string(kTime + seconds * 1000) + R"(,"speed_kmph":1)" +
                 more + "}";
  record.partition = 0;
  return record;
}

KafkaRecord Blanks(size_t bytes) {
  KafkaRecord record;
  record.key = "blanks";
  record.value = std::string(bytes, ' ');
  record.partition = 0;
  return record;
}

class UnreadableTest : public WorkerOnKafka {
 protected:
  // All of `records` in one batch.
  void ProduceBatch(const std::string& codec,
                    const std::vector<KafkaRecord>& records) {
    const Status status =
        broker().Produce(name(), records, TransactionEnd::kNone,
                         {{"compression.codec", codec},
                          {"message.max.bytes", "500000000"},
                          {"batch.size", "500000000"},
                          {"queue.buffering.max.kbytes", "2000000"},
                          {"linger.ms", "1000"}});
    ASSERT_TRUE(status.ok()) << status.ToString();
  }

  // Batches of more than 10 MB cannot be read.
  const Arguments small_ = {"--set", "kafka.receive.message.max.bytes=10000000",
                            "--set", "kafka.fetch.max.bytes=8000000"};
  Arguments With(Arguments more) const {
    more.insert(more.end(), small_.begin(), small_.end());
    return more;
  }
};

// 120 MB of blanks are a few kB as zstd.
TEST_F(UnreadableTest, ABatchThatDoesNotUnpackStopsBeforeItWithTheRemedy) {
  Prepare("bomb", 1);
  Produce({Good(0), Good(1)});
  ProduceBatch("zstd", {Blanks(120000000)});
  Produce({Good(2)});

  const auto worker = Start("host", {"--until-end"});

  EXPECT_EQ(worker->WaitExit(), 65) << worker->Output();
  EXPECT_THAT(worker->Output(),
              AllOf(HasSubstr("bomb/0 offset 2: the batch here cannot be read"),
                    HasSubstr("receive.message.max.bytes (100000000 bytes)"),
                    HasSubstr("on_unreadable: skip"),
                    HasSubstr("--topic bomb --partition 0 --to 3")));
  EXPECT_LE(Committed().at(0), 2);  // What was in its last epoch goes with it.

  // And what is said there works.
  EXPECT_EQ(
      RunToEnd("host", {"--close-at-end", "--set", "input.on_unreadable=skip"}),
      0);
  EXPECT_TRUE(AtEnd());
  const std::vector<Log> rejects = Read("bomb.rejects");
  ASSERT_EQ(rejects[0].size(), 1u);
  EXPECT_EQ(rejects[0][0].value, std::nullopt);
  const auto headers = HeadersOf(rejects[0][0]);
  EXPECT_EQ(headers.at("tacho.reason"), "unreadable");
  EXPECT_EQ(headers.at("tacho.offset"), "2");
  EXPECT_EQ(headers.at("tacho.last_offset"), "2");
  EXPECT_THAT(headers.at("tacho.detail"), HasSubstr("compressed"));
  const std::vector<Log> stats = Read("bomb.stats");
  ASSERT_EQ(stats[0].size(), 1u);
  EXPECT_THAT(*stats[0][0].value, HasSubstr(R"("samples":3)"));
}

// Seven records in one batch, then one bad batch right after another, the last
// at the end of the log: each range is exact, nothing beside it is lost.
TEST_F(UnreadableTest, WhatIsSteppedOverIsTheBatchAndNothingElse) {
  Prepare("ranges", 1);
  Produce({Good(0), Good(1)});
  ProduceBatch("zstd", std::vector<KafkaRecord>(7, Blanks(3000000)));
  Produce({Good(2)});
  ProduceBatch("zstd", std::vector<KafkaRecord>(2, Blanks(6000000)));
  ProduceBatch("zstd", {Blanks(12000000)});
  Produce({Good(3), Good(4)});
  ProduceBatch("zstd", std::vector<KafkaRecord>(5, Blanks(3000000)));

  const auto worker =
      Start("host", With({"--until-end", "--close-at-end", "--set",
                          "input.on_unreadable=skip"}));

  ASSERT_EQ(worker->WaitExit(), 0) << worker->Output();
  EXPECT_TRUE(AtEnd());
  const std::vector<Log> rejects = Read("ranges.rejects");
  std::vector<std::string> ranges;
  for (const KafkaRecord& reject : rejects[0]) {
    const auto headers = HeadersOf(reject);
    ranges.push_back(headers.at("tacho.offset") + "-" +
                     headers.at("tacho.last_offset"));
  }
  EXPECT_THAT(ranges, ::testing::ElementsAre("2-8", "10-11", "12-12", "15-19"));
  const std::vector<Log> stats = Read("ranges.stats");
  ASSERT_EQ(stats[0].size(), 1u);
  EXPECT_THAT(*stats[0][0].value, HasSubstr(R"("samples":5)"));
  const auto totals = worker->Events("stopped_lanes").at(0);
  EXPECT_EQ(totals["messages"], 9);
  EXPECT_EQ(totals["rejects"], 4);
}

// gzip and lz4 have no bound in the client: such a message is read, and then
// too large like any other.
TEST_F(UnreadableTest, OtherCodecsAreReadAndRefused) {
  Prepare("codecs", 1);
  ProduceBatch("gzip", {Blanks(30000000)});
  ProduceBatch("lz4", {Blanks(30000000)});
  Produce({Good(0)});

  const auto worker = Start("host", {"--until-end", "--close-at-end"});

  ASSERT_EQ(worker->WaitExit(), 0) << worker->Output();
  const std::vector<Log> rejects = Read("codecs.rejects");
  ASSERT_EQ(rejects[0].size(), 2u);
  for (const KafkaRecord& reject : rejects[0]) {
    const auto headers = HeadersOf(reject);
    EXPECT_EQ(headers.at("tacho.reason"), "too_large");
    EXPECT_EQ(headers.at("tacho.original_size"), "30000006");
  }
}

// A control character takes one byte in a text and six in JSON.
TEST_F(UnreadableTest, TextsThatGrowAreRefusedWhereTheyComeIn) {
  Prepare("grow", 1);
  std::string job =
      TelemetryJob(name(), broker().bootstrap(), Path("state"), guarantee());
  std::string signals;
  std::string aggregates;
  for (int i = 0; i < 15; ++i) {
    const std::string n = std::to_string(i);
    signals += "    t" + n + ": {path: /t" + n + ", type: string}\n";
    aggregates += "            l" + n + ": last(t" + n + ")\n";
  }
  job.insert(job.find("streams:"), signals);
  job.insert(job.find("            samples: count()"), aggregates);
  WriteJob(job);
  std::vector<KafkaRecord> records;
  const auto text = [](size_t characters) {
    std::string json;
    for (size_t i = 0; i < characters; ++i) json += "\\u0001";
    return json;
  };
  for (int i = 0; i < 15; ++i) {
    const std::string name = ",\"t" + std::to_string(i) + "\":\"";
    records.push_back(Good(1, name + text(10922) + "\""));  // 65,532 bytes.
    records.push_back(Good(2, name + text(10923) + "\""));
    records.push_back(Good(3, name + text(65536) + "\""));
  }
  Produce(records);

  const auto worker = Start("host", {"--until-end", "--close-at-end"});

  ASSERT_EQ(worker->WaitExit(), 0) << worker->Output();
  const std::vector<Log> stats = Read("grow.stats");
  ASSERT_EQ(stats[0].size(), 1u);
  EXPECT_GT(stats[0][0].value->size(), 15u * 65532);
  EXPECT_THAT(*stats[0][0].value, HasSubstr(R"("samples":15)"));
  const std::vector<Log> rejects = Read("grow.rejects");
  ASSERT_EQ(rejects[0].size(), 30u);
  const auto headers = HeadersOf(rejects[0][0]);
  EXPECT_EQ(headers.at("tacho.reason"), "too_large");
  EXPECT_EQ(headers.at("tacho.path"), "/t0");
  EXPECT_THAT(headers.at("tacho.detail"), HasSubstr("limits.string_bytes"));
}

// Rejects and late records keep the headers of their sender.
TEST_F(UnreadableTest, HeadersOfTheSenderAreKept) {
  Prepare("sent-headers", 1);
  KafkaRecord bad = Good(0);
  bad.value = "{";
  bad.headers = {{"traceparent", "00-1"}, {"tacho.reason", "forged"}};
  KafkaRecord late = Good(-600);
  late.headers = {{"traceparent", "00-2"}};
  for (int i = 0; i < 100; ++i) late.headers.emplace_back("h", "x");
  KafkaRecord tombstone = Good(0);
  tombstone.value.reset();
  Produce({Good(0), bad, late, tombstone});

  const auto worker = Start("host", {"--until-end"});

  ASSERT_EQ(worker->WaitExit(), 0) << worker->Output();
  const KafkaRecord reject = Read("sent-headers.rejects").at(0).at(0);
  EXPECT_EQ(reject.headers[0],
            std::pair(std::string("traceparent"), std::string("00-1")));
  EXPECT_EQ(HeadersOf(reject).at("sender.tacho.reason"), "forged");
  EXPECT_EQ(HeadersOf(reject).at("tacho.reason"), "unparsable_json");
  const KafkaRecord kept = Read("sent-headers.late").at(0).at(0);
  EXPECT_EQ(HeadersOf(kept).at("traceparent"), "00-2");
  EXPECT_EQ(HeadersOf(kept).at("tacho.headers_dropped"), "37");
  const auto totals = worker->Events("stopped_lanes").at(0);
  EXPECT_EQ(totals["skipped"], 1);
  EXPECT_EQ(totals["rejects"], 1);
  EXPECT_EQ(totals["late"], 2);  // One a stream.
  EXPECT_EQ(totals["late_records"], 1);
}

}  // namespace
}  // namespace tacho
