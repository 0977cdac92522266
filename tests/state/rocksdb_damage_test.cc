// Damaged databases: never a crash loop, never state that was not written.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "pipeline/base/check.h"
#include "state/codec.h"
#include "state/rocksdb_store.h"
#include "tests/support/child_process.h"
#include "tests/support/temp_dir.h"

namespace tacho {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr int64_t kEpochs = 3;

class RocksDbDamageTest : public ::testing::Test {
 protected:
  RocksDbDamageTest() {
    auto store = *OpenRocksDbStore(good(), {}, shared_);
    CHECK(store->OpenTables({"a", "b"}).ok());
    // The first as a restore writes it, the others as epochs.
    for (int64_t epoch = 1; epoch <= kEpochs; ++epoch) {
      StateChanges changes;
      const std::string padding(epoch == 1 ? 20000 : 20, 'x');
      for (TableId table = 0; table < 2; ++table) {
        for (int64_t key = 0; key < 50; ++key) {
          changes.Begin(table, table);
          AppendStateKey(changes.bytes(), "vehicle", key);
          changes.EndKey();
          ByteWriter(changes.bytes()).I64(epoch);
          changes.bytes().insert(changes.bytes().end(), padding.begin(),
                                 padding.end());
          changes.EndValue();
        }
      }
      Marker marker;
      marker.epoch = epoch;
      CHECK((epoch == 1 ? store->Restore(changes, marker)
                        : store->Apply(changes, marker))
                .ok());
      CHECK(store->Flush().ok());
    }
    CHECK(store->Close().ok());
  }

  std::string good() const { return root_ / "good"; }
  std::string dir() const { return root_ / "lane"; }

  std::vector<std::string> Files(const std::string& part) const {
    std::vector<std::string> names;
    for (const auto& file : fs::directory_iterator(good())) {
      const std::string name = file.path().filename();
      if (name.find(part) != name.npos) names.push_back(name);
    }
    std::sort(names.begin(), names.end());
    return names;
  }
  uint64_t Size(const std::string& name) const {
    return fs::file_size(fs::path(good()) / name);
  }
  // A copy of the good one in place of what was there.
  void Copy() const {
    fs::remove_all(dir());
    fs::copy(good(), dir(), fs::copy_options::recursive);
  }
  void Flip(const std::string& name, uint64_t at, int mask) const {
    const std::string path = dir() + "/" + name;
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(static_cast<std::streamoff>(at));
    const int byte = file.get();
    file.seekp(static_cast<std::streamoff>(at));
    file.put(static_cast<char>(byte ^ mask));
  }
  // What a process that opens it says; empty: it did not survive that.
  std::string Open() const {
    return ChildProcess({TACHO_DAMAGE_READER, dir()}).ReadLine();
  }

  // As a worker that is started again and again: at the second start at the
  // latest it is known what it is.
  void ExpectHandled(const std::string& what) const {
    std::string said = Open();
    if (said.empty()) {
      said = Open();
      EXPECT_THAT(said, HasSubstr("ended while it did")) << what;
    }
    const bool right = said.starts_with("refused: ") ||
                       said == "ok " + std::to_string(kEpochs);
    EXPECT_TRUE(right) << what << ": " << said;
  }
  void FlipAndExpect(const std::string& name, uint64_t at, int mask) const {
    Copy();
    Flip(name, at, mask);
    ExpectHandled(name + " byte " + std::to_string(at) + " of " +
                  std::to_string(Size(name)) + " mask " + std::to_string(mask));
  }

