#include "state/worker_directory.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <random>
#include <string_view>
#include <system_error>
#include <tuple>
#include <utility>

#include "pipeline/base/check.h"
#include "pipeline/base/iso8601.h"
#include "pipeline/base/log.h"
#include "pipeline/base/topic_name.h"
#include "state/names.h"

namespace tacho {
namespace {

Result<std::string> LaneName(const TopicPartition& lane) {
  if (!IsTopicName(lane.topic) || lane.partition < 0) {
    return InvalidArgument("'" + lane.ToString() + "' is not a legal " +
                           "topic-partition");
  }
  return lane.topic + "-" + std::to_string(lane.partition);
}

// Undoes LaneName; the partition follows the last '-'.
std::optional<TopicPartition> ParseLaneName(const std::string& name) {
  const size_t dash = name.rfind('-');
  if (dash == name.npos) return std::nullopt;
  TopicPartition lane{name.substr(0, dash), 0};
  const char* const end = name.data() + name.size();
  const auto [stop, error] =
      std::from_chars(name.data() + dash + 1, end, lane.partition);
  if (error != std::errc() || stop != end) return std::nullopt;
  const Result<std::string> again = LaneName(lane);
  if (!again.ok() || *again != name) return std::nullopt;
  return lane;
}

// Version 4.
std::string NewUuid() {
  std::random_device device;
  std::string uuid = "xxxxxxxx-xxxx-4xxx-vxxx-xxxxxxxxxxxx";
  constexpr char kHex[] = "0123456789abcdef";
  for (char& c : uuid) {
    if (c == 'x') c = kHex[device() % 16];
    if (c == 'v') c = kHex[8 + device() % 4];
  }
  return uuid;
}

bool IsUuid(std::string_view text) {
  constexpr std::string_view kShape = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
  return text.size() == kShape.size() &&
         std::equal(text.begin(), text.end(), kShape.begin(),
                    [](char c, char shape) {
                      const bool hex =
                          (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
                      return shape == '-' ? c == '-' : hex;
                    });
}

Result<std::string> WorkerId(const std::string& dir) {
  const std::string path = dir + "/worker-id";
  ASSIGN_OR_RETURN(std::optional<std::string> stored, ReadSmallFile(path));
  if (!stored) {
    const std::string uuid = NewUuid();
    RETURN_IF_ERROR(WriteFileDurably(dir, "worker-id", uuid + "\n"));
    return uuid;
  }
  if (stored->ends_with('\n')) stored->pop_back();
  if (IsUuid(*stored)) return *stored;
  return Corruption(path + " does not hold a UUID; delete it to get a new one");
}

// What makes one copy of a lane's state newer than another.
std::tuple<int64_t, Offset, int64_t> Age(const Marker& marker) {
  return {marker.lane.reset_generation, marker.next_offset, marker.epoch};
}

// The marker of a directory, nothing if it has none that reads.
std::optional<Marker> UsableMarker(
    const std::string& dir, const WorkerDirectory::MarkerReader& reader) {
  if (!IsDirectory(dir)) return std::nullopt;
  const Result<std::optional<Marker>> marker = reader(dir);
  if (marker.ok() && marker->has_value() && (*marker)->lane.of_01) {
    return std::nullopt;
  }
  if (marker.ok()) return *marker;
  LOG(kWarn, "lane_directory_unreadable",
      {{"dir", dir}, {"error", marker.status().ToString()}});
  return std::nullopt;
}

// "20261128T184417.123Z-corrupt-telemetry-3": when and why a lane's copy was
// moved aside. Never the same twice, and in the order of time.
std::string CopyName(const std::string& lane_name, const std::string& why) {
  std::string time = FormatIso8601(SystemClock().Now());
  std::erase_if(time, [](char c) { return c == '-' || c == ':'; });
  return time + "-" + why + "-" + lane_name;
}

// The lane's name, behind time and reason, which have no '-'.
std::string_view LaneOfCopy(std::string_view name) {
  for (int i = 0; i < 2; ++i) name.remove_prefix(name.find('-') + 1);
  return name;
}

}  // namespace

struct WorkerDirectory::Candidate {
  FileLock lock;
  std::string lanes_dir;
  Marker marker;
};

WorkerDirectory::WorkerDirectory(std::string group_dir, int number,
                                 FileLock lock)
    : group_dir_(std::move(group_dir)),
      number_(number),
      path_(group_dir_ + "/worker-" + std::to_string(number)),
      lock_(std::move(lock)) {}

Result<std::unique_ptr<WorkerDirectory>> WorkerDirectory::Claim(
    const std::string& state_dir, const std::string& group) {
  CHECK(!group.empty());
  const std::string group_dir = state_dir + "/" + FileNameOf(group);
  RETURN_IF_ERROR(MakeStateDirectory(state_dir));
  RETURN_IF_ERROR(MakeOwnDirectory(group_dir));
  // Adopt holds the locks of dead workers for a moment; whoever claims a place
  // waits for it, and so gets the same K however the two meet.
  ASSIGN_OR_RETURN(const FileLock group_lock,
                   FileLock::Lock(group_dir + "/lock"));
  for (int number = 0; number < kMaxWorkers; ++number) {
    const std::string dir = group_dir + "/worker-" + std::to_string(number);
    RETURN_IF_ERROR(MakeOwnDirectory(dir));
    ASSIGN_OR_RETURN(std::optional<FileLock> lock,
                     FileLock::TryLock(dir + "/lock"));
    if (!lock) continue;
    std::unique_ptr<WorkerDirectory> worker(
        new WorkerDirectory(group_dir, number, *std::move(lock)));
    RETURN_IF_ERROR(worker->Prepare());
    return worker;
  }
  return Status(
      StatusCode::kUnavailable,
      group_dir + ": all " + std::to_string(kMaxWorkers) + " places are taken");
}

Status WorkerDirectory::Prepare() {
  RETURN_IF_ERROR(MakeOwnDirectory(path_ + "/lanes"));
  RETURN_IF_ERROR(MakeOwnDirectory(path_ + "/quarantine"));
  // Left behind by a worker that died while it deleted.
  RETURN_IF_ERROR(RemoveAll(path_ + "/deleted"));
  ASSIGN_OR_RETURN(worker_id_, WorkerId(path_));
  RETURN_IF_ERROR(SyncDirectory(path_));
  return SyncDirectory(group_dir_);
}

Result<std::string> WorkerDirectory::LaneDirectory(
    const TopicPartition& lane) const {
  ASSIGN_OR_RETURN(const std::string name, LaneName(lane));
  return path_ + "/lanes/" + name;
}

Result<bool> WorkerDirectory::Adopt(const TopicPartition& lane,
                                    const MarkerReader& reader) {
  ASSIGN_OR_RETURN(const std::string name, LaneName(lane));
  const std::string own = path_ + "/lanes/" + name;
  ASSIGN_OR_RETURN(const FileLock group_lock,
                   FileLock::Lock(group_dir_ + "/lock"));
  ASSIGN_OR_RETURN(std::optional<Candidate> best, BestSibling(name, reader));
  if (!best) return false;
  const std::optional<Marker> mine = UsableMarker(own, reader);
  if (mine && Age(*mine) >= Age(best->marker)) return false;

  RETURN_IF_ERROR(MoveAside(name, "superseded"));
  RETURN_IF_ERROR(Rename(best->lanes_dir + "/" + name, own));
  RETURN_IF_ERROR(SyncDirectory(path_ + "/lanes"));
  RETURN_IF_ERROR(SyncDirectory(best->lanes_dir));
  return true;
}

// The newest copy of the lane that a dead worker has, with that worker's lock,
// so that it cannot come back to life meanwhile.
Result<std::optional<WorkerDirectory::Candidate>> WorkerDirectory::BestSibling(
    const std::string& lane_name, const MarkerReader& reader) {
  std::optional<Candidate> best;
  for (int number = 0; number < kMaxWorkers; ++number) {
    if (number == number_) continue;
    const std::string dir = group_dir_ + "/worker-" + std::to_string(number);
    if (!IsDirectory(dir + "/lanes/" + lane_name)) continue;
    ASSIGN_OR_RETURN(std::optional<FileLock> lock,
                     FileLock::TryLock(dir + "/lock"));
    if (!lock) continue;
    std::optional<Marker> marker =
        UsableMarker(dir + "/lanes/" + lane_name, reader);
    if (!marker || (best && Age(*marker) <= Age(best->marker))) continue;
    best.reset();
    best.emplace(
        Candidate{*std::move(lock), dir + "/lanes", *std::move(marker)});
  }
  return best;
}

Status WorkerDirectory::Quarantine(const TopicPartition& lane,
                                   const std::string& why) {
  ASSIGN_OR_RETURN(const std::string name, LaneName(lane));
  return MoveAside(name, why);
}

// By a rename: at once, and whatever the disk has room for.
Status WorkerDirectory::MoveAside(const std::string& lane_name,
                                  const std::string& why) {
  const std::string dir = path_ + "/lanes/" + lane_name;
  if (!IsDirectory(dir)) return Status::Ok();
  std::string aside = path_ + "/quarantine/" + CopyName(lane_name, why);
  while (IsDirectory(aside)) {
    aside = path_ + "/quarantine/" + CopyName(lane_name, why);
  }
  RETURN_IF_ERROR(Rename(dir, aside));
  RETURN_IF_ERROR(SyncDirectory(path_ + "/lanes"));
  LOG(kWarn, "state_quarantined", {{"why", why}, {"path", aside}});
  return TrimQuarantine();
}

// The oldest go, and of those that came last, one stays.
Status WorkerDirectory::TrimQuarantine() {
  ASSIGN_OR_RETURN(std::vector<std::string> names,
                   ListDirectory(path_ + "/quarantine"));
  // The newest first: names begin with the time.
  std::sort(names.rbegin(), names.rend());
  std::map<std::string_view, size_t> copies;
  uint64_t bytes = 0;
  for (const std::string& name : names) {
    bytes += BytesIn(path_ + "/quarantine/" + name);
    const size_t copy = ++copies[LaneOfCopy(name)];
    if (&name == &names.front()) continue;
    if (copy > quarantine_limits_.copies_per_lane) {
      RETURN_IF_ERROR(
          Delete(name, "more than " +
                           std::to_string(quarantine_limits_.copies_per_lane) +
                           " copies of the lane are in quarantine"));
    } else if (bytes > quarantine_limits_.bytes) {
      RETURN_IF_ERROR(
          Delete(name, "more than " + std::to_string(quarantine_limits_.bytes) +
                           " bytes are in quarantine"));
    }
  }
  return Status::Ok();
}

// In two steps: the deletion may take long or be cut short by a crash, and is
// then finished by the next Claim.
Status WorkerDirectory::Delete(const std::string& name,
                               const std::string& why) {
  LOG(kWarn, "quarantine_deleted",
      {{"path", path_ + "/quarantine/" + name}, {"why", why}});
  RETURN_IF_ERROR(MakeOwnDirectory(path_ + "/deleted"));
  RETURN_IF_ERROR(
      Rename(path_ + "/quarantine/" + name, path_ + "/deleted/" + name));
  return RemoveAll(path_ + "/deleted/" + name);
}

Result<std::vector<TopicPartition>> WorkerDirectory::Lanes() const {
  ASSIGN_OR_RETURN(const std::vector<std::string> names,
                   ListDirectory(path_ + "/lanes"));
  std::vector<TopicPartition> lanes;
  for (const std::string& name : names) {
    if (auto lane = ParseLaneName(name)) lanes.push_back(*std::move(lane));
  }
  std::sort(lanes.begin(), lanes.end());
  return lanes;
}

Result<HostCopies> HostCopies::Hold(const std::string& state_dir,
                                    const std::string& group) {
  HostCopies copies;
  const std::string group_dir = state_dir + "/" + FileNameOf(group);
  if (!IsDirectory(group_dir)) return copies;
  RETURN_IF_ERROR(MakeStateDirectory(state_dir));
  RETURN_IF_ERROR(MakeOwnDirectory(group_dir));
  ASSIGN_OR_RETURN(const FileLock group_lock,
                   FileLock::Lock(group_dir + "/lock"));
  for (int number = 0; number < WorkerDirectory::kMaxWorkers; ++number) {
    const std::string dir = group_dir + "/worker-" + std::to_string(number);
    if (!IsDirectory(dir)) continue;
    RETURN_IF_ERROR(MakeOwnDirectory(dir));
    ASSIGN_OR_RETURN(std::optional<FileLock> lock,
                     FileLock::TryLock(dir + "/lock"));
    if (!lock) {
      return Status(StatusCode::kUnavailable, "a worker of group " + group +
                                                  " runs on this host (" + dir +
                                                  " is in use); stop it");
    }
    copies.locks_.push_back(*std::move(lock));
    copies.workers_.push_back(dir);
  }
  return copies;
}

std::vector<std::string> HostCopies::Of(const TopicPartition& lane) const {
  std::vector<std::string> dirs;
  const Result<std::string> name = LaneName(lane);
  if (!name.ok()) return dirs;
  for (const std::string& worker : workers_) {
    const std::string dir = worker + "/lanes/" + *name;
    if (IsDirectory(dir)) dirs.push_back(dir);
  }
  for (const std::string& worker : workers_) {
    auto names = ListDirectory(worker + "/quarantine");
    if (!names.ok()) continue;
    std::sort(names->rbegin(), names->rend());
    for (const std::string& copy : *names) {
      if (LaneOfCopy(copy) == *name) {
        dirs.push_back(worker + "/quarantine/" + copy);
      }
    }
  }
  return dirs;
}

}  // namespace tacho
