#include "state/worker_directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "state/rocksdb_store.h"
#include "tests/support/child_process.h"
#include "tests/support/temp_dir.h"

namespace tacho {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::SizeIs;

const TopicPartition kLane{"vehicle.telemetry", 3};

// A marker as a file `next_offset`, so that adoption is tested without a store.
void WriteMarker(const std::string& dir, Offset next_offset) {
  fs::create_directories(dir);
  std::ofstream(dir + "/next_offset") << next_offset;
}

Result<std::optional<Marker>> ReadMarkerFile(const std::string& dir) {
  std::ifstream file(dir + "/next_offset");
  if (!file) return std::optional<Marker>();
  Marker marker;
  if (!(file >> marker.next_offset)) return Corruption("not a number");
  return std::optional<Marker>(marker);
}

class WorkerDirectoryTest : public ::testing::Test {
 protected:
  std::unique_ptr<WorkerDirectory> Claim(const std::string& job = "job") {
    auto worker = WorkerDirectory::Claim(root_.path(), job);
    if (!worker.ok()) ADD_FAILURE() << worker.status().ToString();
    return *std::move(worker);
  }
  // The lane directory of worker-K, with this marker.
  void Leave(int number, Offset next_offset) {
    WriteMarker(LaneOf(number), next_offset);
  }
  std::string LaneOf(int number) const {
    return root_ / "job/worker-" + std::to_string(number) +
           "/lanes/vehicle.telemetry-3";
  }
  static Offset OffsetIn(const std::string& dir) {
    const auto marker = ReadMarkerFile(dir);
    return marker.ok() && *marker ? (**marker).next_offset : kNoOffset;
  }

