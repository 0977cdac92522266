#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <latch>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/base/check.h"
#include "pipeline/worker/epoch_driver.h"
#include "pipeline/worker/lane_factory.h"
#include "state/memory_store.h"
#include "tests/support/manual_clock.h"
#include "tests/support/worker_harness.h"

namespace tacho {

// Says yes to all but Commit and Settle, which wait until they are told what
// to say. Begin says what it is told, at once.
class HeldWriter final : public EpochWriter {
 public:
  Status Begin() override {
    const std::lock_guard lock(mutex_);
    return begin_;
  }
  Status Produce(LaneEpoch& part) override {
    const std::lock_guard lock(mutex_);
    produced_.push_back(part.tp.partition);
    return Status::Ok();
  }
  Status Flush() override { return Status::Ok(); }
  Status SendOffsets(const Epoch& epoch) override {
    const std::lock_guard lock(mutex_);
    membership_ = epoch.membership;
    return Status::Ok();
  }
  Status Commit(const Epoch& /*epoch*/) override {
    committing = true;  // From here on the outcome is Kafka's to tell.
    return Take(commits_);
  }
  void Abort() override {}
  Status Settle() override { return Take(settles_); }
  bool exactly_once() const override { return true; }

  void SetBegin(Status status) {
    const std::lock_guard lock(mutex_);
    begin_ = std::move(status);
  }
  // Whoever waits for an answer from here on is told that there is none.
  void LetGo() {
    const std::lock_guard lock(mutex_);
    let_go_ = true;
    told_.notify_all();
  }
  void AnswerCommit(Status status) { Put(commits_, std::move(status)); }
  void AnswerSettle(Status status) { Put(settles_, std::move(status)); }
  std::vector<int32_t> produced() const {
    const std::lock_guard lock(mutex_);
    return produced_;
  }
  GroupMembership membership() const {
    const std::lock_guard lock(mutex_);
    return membership_;
  }
  std::atomic<bool> committing{false};

 private:
  void Put(std::deque<Status>& answers, Status status) {
    const std::lock_guard lock(mutex_);
    answers.push_back(std::move(status));
    told_.notify_all();
  }
  Status Take(std::deque<Status>& answers) {
    std::unique_lock lock(mutex_);
    told_.wait(lock, [&] { return let_go_ || !answers.empty(); });
    if (answers.empty()) return {StatusCode::kInternal, "let go"};
    Status status = std::move(answers.front());
    answers.pop_front();
    return status;
  }

  mutable std::mutex mutex_;
  std::condition_variable told_;
  std::deque<Status> commits_;
  std::deque<Status> settles_;
  Status begin_;
  bool let_go_ = false;
  std::vector<int32_t> produced_;
  GroupMembership membership_;
};

// A store that is damaged on command and says when it is closed.
struct StoreFacts {
  std::atomic<bool> corrupt{false};
  std::atomic<bool> closed{false};
};
class WatchedStore final : public StateStore {
 public:
  explicit WatchedStore(std::shared_ptr<StoreFacts> facts)
      : facts_(std::move(facts)) {}
  Status OpenTables(const std::vector<std::string>& names) override {
    return store_.OpenTables(names);
  }
  Result<std::optional<Marker>> ReadMarker() override {
    return store_.ReadMarker();
  }
  Status Apply(const StateChanges& changes, const Marker& marker) override {
    if (facts_->corrupt) return Corruption("bad block");
    return store_.Apply(changes, marker);
  }
  Status Scan(TableId table, std::string_view prefix,
              const std::function<Status(std::string_view, std::string_view)>&
                  visit) const override {
    return store_.Scan(table, prefix, visit);
  }
  Status Flush() override { return Status::Ok(); }
  Status Close() override {
    facts_->closed = true;
    return store_.Close();
  }

 private:
  MemoryStore store_;
  std::shared_ptr<StoreFacts> facts_;
};

// Writes down what its drivers tell.
class Told final : public EpochEvents {
 public:
  void OnAnswer() override {}
  void OnCommitted(EpochDriver& /*driver*/) override { ++committed; }
  Status OnDamaged(const TopicPartition& tp,
                   const Status& /*status*/) override {
    damaged.push_back(tp.partition);
    return damage;
  }
  void OnDrop(EpochDriver& driver) override { dropped.push_back(&driver); }
  void OnReady(EpochDriver& driver) override { ready.push_back(&driver); }

