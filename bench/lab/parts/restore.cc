#include "bench/lab/parts/restore.h"

#include <chrono>
#include <filesystem>
#include <thread>

#include "bench/sample_changelog.h"
#include "pipeline/demo/kafka_feed.h"
#include "pipeline/restore/kafka_changelog.h"
#include "pipeline/restore/restorer.h"
#include "state/rocksdb_store.h"

namespace tacho::lab {
namespace {

constexpr const char* kInput = "restore";
constexpr Millis kTimeout{10000};
constexpr size_t kReadBytes = size_t{1} << 20;
constexpr std::chrono::milliseconds kPoll{2};  // As TakeOverThread does.

struct Source {
  std::unique_ptr<Changelog> changelog;
  std::unique_ptr<ChangelogReader> reader;
  Offset end = 0;
};

Source OpenSource(const std::string& bootstrap, const std::string& job,
                  const std::string& topic) {
  KafkaChangelogOptions options;
  options.properties = {{"bootstrap.servers", bootstrap}};
  options.group = job;
  Source source;
  auto changelog = MakeKafkaChangelog(std::move(options));
  Die(changelog.status());
  source.changelog = *std::move(changelog);
  Die(source.changelog->Prepare(topic, 1, 0, kTimeout));
  const auto range = source.changelog->Range({topic, 0}, 0, kTimeout);
  Die(range.status());
  source.end = range->second;
  auto reader = source.changelog->Open({topic, 0}, 0, range->first);
  Die(reader.status());
  source.reader = *std::move(reader);
  return source;
}

uint64_t ReadOnly(Source& source) {
  ChangelogChunk chunk;
  uint64_t records = 0;
  while (source.reader->position() < source.end) {
    chunk.Clear();
    Die(source.reader->Read(chunk, kReadBytes));
    for (const ChangelogChunk::Entry& entry : chunk.entries()) {
      Die(ParseChangelogRecord(chunk.Key(entry), chunk.Value(entry)).status());
      ++records;
    }
    if (chunk.empty()) std::this_thread::sleep_for(kPoll);
  }
  return records;
}

uint64_t Restore(Source& source, const std::string& dir) {
  RocksDbShared shared(size_t{64} << 20, size_t{64} << 20);
  auto store = OpenRocksDbStore(dir, {}, shared);
  Die(store.status());
  Die((*store)->OpenTables({SampleChangelog::TableName()}));
  Restorer::Spec spec;
  spec.lane = SampleChangelog::Identity();
  spec.names = {SampleChangelog::TableName()};
  spec.end = source.end;
  spec.check = [](TableId, std::string_view, std::string_view) {
    return Status::Ok();
  };
  Restorer restorer(**store, std::move(source.reader), std::move(spec),
                    SystemClock());
  while (!restorer.done()) {
    const Result<bool> progressed = restorer.Step();
    Die(progressed.status());
    if (!*progressed) std::this_thread::sleep_for(kPoll);
  }
  const uint64_t records = restorer.progress().records;
  Die((*store)->Close());
  return records;
}

struct Run {
  double rate = 0;  // M records/s.
  double cpu = 0;   // CPU-s per M.
  double rss_mb = 0;
};

Run RunChild(Bed& bed, const std::string& dir) {
  Child child({bed.options.self, "restore", bed.broker.bootstrap(),
               SampleChangelog::Identity().job, kInput, dir},
              bed.scratch / "restore.log");
  const Usage usage = child.WaitOk();
  const double records = child.Last("restore", "records") / 1e6;
  if (dir != "-") std::filesystem::remove_all(dir);
  return {records / child.Last("restore", "seconds"),
          usage.cpu_seconds / records, usage.rss_mb};
}

void PrintRow(const char* name, const std::vector<Run>& runs) {
  std::vector<double> rate;
  std::vector<double> cpu;
  std::vector<double> rss;
  for (const Run& run : runs) {
    rate.push_back(run.rate);
    cpu.push_back(run.cpu);
    rss.push_back(run.rss_mb);
  }
  std::printf("| %s | %s | %s | %.0f |\n", name, Spread(rate, 2).c_str(),
              Spread(cpu, 2).c_str(), Median(rss));
}

}  // namespace

int RunRestore(char** argv) {
  const std::string topic = argv[4];
  const std::string dir = argv[5];
  const auto started = std::chrono::steady_clock::now();
  Source source = OpenSource(argv[2], argv[3], topic);
  const uint64_t records = dir == "-" ? ReadOnly(source) : Restore(source, dir);
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - started)
          .count();
  std::printf(R"({"event":"restore","records":%llu,"seconds":%.3f})"
              "\n",
              static_cast<unsigned long long>(records), seconds);
  return 0;
}

void MeasureRestore(Bed& bed) {
  const SampleChangelog sample;
  const std::string job = SampleChangelog::Identity().job;
  Die(bed.broker.CreateTopic(kInput, 1));
  bed.MakeChangelog(job, kInput);
  auto feed = KafkaFeed::Open({{"bootstrap.servers", bed.broker.bootstrap()}},
                              ChangelogTopic(job, kInput, 0));
  Die(feed.status());
  sample.ForEach([&](std::string_view key, std::string_view value) {
    Die((*feed)->Send(key, value));
  });
  Die((*feed)->Flush(Millis(60000)));
  std::vector<Run> restored;
  std::vector<Run> read;
  for (int round = 0; round < bed.options.rounds; ++round) {
    read.push_back(RunChild(bed, "-"));
    restored.push_back(RunChild(bed, bed.scratch / "restored"));
    std::printf("round %d: read %.2f, restored %.2f M records/s\n", round + 1,
                read.back().rate, restored.back().rate);
    std::fflush(stdout);
  }
  std::printf(
      "\n| restore of %zu records, one partition | M records/s | CPU-s per M "
      "| peak RSS MB |\n| --- | --- | --- | --- |\n",
      sample.records);
  PrintRow("read and checked only", read);
  PrintRow("into RocksDB", restored);
  std::fflush(stdout);
}

}  // namespace tacho::lab
