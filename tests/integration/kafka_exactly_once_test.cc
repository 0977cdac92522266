// An epoch's transaction against a real broker: what is visible when, what a
// fence does, and which failures leave a producer that is used again.

#include "pipeline/commit/kafka_exactly_once.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/commit/changelog.h"
#include "pipeline/commit/offset_metadata.h"
#include "tests/support/group_member.h"
#include "tests/support/open_transaction.h"
#include "tests/support/real_broker.h"
#include "tests/support/tacho_process.h"

namespace tacho {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

class Owner final : public EpochOwner {
 public:
  Status Apply(const LaneEpoch&) override { return Status::Ok(); }
  bool owned() const override { return true; }
};

std::vector<std::string> Values(const std::vector<KafkaRecord>& records) {
  std::vector<std::string> values;
  for (const KafkaRecord& r : records) values.push_back(r.value.value_or(""));
  return values;
}

// One lane of one group: its topics, a real member whose generation fences,
// and epochs to commit.
class KafkaExactlyOnceTest : public BrokerTest {
 protected:
  void Prepare(const std::string& name) {
    name_ = name;
    options_.group = name;
    options_.transactional_id = name + "-group-worker";
    options_.output.properties = {{"bootstrap.servers", broker().bootstrap()}};
    options_.output.sinks = {{Output()}};
    for (const std::string& topic : {name, Output(), Log()}) {
      const Status created = broker().CreateTopic(topic, 1);
      ASSERT_TRUE(created.ok()) << created.ToString();
    }
    auto member = GroupMember::Join(broker().bootstrap(), Group(), name, "m");
    ASSERT_TRUE(member.ok()) << member.status().ToString();
    member_ = *std::move(member);
    epoch_.membership = *member_->membership();
    ASSERT_TRUE(epoch_.membership.valid());
    epoch_.parts = {{&part_, &owner_}};
    part_.tp = {name, 0};
    part_.marker.input_partitions = 1;
    part_.marker.writer_id = "writer";
    part_.marker.job = name;
  }

  std::string Output() const { return name_ + ".out"; }
  std::string Group() const { return name_ + "-group"; }
  std::string Log() const { return ChangelogTopic(name_, name_, 0); }

  void Open() {
    if (HasFatalFailure()) return;
    auto made = MakeKafkaExactlyOnce(options_, SystemClock());
    ASSERT_TRUE(made.ok()) << made.status().ToString();
    transaction_ = *std::move(made);
  }

  // The next epoch: one output and one state change that say `text`.
  void Fill(const std::string& text) {
    part_.Clear();
    part_.outputs.Begin(0, 0, kNoLogTime);
    part_.outputs.Append("car");
    part_.outputs.EndKey();
    part_.outputs.Append(text);
    part_.outputs.EndValue();
    part_.outputs.AddHeader("h", text);
    part_.outputs.End();
    part_.changes.Begin(0, TableTag("table"));
    Append("key");
    part_.changes.EndKey();
    Append(text);
    part_.changes.EndValue();
    part_.changed = true;
    ++part_.marker.epoch;
    part_.marker.next_offset = part_.marker.epoch * 10;
  }

  // Up to, but without, the commit.
  Status Write(const std::string& text) {
    if (transaction_ == nullptr) return {StatusCode::kInternal, "not open"};
    Fill(text);
    RETURN_IF_ERROR(transaction_->Begin());
    RETURN_IF_ERROR(transaction_->Produce(part_));
    RETURN_IF_ERROR(transaction_->Flush());
    return transaction_->SendOffsets(epoch_);
  }
  Status WriteAndCommit(const std::string& text) {
    RETURN_IF_ERROR(Write(text));
    return transaction_->Commit(epoch_);
  }

  std::vector<KafkaRecord> Read(const std::string& topic,
                                Isolation isolation = Isolation::kCommitted) {
    const auto records = broker().ConsumeAll(topic, isolation);
    EXPECT_TRUE(records.ok()) << records.status().ToString();
    return records.ok() ? *records : std::vector<KafkaRecord>();
  }
  // The coordinator says yes before the last marker is in the log.
  void ExpectVisible(const std::vector<std::string>& texts) {
    EXPECT_TRUE(Eventually([&] { return Values(Read(Output())) == texts; }))
        << ::testing::PrintToString(Values(Read(Output())));
    EXPECT_TRUE(
        Eventually([&] { return Read(Log()).size() == 2 * texts.size(); }));
    const auto committed = broker().CommittedOffsets(Group(), name_);
    ASSERT_TRUE(committed.ok()) << committed.status().ToString();
    if (texts.empty()) {
      EXPECT_THAT(*committed, IsEmpty());
    } else {
      EXPECT_EQ(committed->at(0).offset, part_.marker.next_offset);
    }
  }

