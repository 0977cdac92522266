#include "state/worker_directory.h"

#include <algorithm>
#include <charconv>
#include <random>
#include <string_view>
#include <system_error>
#include <tuple>
#include <utility>

#include "pipeline/base/log.h"

namespace tacho {
namespace {

constexpr size_t kMaxTopicBytes = 249;  // Kafka's own limit.

bool IsLegalName(std::string_view name) {
  constexpr std::string_view kLegal =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
  return !name.empty() && name.size() <= kMaxTopicBytes && name != "." &&
         name != ".." && name.find_first_not_of(kLegal) == name.npos;
}

Result<std::string> LaneName(const TopicPartition& lane) {
  if (!IsLegalName(lane.topic) || lane.partition < 0) {
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
  return {marker.reset_generation, marker.next_offset, marker.epoch};
}

// The marker of a directory, nothing if it has none that reads.
std::optional<Marker> UsableMarker(
    const std::string& dir, const WorkerDirectory::MarkerReader& reader) {
  if (!IsDirectory(dir)) return std::nullopt;
  const Result<std::optional<Marker>> marker = reader(dir);
  if (marker.ok()) return *marker;
  LOG(kWarn, "lane_directory_unreadable",
      {{"dir", dir}, {"error", marker.status().ToString()}});
  return std::nullopt;
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
  if (!IsLegalName(group)) {
    return InvalidArgument("'" + group + "' cannot name a state directory");
  }
  const std::string group_dir = state_dir + "/" + group;
  RETURN_IF_ERROR(MakeDirectories(group_dir));
  // Adopt holds the locks of dead workers for a moment; whoever claims a place
  // waits for it, and so gets the same K however the two meet.
  ASSIGN_OR_RETURN(const FileLock group_lock,
                   FileLock::Lock(group_dir + "/lock"));
  for (int number = 0; number < kMaxWorkers; ++number) {
    const std::string dir = group_dir + "/worker-" + std::to_string(number);
    RETURN_IF_ERROR(MakeDirectories(dir));
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
  RETURN_IF_ERROR(MakeDirectories(path_ + "/lanes"));
  // Left behind by a worker that died between moving aside and deleting.
  RETURN_IF_ERROR(RemoveAll(path_ + "/discarded"));
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

  RETURN_IF_ERROR(Discard(own));
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

// Out of the way at once, by a rename; the deletion may take long or be cut
// short by a crash, and is then finished by the next Claim.
Status WorkerDirectory::Discard(const std::string& dir) {
  if (!IsDirectory(dir)) return Status::Ok();
  const std::string discarded = path_ + "/discarded";
  RETURN_IF_ERROR(MakeDirectories(discarded));
  const std::string aside = discarded + "/" + NewUuid();
  RETURN_IF_ERROR(Rename(dir, aside));
  RETURN_IF_ERROR(SyncDirectory(path_ + "/lanes"));
  return RemoveAll(aside);
}

Status WorkerDirectory::RemoveLane(const TopicPartition& lane) {
  ASSIGN_OR_RETURN(const std::string dir, LaneDirectory(lane));
  return Discard(dir);
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

}  // namespace tacho
