#include "state/rocksdb_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <thread>

#include "state/codec.h"
#include "tests/support/child_process.h"
#include "tests/support/temp_dir.h"

namespace tacho {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

constexpr StoreOptions kUnsynced{.wal_synced = false};
constexpr StoreOptions kSynced{.wal_synced = true};

class RocksDbStoreTest : public ::testing::Test {
 protected:
  std::unique_ptr<StateStore> Open(const StoreOptions& options = kUnsynced) {
    auto store = OpenRocksDbStore(dir(), options, shared_);
    if (!store.ok()) {
      ADD_FAILURE() << store.status().ToString();
      return nullptr;
    }
    EXPECT_TRUE((*store)->OpenTables({"a", "b"}).ok());
    return *std::move(store);
  }

  Status ApplyEpoch(StateStore& store, int64_t epoch, int keys = 10) {
    StateChanges changes;
    for (TableId table = 0; table < 2; ++table) {
      for (int64_t key = 0; key < keys; ++key) {
        changes.Begin(table, /*tag=*/table);
        AppendStateKey(changes.bytes(), "vehicle", key);
        changes.EndKey();
        ByteWriter(changes.bytes()).I64(epoch);
        changes.EndValue();
      }
    }
    Marker marker;
    marker.epoch = epoch;
    marker.next_offset = epoch * 10;
    return store.Apply(changes, marker);
  }

  // The epoch that marker and every value agree on; 0 for an empty store.
  int64_t WholeEpoch(StateStore& store, size_t keys) {
    const auto marker = store.ReadMarker();
    EXPECT_TRUE(marker.ok()) << marker.status().ToString();
    const int64_t epoch = *marker ? (**marker).epoch : 0;
    for (TableId table = 0; table < 2; ++table) {
      size_t seen = 0;
      const auto visit = [&](std::string_view, std::string_view value) {
        EXPECT_EQ(ByteReader(value).I64(), epoch);
        ++seen;
        return Status::Ok();
      };
      EXPECT_TRUE(store.Scan(table, {}, visit).ok());
      EXPECT_EQ(seen, epoch == 0 ? 0 : keys);
    }
    return epoch;
  }

  std::string dir() const { return root_ / "lane"; }

  // Kills a writer after `epochs` announced epochs and then some, and checks
  // what a reopened store holds.
  void CrashAndCheck(const std::string& mode, std::mt19937& random) {
    int64_t announced = 0;
    {
      ChildProcess writer({TACHO_CRASH_WRITER, dir(), mode});
      for (uint64_t n = random() % 20; n > 0; --n) {
        const std::string line = writer.ReadLine();
        ASSERT_FALSE(line.empty()) << "the writer died";
        announced = std::stoll(line);
      }
      writer.Kill();
    }
    auto store = Open(mode == "synced" ? kSynced : kUnsynced);
    ASSERT_NE(store, nullptr);
    EXPECT_GE(WholeEpoch(*store, 50), announced);
    EXPECT_TRUE(store->Close().ok());
  }