  // As the transaction coordinator keeps it; it grows with every
  // init_transactions of the id.
  std::pair<int64_t, int> ProducerEpoch() {
    std::pair<int64_t, int> found{-1, -1};
    for (const KafkaRecord& r :
         Read("__transaction_state", Isolation::kUncommitted)) {
      // Key: i16 version, i16 size, id. Value: i16 version, i64 producer,
      // i16 epoch. Big-endian.
      if (!r.key || r.key->size() < 4 || !r.value || r.value->size() < 12) {
        continue;
      }
      if (r.key->substr(4) != options_.transactional_id) continue;
      const auto number = [&](size_t at, size_t size) {
        int64_t n = 0;
        for (size_t i = at; i < at + size; ++i) {
          n = n << 8 | static_cast<unsigned char>((*r.value)[i]);
        }
        return n;
      };
      found = {number(2, 8), static_cast<int>(number(10, 2))};
    }
    return found;
  }

  // Somebody with the same transactional.id, as broker and client see it.
  void Fence() {
    const auto other =
        OpenTransaction::Begin(broker().bootstrap(), options_.transactional_id);
    ASSERT_TRUE(other.ok()) << other.status().ToString();
    ASSERT_TRUE((*other)->Abort().ok());
  }

  static std::string StderrOf(const std::function<void()>& work) {
    testing::internal::CaptureStderr();
    work();
    return testing::internal::GetCapturedStderr();
  }

  void Append(const std::string& text) {
    part_.changes.bytes().insert(part_.changes.bytes().end(), text.begin(),
                                 text.end());
  }

  std::string name_;
  KafkaExactlyOnceOptions options_;
  std::unique_ptr<GroupMember> member_;
  Owner owner_;
  LaneEpoch part_;
  Epoch epoch_;
  std::unique_ptr<Transaction> transaction_;
};

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
  auto commit = std::async(std::launch::async,
                           [&] { return transaction_->Commit(epoch_); });

  const Status restarted = broker().Restart();

  ASSERT_TRUE(restarted.ok()) << restarted.ToString();
  const Status outcome = commit.get();
  if (!outcome.ok()) {
    EXPECT_TRUE(outcome.retryable()) << outcome.ToString();
    transaction_->Abort();
  }
  const Status settled = transaction_->Settle();
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

  const Status committed = transaction_->Commit(epoch_);

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
  ASSERT_TRUE(WriteAndCommit("one").ok());
  ASSERT_TRUE(WriteAndCommit("two").ok());

  const std::vector<KafkaRecord> log = Read(Log());

  ASSERT_THAT(log, SizeIs(4));
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
    EXPECT_EQ(meta->changelog_next, kNoOffset);  // Only a store's.
  }
  EXPECT_EQ(part_.marker.changelog_next, log[3].offset + 1);
}

TEST_F(KafkaExactlyOnceTest, AfterAnAbortNothingIsVisibleAndTheHandleIsGood) {
  Prepare("eo-abort");
  Open();
  ASSERT_TRUE(Write("gone").ok());
  const auto before = ProducerEpoch();

  transaction_->Abort();
  ASSERT_TRUE(transaction_->Settle().ok());

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
  transaction_->Abort();
  ASSERT_TRUE(transaction_->Settle().ok());
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
  transaction_->Abort();
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

    EXPECT_EQ(Write("unfenced").code(), StatusCode::kCancelled);

    transaction_->Abort();
    ASSERT_TRUE(transaction_->Settle().ok());
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
  transaction_->Abort();
  const Status settled = transaction_->Settle();
  ASSERT_TRUE(settled.ok()) << settled.ToString();
  ASSERT_TRUE(WriteAndCommit("after").ok());
  ExpectVisible({"before", "after"});
  EXPECT_GT(ProducerEpoch(), fenced);  // The id is still the same.
}

TEST_F(KafkaExactlyOnceTest, AFenceInTheMiddleOfAnEpochIsWorthARetry) {
  Prepare("eo-fenced-middle");
  Open();
  ASSERT_NE(transaction_, nullptr);
  Fill("first");
  ASSERT_TRUE(transaction_->Begin().ok());
  ASSERT_TRUE(transaction_->Produce(part_).ok());
  ASSERT_TRUE(transaction_->Flush().ok());
  Fence();

  // The client learns of it with some answer; from then on the handle refuses
  // every message.
  Status status;
  ASSERT_TRUE(Eventually([&] {
    status = transaction_->Produce(part_);
    if (status.ok()) (void)transaction_->Flush().ok();
    return !status.ok();
  }));

  EXPECT_TRUE(status.retryable()) << status.ToString();
  transaction_->Abort();
  ASSERT_TRUE(transaction_->Settle().ok());
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
      transaction_->Abort();
      const Status settled = transaction_->Settle();
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
    auto commit = std::async(std::launch::async,
                             [&] { return transaction_->Commit(epoch_); });
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
  auto dead = std::move(transaction_);

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

  transaction_->Abort();
  EXPECT_TRUE(transaction_->Settle().ok());
  ExpectVisible({});
}

}  // namespace
}  // namespace tacho
