#include "pipeline/base/file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <thread>

#include "tests/support/temp_dir.h"

namespace tacho {
namespace {

using ::testing::HasSubstr;

class FileTest : public ::testing::Test {
 protected:
  std::string Write(const std::string& text) const {
    std::ofstream(path(), std::ios::binary) << text;
    return path();
  }
  std::string path() const { return dir_ / "file"; }

  TempDir dir_;
};

TEST_F(FileTest, IsReadWholeWhateverItHolds) {
  for (const size_t size : {0, 1, 16383, 16384, 16385, 100000}) {
    std::string text(size, '\0');
    for (size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * 7);
    const Result<std::string> read = ReadFile(Write(text));
    ASSERT_TRUE(read.ok()) << read.status().ToString();
    EXPECT_EQ(*read, text);
  }
}

TEST_F(FileTest, OneOfMoreThanTheLimitIsRefused) {
  EXPECT_TRUE(ReadFile(Write("12345"), 5).ok());
  const Status status = ReadFile(Write("123456"), 5).status();
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(), "cannot read '" + path() +
                                  "': it has more than 5 bytes; is it the "
                                  "file that was meant?");
  EXPECT_FALSE(ReadFile("/dev/zero").ok());
}

TEST_F(FileTest, OneThatIsNotThereSaysWhich) {
  const Status status = ReadFile(path()).status();
  EXPECT_EQ(status.code(), StatusCode::kNotFound);
  EXPECT_EQ(status.message(),
            "cannot read '" + path() +
                "': No such file or directory; check the path");
  EXPECT_EQ(ReadFile(Write("x") + "/below").status().code(),
            StatusCode::kNotFound);
}

TEST_F(FileTest, ADirectoryIsNone) {
  const Status status = ReadFile(dir_.path()).status();
  EXPECT_EQ(status.code(), StatusCode::kIoError);
  EXPECT_THAT(status.message(), HasSubstr(": Is a directory; name a file"));
}

TEST_F(FileTest, OneThatMayNotBeReadSaysWhoMust) {
  const Status said = CannotRead("/a", EACCES);
  EXPECT_EQ(said.code(), StatusCode::kPermission);
  EXPECT_THAT(said.message(), HasSubstr("the user that runs tacho"));
  if (geteuid() == 0) GTEST_SKIP() << "root may read everything";
  Write("x");
  ASSERT_EQ(chmod(path().c_str(), 0), 0);
  EXPECT_EQ(ReadFile(path()).status().message(),
            CannotRead(path(), EACCES).message());
}

TEST_F(FileTest, APipeIsReadToItsEnd) {
  ASSERT_EQ(mkfifo(path().c_str(), 0600), 0);
  std::thread writer([this] { Write(std::string(70000, 'x')); });
  const Result<std::string> read = ReadFile(path());
  writer.join();
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->size(), 70000u);
}

}  // namespace
}  // namespace tacho
