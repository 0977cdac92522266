// The disk of state.dir is full: the worker ends with the reason and the
// remedy, its group is free at once, and what it goes on to write is exact.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mount.h>

#include <filesystem>
#include <fstream>

#include "pipeline/kafka/kafka_admin.h"
#include "tests/integration/worker_fixture.h"

namespace tacho {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;
using ::testing::HasSubstr;

constexpr int kIoErrorExit = 74;  // EX_IOERR
// For how long space is waited for, as for a broker.
const std::vector<std::string> kPatience = {"--broker-timeout", "5"};

// A small disk of its own, where the right to mount one is given.
class FullDiskTest : public WorkerUnderBoth {
 protected:
  void SetUp() override {
    WorkerUnderBoth::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    fs::create_directory(Path("disk"));
    if (mount("tmpfs", Path("disk").c_str(), "tmpfs", 0, "size=8m,mode=700") !=
        0) {
      GTEST_SKIP() << "NOT TESTED: a full disk. It takes the right to mount a "
                      "tmpfs (root, CAP_SYS_ADMIN)";
    }
    mounted_ = true;
  }
  ~FullDiskTest() override {
    if (mounted_) umount2(Path("disk").c_str(), MNT_DETACH);
  }

  // To the last byte.
  void Fill() const {
    std::ofstream filler(Path("disk/filler"));
    const std::string piece(512, 'x');
    while (filler.write(piece.data(), 512) && filler.flush()) {
    }
  }
  void FreeAgain() const { fs::remove(Path("disk/filler")); }

  void ExpectEndsForWantOfSpace(TachoProcess& worker) {
    EXPECT_EQ(worker.WaitExit(seconds(90)), kIoErrorExit) << worker.Output();
    EXPECT_THAT(worker.Output(), HasSubstr("the disk of state.dir is full"));
    EXPECT_THAT(worker.Output(), HasSubstr("free some of it"));
    // No session time-out to wait for.
    const auto admin =
        KafkaAdmin::Open({{"bootstrap.servers", broker().bootstrap()}});
    ASSERT_TRUE(admin.ok()) << admin.status().ToString();
    const auto group = (*admin)->DescribeGroup(name(), seconds(10));
    ASSERT_TRUE(group.ok()) << group.status().ToString();
    EXPECT_THAT(group->members, ::testing::IsEmpty());
  }

 private:
  bool mounted_ = false;
};

TEST_P(FullDiskTest, WhileItRuns) {
  Prepare("full-running", 1);
  const auto all = Telemetry(4000, 91);
  Produce({all.begin(), all.begin() + 1000});
  const auto worker = Start("disk/host", kPatience);
  ASSERT_TRUE(Eventually([&] { return AtEnd(); })) << worker->Output();

  Fill();
  Produce({all.begin() + 1000, all.end()});
  if (exactly_once()) {
    // No epoch waits for the disk: the changelog has what it holds. What the
    // last flush cannot write is restored.
    ASSERT_TRUE(Eventually([&] { return AtEnd(); })) << worker->Output();
    worker->Signal(SIGTERM);
    EXPECT_EQ(worker->WaitExit(), 0) << worker->Output();
  } else {
    ExpectEndsForWantOfSpace(*worker);
  }

  FreeAgain();
  ASSERT_EQ(RunToEnd("disk/host", {"--close-at-end"}), 0);
  ExpectOutputs(/*closed=*/true, /*interruptions=*/1);
}

TEST_P(FullDiskTest, BeforeItStarts) {
  Prepare("full-before", 1);
  const auto all = Telemetry(2000, 92);
  Produce({all.begin(), all.begin() + 1000});
  ASSERT_EQ(RunToEnd("disk/host"), 0);
  Produce({all.begin() + 1000, all.end()});

  Fill();
  const auto worker = Start("disk/host", kPatience);
  ExpectEndsForWantOfSpace(*worker);

  FreeAgain();
  ASSERT_EQ(RunToEnd("disk/host", {"--close-at-end"}), 0);
  ExpectOutputs(/*closed=*/true, /*interruptions=*/1);
}

INSTANTIATE_UNDER_BOTH(FullDiskTest);

}  // namespace
}  // namespace tacho
