#include "pipeline/job/job_checks.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "pipeline/job/scalars.h"

namespace tacho {
namespace {

// Names that a console tool, a tutorial or another team uses too: two jobs in
// one group take each other's partitions.
constexpr std::array<std::string_view, 16> kGenericGroups = {"test",
                                                             "group",
                                                             "group1",
                                                             "my-group",
                                                             "my_group",
                                                             "mygroup",
                                                             "consumer",
                                                             "consumer1",
                                                             "consumer-group",
                                                             "console-consumer",
                                                             "default",
                                                             "kafka",
                                                             "tacho",
                                                             "foo",
                                                             "app",
                                                             "test-group"};

class JobChecker {
 public:
  JobChecker(const OriginIndex& origins, Job& job, Complaints& complaints)
      : origins_(origins), job_(job), complaints_(complaints) {}

  void Check() {
    CheckGroup();
    CheckTimes();
    CheckSizes();
    CheckTopics();
  }

 private:
  void Error(const std::string& path, const std::string& message) {
    complaints_.Error(origins_.Find(path), path + ": " + message);
  }
  void Warning(const std::string& path, const std::string& message) {
    complaints_.Warning(origins_.Find(path), path + ": " + message);
  }

  // Says that `path` is wrong beside `other`, at whichever was written.
  void Conflict(const std::string& path, Millis value, const char* relation,
                const std::string& other, Millis limit) {
    const bool written = origins_.Has(path);
    complaints_.Error(origins_.Find(written ? path : other),
                      path + " (" + FormatDuration(value) + ") must be " +
                          relation + " " + other + " (" +
                          FormatDuration(limit) + ")");
  }

  void CheckGroup() {
    const GroupConfig& group = job_.group;
    if (std::find(kGenericGroups.begin(), kGenericGroups.end(), group.id) !=
            kGenericGroups.end() ||
        group.id.starts_with("console-consumer")) {
      Warning("group.id", "'" + group.id +
                              "' is a name that others use too; jobs that "
                              "share a group take each other's partitions");
    }
    if (group.heartbeat_interval >= group.session_timeout) {
      Conflict("group.heartbeat_interval", group.heartbeat_interval,
               "less than", "group.session_timeout", group.session_timeout);
    }
    if (group.session_timeout > group.max_poll_interval) {
      Conflict("group.session_timeout", group.session_timeout, "at most",
               "group.max_poll_interval", group.max_poll_interval);
    }
  }

  void CheckTimes() {
    const Millis max_poll = job_.group.max_poll_interval;
    if (!origins_.Has("revoke_timeout")) {
      job_.revoke_timeout = std::min(job_.revoke_timeout, max_poll / 4);
    } else if (job_.revoke_timeout >= max_poll) {
      Conflict("revoke_timeout", job_.revoke_timeout, "less than",
               "group.max_poll_interval", max_poll);
    }
    if (job_.time.vehicle_idle_timeout > job_.time.vehicle_forget) {
      Conflict("vehicle_idle_timeout", job_.time.vehicle_idle_timeout,
               "at most", "vehicle_forget", job_.time.vehicle_forget);
    }
    const EventTimeSource& event_time = job_.decode.event_time;
    if (event_time.min > event_time.max) {
      Error("input.event_time.max", "is before input.event_time.min");
    }
    if (job_.idle_advance != IdleAdvance::kOff) return;
    if (!event_time.clock_guard &&
        origins_.Has("input.event_time.max_future_skew")) {
      Warning("input.event_time.max_future_skew",
              "has no effect with clock_guard: off and idle_advance: off");
    }
    if (origins_.Has("idle_timeout")) {
      Warning("idle_timeout", "has no effect with idle_advance: off");
    }
  }

  void CheckSizes() {
    if (job_.commit.bytes >= job_.memory_limit) {
      const bool written = origins_.Has("commit.bytes");
      complaints_.Error(
          origins_.Find(written ? "commit.bytes" : "memory.limit"),
          "commit.bytes (" + FormatSize(job_.commit.bytes) +
              ") must be less than memory.limit (" +
              FormatSize(job_.memory_limit) + ")");
    }
  }

  void CheckTopics() {
    for (const StreamConfig& stream : job_.streams) {
      CheckWritten("streams." + stream.name + ".output.topic",
                   stream.output.topic);
    }
    CheckWritten("rejects.topic", job_.rejects.topic);
    CheckWritten("late.topic", job_.late.topic);
  }

  // A topic that is read and written feeds a job its own results; one that
  // holds results and rejects can't be read by either's readers.
  void CheckWritten(const std::string& path, const std::string& topic) {
    if (topic.empty()) return;
    if (std::find(job_.topics.begin(), job_.topics.end(), topic) !=
        job_.topics.end()) {
      Error(path, "'" + topic +
                      "' is an input; the job would read what it "
                      "writes");
    }
    if (!path.starts_with("streams.")) return;
    if (topic == job_.rejects.topic) {
      Error(path, "'" + topic + "' is the topic for rejects");
    }
    if (topic == job_.late.topic) {
      Error(path, "'" + topic + "' is the topic for late records");
    }
  }

  const OriginIndex& origins_;
  Job& job_;
  Complaints& complaints_;
};

}  // namespace

void CheckJob(const OriginIndex& origins, Job& job, Complaints& complaints) {
  JobChecker(origins, job, complaints).Check();
}

}  // namespace tacho
