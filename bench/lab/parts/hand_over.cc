#include "bench/lab/parts/hand_over.h"

#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <thread>

#include "bench/lab/parts/output_watch.h"
#include "bench/lab/parts/paced_feed.h"
#include "bench/lab/parts/probe_check.h"

namespace tacho::lab {
namespace {

constexpr int kPartitions = 2;
// Each vehicle has a window, a clock and an odometer: three keys.
constexpr int kVehicles = 66'668;  // 100,000 keys on each partition.
constexpr int kManyVehicles = 200'000;
constexpr double kFillRate = 150'000;
constexpr double kRate = 10'000;
constexpr std::chrono::seconds kSteady{5};
constexpr std::chrono::seconds kTakeOver{60};
const std::string kSession = "6s";
const std::string kHeartbeat = "2s";

// By name, in the order of their first value.
class Figures {
 public:
  explicit Figures(std::string title) : title_(std::move(title)) {}

  void Add(const std::string& name, double value) {
    if (!values_.contains(name)) names_.push_back(name);
    values_[name].push_back(value);
    std::printf("  %s: %.0f\n", name.c_str(), value);
    std::fflush(stdout);
  }
  void AddCheck(const ProbeCheck& check) {
    Add("probes without an output", static_cast<double>(check.missing));
    Add("outputs twice or of nothing", static_cast<double>(check.extra));
  }
  void Print() const {
    std::printf("\n| hand-over, %s | ms |\n| --- | --- |\n", title_.c_str());
    for (const std::string& name : names_) {
      std::printf("| %s | %s |\n", name.c_str(),
                  Spread(values_.at(name), 0).c_str());
    }
    std::fflush(stdout);
  }

 private:
  const std::string title_;
  std::vector<std::string> names_;
  std::map<std::string, std::vector<double>> values_;
};

// One group on a topic of its own, with its feed and its reader.
class Scene {
 public:
  Scene(Bed& bed, const std::string& name, int vehicles)
      : bed_(bed),
        vehicles_(vehicles),
        job_("lab-hand-over-" + name),
        outputs_(job_ + "-out") {
    Die(bed.broker.CreateTopic(job_, kPartitions));
    Die(bed.broker.CreateTopic(outputs_, kPartitions));
    bed.MakeChangelog(job_, job_);
    watch_ = std::make_unique<OutputWatch>(bed.broker.bootstrap(), outputs_,
                                           kPartitions);
  }

  std::unique_ptr<Child> Start(const std::string& member,
                               const std::string& interval = "200ms") {
    return bed_.StartTacho(bed_.options.probe_job, job_ + "-" + member,
                           {"--set", "job=" + job_, "--set", "group.id=" + job_,
                            "--set", "group.instance_id=" + member, "--set",
                            "group.session_timeout=" + kSession, "--set",
                            "group.heartbeat_interval=" + kHeartbeat, "--set",
                            "input.topics=[" + job_ + "]", "--set",
                            "streams.probe.output.topic=" + outputs_, "--set",
                            "commit.interval=" + interval, "--leave"});
  }
  // Every vehicle twice, then a steady stream.
  void Feed() {
    feed_ = std::make_unique<PacedFeed>(
        bed_.broker.bootstrap(),
        PacedFeedOptions{
            .topic = job_, .vehicles = kVehicles, .rate = kFillRate});
    feed_->AwaitSent(2 * static_cast<uint64_t>(vehicles_));
    feed_->SetRate(kRate);
    std::this_thread::sleep_for(kSteady);
  }
  OutputWatch& watch() { return *watch_; }

  // Waits until both partitions have outputs that were caused after `t`.
  // False: not in time.
  bool AwaitOutputsAfter(int64_t t) {
    const auto deadline = std::chrono::steady_clock::now() + kTakeOver;
    while (watch_->FirstSeen(0, t) < 0 || watch_->FirstSeen(1, t) < 0) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return true;
  }
  void Check(Figures& figures) {
    feed_->Stop();
    figures.AddCheck(CheckProbes(*feed_, *watch_));
  }

