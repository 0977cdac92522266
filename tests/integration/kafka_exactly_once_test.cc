// An epoch's transaction against a real broker: what is visible when, what a
// fence does, and which failures leave a producer that is used again.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <string>
#include <utility>
#include <vector>

#include "tests/integration/exactly_once_fixture.h"

namespace tacho {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

using KafkaExactlyOnceTest = ExactlyOnceOnKafka;

// The answer to the commit is lost with the connection: whatever the outcome,
// nothing is half visible, and the worker learns it from Kafka. First, because
// a broker takes longer to come back the more it holds.
TEST_F(KafkaExactlyOnceTest, ABrokerThatDiesUnderTheCommitIsSettledLater) {
  Prepare("eo-killed");
  Open();
  ASSERT_TRUE(WriteAndCommit("before").ok());
  const auto before = ProducerEpoch();
  ASSERT_TRUE(Write("under way").ok());
  broker().Kill();
  auto commit =
      std::async(std::launch::async, [&] { return writer_->Commit(epoch_); });

  const Status restarted = broker().Restart();

  ASSERT_TRUE(restarted.ok()) << restarted.ToString();
  const Status outcome = commit.get();
  if (!outcome.ok()) {
    EXPECT_TRUE(outcome.retryable()) << outcome.ToString();
    writer_->Abort();
  }
  const Status settled = writer_->Settle();
  ASSERT_TRUE(settled.ok()) << settled.ToString();
  EXPECT_GT(ProducerEpoch(), before);
  const bool visible =
      broker().CommittedOffsets(Group(), name_)->at(0).offset ==
      part_.marker.next_offset;
  EXPECT_EQ(Values(Read(Output())).size(), visible ? 2u : 1u);
  EXPECT_THAT(Read(Log()), SizeIs(visible ? 4 : 2));
  EXPECT_TRUE(visible || !outcome.ok());
}

TEST_F(KafkaExactlyOnceTest, AnEpochIsVisibleAfterItsCommitAndAllAtOnce) {
  Prepare("eo-visible");
  Open();
  const Status written = Write("one");
  ASSERT_TRUE(written.ok()) << written.ToString();
  EXPECT_THAT(Read(Output()), IsEmpty());
  EXPECT_THAT(Read(Log()), IsEmpty());
  EXPECT_THAT(*broker().CommittedOffsets(Group(), name_), IsEmpty());
  EXPECT_THAT(Read(Output(), Isolation::kUncommitted), SizeIs(1));

  const Status committed = writer_->Commit(epoch_);

  ASSERT_TRUE(committed.ok()) << committed.ToString();
  ExpectVisible({"one"});
  const KafkaRecord output = Read(Output()).front();
  EXPECT_EQ(output.key, "car");
  ASSERT_THAT(output.headers, SizeIs(1));
  EXPECT_EQ(output.headers[0].second, "one");
  const auto metadata = ParseOffsetMetadata(
      broker().CommittedOffsets(Group(), name_)->at(0).metadata);
  ASSERT_TRUE(metadata.has_value());
  EXPECT_EQ(metadata->origin, OffsetMetadata::Origin::kEpoch);
  EXPECT_EQ(metadata->epoch, 1);
  EXPECT_EQ(metadata->writer_id, "writer");
}

TEST_F(KafkaExactlyOnceTest, TheChangelogHoldsTheChangesAndThenTheMetaRecord) {
  Prepare("eo-changelog");
  Open();
  part_.marker.log_id = 77;
  ASSERT_TRUE(WriteAndCommit("one", /*begins_log=*/true).ok());
  ASSERT_TRUE(WriteAndCommit("two").ok());

  std::vector<KafkaRecord> log = Read(Log());

  ASSERT_THAT(log, SizeIs(5));
  const auto identity = ParseChangelogRecord(*log[0].key, *log[0].value);
  ASSERT_TRUE(identity.ok()) << identity.status().ToString();
  EXPECT_EQ(identity->kind, ChangelogRecord::kIdentity);
  EXPECT_EQ(identity->log_id, 77u);
  log.erase(log.begin());
  for (size_t i = 0; i < 4; ++i) {
    const auto record = ParseChangelogRecord(*log[i].key, *log[i].value);
    ASSERT_TRUE(record.ok()) << record.status().ToString();
    if (i % 2 == 0) {
      EXPECT_EQ(record->kind, ChangelogRecord::kPut);
      EXPECT_EQ(record->value, i == 0 ? "one" : "two");
      continue;
    }
    EXPECT_EQ(record->kind, ChangelogRecord::kMeta);
    const auto meta = DecodeMarker(record->value);
    ASSERT_TRUE(meta.ok()) << meta.status().ToString();
    EXPECT_EQ(meta->epoch, i == 1 ? 1 : 2);
    EXPECT_EQ(meta->log_id, 77u);
    EXPECT_EQ(meta->changelog_next, kNoOffset);  // Only a store's.
  }
  EXPECT_EQ(part_.marker.changelog_next, log[3].offset + 1);
}

TEST_F(KafkaExactlyOnceTest, AfterAnAbortNothingIsVisibleAndTheHandleIsGood) {
  Prepare("eo-abort");
  Open();
  ASSERT_TRUE(Write("gone").ok());
  const auto before = ProducerEpoch();

  writer_->Abort();
  ASSERT_TRUE(writer_->Settle().ok());

  ExpectVisible({});
  EXPECT_THAT(Read(Output(), Isolation::kUncommitted), SizeIs(1));
  ASSERT_TRUE(WriteAndCommit("kept").ok());
  ExpectVisible({"kept"});
  EXPECT_EQ(ProducerEpoch(), before);
}

TEST_F(KafkaExactlyOnceTest, AStaleGenerationIsRefusedAndTheHandleIsGood) {
  Prepare("eo-stale");
  Open();
  ASSERT_TRUE(WriteAndCommit("mine").ok());
  const auto before = ProducerEpoch();
  --epoch_.membership.generation;

  const Status refused = Write("stale");

  EXPECT_TRUE(refused.retryable()) << refused.ToString();
  EXPECT_THAT(refused.message(), HasSubstr("send_offsets"));
  writer_->Abort();
  ASSERT_TRUE(writer_->Settle().ok());
  ++epoch_.membership.generation;
  ASSERT_TRUE(WriteAndCommit("again").ok());
  ExpectVisible({"mine", "again"});
  EXPECT_EQ(ProducerEpoch(), before);
}

TEST_F(KafkaExactlyOnceTest, AMemberThatTheGroupDoesNotKnowIsRefused) {
  Prepare("eo-stranger");
  Open();
  epoch_.membership.member_id = "stranger";

  const Status refused = Write("strange");

  EXPECT_TRUE(refused.retryable()) << refused.ToString();
  writer_->Abort();
  ExpectVisible({});
}

// A broker would commit it unfenced.
TEST_F(KafkaExactlyOnceTest, WithoutGenerationOrMemberNothingIsSent) {
  Prepare("eo-nobody");
  Open();
  const GroupMembership real = epoch_.membership;
  for (const auto& [generation, member] :
       {std::pair(-1, real.member_id), {real.generation, std::string()}}) {
    epoch_.membership.generation = generation;
    epoch_.membership.member_id = member;

    EXPECT_EQ(Write("unfenced").code(), StatusCode::kUnavailable);

    writer_->Abort();
    ASSERT_TRUE(writer_->Settle().ok());
  }
  ExpectVisible({});
}

TEST_F(KafkaExactlyOnceTest, AFencedProducerIsMadeAnew) {
  Prepare("eo-fenced");
  Open();
  ASSERT_TRUE(WriteAndCommit("before").ok());
  Fence();
  const auto fenced = ProducerEpoch();

  const Status refused = WriteAndCommit("fenced");

  EXPECT_TRUE(refused.retryable()) << refused.ToString();
  writer_->Abort();
  const Status settled = writer_->Settle();
  ASSERT_TRUE(settled.ok()) << settled.ToString();
  ASSERT_TRUE(WriteAndCommit("after").ok());
  ExpectVisible({"before", "after"});
  EXPECT_GT(ProducerEpoch(), fenced);  // The id is still the same.
}

TEST_F(KafkaExactlyOnceTest, AFenceInTheMiddleOfAnEpochIsWorthARetry) {
  Prepare("eo-fenced-middle");
  Open();
  ASSERT_NE(writer_, nullptr);
  Fill("first");
  ASSERT_TRUE(writer_->Begin().ok());
  ASSERT_TRUE(writer_->Produce(part_).ok());
  ASSERT_TRUE(writer_->Flush().ok());
  Fence();

  // The client learns of it with some answer; from then on the handle refuses
  // every message.
  Status status;
  ASSERT_TRUE(Eventually([&] {
    status = writer_->Produce(part_);
    if (status.ok()) (void)writer_->Flush().ok();
    return !status.ok();
  }));

  EXPECT_TRUE(status.retryable()) << status.ToString();
  writer_->Abort();
  ASSERT_TRUE(writer_->Settle().ok());
  ASSERT_TRUE(WriteAndCommit("after").ok());
  ExpectVisible({"after"});
}

TEST_F(KafkaExactlyOnceTest, FencedAgainAndAgainItTakesANewId) {
  Prepare("eo-fight");
  Open();
  const std::string log = StderrOf([&] {
    for (int i = 0; i < 3; ++i) {
      Fence();
      EXPECT_FALSE(WriteAndCommit("fenced").ok());
      writer_->Abort();
      const Status settled = writer_->Settle();
      EXPECT_TRUE(settled.ok()) << settled.ToString();
    }
  });
  const auto last = ProducerEpoch();

  ASSERT_TRUE(WriteAndCommit("peace").ok());

  EXPECT_THAT(log, HasSubstr("fenced_again_and_again"));
  EXPECT_THAT(log, HasSubstr("new_id=" + options_.transactional_id + "-"));
  EXPECT_EQ(ProducerEpoch(), last);  // Of the old id: nobody uses it.
  Fence();                           // The rival hits nobody.
  ASSERT_TRUE(WriteAndCommit("quiet").ok());
  ExpectVisible({"peace", "quiet"});
}

TEST_F(KafkaExactlyOnceTest, AfterASlowCommitTheProducerIsMadeAnew) {
  Prepare("eo-slow");
  Open();
  ASSERT_TRUE(WriteAndCommit("quick").ok());
  ASSERT_TRUE(WriteAndCommit("quick").ok());
  const auto before = ProducerEpoch();
  ASSERT_TRUE(Write("slow").ok());
  broker().Pause();

  const std::string log = StderrOf([&] {
    auto commit =
        std::async(std::launch::async, [&] { return writer_->Commit(epoch_); });
    EXPECT_EQ(commit.wait_for(options_.slow_commit + Millis(100)),
              std::future_status::timeout);
    broker().Resume();
    EXPECT_TRUE(commit.get().ok());
  });

  EXPECT_THAT(log, HasSubstr("producer_renewed"));
  EXPECT_EQ(ProducerEpoch(), before);
  ASSERT_TRUE(WriteAndCommit("next").ok());
  EXPECT_GT(ProducerEpoch(), before);
  ExpectVisible({"quick", "quick", "slow", "next"});
}

TEST_F(KafkaExactlyOnceTest, WhatAnEarlierLifeLeftOpenEndsAtOnce) {
  Prepare("eo-leftover");
  Open();
  ASSERT_TRUE(Write("left open").ok());
  // A crash: the handle goes without a word.
  auto dead = std::move(writer_);

  Open();

  EXPECT_TRUE(Eventually(
      [&] {
        return *broker().EndOffsets(Output(), Isolation::kCommitted) ==
               *broker().EndOffsets(Output());
      },
      options_.transaction_timeout / 2));
  ASSERT_TRUE(WriteAndCommit("anew").ok());
  ExpectVisible({"anew"});
  EXPECT_FALSE(dead->Commit(epoch_).ok());
  ExpectVisible({"anew"});
}

TEST_F(KafkaExactlyOnceTest, WithoutItsChangelogAnEpochFails) {
  Prepare("eo-no-log");
  options_.group = "eo-never-created";
  options_.transaction_timeout = Millis(1000);
  Open();

  EXPECT_FALSE(Write("nowhere").ok());

  writer_->Abort();
  EXPECT_TRUE(writer_->Settle().ok());
  ExpectVisible({});
}

}  // namespace
}  // namespace tacho
