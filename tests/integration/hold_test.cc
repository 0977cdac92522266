// Transactions that somebody else leaves open where a take-over has to read:
// what is held up says so and goes on when they end, and nothing else waits.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>

#include "pipeline/kafka/kafka_groups.h"
#include "pipeline/restore/changelog.h"
#include "tests/integration/worker_fixture.h"
#include "tests/support/open_transaction.h"

namespace tacho {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;

// Told after this long, because it is less than kHoldAfter.
const char* const kPatience = "3";
constexpr int32_t kOffsetsPartitions = 4;  // Of the tests' broker.

class HoldTest : public WorkerOnKafka {
 protected:
  // Two partitions with state and offsets of an earlier life.
  void PrepareWithPast(const std::string& name) {
    Prepare(name, 2);
    Produce(Telemetry(400, 31));
    ASSERT_EQ(RunToEnd("past"), 0);
  }
  std::unique_ptr<OpenTransaction> Begin() {
    auto begun = OpenTransaction::Begin(broker().bootstrap(),
                                        name() + "-outsider", Millis(300000));
    EXPECT_TRUE(begun.ok()) << begun.status().ToString();
    return *std::move(begun);
  }
  std::unique_ptr<TachoProcess> StartPatient(const std::string& host) {
    return Start(host, {"--broker-timeout", kPatience});
  }
  // The one event, once it is there.
  TachoProcess::Event Told(TachoProcess& worker) {
    EXPECT_TRUE(worker.WaitFor("transaction_open")) << worker.Output();
    const auto events = worker.Events("transaction_open");
    return events.empty() ? TachoProcess::Event() : events.front();
  }
  bool CommittedToEnd(int32_t partition) {
    const auto ends = broker().EndOffsets(name());
    const auto committed = Committed();
    const auto found = committed.find(partition);
    return found != committed.end() &&
           found->second == (*ends)[static_cast<size_t>(partition)];
  }
  void StopAndCheck(TachoProcess& worker) {
    EXPECT_TRUE(Eventually([&] { return AtEnd(); })) << worker.Output();
    EXPECT_EQ(worker.Events("transaction_open").size(), 1u);
    worker.Signal(SIGTERM);
    EXPECT_EQ(worker.WaitExit(), 0) << worker.Output();
    ExpectOutputs(/*closed=*/false);
  }
};

TEST_F(HoldTest, OffsetsThatATransactionIsAboutToMoveHoldUpTheirLaneOnly) {
  PrepareWithPast("hold-offsets");
  const auto open = Begin();
  const Status sent =
      open->SendOffsets(name(), {{{name(), 0}, Committed().at(0), "theirs"}});
  ASSERT_TRUE(sent.ok()) << sent.ToString();
  Produce(Telemetry(400, 32));

  const auto worker = StartPatient("next");

  const auto told = Told(*worker);
  EXPECT_EQ(told["topic"], name());
  EXPECT_EQ(told["partition"], 0);
  EXPECT_EQ(told["on"],
            "__consumer_offsets-" +
                std::to_string(OffsetsPartition(name(), kOffsetsPartitions)));
  EXPECT_GE(told["last_stable_offset"], 0);
  EXPECT_GT(told["end_offset"], told["last_stable_offset"]);
  EXPECT_THAT(std::string(told["look"]), HasSubstr("find-hanging"));
  EXPECT_THAT(std::string(told["note"]), HasSubstr("4.3.1"));
  EXPECT_TRUE(Eventually([&] { return CommittedToEnd(1); }))
      << worker->Output();
  // Far longer than its patience.
  EXPECT_FALSE(worker->WaitExit(seconds(8)).has_value()) << worker->Output();
  EXPECT_FALSE(CommittedToEnd(0));

  ASSERT_TRUE(open->Abort().ok());
  StopAndCheck(*worker);
}

TEST_F(HoldTest, ATransactionOnTheChangelogHoldsUpItsLaneOnly) {
  PrepareWithPast("hold-log");
  const auto open = Begin();
  KafkaRecord record;
  record.key = "theirs";
  record.value = "never read";
  record.partition = 1;
  const std::string log = ChangelogTopic(name(), name(), 0);
  ASSERT_TRUE(open->Produce(log, {record}).ok());
  Produce(Telemetry(400, 33));

  const auto worker = StartPatient("elsewhere");  // Without state of its own.

  const auto told = Told(*worker);
  EXPECT_EQ(told["partition"], 1);
  EXPECT_EQ(told["on"], log + "-1");
  EXPECT_GT(told["end_offset"], told["last_stable_offset"]);
  EXPECT_TRUE(Eventually([&] { return CommittedToEnd(0); }))
      << worker->Output();
  EXPECT_FALSE(worker->WaitExit(seconds(8)).has_value()) << worker->Output();

  ASSERT_TRUE(open->Abort().ok());
  StopAndCheck(*worker);
}

TEST_F(HoldTest, ABoundedRunWaitsForWhatIsOpenBeforeItsEnd) {
  Prepare("hold-end", 1);
  std::vector<KafkaRecord> all = Telemetry(400, 34);
  for (KafkaRecord& record : all) record.partition = 0;
  Produce({all.begin(), all.begin() + 200});
  const auto open = Begin();
  ASSERT_TRUE(open->Produce(name(), {all.begin() + 200, all.end()}).ok());

  const auto worker = Start("host", {"--until-end"});

  const auto told = Told(*worker);
  EXPECT_EQ(told["on"], name() + "-0");
  EXPECT_EQ(told["last_stable_offset"], 200);
  EXPECT_TRUE(Eventually([&] { return Committed()[0] == 200; }))
      << worker->Output();
  EXPECT_FALSE(worker->WaitExit(seconds(2)).has_value()) << worker->Output();
  ASSERT_TRUE(open->Commit().ok());
  EXPECT_EQ(worker->WaitExit(), 0) << worker->Output();
  EXPECT_EQ(Committed()[0], 400);  // The marker came later.
  ExpectOutputs(/*closed=*/false);
}

}  // namespace
}  // namespace tacho
