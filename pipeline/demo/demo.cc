#include "pipeline/demo/demo.h"

#include <fmt/format.h>
#include <stdlib.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <deque>
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <thread>
#include <utility>

#include "pipeline/base/file.h"
#include "pipeline/base/printable.h"
#include "pipeline/demo/embedded_broker.h"
#include "pipeline/demo/feed.h"
#include "pipeline/demo/kafka_feed.h"
#include "pipeline/demo/kafka_tail.h"
#include "pipeline/job/job_parser.h"
#include "pipeline/worker/sinks.h"
#include "pipeline/worker/wiring.h"

namespace tacho {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr int kPartitions = 8;
// The embedded broker keeps 5 MB of a partition: the feed never runs further
// ahead of the slowest job than this many messages.
constexpr uint64_t kMaxAhead = 20000;
constexpr size_t kShownResults = 3;
// Event time runs this much faster than the clock.
constexpr double kMinSpeedUp = 30;
// More messages a second than the embedded broker can pass on.
constexpr double kFastest = 1e6;

void Print(const std::string& line) {
  std::fputs((line + "\n").c_str(), stdout);
  std::fflush(stdout);
}

// A directory that goes with the demo.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string name = std::filesystem::temp_directory_path() / "tacho.XXXXXX";
    if (mkdtemp(name.data()) != nullptr) path_ = name;
  }
  ~TemporaryDirectory() {
    std::error_code ignored;  // A leftover in /tmp is not worth an error.
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// One job of the demo: its worker, on a thread of its own.
struct Member {
  Job job;
  std::unique_ptr<Worker> worker;
  std::thread thread;
  Status result;
  std::atomic<bool> done{false};
};

class Demo {
 public:
  Demo(const DemoConfig& options, const std::atomic<bool>& stop)
      : options_(options), stop_(stop) {}
  ~Demo() { (void)StopWorkers().ok(); }  // Whatever Start left running.

  Status Run() {
    RETURN_IF_ERROR(Start());
    const Status status = Show();
    const Status stopped = StopWorkers();
    ShowResults(500);
    Summarise();
    return status.ok() ? stopped : status;
  }

 private:
  Status Start();
  Status LoadJob(const std::string& path);
  Status CreateTopics();
  Status OpenFeed();
  double Rate() const;
  Status Show();
  Status FeedUpTo(uint64_t target);
  uint64_t SlowestRead() const;
  bool AllRead() const;
  Status WorkerFailure() const;
  Status StopWorkers();
  void ShowRates(double seconds);
  void ShowResults(int timeout_ms);
  void Summarise() const;

  const DemoConfig& options_;
  const std::atomic<bool>& stop_;
  TemporaryDirectory state_;
  std::unique_ptr<EmbeddedBroker> broker_;
  std::vector<std::unique_ptr<Member>> members_;
  std::unique_ptr<Feed> feed_;
  std::unique_ptr<KafkaFeed> topic_;
  std::unique_ptr<KafkaTail> tail_;
  bool feed_ended_ = false;
  uint64_t shown_sent_ = 0;
  std::map<std::string, uint64_t> shown_read_;
  std::map<std::string, uint64_t> results_;  // By topic.
  std::set<std::string> reject_topics_;
};

Status Demo::LoadJob(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  JobOverrides overrides;
  overrides.set = {
      {"kafka.bootstrap.servers", broker_->bootstrap()},
      {"state.dir", state_.path()},
      {"guarantee", "at_least_once_local"},
      // What the embedded broker can do: it rebalances after session.timeout,
      // and an empty fetch always waits in full.
      {"group.session_timeout", "6s"},
      {"group.heartbeat_interval", "500ms"},
      {"kafka.fetch.wait.max.ms", "10"},
  };
  ParsedJob parsed = ParseJob(text, overrides);
  if (!parsed.ok())
    return InvalidArgument(FormatDiagnostics(path, parsed.errors));
  auto member = std::make_unique<Member>();
  member->job = std::move(parsed.job);
  members_.push_back(std::move(member));
  return Status::Ok();
}

Status Demo::CreateTopics() {
  std::set<std::string> topics;
  std::set<std::string> outputs;
  for (const auto& member : members_) {
    topics.insert(member->job.topics.begin(), member->job.topics.end());
    const JobSinks sinks(member->job);
    for (const Sink& sink : sinks.sinks()) {
      topics.insert(sink.topic);
      outputs.insert(sink.topic);
    }
    reject_topics_.insert(member->job.rejects.topic);
    reject_topics_.insert(member->job.late.topic);
  }
  for (const std::string& topic : topics) {
    RETURN_IF_ERROR(broker_->CreateTopic(topic, kPartitions));
  }
  ASSIGN_OR_RETURN(
      tail_, KafkaTail::Open({{"bootstrap.servers", broker_->bootstrap()}},
                             {outputs.begin(), outputs.end()}, 5000));
  return Status::Ok();
}

// A file is fed as fast as it is read, and so is the fleet at rate 0.
double Demo::Rate() const {
  const bool paced = options_.input.empty() && options_.rate > 0;
  return paced ? static_cast<double>(options_.rate) : kFastest;
}

Status Demo::OpenFeed() {
  const std::string& topic = members_.front()->job.topics.front();
  for (const auto& member : members_) {
    if (member->job.topics.front() != topic) {
      return InvalidArgument("the demo's jobs must read the same topic");
    }
  }
  ASSIGN_OR_RETURN(
      topic_,
      KafkaFeed::Open({{"bootstrap.servers", broker_->bootstrap()}}, topic));
  if (!options_.input.empty()) {
    ASSIGN_OR_RETURN(feed_, MakeFileFeed(options_.input));
    return Status::Ok();
  }
  FleetOptions fleet;
  fleet.seed = options_.seed;
  fleet.vehicles = options_.vehicles;
  // Event time starts so far back that it does not overtake the clock.
  const double speed_up =
      std::max(kMinSpeedUp, Rate() / std::max(1, options_.vehicles));
  const auto span = Millis(
      static_cast<int64_t>(1000 * speed_up * (options_.duration_seconds + 10)));
  fleet.start = WindowStart(SystemClock().Now() - span, Millis(60000));
  feed_ = MakeFleetFeed(fleet);
  return Status::Ok();
}

Status Demo::Start() {
  if (state_.path().empty()) return IoError("no temporary directory");
  ASSIGN_OR_RETURN(broker_, EmbeddedBroker::Start());
  for (const std::string& path : options_.jobs) RETURN_IF_ERROR(LoadJob(path));
  if (members_.empty()) return InvalidArgument("no job given");
  RETURN_IF_ERROR(CreateTopics());
  RETURN_IF_ERROR(OpenFeed());
  Print(fmt::format(
      "tacho demo: {} on an embedded broker at {} (at_least_once_local, in "
      "memory, for show)",
      options_.input.empty()
          ? fmt::format("{} synthetic vehicles", options_.vehicles)
          : Printable(options_.input),
      broker_->bootstrap()));
  for (const auto& member : members_) {
    WorkerOptions worker;
    worker.threads = options_.threads;
    worker.report_interval = std::chrono::hours(24);
    worker.preflight = false;  // This broker answers no such questions.
    ASSIGN_OR_RETURN(member->worker, MakeKafkaWorker(member->job, worker));
    Print(fmt::format("  job {}: group {}, topic {}", member->job.name,
                      member->job.group.id, member->job.topics.front()));
    member->thread = std::thread([m = member.get()] {
      m->result = m->worker->Run();
      m->done = true;
    });
  }
  Print("waiting for the groups to form (the embedded broker takes 3 s) ...");
  return Status::Ok();
}

uint64_t Demo::SlowestRead() const {
  uint64_t slowest = UINT64_MAX;
  for (const auto& member : members_) {
    slowest = std::min(slowest, member->worker->Totals().messages.value());
  }
  return slowest;
}

bool Demo::AllRead() const {
  return feed_ended_ && SlowestRead() >= topic_->sent();
}

Status Demo::WorkerFailure() const {
  for (const auto& member : members_) {
    if (member->done && !member->result.ok()) {
      return member->result.With("job " + member->job.name);
    }
  }
  return Status::Ok();
}

Status Demo::FeedUpTo(uint64_t target) {
  const uint64_t limit = std::min(target, SlowestRead() + kMaxAhead);
  while (!feed_ended_ && topic_->sent() < limit) {
    ASSIGN_OR_RETURN(const auto message, feed_->Next());
    if (!message.has_value()) {
      feed_ended_ = true;
      return topic_->Flush(Millis(10000));
    }
    RETURN_IF_ERROR(topic_->Send(message->key, message->value));
  }
  return Status::Ok();
}

// Feeds at the asked rate and shows what comes out, once a second.
Status Demo::Show() {
  const auto start = SteadyClock::now();
  const auto end = start + std::chrono::seconds(options_.duration_seconds);
  auto next_line = start + std::chrono::seconds(1);
  const double rate = Rate();
  while (!stop_ && SteadyClock::now() < end && !AllRead()) {
    const std::chrono::duration<double> elapsed = SteadyClock::now() - start;
    RETURN_IF_ERROR(FeedUpTo(static_cast<uint64_t>(elapsed.count() * rate)));
    RETURN_IF_ERROR(WorkerFailure());
    if (SteadyClock::now() >= next_line) {
      next_line += std::chrono::seconds(1);
      ShowRates(elapsed.count());
      ShowResults(10);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  RETURN_IF_ERROR(topic_->Flush(Millis(10000)));
  // What was sent is also read: the summary accounts for every message.
  const auto deadline = SteadyClock::now() + std::chrono::seconds(15);
  while (SlowestRead() < topic_->sent() && SteadyClock::now() < deadline) {
    RETURN_IF_ERROR(WorkerFailure());
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return Status::Ok();
}

void Demo::ShowRates(double seconds) {
  std::string line = fmt::format("[{:5.1f} s] sent {:>7}/s", seconds,
                                 topic_->sent() - shown_sent_);
  shown_sent_ = topic_->sent();
  for (const auto& member : members_) {
    const LaneMetrics totals = member->worker->Totals();
    const uint64_t messages = totals.messages.value();
    const std::optional<int64_t> lag = member->worker->Lag();
    uint64_t& before = shown_read_[member->job.name];
    line += fmt::format("  {}: {}/s lag {} out {}", member->job.group.id,
                        messages - before,
                        lag.has_value() ? std::to_string(*lag) : "unknown",
                        totals.outputs.value());
    before = messages;
  }
  Print(line);
}

void Demo::ShowResults(int timeout_ms) {
  std::map<std::string, std::deque<std::string>> newest;
  const size_t count = tail_->Poll(timeout_ms, [&](const TailMessage& m) {
    ++results_[m.topic];
    if (reject_topics_.contains(m.topic)) return;
    auto& lines = newest[m.topic];
    lines.push_back(fmt::format("  {:<15} {}", m.topic, Printable(m.value)));
    if (lines.size() > kShownResults) lines.pop_front();
  });
  if (count == 0) return;
  for (const auto& [topic, lines] : newest) {
    for (const std::string& line : lines) Print(line);
  }
}

Status Demo::StopWorkers() {
  Status first;
  for (const auto& member : members_) {
    if (member->worker != nullptr) member->worker->Stop();
  }
  for (const auto& member : members_) {
    if (member->thread.joinable()) member->thread.join();
    if (first.ok()) first = member->result;
  }
  return first;
}

void Demo::Summarise() const {
  Print(fmt::format("sent {} messages", topic_->sent()));
  for (const auto& member : members_) {
    const WorkerMetrics metrics = member->worker->Metrics();
    const LaneMetrics& lanes = metrics.lanes;
    const uint64_t accounted =
        lanes.records.value() + lanes.total_rejects() + lanes.skipped.value();
    std::string reasons;
    for (size_t i = 0; i < kRejectReasons; ++i) {
      const uint64_t count = lanes.rejects[i].value();
      if (count == 0) continue;
      reasons += fmt::format(
          " {}={}", RejectReasonName(static_cast<RejectReason>(i)), count);
    }
    const auto show = [&](const char* field) {
      return field + (" " + FieldOf(field, metrics).text);
    };
    const bool all =
        lanes.messages.value() == topic_->sent() && accounted == topic_->sent();
    Print(fmt::format(
        "job {}: {} = {} + {}{} + {}; {}, {}, {}; {}", member->job.name,
        show("messages"), show("records"), show("rejects"),
        reasons.empty() ? "" : " (" + reasons.substr(1) + ")", show("skipped"),
        show("late"), show("filtered"), show("outputs"),
        all ? "every message accounted for"
            : fmt::format("NOT ACCOUNTED FOR: {}",
                          static_cast<int64_t>(topic_->sent()) -
                              static_cast<int64_t>(accounted))));
  }
  for (const auto& [topic, count] : results_) {
    Print(fmt::format("topic {}: {} messages", topic, count));
  }
}

}  // namespace

Status RunDemo(const DemoConfig& options, const std::atomic<bool>& stop) {
  Demo demo(options, stop);
  return demo.Run();
}

}  // namespace tacho
