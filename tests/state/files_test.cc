// What is not ours is not followed. As root, as CI runs, others' files can be
// made; as anybody else, those cases are left out.

#include "state/files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "state/rocksdb_store.h"
#include "state/worker_directory.h"
#include "tests/support/temp_dir.h"

namespace tacho {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

constexpr uid_t kStranger = 12345;

std::string Contents(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

class FilesTest : public ::testing::Test {
 protected:
  FilesTest() { std::ofstream(victim()) << "precious"; }

  std::string victim() const { return root_ / "victim"; }
  void ExpectRefused(const Status& status, const std::string& why) const {
    EXPECT_EQ(status.code(), StatusCode::kPermission) << status.message();
    EXPECT_THAT(status.message(), HasSubstr(why));
    EXPECT_EQ(Contents(victim()), "precious");
  }
  Status Claim(const std::string& dir) const {
    return WorkerDirectory::Claim(dir, "group").status();
  }

  TempDir root_;
};

TEST_F(FilesTest, WhereNobodyMayWriteTheKeyIsNamed) {
  const std::string locked = root_ / "locked";
  fs::create_directory(locked);
  ASSERT_EQ(chmod(locked.c_str(), 0555), 0);
  // Root may write anywhere: for the files' sake this thread is a stranger.
  const int before = setfsuid(kStranger);
  const Status refused = Claim(locked + "/tacho");
  setfsuid(static_cast<uid_t>(before));

  ExpectRefused(refused, "state.dir (or --state-dir) must be a place where");
}

TEST_F(FilesTest, ALockThatIsALinkIsNotFollowed) {
  fs::create_symlink(victim(), root_ / "lock");
  ExpectRefused(FileLock::Lock(root_ / "lock").status(), "symbolic link");
  fs::remove(root_ / "lock");
  fs::create_hard_link(victim(), root_ / "lock");
  ExpectRefused(FileLock::TryLock(root_ / "lock").status(), "hard link");
}

TEST_F(FilesTest, APipeInPlaceOfAFileBlocksNobody) {
  ASSERT_EQ(mkfifo((root_ / "lock").c_str(), 0600), 0);

  ExpectRefused(FileLock::Lock(root_ / "lock").status(), "no plain file");
  ExpectRefused(ReadSmallFile(root_ / "lock").status(), "no plain file");
}

TEST_F(FilesTest, WritingReplacesALinkAndNotWhatItNames) {
  fs::create_symlink(victim(), root_ / "id.tmp");
  fs::create_symlink(victim(), root_ / "id");

  ASSERT_TRUE(WriteFileDurably(root_.path(), "id", "mine").ok());

  EXPECT_EQ(Contents(victim()), "precious");
  EXPECT_EQ(Contents(root_ / "id"), "mine");
  EXPECT_FALSE(fs::is_symlink(root_ / "id"));
}

TEST_F(FilesTest, ReadingDoesNotFollowALink) {
  fs::create_symlink(victim(), root_ / "id");
  ExpectRefused(ReadSmallFile(root_ / "id").status(), "symbolic link");
}

TEST_F(FilesTest, AStateDirectoryThatEverybodyMayWriteToIsRefused) {
  fs::create_directory(root_ / "st");
  fs::permissions(root_ / "st", fs::perms::all);

  ExpectRefused(Claim(root_ / "st"), "chmod 700");
}

TEST_F(FilesTest, ALinkOfOursToAStateDirectoryIsTheOperatorsBusiness) {
  fs::create_directory(root_ / "disk");
  fs::create_directory_symlink(root_ / "disk", root_ / "st");

  EXPECT_TRUE(Claim(root_ / "st").ok());
}

TEST_F(FilesTest, WhatIsSomebodyElsesIsRefused) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can make it";
  fs::create_directory(root_ / "st");
  ASSERT_EQ(chown((root_ / "st").c_str(), kStranger, kStranger), 0);
  ExpectRefused(Claim(root_ / "st"), "belongs to user 12345");

  fs::create_directory(root_ / "disk");
  fs::create_directory_symlink(root_ / "disk", root_ / "link");
  ASSERT_EQ(lchown((root_ / "link").c_str(), kStranger, kStranger), 0);
  ExpectRefused(Claim(root_ / "link"), "belongs to user 12345");
  ExpectRefused(Claim(root_ / "link/below"), "belongs to user 12345");
}

TEST_F(FilesTest, LinksBelowTheStateDirectoryAreRefused) {
  const std::string st = root_ / "st";
  fs::create_directories(root_ / "elsewhere");
  for (const char* const part :
       {"/group", "/group/worker-0", "/group/worker-0/lanes",
        "/group/worker-0/quarantine"}) {
    fs::remove_all(st);
    fs::create_directories(fs::path(st + part).parent_path());
    fs::create_directory_symlink(root_ / "elsewhere", st + part);
    ExpectRefused(Claim(st), "symbolic link");
  }
  for (const char* const file :
       {"/group/lock", "/group/worker-0/lock", "/group/worker-0/worker-id"}) {
    fs::remove_all(st);
    fs::create_directories(st + "/group/worker-0");
    fs::create_symlink(victim(), st + file);
    ExpectRefused(Claim(st), "symbolic link");
  }
  EXPECT_TRUE(fs::is_empty(root_ / "elsewhere"));
}

TEST_F(FilesTest, ADatabaseOfLinksIsRefused) {
  const RocksDbShared shared(size_t{1} << 20, size_t{1} << 20);
  fs::create_directory_symlink(root_.path(), root_ / "lane");
  ExpectRefused(OpenRocksDbStore(root_ / "lane", {}, shared).status(),
                "symbolic link");
  fs::remove(root_ / "lane");
  fs::create_directory(root_ / "lane");
  fs::create_symlink(victim(), root_ / "lane/000004.log");
  ExpectRefused(OpenRocksDbStore(root_ / "lane", {}, shared).status(),
                "neither a plain file");
}

TEST_F(FilesTest, WhatIsMadeIsForItsOwnerOnly) {
  ASSERT_TRUE(Claim(root_ / "new/st").ok());
  for (const char* const dir : {"new/st", "new/st/group/worker-0/lanes"}) {
    struct stat info;
    ASSERT_EQ(stat((root_ / dir).c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0700u) << dir;
  }
}

}  // namespace
}  // namespace tacho