 private:
  Bed& bed_;
  const int vehicles_;
  const std::string job_;
  const std::string outputs_;
  std::unique_ptr<OutputWatch> watch_;
  std::unique_ptr<PacedFeed> feed_;
};

void Settle() { std::this_thread::sleep_for(kSteady); }

// The partition of the worker's lane that was ready last, and when.
std::pair<int32_t, int64_t> LastReady(const Child& worker) {
  const auto ready = worker.Events("lane_ready");
  if (ready.empty()) return {0, 0};
  return {ready.back().value("partition", 0), TimeOf(ready.back())};
}

int64_t LastTime(const Child& worker, const std::string& event) {
  const auto events = worker.Events(event);
  return events.empty() ? 0 : TimeOf(events.back());
}

double WorstGap(OutputWatch& watch, int64_t from, int64_t to) {
  return static_cast<double>(
      std::max(watch.Gap(0, from, to), watch.Gap(1, from, to)));
}

void Join(Scene& scene, const Child& a, const Child& b, int64_t started,
          Figures& figures) {
  const auto [moved, ready] = LastReady(b);
  const int64_t revoked = LastTime(a, "partitions_revoked");
  const int64_t assigned = LastTime(b, "partitions_assigned");
  figures.Add("join: last commit and the group's rebalance",
              static_cast<double>(assigned - revoked));
  figures.Add("join: take-over, assigned to ready, no state on the new host",
              static_cast<double>(ready - assigned));
  figures.Add("join: output gap, partition that moves",
              static_cast<double>(scene.watch().Gap(moved, started, ready)));
  figures.Add(
      "join: output gap, partition that stays",
      static_cast<double>(scene.watch().Gap(1 - moved, started, ready)));
}

// Clean: the other worker has not seen this partition for a while.
void Leave(Scene& scene, const Child& b, int32_t moved, int64_t stopped,
           Figures& figures) {
  int64_t ready = 0;
  for (const Child::Event& event : b.Events("lane_ready")) {
    if (event.value("partition", -1) == moved) ready = TimeOf(event);
  }
  const int64_t assigned = LastTime(b, "partitions_assigned");
  figures.Add("leave: stop signal to assigned",
              static_cast<double>(assigned - stopped));
  figures.Add("leave: take-over, assigned to ready",
              static_cast<double>(ready - assigned));
  figures.Add("leave: output gap, partition that moves",
              static_cast<double>(scene.watch().Gap(moved, stopped, ready)));
}

// `all`: also what is killed.
void Round(Bed& bed, const std::string& name, int vehicles, bool all,
           Figures& figures) {
  Scene scene(bed, name, vehicles);
  auto a = scene.Start("a");
  a->Await("lane_ready", kPartitions);
  scene.Feed();

  int64_t t = NowMs();
  auto b = scene.Start("b");
  b->Await("lane_ready", 1);
  a->Await("lane_ready", kPartitions + 1);
  if (!scene.AwaitOutputsAfter(NowMs())) return;
  Settle();
  const int32_t of_b = LastReady(*b).first;
  Join(scene, *a, *b, t, figures);

  t = NowMs();
  a->Signal(SIGTERM);
  a->Wait();
  b->Await("lane_ready", 3);
  if (!scene.AwaitOutputsAfter(NowMs())) return;
  Settle();
  Leave(scene, *b, 1 - of_b, t, figures);

  if (!all) {
    scene.Check(figures);
    b->Signal(SIGTERM);
    b->Wait();
    return;
  }
  t = NowMs();
  b->Signal(SIGKILL);
  b->Wait();
  b = scene.Start("b");  // Static: the group does not notice.
  if (!scene.AwaitOutputsAfter(t)) return;
  b->Await("lane_ready", kPartitions);
  figures.Add("kill -9, same static member: start to ready",
              static_cast<double>(LastReady(*b).second - t));
  figures.Add("kill -9, same static member: output gap",
              WorstGap(scene.watch(), t, LastReady(*b).second));
  Settle();

  for (const char* interval : {"200ms", "10ms"}) {
    const std::string what =
        std::string("kill -9, other worker, commits ") +
        (interval[0] == '2' ? "every 200 ms" : "without pause");
    a = scene.Start("a", interval);
    a->Await("lane_ready", 1, kTakeOver);
    if (!scene.AwaitOutputsAfter(NowMs())) return;
    Settle();
    const int32_t of_a = LastReady(*a).first;
    const size_t ready = b->Events("lane_ready").size();
    t = NowMs();
    a->Signal(SIGKILL);
    a->Wait();
    b->Await("lane_ready", ready + 2, kTakeOver);
    if (!scene.AwaitOutputsAfter(NowMs())) return;
    const int64_t assigned = LastTime(*b, "partitions_assigned");
    figures.Add(what + ": to assigned", static_cast<double>(assigned - t));
    figures.Add(what + ": assigned to ready",
                static_cast<double>(LastReady(*b).second - assigned));
    figures.Add(what + ": output gap", static_cast<double>(scene.watch().Gap(
                                           of_a, t, LastReady(*b).second)));
    Settle();
  }
  scene.Check(figures);
  b->Signal(SIGTERM);
  b->Wait();
}

}  // namespace

void MeasureHandOver(Bed& bed) {
  std::printf(
      "\nhand-over: %d partitions, %.0f messages/s, session.timeout %s, "
      "heartbeat %s\n",
      kPartitions, kRate, kSession.c_str(), kHeartbeat.c_str());
  Figures few("100,000 keys a partition");
  Figures many("300,000 keys a partition");
  for (int round = 0; round < bed.options.rounds; ++round) {
    std::printf("round %d\n", round + 1);
    const std::string name = std::to_string(round);
    Round(bed, name, kVehicles, /*all=*/true, few);
    Round(bed, name + "-many", kManyVehicles, /*all=*/false, many);
  }
  few.Print();
  many.Print();
}

}  // namespace tacho::lab