  // Flips a bit in the middle of the greatest file with this extension.
  void FlipBit(const std::string& extension) {
    fs::path victim;
    for (const auto& file : fs::directory_iterator(dir())) {
      if (file.path().extension() != extension) continue;
      if (victim.empty() || file.file_size() > fs::file_size(victim)) {
        victim = file.path();
      }
    }
    ASSERT_FALSE(victim.empty());
    const auto at = static_cast<std::streamoff>(fs::file_size(victim) / 3);
    std::fstream file(victim, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(at);
    const int byte = file.get();
    file.seekp(at);
    file.put(static_cast<char>(byte ^ 4));
  }

  TempDir root_;
  RocksDbShared shared_{size_t{8} << 20, size_t{8} << 20};
};

TEST_F(RocksDbStoreTest, AKilledWriterLeavesAWholeEpochWithoutALog) {
  std::mt19937 random(11);
  for (int round = 0; round < 8; ++round) CrashAndCheck("unsynced", random);
}

TEST_F(RocksDbStoreTest, AKilledWriterLosesNoSyncedEpoch) {
  std::mt19937 random(12);
  for (int round = 0; round < 8; ++round) CrashAndCheck("synced", random);
}

TEST_F(RocksDbStoreTest, AKilledRestoreLeavesAWholePart) {
  std::mt19937 random(13);
  for (int round = 0; round < 8; ++round) CrashAndCheck("restored", random);
}

TEST_F(RocksDbStoreTest, RemovesWhatAKilledRestoreLeftBehind) {
  ASSERT_TRUE(Open()->Close().ok());
  const std::string leftover = dir() + "/restore-0";
  std::ofstream(leftover) << "half a file";

  ASSERT_TRUE(Open()->Close().ok());

  EXPECT_FALSE(fs::exists(leftover));
}

TEST_F(RocksDbStoreTest, DroppedWithoutCloseItKeepsWhatWasFlushed) {
  auto store = Open(kUnsynced);
  ASSERT_TRUE(ApplyEpoch(*store, 1).ok());
  ASSERT_TRUE(store->Flush().ok());
  ASSERT_TRUE(ApplyEpoch(*store, 2).ok());
  store.reset();

  EXPECT_EQ(WholeEpoch(*Open(kUnsynced), 10), 1);
}

TEST_F(RocksDbStoreTest, DroppedWithoutCloseItKeepsWhatWasSynced) {
  auto store = Open(kSynced);
  ASSERT_TRUE(ApplyEpoch(*store, 1).ok());
  store.reset();

  EXPECT_EQ(WholeEpoch(*Open(kSynced), 10), 1);
}

TEST_F(RocksDbStoreTest, AFlippedBitIsCorruptionNotAWrongValue) {
  auto store = Open();
  ASSERT_TRUE(ApplyEpoch(*store, 1, 20000).ok());
  ASSERT_TRUE(store->Close().ok());
  store = Open();
  ASSERT_NE(store, nullptr);
  FlipBit(".sst");

  StatusCode worst = StatusCode::kOk;
  for (TableId table = 0; table < 2; ++table) {
    const Status status =
        store->Scan(table, {}, [](std::string_view, std::string_view value) {
          EXPECT_EQ(ByteReader(value).I64(), 1);
          return Status::Ok();
        });
    if (!status.ok()) worst = status.code();
  }

  EXPECT_EQ(worst, StatusCode::kCorruption);
}

TEST_F(RocksDbStoreTest, ADirectoryThatIsOpenIsRefusedWithAReason) {
  auto store = Open();

  const auto second = OpenRocksDbStore(dir(), kUnsynced, shared_);

  EXPECT_EQ(second.status().code(), StatusCode::kUnavailable);
  EXPECT_THAT(second.status().message(), HasSubstr("another process"));
}

TEST_F(RocksDbStoreTest, ADirectoryThatAnotherProcessHasIsRefused) {
  ChildProcess writer({TACHO_CRASH_WRITER, dir(), "synced"});
  ASSERT_EQ(writer.ReadLine(), "1");

  const auto second = OpenRocksDbStore(dir(), kSynced, shared_);

  EXPECT_EQ(second.status().code(), StatusCode::kUnavailable);
  EXPECT_THAT(second.status().message(), HasSubstr("another process"));
}

TEST_F(RocksDbStoreTest, ADirectoryThatCannotBeMadeIsAnIoError) {
  std::ofstream(root_ / "lane") << "a file";

  EXPECT_EQ(OpenRocksDbStore(dir(), kUnsynced, shared_).status().code(),
            StatusCode::kIoError);
}

TEST_F(RocksDbStoreTest, ReadsTheMarkerOfAClosedStoreWithoutTouchingIt) {
  EXPECT_FALSE(ReadRocksDbMarker(dir())->has_value());
  auto store = Open(kSynced);
  ASSERT_TRUE(ApplyEpoch(*store, 3).ok());
  store.reset();
  const auto files = [&] {
    std::set<std::string> names;
    for (const auto& f : fs::directory_iterator(dir())) {
      names.insert(f.path().filename().string());
    }
    return names;
  };
  const auto before = files();

  const auto marker = ReadRocksDbMarker(dir());

  ASSERT_TRUE(marker.ok()) << marker.status().ToString();
  EXPECT_EQ((**marker).next_offset, 30);
  EXPECT_EQ(files(), before);
}

TEST_F(RocksDbStoreTest, MayBeMovedWhileItIsClosed) {
  auto store = Open();
  ASSERT_TRUE(ApplyEpoch(*store, 4).ok());
  ASSERT_TRUE(store->Close().ok());
  fs::rename(dir(), root_ / "moved");
  fs::create_directory(dir());
  fs::rename(root_ / "moved", dir());

  EXPECT_EQ(WholeEpoch(*Open(), 10), 4);
}

TEST_F(RocksDbStoreTest, FlushesByItselfWithinTheSharedBudget) {
  auto store = Open({.write_buffer_bytes = size_t{256} << 10});
  for (int64_t epoch = 1; epoch <= 40; ++epoch) {
    ASSERT_TRUE(ApplyEpoch(*store, epoch, 2000).ok());
  }
  EXPECT_LT(shared_.used_bytes(), size_t{17} << 20);
  store.reset();

  EXPECT_GT(WholeEpoch(*Open(), 2000), 0);
}

// Without a log, what is only in memory is lost with the process: a store that
// is not written to any more brings it to the disk all the same.
TEST_F(RocksDbStoreTest, AQuietStoreIsFlushedWhenItIsDue) {
  StoreOptions options = kUnsynced;
  options.flush_interval = Millis(60000);
  const auto files = [&] {
    size_t tables = 0;
    for (const auto& entry : fs::directory_iterator(dir())) {
      tables += entry.path().extension() == ".sst" ? 1 : 0;
    }
    return tables;
  };
  auto store = Open(options);
  StateChanges changes;
  Marker marker;
  marker.epoch = 1;
  marker.wall_time = FromEpochMillis(1000);
  ASSERT_TRUE(store->Apply(changes, marker).ok());

  ASSERT_TRUE(store->FlushIfDue(FromEpochMillis(60999)).ok());
  EXPECT_EQ(files(), 0u);
  ASSERT_TRUE(store->FlushIfDue(FromEpochMillis(61000)).ok());
  const auto deadline =
      std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (files() == 0 && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::yield();
  }
  EXPECT_GT(files(), 0u);
}

}  // namespace
}  // namespace tacho