  // In the order of time.
  static std::vector<std::string> Quarantined(const WorkerDirectory& worker) {
    std::vector<std::string> names;
    for (const auto& copy :
         fs::directory_iterator(worker.path() + "/quarantine")) {
      names.push_back(copy.path().filename());
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  TempDir root_;
};

TEST_F(WorkerDirectoryTest, ClaimsTheFirstFreePlace) {
  auto zero = Claim();
  auto one = Claim();
  auto two = Claim();
  auto other_job = Claim("other");
  EXPECT_EQ(zero->number(), 0);
  EXPECT_EQ(one->number(), 1);
  EXPECT_EQ(two->number(), 2);
  EXPECT_EQ(other_job->number(), 0);

  one.reset();

  EXPECT_EQ(Claim()->number(), 1);
}

TEST_F(WorkerDirectoryTest, KeepsItsIdOverRestarts) {
  auto first = Claim();
  auto second = Claim();
  const std::string id = first->worker_id();
  EXPECT_EQ(id.size(), 36u);
  EXPECT_NE(id, second->worker_id());

  first.reset();

  EXPECT_EQ(Claim()->worker_id(), id);
}

TEST_F(WorkerDirectoryTest, RefusesAnIdThatIsNotAUuid) {
  Claim();
  std::ofstream(root_ / "job/worker-0/worker-id") << "garbage\n";

  const auto worker = WorkerDirectory::Claim(root_.path(), "job");

  EXPECT_EQ(worker.status().code(), StatusCode::kCorruption);
}

TEST_F(WorkerDirectoryTest, AHalfWrittenIdIsReplaced) {
  fs::create_directories(root_ / "job/worker-0");
  std::ofstream(root_ / "job/worker-0/worker-id.tmp") << "1234";

  EXPECT_EQ(Claim()->worker_id().size(), 36u);
}

TEST_F(WorkerDirectoryTest, RefusesNamesThatKafkaWould) {
  auto worker = Claim();
  for (const char* topic :
       {"", ".", "..", "a/b", "../x", "a b", "caf\xc3\xa9"}) {
    EXPECT_EQ(worker->LaneDirectory({topic, 0}).status().code(),
              StatusCode::kInvalidArgument)
        << topic;
  }
  EXPECT_FALSE(worker->LaneDirectory({std::string(250, 'a'), 0}).ok());
  EXPECT_TRUE(worker->LaneDirectory({std::string(249, 'a'), 0}).ok());
  EXPECT_FALSE(worker->LaneDirectory({"a", -1}).ok());
}

TEST_F(WorkerDirectoryTest, AnUnusableStateDirectoryIsAnError) {
  std::ofstream(root_ / "file") << "x";

  EXPECT_EQ(WorkerDirectory::Claim(root_ / "file", "job").status().code(),
            StatusCode::kIoError);
}

TEST_F(WorkerDirectoryTest, ListsLanesWhateverTheirTopicsContain) {
  auto worker = Claim();
  for (const TopicPartition& lane :
       {TopicPartition{"b-1", 2}, TopicPartition{"a", 10},
        TopicPartition{"a", 9}, TopicPartition{"x.old-1", 0}}) {
    fs::create_directories(*worker->LaneDirectory(lane));
  }
  fs::create_directories(worker->path() + "/lanes/no partition");
  fs::create_directories(worker->path() + "/lanes/a-01");

  EXPECT_THAT(
      *worker->Lanes(),
      ElementsAre(TopicPartition{"a", 9}, TopicPartition{"a", 10},
                  TopicPartition{"b-1", 2}, TopicPartition{"x.old-1", 0}));
}

TEST_F(WorkerDirectoryTest, MovesALaneAsideAndNothingElse) {
  auto worker = Claim();
  Leave(0, 5);
  fs::create_directories(*worker->LaneDirectory({"other", 0}));

  EXPECT_TRUE(worker->Quarantine(kLane, "corrupt").ok());
  EXPECT_TRUE(worker->Quarantine(kLane, "corrupt").ok());

  EXPECT_THAT(*worker->Lanes(), ElementsAre(TopicPartition{"other", 0}));
  const auto copies = Quarantined(*worker);
  ASSERT_THAT(copies, SizeIs(1));
  EXPECT_THAT(copies[0], MatchesRegex("20[0-9T]+\\.[0-9]+Z-corrupt-"
                                      "vehicle.telemetry-3"));
  EXPECT_EQ(OffsetIn(worker->path() + "/quarantine/" + copies[0]), 5);
}

TEST_F(WorkerDirectoryTest, TheOldestCopyOfALaneInQuarantineIsDeleted) {
  auto worker = Claim();
  worker->set_quarantine_limits({.copies_per_lane = 2});
  WriteMarker(*worker->LaneDirectory({"other", 0}), 9);
  ASSERT_TRUE(worker->Quarantine({"other", 0}, "other").ok());
  for (Offset n = 1; n <= 3; ++n) {
    Leave(0, n);
    ASSERT_TRUE(worker->Quarantine(kLane, "why").ok());
  }

  const auto copies = Quarantined(*worker);
  ASSERT_THAT(copies, SizeIs(3));
  EXPECT_THAT(copies[0], HasSubstr("-other-other-0"));
  EXPECT_EQ(OffsetIn(worker->path() + "/quarantine/" + copies[1]), 2);
  EXPECT_EQ(OffsetIn(worker->path() + "/quarantine/" + copies[2]), 3);
}

TEST_F(WorkerDirectoryTest, TheQuarantineIsBoundedInBytesButForTheLast) {
  auto worker = Claim();
  worker->set_quarantine_limits({.bytes = 1500});
  const auto put = [&](int32_t partition) {
    const std::string dir = *worker->LaneDirectory({"t", partition});
    fs::create_directories(dir);
    std::ofstream(dir + "/data") << std::string(700, 'x');
    ASSERT_TRUE(worker->Quarantine({"t", partition}, "why").ok());
  };
  put(0);
  put(1);
  EXPECT_THAT(Quarantined(*worker), SizeIs(2));  // 1400 bytes.
  put(2);
  EXPECT_THAT(Quarantined(*worker), SizeIs(2));
  worker->set_quarantine_limits({.bytes = 1});
  put(3);
  const auto copies = Quarantined(*worker);
  ASSERT_THAT(copies, SizeIs(1));
  EXPECT_THAT(copies[0], HasSubstr("-t-3"));
}

TEST_F(WorkerDirectoryTest, FinishesADeletionThatWasCutShort) {
  fs::create_directories(root_ / "job/worker-0/deleted/leftover");

  Claim();

  EXPECT_FALSE(fs::exists(root_ / "job/worker-0/deleted"));
}

TEST_F(WorkerDirectoryTest, FindsEveryCopyOfALaneOnThisHost) {
  auto one = Claim();
  auto two = Claim();
  Leave(0, 1);
  ASSERT_TRUE(one->Quarantine(kLane, "why").ok());
  Leave(0, 2);
  Leave(1, 3);
  EXPECT_EQ(HostCopies::Hold(root_.path(), "job").status().code(),
            StatusCode::kUnavailable);
  one.reset();
  two.reset();

  const auto copies = HostCopies::Hold(root_.path(), "job");

  ASSERT_TRUE(copies.ok()) << copies.status().ToString();
  const auto dirs = copies->Of(kLane);
  ASSERT_THAT(dirs, SizeIs(3));
  EXPECT_EQ(OffsetIn(dirs[0]), 2);
  EXPECT_EQ(OffsetIn(dirs[1]), 3);
  EXPECT_EQ(OffsetIn(dirs[2]), 1);
  EXPECT_EQ(Claim()->number(), 2) << "the others' places are held";
  EXPECT_TRUE(HostCopies::Hold(root_.path(), "nobody")->Of(kLane).empty());
}

TEST_F(WorkerDirectoryTest, AdoptsTheNewestLaneOfDeadWorkers) {
  auto dead_one = Claim();
  auto dead_two = Claim();
  auto dead_three = Claim();
  auto self = Claim();
  Leave(0, 10);
  Leave(1, 30);
  Leave(2, 20);
  dead_one.reset();
  dead_two.reset();
  dead_three.reset();

  const auto adopted = self->Adopt(kLane, ReadMarkerFile);

  ASSERT_TRUE(adopted.ok()) << adopted.status().ToString();
  EXPECT_TRUE(*adopted);
  EXPECT_EQ(OffsetIn(LaneOf(3)), 30);
  EXPECT_FALSE(fs::exists(LaneOf(1)));
  EXPECT_TRUE(fs::exists(LaneOf(0)));
}

TEST_F(WorkerDirectoryTest, LeavesTheLanesOfLivingWorkers) {
  auto living = Claim();
  auto self = Claim();
  Leave(0, 30);

  EXPECT_FALSE(*self->Adopt(kLane, ReadMarkerFile));

  EXPECT_EQ(OffsetIn(LaneOf(0)), 30);
}

TEST_F(WorkerDirectoryTest, KeepsItsOwnLaneUnlessTheOtherIsNewer) {
  auto self = Claim();
  Claim();  // Dead at once.
  Leave(0, 30);
  for (const Offset older : {29, 30}) {
    Leave(1, older);
    EXPECT_FALSE(*self->Adopt(kLane, ReadMarkerFile)) << older;
  }
  Leave(1, 31);

  EXPECT_TRUE(*self->Adopt(kLane, ReadMarkerFile));

  EXPECT_EQ(OffsetIn(LaneOf(0)), 31);
  const auto copies = Quarantined(*self);
  ASSERT_THAT(copies, SizeIs(1));
  EXPECT_THAT(copies[0], HasSubstr("-superseded-"));
  EXPECT_EQ(OffsetIn(self->path() + "/quarantine/" + copies[0]), 30);
}

TEST_F(WorkerDirectoryTest, ALaneThatDoesNotReadCountsAsNone) {
  auto self = Claim();
  Claim();
  Leave(1, 7);
  fs::create_directories(LaneOf(0));
  std::ofstream(LaneOf(0) + "/next_offset") << "garbage";
  EXPECT_TRUE(*self->Adopt(kLane, ReadMarkerFile));
  EXPECT_EQ(OffsetIn(LaneOf(0)), 7);
  fs::create_directories(LaneOf(1));
  std::ofstream(LaneOf(1) + "/next_offset") << "garbage";

  EXPECT_FALSE(*self->Adopt(kLane, ReadMarkerFile));
}

TEST_F(WorkerDirectoryTest, AdoptsFromAKilledProcessOnly) {
  ChildProcess other({TACHO_WORKER_STAND_IN, root_.path(), "job"});
  ASSERT_EQ(other.ReadLine(), "0");
  Leave(0, 12);
  auto self = Claim();
  EXPECT_EQ(self->number(), 1);
  EXPECT_FALSE(*self->Adopt(kLane, ReadMarkerFile));

  other.Kill();

  EXPECT_TRUE(*self->Adopt(kLane, ReadMarkerFile));
  EXPECT_EQ(OffsetIn(LaneOf(1)), 12);
}

TEST_F(WorkerDirectoryTest, ProcessesThatStartTogetherGetDifferentPlaces) {
  std::vector<std::unique_ptr<ChildProcess>> workers;
  for (int i = 0; i < 6; ++i) {
    workers.push_back(std::make_unique<ChildProcess>(
        std::vector<std::string>{TACHO_WORKER_STAND_IN, root_.path(), "job"}));
  }
  std::set<std::string> numbers;
  for (auto& worker : workers) numbers.insert(worker->ReadLine());

  EXPECT_EQ(numbers, (std::set<std::string>{"0", "1", "2", "3", "4", "5"}));
}

TEST_F(WorkerDirectoryTest, OneOfManyAdoptersGetsTheLane) {
  for (int round = 0; round < 20; ++round) {
    std::vector<std::unique_ptr<WorkerDirectory>> workers;
    for (int i = 0; i < 4; ++i) workers.push_back(Claim());
    Claim();  // worker-4, dead at once.
    Leave(4, round);
    std::atomic<int> adopted{0};
    {
      std::vector<std::jthread> threads;
      for (auto& worker : workers) {
        threads.emplace_back([&] {
          if (*worker->Adopt(kLane, ReadMarkerFile)) ++adopted;
        });
      }
    }
    ASSERT_EQ(adopted, 1);
    for (auto& worker : workers)
      ASSERT_TRUE(worker->Quarantine(kLane, "test").ok());
  }
}

TEST_F(WorkerDirectoryTest, AdoptersOfDifferentLanesAllGetTheirs) {
  for (int round = 0; round < 20; ++round) {
    auto one = Claim();
    auto two = Claim();
    auto dead = Claim();
    for (int32_t p = 0; p < 2; ++p)
      WriteMarker(*dead->LaneDirectory({"t", p}), 1);
    dead.reset();
    std::jthread other([&] {
      EXPECT_TRUE(*two->Adopt({"t", 1}, ReadMarkerFile));
    });
    EXPECT_TRUE(*one->Adopt({"t", 0}, ReadMarkerFile));
    other.join();
    ASSERT_TRUE(one->Quarantine({"t", 0}, "test").ok());
    ASSERT_TRUE(two->Quarantine({"t", 1}, "test").ok());
  }
}

TEST_F(WorkerDirectoryTest, AdoptsARealStore) {
  RocksDbShared shared(size_t{1} << 20, size_t{1} << 20);
  auto self = Claim();
  auto dead = Claim();
  auto store = OpenRocksDbStore(*dead->LaneDirectory(kLane), {}, shared);
  ASSERT_TRUE(store.ok() && (*store)->OpenTables({"a"}).ok());
  Marker marker;
  marker.epoch = marker.next_offset = 5;
  ASSERT_TRUE((*store)->Apply(StateChanges(), marker).ok());
  ASSERT_TRUE((*store)->Close().ok());
  dead.reset();

  const auto adopted = self->Adopt(
      kLane, [](const std::string& dir) { return ReadRocksDbMarker(dir); });

  ASSERT_TRUE(adopted.ok() && *adopted) << adopted.status().ToString();
  auto reopened = OpenRocksDbStore(*self->LaneDirectory(kLane), {}, shared);
  ASSERT_TRUE(reopened.ok());
  EXPECT_EQ(**(*reopened)->ReadMarker(), marker);
}

}  // namespace
}  // namespace tacho
