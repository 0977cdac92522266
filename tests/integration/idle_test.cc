// Partitions that fall silent: their windows close without another message,
// but only if the broker says that there is none.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <string>

#include "tests/integration/worker_fixture.h"

namespace tacho {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;

class IdleTest : public WorkerOnKafka {
 protected:
  void PrepareIdle(const std::string& topic) {
    Prepare(topic, 2);
    std::string job =
        TelemetryJob(topic, broker().bootstrap(), Path("state"), guarantee()) +
        "vehicle_idle_timeout: 1s\nidle_timeout: 1s\n";
    const std::string lateness = "allowed_lateness: 10s";
    job.replace(job.find(lateness), lateness.size(), "allowed_lateness: 1s");
    WriteJob(job);
  }

  // One in the last second of a minute of three hours ago.
  KafkaRecord Message(const std::string& vehicle) const {
    const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::system_clock::now().time_since_epoch());
    const int64_t minute = now.count() / 60000 - 180;
    KafkaRecord record;
    record.key = vehicle;
    record.value = R"({"vehicle_id":")" + vehicle + R"(","ts":)" +
                   std::to_string(minute * 60000 + 59000) + "}";
    record.partition = 0;
    return record;
  }

  size_t Windows() {
    size_t count = 0;
    for (const Log& log : Read(name() + ".stats")) count += log.size();
    return count;
  }
};

TEST_F(IdleTest, AnEmptyPartitionsWindowsClose) {
  PrepareIdle("idle");
  Produce({Message("a"), Message("b")});

  const auto worker = Start("host");

  ASSERT_TRUE(Eventually([&] { return Windows() == 2; })) << worker->Output();
  worker->Signal(SIGTERM);
  ASSERT_EQ(worker->WaitExit(), 0) << worker->Output();
  const std::vector<Log> stats = Read(name() + ".stats");
  ASSERT_EQ(stats[0].size(), 2U);
  EXPECT_EQ(stats[0][0].key, "a");
  EXPECT_EQ(stats[0][1].key, "b");
  EXPECT_EQ(Committed().at(0), 2);
}

TEST_F(IdleTest, AnOpenTransactionOnThePartitionHoldsTimeStill) {
  PrepareIdle("idle-transaction");
  Produce({Message("a")});
  ASSERT_TRUE(
      broker().Produce(name(), {Message("a")}, TransactionEnd::kOpen).ok());

  const auto worker = Start("host");

  ASSERT_TRUE(Eventually([&] { return Committed()[0] == 1; }))
      << worker->Output();
  EXPECT_FALSE(Eventually([&] { return Windows() > 0; }, seconds(6)));
  ASSERT_TRUE(broker().Produce(name(), {}, TransactionEnd::kAbort).ok());
  ASSERT_TRUE(Eventually([&] { return Windows() > 0; })) << worker->Output();
  EXPECT_THAT(*Read(name() + ".stats")[0][0].value,
              HasSubstr(R"("samples":1)"));
  worker->Signal(SIGTERM);
  ASSERT_EQ(worker->WaitExit(), 0) << worker->Output();
}

}  // namespace
}  // namespace tacho