  int committed = 0;
  std::vector<int32_t> damaged;
  Status damage;  // What is said to it.
  std::vector<EpochDriver*> dropped;
  std::vector<EpochDriver*> ready;
};

class Nobody final : public LaneEvents {
 public:
  void OnEpochFull() override {}
  void OnLaneFailed(Lane& /*lane*/, Status /*status*/) override {}
};

// Drivers over one graph and one set of lanes, which are real.
class EpochDriverTest : public ::testing::Test {
 protected:
  static constexpr uint64_t kEpochBytes = uint64_t{64} << 20;

  struct Driver {
    Driver() = default;
    Driver(Driver&& other) noexcept
        : writer(std::exchange(other.writer, nullptr)),
          budget(std::move(other.budget)),
          driver(std::move(other.driver)) {}
    ~Driver() {
      if (writer != nullptr) writer->LetGo();
    }

    HeldWriter* writer = nullptr;  // None: closed.
    std::shared_ptr<EpochBudget> budget;
    std::unique_ptr<EpochDriver> driver;

    EpochDriver* operator->() const { return driver.get(); }
    EpochDriver& operator*() const { return *driver; }
  };

  Driver MakeDriver() {
    Driver made;
    auto writer = std::make_unique<HeldWriter>();
    made.writer = writer.get();
    made.budget = std::make_shared<EpochBudget>(kEpochBytes);
    EpochDriverOptions options;
    options.epoch_bytes = kEpochBytes;
    made.driver = std::make_unique<EpochDriver>(
        std::move(writer), graph_, lanes_, made.budget, options, told_, clock_);
    return made;
  }

  // A lane that runs, and has an epoch's part.
  std::shared_ptr<StoreFacts> AddLane(const Driver& driver, int32_t partition) {
    LaneSpec spec;
    spec.lane = IdentityOf(harness_.job, harness_.Lane(partition), 0, "");
    auto facts = std::make_shared<StoreFacts>();
    auto made = factory_.Make(spec, member_.MakeReader(spec.lane.tp),
                              std::make_unique<WatchedStore>(facts));
    CHECK(made.ok());
    Lane* const lane = made->get();
    CHECK(lane->Declare(std::nullopt).ok());
    CHECK(lane->Load(std::nullopt, 0).ok());
    LaneClaim claim;
    claim.driver = driver.driver.get();
    claim.membership = membership_;
    claim.ticket = static_cast<uint64_t>(partition) + 1;
    lanes_.Run(lanes_.Add(*std::move(made), claim));
    Change(partition);
    return facts;
  }
  // The next epoch has a part of this lane.
  void Change(int32_t partition) {
    LaneSet::Entry* const entry = lanes_.Find(harness_.Lane(partition));
    InNode(*entry, [](Lane& lane) { lane.RequireCommit(); });
  }
  void InNode(const LaneSet::Entry& entry,
              const std::function<void(Lane&)>& work) {
    std::latch done(1);
    graph_.Post(entry.node, [&] {
      work(*entry.lane);
      done.count_down();
    });
    done.wait();
  }

  // Waits for the commit thread, and goes on from there.
  static Status Next(const Driver& driver) {
    EXPECT_TRUE(WaitUntil([&] { return driver->answered(); }));
    return driver->HandleAnswer();
  }
  // An epoch that comes to `outcome`.
  Status RunEpoch(const Driver& driver, const Status& outcome) {
    EXPECT_TRUE(driver->StartCommit());
    driver.writer->AnswerCommit(outcome);
    return Next(driver);
  }
  Status SettleAndAdd(const Driver& driver, int32_t partition) {
    driver.writer->AnswerSettle(Status::Ok());
    const Status status = Next(driver);
    AddLane(driver, partition);
    return status;
  }

  ManualClock clock_;
  WorkerHarness harness_{4, ExactlyOnceYaml()};
  FakeGroupMember member_{harness_.log};
  Nobody nobody_;
  Told told_;
  GroupMembership membership_{"harness", 7, "member", ""};
  LaneCounters counters_{RejectSites(harness_.job.decode).size()};
  LaneFactory factory_{harness_.job, "writer", counters_, nobody_, clock_};
  LaneGraph graph_{2, harness_.job.schema};
  LaneSet lanes_{graph_};
};

}  // namespace tacho