  TempDir root_;
  RocksDbShared shared_{size_t{1} << 20, size_t{1} << 20};
};

TEST_F(RocksDbDamageTest, AFlippedByteOfATableIsRefused) {
  for (const std::string& name : Files(".sst")) {
    const uint64_t size = Size(name);
    // Data; then what is dense at the end: filter, properties, index, metaindex
    // and the footer, the first byte of which says which checksum there is.
    for (const uint64_t at : {uint64_t{0}, size / 2, size - 300, size - 60,
                              size - 53, size - 12, size - 1}) {
      if (at >= size) continue;
      Copy();
      Flip(name, at, 4);
      std::string said = Open();
      if (said.empty()) said = Open();
      EXPECT_THAT(said, StartsWith("refused: ")) << name << " byte " << at;
    }
  }
}

TEST_F(RocksDbDamageTest, AFlippedByteOfTheManifestIsNoLoopAndNoWrongState) {
  const std::string manifest = Files("MANIFEST").back();
  const uint64_t size = Size(manifest);
  for (uint64_t at = 0; at < size; at += 1 + size / 24) {
    FlipAndExpect(manifest, at, 1);
  }
}

TEST_F(RocksDbDamageTest, AFlippedByteOfCurrentIsNoLoopAndNoWrongState) {
  for (const uint64_t at : {uint64_t{0}, uint64_t{9}, Size("CURRENT") - 1}) {
    FlipAndExpect("CURRENT", at, 1);
  }
}

TEST_F(RocksDbDamageTest, AFileThatIsMissingIsRefused) {
  for (const std::string& name :
       {Files(".sst").front(), Files("MANIFEST").back(),
        std::string("CURRENT")}) {
    Copy();
    fs::remove(fs::path(dir()) / name);

    EXPECT_THAT(Open(), StartsWith("refused: ")) << name;
    // Nothing was made, or deleted, on top of it.
    EXPECT_FALSE(fs::exists(fs::path(dir()) / name));
  }
}

TEST_F(RocksDbDamageTest, AProcessThatEndedWhileOpeningIsRemembered) {
  Copy();
  std::ofstream(dir() + "/opening") << "1";

  EXPECT_THAT(Open(), HasSubstr("ended while it did"));
  EXPECT_EQ(ReadRocksDbMarker(dir()).status().code(), StatusCode::kCorruption);
  EXPECT_TRUE(fs::exists(dir() + "/opening")) << "for as long as it is there";

  fs::remove(dir() + "/opening");
  EXPECT_EQ(Open(), "ok 3");
  EXPECT_FALSE(fs::exists(dir() + "/opening"));
}

TEST_F(RocksDbDamageTest, TheOnlyCopyIsTriedThreeTimes) {
  const StoreOptions only{.wal_synced = true};
  Copy();
  std::ofstream(dir() + "/opening") << "2";
  EXPECT_TRUE(OpenRocksDbStore(dir(), only, shared_).ok());
  std::ofstream(dir() + "/opening") << "3";
  EXPECT_EQ(OpenRocksDbStore(dir(), only, shared_).status().code(),
            StatusCode::kCorruption);
  EXPECT_EQ(ReadRocksDbMarker(dir(), true).status().code(),
            StatusCode::kCorruption);
}

TEST_F(RocksDbDamageTest, ThereIsNoLogFile) {
  EXPECT_TRUE(Files("LOG").empty());
}

// ---- A disk that is full.

// A small disk of its own, where the right to mount one is given.
class RocksDbFullDiskTest : public ::testing::Test {
 protected:
  void SetUp() override {
    fs::create_directory(disk());
    if (mount("tmpfs", disk().c_str(), "tmpfs", 0, "size=3m,mode=700") != 0) {
      GTEST_SKIP() << "NOT TESTED: a full disk. It takes the right to mount a "
                      "tmpfs (root, CAP_SYS_ADMIN)";
    }
    mounted_ = true;
  }
  ~RocksDbFullDiskTest() override {
    if (mounted_) umount2(disk().c_str(), MNT_DETACH);
  }
  std::string disk() const { return root_ / "disk"; }
  std::string dir() const { return root_ / "disk/lane"; }

  TempDir root_;
  bool mounted_ = false;
};

TEST_F(RocksDbFullDiskTest, IsAnErrorAndWhatWasThereStays) {
  // What somebody will free later.
  std::ofstream(dir() + ".ballast") << std::string(1 << 20, 'x');
  // In a process of its own: an assertion must not end the test.
  EXPECT_EQ(ChildProcess({TACHO_DAMAGE_READER, dir(), "fill"}).ReadLine(),
            "full and retryable");

  fs::remove(dir() + ".filler");
  fs::remove(dir() + ".ballast");
  const RocksDbShared shared(size_t{1} << 20, size_t{1} << 20);
  const auto store = OpenRocksDbStore(dir(), {}, shared);
  ASSERT_TRUE(store.ok()) << store.status().ToString();
  const auto marker = (*store)->ReadMarker();
  ASSERT_TRUE(marker.ok() && marker->has_value());
  EXPECT_GT((**marker).epoch, 0);
}

}  // namespace
}  // namespace tacho
