#include "tests/support/worker_harness.h"

#include <fmt/format.h>

#include "pipeline/base/check.h"
#include "pipeline/worker/group_offsets.h"

namespace tacho {

std::string TestJobYaml(const std::string& extra) {
  return R"(
job: test-job
kafka: {bootstrap.servers: "localhost:1"}
group: {id: harness}
input:
  topics: [in]
  decoder: wide
  vehicle: /v
  event_time: {path: /ts, format: epoch_ms, clock_guard: "off"}
  signals:
    speed: {path: /s, unit: km/h}
streams:
  stats:
    operators:
      - window_aggregate:
          window: {tumbling: 1m}
          allowed_lateness: 5s
          aggregates: {n: count(), total: sum(speed)}
    output: {topic: stats}
  alerts:
    operators:
      - excursion: {when: speed > 100, for: 10s, clear: speed < 90, name: fast}
    output: {topic: alerts}
rejects: {topic: rejects}
late: {topic: late}
commit: {interval: 10ms}
guarantee: at_least_once_local
)" + extra;
}

std::string ExactlyOnceYaml(const std::string& extra) {
  std::string yaml = TestJobYaml(extra);
  const std::string local = "guarantee: at_least_once_local";
  yaml.replace(yaml.find(local), local.size(), "guarantee: exactly_once");
  return yaml;
}

std::string TestMessage(const std::string& vehicle, int64_t ts_ms,
                        double speed) {
  return fmt::format(R"({{"v":"{}","ts":{},"s":{}}})", vehicle, ts_ms, speed);
}

bool WaitUntil(const std::function<bool()>& done) {
  const auto deadline =
      std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!done()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

WorkerHarness::WorkerHarness(int32_t partitions, const std::string& job_yaml)
    : log({{"in", partitions}}) {
  ParsedJob parsed = ParseJob(job_yaml);
  if (!parsed.ok()) {
    std::fputs(FormatDiagnostics("test job", parsed.errors).c_str(), stderr);
  }
  CHECK(parsed.ok());
  job = std::move(parsed.job);
}

std::vector<TopicPartition> WorkerHarness::AllLanes() const {
  std::vector<TopicPartition> lanes;
  for (int32_t p = 0; p < log.counts.at("in"); ++p) lanes.push_back(Lane(p));
  return lanes;
}

void WorkerHarness::Start(std::vector<TopicPartition> lanes,
                          WorkerOptions options) {
  if (options.threads == 0) options.threads = 2;
  auto fake = std::make_unique<FakeGroupMember>(log);
  auto asked = std::make_unique<FakePartitionLog>(log);
  member = fake.get();
  partition_log = asked.get();
  WorkerParts parts;
  parts.member = std::move(fake);
  parts.log = std::move(asked);
  parts.stores =
      std::make_unique<MemoryLaneStores>(disk, siblings, store_faults);
  parts.make_writer = [this, joined = member](int32_t) {
    return MakeWriter(*joined);
  };
  if (job.guarantee == Guarantee::kExactlyOnce) {
    parts.changelog = std::make_unique<FakeChangelog>(changelogs);
  }
  worker = std::make_unique<Worker>(job, options, std::move(parts), *clock);
  if (!lanes.empty()) member->AssignNow(std::move(lanes));
  thread_ = std::thread([this] { result_ = worker->Run(); });
}

Result<std::unique_ptr<EpochWriter>> WorkerHarness::MakeWriter(
    GroupMember& joined) {
  if (job.guarantee == Guarantee::kExactlyOnce) {
    auto made =
        std::make_unique<FakeExactlyOnce>(log, changelogs, written_, mutex_);
    exactly_once = made.get();
    if (on_exactly_once) on_exactly_once(*made);
    return std::unique_ptr<EpochWriter>(std::move(made));
  }
  auto made = std::make_unique<FakeAtLeastOnce>(
      written_, mutex_, std::make_unique<GroupOffsets>(joined));
  at_least_once = made.get();
  if (on_at_least_once) on_at_least_once(*made);
  return std::unique_ptr<EpochWriter>(std::move(made));
}

void WorkerHarness::Crash() {
  exactly_once.load()->FailAt(FakeExactlyOnce::Step::kBegin, 1 << 30,
                              {StatusCode::kInternal, "crashed"});
  (void)Stop().ok();
}

Status WorkerHarness::Stop() {
  if (!thread_.joinable()) return Status::Ok();
  worker->Stop();
  return Join();
}

Status WorkerHarness::Join() {
  thread_.join();
  worker.reset();
  member = nullptr;
  partition_log = nullptr;
  at_least_once = nullptr;
  exactly_once = nullptr;
  return result_;
}

Status WorkerHarness::RunToEnd(bool close_at_end) {
  WorkerOptions options;
  options.until_end = true;
  options.close_at_end = close_at_end;
  Start(AllLanes(), options);
  return Join();
}

std::vector<std::string> WorkerHarness::Written(int32_t partition,
                                                SinkId sink) const {
  std::vector<std::string> values;
  for (const FakeOutput& out : AllWritten()) {
    if (out.lane.partition == partition && out.sink == sink) {
      values.push_back(out.value);
    }
  }
  return values;
}

std::vector<FakeOutput> WorkerHarness::AllWritten() const {
  const std::lock_guard lock(mutex_);
  return written_;
}

}  // namespace tacho
