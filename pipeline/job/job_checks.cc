#include "pipeline/job/job_checks.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/base/duration.h"
#include "pipeline/base/json_pointer.h"
#include "pipeline/decode/json_paths.h"
#include "pipeline/decode/vehicle_key.h"
#include "pipeline/job/output_limits.h"
#include "pipeline/job/result_schema.h"
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
  JobChecker(const OriginIndex& origins, Job& job, Diagnostics& diagnostics)
      : origins_(origins), job_(job), diagnostics_(diagnostics) {}

  void Check() {
    CheckGroup();
    CheckTimes();
    CheckSizes();
    CheckPaths();
    CheckTopics();
    CheckShape();
    for (const StreamConfig& stream : job_.streams) CheckUnits(stream);
  }

 private:
  void Error(const std::string& path, const std::string& message) {
    diagnostics_.Error(origins_.Find(path), path + ": " + message);
  }
  void Warning(const std::string& path, const std::string& message) {
    diagnostics_.Warning(origins_.Find(path), path + ": " + message);
  }

  // Says that `path` is wrong beside `other`, at whichever was written.
  void Conflict(const std::string& path, Millis value, const char* relation,
                const std::string& other, Millis limit) {
    const bool written = origins_.Has(path);
    diagnostics_.Error(origins_.Find(written ? path : other),
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
    if (!job_.decode.key_path.empty() &&
        job_.decode.key_format != KeyFormat::kJson) {
      Error("input.vehicle.key.path", "only a key read as json has paths");
    }
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
    CheckEpochSize();
    CheckHeaderSizes();
    for (const StreamConfig& stream : job_.streams) CheckResultSize(stream);
  }

  void CheckEpochSize() {
    // What is not written is made to fit.
    if (!origins_.Has("commit.bytes") || !origins_.Has("memory.limit")) return;
    if (job_.commit.bytes < job_.memory_limit) return;
    diagnostics_.Error(origins_.Find("commit.bytes"),
                       "commit.bytes (" + FormatSize(job_.commit.bytes) +
                           ") must be less than memory.limit (" +
                           FormatSize(job_.memory_limit) + ")");
  }

  // A reject keeps its headers, its own and tacho's, and then what fits. A
  // header of its own that is named like tacho's is renamed, which makes it
  // longer than limits.header_bytes counted.
  void CheckHeaderSizes() {
    const uint64_t added =
        kOwnHeaderBytes + kRenamedHeaderBytes * job_.headers.count;
    if (added + job_.headers.bytes <= job_.reject_bytes) return;
    const bool written = origins_.Has("limits.header_bytes");
    const char* const path =
        written ? "limits.header_bytes" : "limits.reject_bytes";
    diagnostics_.Error(origins_.Find(path),
                       "limits.header_bytes (" +
                           FormatSize(job_.headers.bytes) + ") must leave " +
                           FormatSize(added) + " of limits.reject_bytes (" +
                           FormatSize(job_.reject_bytes) + "): 8KiB, and " +
                           std::to_string(kRenamedHeaderBytes) +
                           " bytes for each of limits.headers");
  }

  // What no topic takes is said before any topic is asked.
  void CheckResultSize(const StreamConfig& stream) {
    constexpr size_t kMostBytes = 95000000;  // message.max.bytes is 100 MB.
    if (stream.operators.empty() || MaxResultBytes(job_, stream) <= kMostBytes)
      return;
    Error("limits.string_bytes",
          "a result of stream '" + stream.name + "' could have " +
              std::to_string(MaxResultBytes(job_, stream)) +
              " bytes; no more than 95 MB can be written");
  }

  // A unit that no result is in, or that one cannot be in, is a mistake.
  void CheckUnits(const StreamConfig& stream) {
    const RowSchema fields = ResultSchema(job_, stream);
    if (fields.empty()) return;
    const std::string path = "streams." + stream.name + ".output.units";
    for (const Unit* const unit : stream.output.units) {
      bool found = false;
      for (const OutputField& field : fields) {
        if (field.dimension != unit->dimension) continue;
        found = true;
        if (!field.relative || unit->zero == 0) continue;
        Error(path, "'" + field.name +
                        "' is a sum or comes of arithmetic, and " +
                        std::string(unit->name) +
                        " has a zero of its own: it "
                        "cannot be written in that unit");
      }
      if (found) continue;
      Error(path, "no result of stream '" + stream.name + "' is a " +
                      std::string(DimensionName(unit->dimension)) + " (" +
                      std::string(unit->name) + ")");
    }
  }

  void CheckPaths() {
    const DecoderConfig& decode = job_.decode;
    std::vector<std::string> paths;
    const auto check = [&](const std::string& key, const std::string& path) {
      CheckDepth(key, path, decode.limits.depth, "limits.depth");
      paths.push_back(path);
    };
    const auto check_message = [&](const std::string& key,
                                   const std::string& path) {
      check(key, path);
      CheckOutsideList(key, path);
    };
    check_message("input.event_time.path", decode.event_time.path);
    check_message("input.vehicle", decode.vehicle_path);
    check_message("input.accept.path", decode.accept.path);
    // What is in a datum lies below its place in the list.
    const std::string& list = decode.datums.list_path;
    const std::string datum = list.empty() ? "" : list + "/-";
    for (const SignalSource& source : decode.signals) {
      check("input.signals." + source.signal.name + ".path",
            datum + source.path);
    }
    check("input.data", list);
    check("input.name", datum + decode.datums.name_path);
    check("input.value", datum + decode.datums.value_path);
    check("input.time", datum + decode.datums.time_path);
    check("input.invalid", datum + decode.datums.invalid_path);
    CheckDepth("input.vehicle.key.path", decode.key_path,
               VehicleKeyReader::kMaxKeyDepth, "the greatest depth of a key");
    const size_t nodes = CountPathNodes(paths);
    if (nodes <= kMaxPathNodes) return;
    Error("input.signals",
          "the paths have " + std::to_string(nodes) +
              " parts, where equal beginnings count once; " +
              std::to_string(kMaxPathNodes) +
              " can be looked for: read fewer signals, or shorter paths");
  }

  // A message that has something there is too deep to be read.
  void CheckDepth(const std::string& key, const std::string& path, size_t limit,
                  const std::string& limit_name) {
    const auto tokens = ParseJsonPointer(path);
    if (!tokens.has_value() || tokens->size() <= limit) return;
    Error(key, "the path leads " + std::to_string(tokens->size()) +
                   " levels down, and no message has a value there: " +
                   limit_name + " is " + std::to_string(limit));
  }

  void CheckShape() {
    if (origins_.Has("input.shape") && origins_.Has("input.decoder")) {
      Error("input.decoder", "is another word for input.shape; write one");
    }
    if (origins_.Has("input.accept") &&
        origins_.Has("input.accept.in") ==
            origins_.Has("input.accept.not_in")) {
      Error("input.accept", "write one of `in` and `not_in`");
    }
  }

  // Elements that are read one by one cannot be looked for by their number.
  void CheckOutsideList(const std::string& key, const std::string& path) {
    const std::string& list = job_.decode.datums.list_path;
    if (list.empty() || !path.starts_with(list + "/")) return;
    Error(key, "leads into the list of data, " + list +
                   "; only data are read from there");
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
  Diagnostics& diagnostics_;
};

}  // namespace

void CheckJob(const OriginIndex& origins, Job& job, Diagnostics& diagnostics) {
  JobChecker(origins, job, diagnostics).Check();
}

}  // namespace tacho
