// Inputs and groups that are not the plain case: topics that others write in
// transactions, groups that start at the end, offsets that have expired.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "tests/integration/worker_fixture.h"
#include "tests/support/open_transaction.h"
#include "tests/support/outsider.h"

namespace tacho {
namespace {

class InputTest : public WorkerUnderBoth {
 protected:
  void ProduceIn(TransactionEnd end, const std::vector<KafkaRecord>& records) {
    const Status status = broker().Produce(name(), records, end);
    ASSERT_TRUE(status.ok()) << status.ToString();
  }
};

INSTANTIATE_UNDER_BOTH(InputTest);

TEST_P(InputTest, AbortedMessagesAreNoInputAndTheEndIsStillReached) {
  Prepare("transactional", 2);
  const std::vector<KafkaRecord> all = Telemetry(3000, 61);
  const std::vector<KafkaRecord> never = Telemetry(500, 62);
  ProduceIn(TransactionEnd::kCommit, {all.begin(), all.begin() + 1000});
  ProduceIn(TransactionEnd::kAbort, never);
  const auto worker = Start("host");
  ASSERT_TRUE(Eventually([&] { return AtEnd(); })) << worker->Output();
  ProduceIn(TransactionEnd::kCommit, {all.begin() + 1000, all.begin() + 2000});
  ProduceIn(TransactionEnd::kNone, {all.begin() + 2000, all.end()});
  // Nothing but control records and what nobody sees lies before the end.
  ProduceIn(TransactionEnd::kAbort, never);

  ASSERT_TRUE(Eventually([&] { return AtEnd(); })) << worker->Output();

  worker->Signal(SIGTERM);
  ASSERT_EQ(worker->WaitExit(), 0) << worker->Output();
  const auto totals = worker->Events("stopped_lanes");
  ASSERT_EQ(totals.size(), 1u);
  EXPECT_EQ(totals[0]["messages"], 3000);
  EXPECT_EQ(totals[0]["lag"], 0);
  ExpectOutputs(/*closed=*/false);
  // And a bounded run finds its ends.
  EXPECT_EQ(RunToEnd("host"), 0);
}

TEST_P(InputTest, AnOpenTransactionOfAProducerHoldsTheWorkerAndNoMore) {
  Prepare("input-open", 1);
  std::vector<KafkaRecord> all = Telemetry(900, 63);
  for (KafkaRecord& record : all) record.partition = 0;
  Produce({all.begin(), all.begin() + 300});
  const auto open =
      OpenTransaction::Begin(broker().bootstrap(), name() + "-producer");
  ASSERT_TRUE(open.ok()) << open.status().ToString();
  ASSERT_TRUE(
      (*open)->Produce(name(), {all.begin() + 300, all.begin() + 600}).ok());
  Produce({all.begin() + 600, all.end()});
  const auto worker = Start("host");
  ASSERT_TRUE(Eventually([&] { return Committed()[0] == 300; }))
      << worker->Output();

  ASSERT_TRUE((*open)->Commit().ok());

  ASSERT_TRUE(Eventually([&] { return AtEnd(); })) << worker->Output();
  EXPECT_EQ(Committed()[0], 901);
  worker->Signal(SIGTERM);
  ASSERT_EQ(worker->WaitExit(), 0) << worker->Output();
  ExpectOutputs(/*closed=*/false);
}

TEST_P(InputTest, TwoWorkersThatStartAGroupAtTheEndSkipTheSame) {
  Prepare("latest-two", 4);
  Produce(Telemetry(1000, 64));
  const std::vector<Offset> ends = *broker().EndOffsets(name());
  const Arguments latest = {"--set", "group.offset_reset=latest"};
  const auto one = Start("host-a", latest);
  const auto two = Start("host-b", latest);
  ASSERT_TRUE(Eventually([&] { return AtEnd(); }))
      << one->Output() << two->Output();
  const auto count = [](const TachoProcess& worker) {
    const auto events = worker.Events("partitions_assigned");
    return events.empty() ? -1 : events.back().value("count", -1);
  };
  ASSERT_TRUE(Eventually([&] { return count(*one) == 2 && count(*two) == 2; }));

  Produce(Telemetry(3000, 65, 120));

  ASSERT_TRUE(Eventually([&] { return AtEnd(); }))
      << one->Output() << two->Output();
  for (const auto* worker : {one.get(), two.get()}) worker->Signal(SIGTERM);
  EXPECT_EQ(one->WaitExit(), 0) << one->Output();
  EXPECT_EQ(two->WaitExit(), 0) << two->Output();
  EXPECT_EQ(one->Events("stopped_lanes")[0].value("messages", 0) +
                two->Events("stopped_lanes")[0].value("messages", 0),
            3000);
  const std::vector<Log> input = Input();
  for (const std::string& topic : kOutputTopics) {
    const std::vector<Log> actual = Read(name() + "." + topic);
    for (size_t p = 0; p < input.size(); ++p) {
      const auto expected = ComputeExpected(input[p], name(), ends[p], false);
      std::string why;
      EXPECT_EQ(CountRewinds(actual[p], Of(expected, topic), why), 0)
          << topic << "-" << p << ": " << why;
    }
  }
}

TEST_P(InputTest, AGroupWhoseOffsetsExpiredGoesOnWhereItsStateEnds) {
  Prepare("expired", 2);
  const std::vector<KafkaRecord> all = Telemetry(3000, 66);
  Produce({all.begin(), all.begin() + 1500});
  ASSERT_EQ(RunToEnd("host"), 0);
  ASSERT_TRUE(Eventually(
      [&] { return DeleteGroup(broker().bootstrap(), name()).ok(); }));
  ASSERT_TRUE(Committed().empty());
  Produce({all.begin() + 1500, all.end()});

  // At least once the state is where it was; exactly once anywhere.
  ASSERT_EQ(RunToEnd(exactly_once() ? "other" : "host"), 0);

  EXPECT_TRUE(AtEnd());
  ExpectOutputs(/*closed=*/false);
}

}  // namespace
}  // namespace tacho
