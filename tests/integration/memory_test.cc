// memory.limit is a limit: under each load that is made to pass it, the
// resident memory of the process stays within what is promised,
//
//   limit x 1.25 + 150 MB,
//
// in a cgroup that ends the process beyond that. Where no cgroup can be made,
// the process's own peak is looked at; which of the two it was is printed.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <random>

#include "tests/integration/worker_fixture.h"
#include "tests/support/memory_cgroup.h"

namespace tacho {
namespace {

using std::chrono::seconds;

constexpr uint64_t kMiB = uint64_t{1} << 20;
constexpr uint64_t kLimit = 64 * kMiB;
constexpr int64_t kTime = 1790000000000;

uint64_t Promised(uint64_t limit) { return limit + limit / 4 + 150000000; }

class MemoryOnKafka : public WorkerOnKafka {
 protected:
  // Starts a worker with a limit, in a cgroup of what is promised for it.
  void StartLimited(uint64_t limit, Arguments extra) {
    promised_ = Promised(limit);
    extra.insert(extra.end(), {"--set", "memory.limit=" + std::to_string(limit),
                               "--broker-timeout", "60"});
    StartIn(promised_, extra);
  }
  void StartIn(uint64_t bytes, const Arguments& extra) {
    promised_ = bytes;
    cgroup_ = MemoryCgroup::Make(bytes);
    std::printf("memory is held by %s\n",
                cgroup_ != nullptr ? "a cgroup" : "a look at VmHWM");
    worker_ = Start("host", extra, cgroup_ != nullptr ? cgroup_->procs() : "");
  }

  // Until the process has ended by itself.
  void ExpectEndsWithin(seconds timeout) {
    const bool ended = Eventually(
        [this] {
          peak_ = std::max(peak_, worker_->PeakResident());
          return !worker_->running();
        },
        timeout);
    EXPECT_TRUE(ended) << "still running";
    EXPECT_EQ(worker_->WaitExit(seconds(0)), 0) << worker_->Output();
    ExpectPeak();
  }
  void ExpectPeak() {
    std::printf("peak %llu MB of %llu MB\n",
                static_cast<unsigned long long>(peak_ / 1000000),
                static_cast<unsigned long long>(promised_ / 1000000));
    EXPECT_LE(peak_, promised_);
    EXPECT_GT(peak_, 0u);
  }

  std::unique_ptr<MemoryCgroup> cgroup_;
  std::unique_ptr<TachoProcess> worker_;
  uint64_t promised_ = 0;
  uint64_t peak_ = 0;
};

std::string Noise(size_t bytes) {
  std::mt19937_64 random(7);
  std::string text;
  text.reserve(bytes);
  while (text.size() < bytes) text += static_cast<char>('a' + random() % 26);
  return text;
}

KafkaRecord Message(const std::string& vehicle, int64_t ts,
                    const std::string& more, int32_t partition) {
  KafkaRecord record;
  record.key = vehicle;
  record.value = R"({"vehicle_id":")" + vehicle + R"(","ts":)" +
                 std::to_string(ts) + R"(,"speed_kmph":61.5)" + more + "}";
  record.partition = partition;
  return record;
}

TEST_F(MemoryOnKafka, RejectsOfAMegabyteOver32Lanes) {
  constexpr int kLanes = 32;
  Prepare("mem-rejects", kLanes);
  const std::string broken = "{" + Noise(1000000);
  for (int round = 0; round < 4; ++round) {
    std::vector<KafkaRecord> records(kLanes);
    for (int p = 0; p < kLanes; ++p) {
      records[static_cast<size_t>(p)].value = broken;
      records[static_cast<size_t>(p)].partition = p;
    }
    Produce(records);
  }

  StartLimited(kLimit, {"--until-end"});

  ExpectEndsWithin(seconds(60));
  EXPECT_TRUE(AtEnd());
  EXPECT_EQ(worker_->Sum("rejects", "count"), 4 * kLanes);
}

class Compressed : public MemoryOnKafka,
                   public ::testing::WithParamInterface<const char*> {};

// Some fifty bytes become one: what a fetch brings is not what it takes.
TEST_P(Compressed, FiftyTimes) {
  constexpr int kLanes = 4;
  constexpr int kMessages = 60000;
  const std::string name = std::string("mem-") + GetParam();
  Prepare(name, kLanes, {{"compression.type", GetParam()}});
  const std::string pad = R"(,"pad":")" + std::string(3900, ' ') + "\"";
  for (int done = 0; done < kMessages;) {
    std::vector<KafkaRecord> records;
    for (int i = 0; i < 10000; ++i, ++done) {
      records.push_back(Message("car-" + std::to_string(done % 100),
                                kTime + done, pad, done % kLanes));
    }
    Produce(records);
  }

  StartLimited(kLimit,
               {"--until-end", "--set", "input.event_time.clock_guard=off"});

