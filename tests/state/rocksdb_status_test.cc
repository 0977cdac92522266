#include "state/rocksdb_status.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rocksdb/status.h>

namespace tacho {
namespace {

using ::testing::HasSubstr;
using Rocks = rocksdb::Status;

Status Ours(const Rocks& status) { return FromRocksDb(status, "/state/dir"); }

TEST(RocksDbStatusTest, AFullDiskIsOneHoweverItIsSaid) {
  const Rocks cases[] = {
      Rocks::NoSpace("While appending to file", "x.sst"),
      Rocks::IOError(Rocks::kNoSpace),
      // Of writes that come while RocksDB recovers from it.
      Rocks::Incomplete("IO error: No space left on device: While appending to "
                        "file: 000337.sst: No space left on device"),
      Rocks::IOError("While appending to file: x.sst: Disk quota exceeded"),
      Rocks::Incomplete("IO error: While appending: Disk quota exceeded"),
      Rocks::IOError("While lock file: LOCK: No space left on device"),
  };
  for (const Rocks& c : cases) {
    const Status status = Ours(c);
    EXPECT_EQ(status.code(), StatusCode::kIoError) << c.ToString();
    EXPECT_TRUE(status.retryable()) << c.ToString();
    EXPECT_THAT(status.message(), HasSubstr("/state/dir"));
    EXPECT_THAT(status.message(), HasSubstr("free some of it"));
  }
}

TEST(RocksDbStatusTest, AnErrorOfTheBackgroundKeepsItsKind) {
  EXPECT_EQ(Ours(Rocks::Incomplete("Corruption: block checksum")).code(),
            StatusCode::kCorruption);
  const Status io = Ours(Rocks::Incomplete("IO error: Input/output error"));
  EXPECT_EQ(io.code(), StatusCode::kIoError);
  EXPECT_FALSE(io.retryable());
  EXPECT_EQ(Ours(Rocks::Incomplete("Write stall")).code(),
            StatusCode::kInternal);
}

TEST(RocksDbStatusTest, OthersAreWhatTheySay) {
  EXPECT_TRUE(Ours(Rocks::OK()).ok());
  EXPECT_EQ(Ours(Rocks::Corruption("x")).code(), StatusCode::kCorruption);
  EXPECT_EQ(Ours(Rocks::InvalidArgument("x")).code(),
            StatusCode::kInvalidArgument);
  const Status taken = Ours(Rocks::IOError("While lock file: /state/dir/LOCK"));
  EXPECT_EQ(taken.code(), StatusCode::kUnavailable);
  EXPECT_TRUE(taken.retryable());
  // Not a lock, whatever the directory is called.
  EXPECT_EQ(FromRocksDb(Rocks::IOError("read"), "/a block of state").code(),
            StatusCode::kIoError);
}

}  // namespace
}  // namespace tacho