  ExpectEndsWithin(seconds(60));
  EXPECT_EQ(worker_->Events("stopped_lanes").at(0)["messages"], kMessages);
}

INSTANTIATE_TEST_SUITE_P(Codecs, Compressed,
                         ::testing::Values("zstd", "gzip", "lz4"),
                         [](const auto& named) {
                           return std::string(named.param);
                         });

// Some kilobytes of zstd that are forty megabytes unpacked: more than a batch
// may be under this limit, so it is refused, not unpacked.
TEST_F(MemoryOnKafka, ABatchThatUnpacksPastItsBound) {
  Prepare("mem-bomb", 1);
  Produce({Message("car", kTime, "", 0)});
  KafkaRecord bomb;
  bomb.value = std::string(40000000, ' ');
  bomb.partition = 0;
  const Status produced =
      broker().Produce("mem-bomb", {bomb}, TransactionEnd::kNone,
                       {{"compression.type", "zstd"}});
  ASSERT_TRUE(produced.ok()) << produced.ToString();

  StartLimited(kLimit,
               {"--until-end", "--set", "input.event_time.clock_guard=off",
                "--set", "input.on_unreadable=skip"});

  ExpectEndsWithin(seconds(60));
  EXPECT_EQ(worker_->Events("memory").at(0)["unpacked_batch"], "16MiB");
  EXPECT_EQ(worker_->Sum("rejects", "count"), 1);
}

// Each message closes a window whose result is as large as itself.
TEST_F(MemoryOnKafka, LargeResults) {
  constexpr int kLanes = 8;
  Prepare("mem-results", kLanes);
  const std::string text = R"(,"text":")" + Noise(60000) + "\"";
  for (int round = 0; round < 200; ++round) {
    std::vector<KafkaRecord> records;
    for (int p = 0; p < kLanes; ++p) {
      records.push_back(Message("car", kTime + round * 120000, text, p));
    }
    Produce(records);
  }

  StartLimited(
      kLimit,
      {"--until-end", "--set", "input.event_time.clock_guard=off", "--set",
       "input.signals.text={path: /text, type: string}", "--set",
       "streams.stats.operators=[{window_aggregate: {window: "
       "{tumbling: 1m}, aggregates: {text: last(text)}}}]"});

  ExpectEndsWithin(seconds(60));
  EXPECT_EQ(worker_->Events("stopped_lanes").at(0)["messages"], 200 * kLanes);
}

// A broker that takes nothing for a while: what is ready to be written waits,
// and lanes with it.
TEST_F(MemoryOnKafka, ABrokerThatStandsStill) {
  constexpr int kLanes = 8;
  Prepare("mem-frozen", kLanes);
  const std::string broken = "{" + Noise(100000);
  for (int round = 0; round < 150; ++round) {
    std::vector<KafkaRecord> records(kLanes);
    for (int p = 0; p < kLanes; ++p) {
      records[static_cast<size_t>(p)].value = broken;
      records[static_cast<size_t>(p)].partition = p;
    }
    Produce(records);
  }

  StartLimited(kLimit, {"--until-end"});
  ASSERT_TRUE(worker_->WaitFor("lane_ready"));
  broker().Pause();
  const auto until = std::chrono::steady_clock::now() + seconds(4);
  (void)Eventually(
      [&] {
        peak_ = std::max(peak_, worker_->PeakResident());
        return std::chrono::steady_clock::now() > until;
      },
      seconds(6));
  broker().Resume();

  ExpectEndsWithin(seconds(90));
  EXPECT_TRUE(AtEnd());
  // An epoch that was given up counts again when it is done again.
  EXPECT_GE(worker_->Sum("rejects", "count"), 150 * kLanes);
}

// And with a soft limit of 1,024 open files, which most shells have.
TEST_F(MemoryOnKafka, ThreeHundredPartitions) {
  constexpr int kLanes = 300;
  const std::string name = "mem-many";
  Prepare(name, 1);  // For the outputs and the job.
  CreateTopic(name + ".in", kLanes);
  std::vector<KafkaRecord> records;
  for (int p = 0; p < kLanes; ++p) {
    for (int i = 0; i < 50; ++i) {
      records.push_back(
          Message("car-" + std::to_string(i), kTime + i * 1000, "", p));
    }
  }
  ASSERT_TRUE(broker().Produce(name + ".in", records).ok());
  rlimit files{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &files), 0);
  const rlim_t soft = files.rlim_cur;
  files.rlim_cur = std::min<rlim_t>(1024, files.rlim_max);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &files), 0);

  StartLimited(256 * kMiB,
               {"--until-end", "--set", "input.topics=[" + name + ".in]",
                "--set", "input.event_time.clock_guard=off"});
  files.rlim_cur = soft;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &files), 0);

  ExpectEndsWithin(seconds(120));
  EXPECT_EQ(worker_->Events("stopped_lanes").at(0)["messages"], 50 * kLanes);
}

// Nothing written about memory: the job fits what it is given.
TEST_F(MemoryOnKafka, AContainerOf256MiBWithDefaults) {
  if (MemoryCgroup::Make(256 * kMiB) == nullptr) {
    GTEST_SKIP() << "no memory cgroup can be made here";
  }
  constexpr int kLanes = 8;
  Prepare("mem-container", kLanes);
  for (int round = 0; round < 10; ++round) {
    std::vector<KafkaRecord> records;
    for (int i = 0; i < 20000; ++i) {
      records.push_back(
          Message("car-" + std::to_string(i), kTime + round * 60000 + i,
                  R"(,"more":")" + Noise(100) + "\"", i % kLanes));
    }
    Produce(records);
  }

  StartIn(256 * kMiB,
          {"--until-end", "--set", "input.event_time.clock_guard=off"});

  ExpectEndsWithin(seconds(60));
  EXPECT_EQ(worker_->Events("memory").at(0)["limit"], "90MiB");
  EXPECT_EQ(worker_->Events("memory").at(0)["from"], "cgroup");
  EXPECT_EQ(worker_->Events("stopped_lanes").at(0)["messages"], 200000);
}

TEST_F(MemoryOnKafka, AContainerThatIsTooSmallIsRefusedWithWhatWouldDo) {
  if (MemoryCgroup::Make(128 * kMiB) == nullptr) {
    GTEST_SKIP() << "no memory cgroup can be made here";
  }
  Prepare("mem-small", 1);
  StartIn(128 * kMiB, {"--until-end"});

  EXPECT_EQ(worker_->WaitExit(), 78) << worker_->Output();
  EXPECT_THAT(worker_->Output(), ::testing::HasSubstr("at least 224MiB"));
}

}  // namespace
}  // namespace tacho
