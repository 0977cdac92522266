#include "pipeline/worker/memory_plan.h"

#include <algorithm>

#include "pipeline/base/log.h"
#include "pipeline/job/scalars.h"

namespace tacho {
namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;
constexpr uint64_t kLeastLimit = 64 * kMiB;  // As `memory.limit` has it.
// Beside the limit: the program, its libraries, and their threads.
constexpr uint64_t kOutside = 150000000;
constexpr uint64_t kCgroupPercent = 75;
constexpr uint64_t kMachinePercent = 25;

// The parts of the limit, in percent; together all of it.
constexpr uint64_t kFetch = 40;
constexpr uint64_t kState = 25;
constexpr uint64_t kEpochs = 15;
constexpr uint64_t kRocksDb = 10;
constexpr uint64_t kBatches = 5;
constexpr uint64_t kProducer = 5;
constexpr uint64_t kRestore = 10;  // Of the others, while lanes come in.

// A vector that grows has, for a moment, half as much again: of an epoch's
// part a third is counted out to each of its two halves.
constexpr uint64_t kEpochParts = 3;
constexpr uint64_t kLeastEpoch = 256 << 10;

// What librdkafka keeps of a message beside the value, which stays in the
// epoch: its own record, the key and some headers.
constexpr uint64_t kPerProduced = 768;

// What a lane takes at least: a database that is open, its memtables and
// caches, queues and buffers.
constexpr uint64_t kLeastPerLane = 384 << 10;

// Beside lanes: libraries, logs, sockets of four handles to some brokers.
constexpr uint64_t kOtherFiles = 200;
// Of a store: what is neither a table nor in its table cache.
constexpr uint64_t kFilesBesideTables = 8;
// RocksDB takes no fewer.
constexpr uint64_t kLeastTableFiles = 20;
constexpr uint64_t kMostTableFiles = 256;

uint64_t Percent(uint64_t whole, uint64_t percent) {
  return whole * percent / 100;
}

uint64_t RoundUp(uint64_t bytes) { return (bytes + kMiB - 1) / kMiB * kMiB; }

std::string Megabytes(uint64_t bytes) {
  return FormatSize(bytes / kMiB * kMiB);
}

// The cgroup's limit or the machine's memory, whichever is less.
uint64_t Memory(const MachineLimits& machine) {
  return std::min(machine.cgroup_bytes, machine.physical_bytes);
}

std::string MemoryName(const MachineLimits& machine) {
  return machine.cgroup_bytes <= machine.physical_bytes
             ? "the memory limit of the cgroup (" + machine.cgroup_file + ")"
             : "the memory of the machine";
}

uint64_t DefaultLimit(const MachineLimits& machine) {
  const uint64_t fits = GreatestLimit(machine);
  uint64_t limit = fits;
  if (machine.cgroup_bytes != MachineLimits::kNone) {
    limit = std::min(limit, Percent(machine.cgroup_bytes, kCgroupPercent));
  }
  if (machine.physical_bytes < machine.cgroup_bytes) {
    limit = std::min(limit, Percent(machine.physical_bytes, kMachinePercent));
    limit = std::max(limit, std::min(fits, kLeastLimit));
  }
  // Nothing says how much there is.
  if (limit == MachineLimits::kNone) return 768 * kMiB;
  return limit / kMiB * kMiB;
}

Status CheckLimit(const MemoryPlan& plan, const MachineLimits& machine) {
  const uint64_t memory = Memory(machine);
  const uint64_t fits = GreatestLimit(machine) / kMiB * kMiB;
  const uint64_t least = RoundUp(MostResident(kLeastLimit));
  if (fits < kLeastLimit) {
    return InvalidArgument(MemoryName(machine) + " is " + Megabytes(memory) +
                           "; a worker needs at least " + FormatSize(least));
  }
  if (plan.limit <= fits) return Status::Ok();
  return InvalidArgument(
      "memory.limit: " + FormatSize(plan.limit) + " may take up to " +
      FormatSize(RoundUp(MostResident(plan.limit))) + " of memory, but " +
      MemoryName(machine) + " is " + Megabytes(memory) +
      "; set memory.limit to " + FormatSize(fits) +
      " or less (or leave it out), or give the process " +
      FormatSize(RoundUp(MostResident(plan.limit))));
}

// What one batch of a partition may unpack to. Less than librdkafka's default
// where memory is short, but never less than what the topic may hold.
size_t UnpackedBatchBytes(const Job& job, const MemoryPlan& plan,
                          size_t input_message_bytes) {
  constexpr size_t kDefault = 100000000;
  constexpr size_t kLeast = size_t{16} << 20;
  // A topic whose settings we may not read may hold anything.
  if (input_message_bytes == 0) return kDefault;
  size_t bytes = std::max<size_t>(plan.fetch_bytes / 2, kLeast);
  bytes = std::max<size_t>(bytes, 4 * input_message_bytes);
  bytes = std::max<size_t>(bytes, 2 * job.decode.limits.message_bytes);
  return std::min(bytes, std::max(kDefault, 2 * input_message_bytes));
}

}  // namespace

uint64_t MostResident(uint64_t limit) { return limit + limit / 4 + kOutside; }

uint64_t GreatestLimit(const MachineLimits& machine) {
  const uint64_t memory = Memory(machine);
  if (memory == MachineLimits::kNone) return memory;
  // Kernels cut a cgroup's limit to whole pages: what was asked for by our own
  // figure is to fit.
  constexpr uint64_t kPage = 4096;
  const uint64_t whole = memory + kPage;
  return whole < kOutside ? 0 : (whole - kOutside) / 5 * 4;
}

size_t MemoryPlan::StateBytesPerLane(size_t lanes) const {
  const size_t shared_by =
      std::max({lanes, static_cast<size_t>(least_partitions), size_t{1}});
  return std::max<size_t>(state_bytes / shared_by, 1);
}

uint64_t MemoryPlan::LimitForState(uint64_t bytes) const {
  return RoundUp(bytes / kState * 100);
}

size_t MemoryPlan::MostLanes() const {
  uint64_t most = limit / kLeastPerLane;
  if (open_files != MachineLimits::kNone) {
    const uint64_t left =
        open_files < kOtherFiles ? 0 : open_files - kOtherFiles;
    most = std::min(most, left / (kFilesBesideTables + kLeastTableFiles));
  }
  return most;
}

Status MemoryPlan::CheckLanes(size_t lanes) const {
  const std::string owns =
      "this worker is given " + std::to_string(lanes) + " partitions, ";
  if (lanes * kLeastPerLane > limit) {
    return InvalidArgument(owns + "which need a memory.limit of at least " +
                           FormatSize(RoundUp(lanes * kLeastPerLane)) +
                           "; it is " + FormatSize(limit) + " (" + limit_from +
                           "). Raise it, or start more workers");
  }
  const uint64_t files =
      kOtherFiles + lanes * (kFilesBesideTables + kLeastTableFiles);
  if (open_files != MachineLimits::kNone && files > open_files) {
    return InvalidArgument(
        owns + "which need " + std::to_string(files) +
        " open files; the process may have " + std::to_string(open_files) +
        ". Raise the hard limit (ulimit -Hn, LimitNOFILE=, --ulimit nofile=) "
        "to " +
        std::to_string(files) + ", or start more workers");
  }
  return Status::Ok();
}

Result<MemoryPlan> PlanMemory(const Job& job, const MachineLimits& machine,
                              const MemoryPlan::Load& load) {
  MemoryPlan plan;
  plan.limit = job.memory_limit;
  plan.limit_from = "memory.limit";
  if (plan.limit == 0) {
    plan.limit = DefaultLimit(machine);
    const bool cgroup = machine.cgroup_bytes <= machine.physical_bytes;
    plan.limit_from = cgroup ? "cgroup" : "machine";
  }
  RETURN_IF_ERROR(CheckLimit(plan, machine));

  plan.fetch_bytes = Percent(plan.limit, kFetch);
  plan.state_bytes = Percent(plan.limit, kState);
  plan.epoch_bytes = Percent(plan.limit, kEpochs);
  plan.rocksdb_bytes = Percent(plan.limit, kRocksDb);
  plan.batch_bytes = Percent(plan.limit, kBatches);
  plan.restore_bytes = Percent(plan.limit, kRestore);
  plan.producer_bytes = Percent(plan.limit, kProducer);

  plan.least_partitions = job.partitions_per_worker;
  plan.partitions = std::max(1, load.partitions);
  if (job.partitions_per_worker > 0) {
    plan.partitions = std::min(plan.partitions, job.partitions_per_worker);
  }
  plan.fetch = FetchLimitsFor(plan.fetch_bytes, plan.partitions);
  plan.fetch.batch_bytes =
      UnpackedBatchBytes(job, plan, load.input_message_bytes);
  plan.commit_bytes = std::min(
      job.commit.bytes, std::max(kLeastEpoch, plan.epoch_bytes / kEpochParts));
  const auto threads = static_cast<uint64_t>(std::max(1, load.threads));
  // An arena and the columns of a batch take about twice its bytes.
  plan.drain_bytes =
      std::clamp<uint64_t>(plan.batch_bytes / threads / 2, 64 << 10, 1 << 20);
  plan.producer_messages =
      std::clamp<uint64_t>(plan.producer_bytes / kPerProduced, 1000, 1000000);

  plan.open_files = machine.open_files;
  uint64_t tables = kMostTableFiles;
  if (plan.open_files != MachineLimits::kNone) {
    const uint64_t left =
        plan.open_files < kOtherFiles ? 0 : plan.open_files - kOtherFiles;
    const uint64_t each =
        left / static_cast<uint64_t>(std::max(1, load.partitions));
    tables = each < kFilesBesideTables ? 0 : each - kFilesBesideTables;
  }
  plan.files_per_lane =
      static_cast<int>(std::clamp(tables, kLeastTableFiles, kMostTableFiles));
  return plan;
}

void LogMemoryPlan(const MemoryPlan& plan) {
  LOG(kInfo, "memory",
      {{"limit", Megabytes(plan.limit)},
       {"from", plan.limit_from},
       {"most_resident", Megabytes(RoundUp(MostResident(plan.limit)))},
       {"fetch", Megabytes(plan.fetch_bytes)},
       {"fetch_partitions", plan.partitions},
       {"unpacked_batch", Megabytes(plan.fetch.batch_bytes)},
       {"batches", Megabytes(plan.batch_bytes)},
       {"state", Megabytes(plan.state_bytes)},
       {"rocksdb", Megabytes(plan.rocksdb_bytes)},
       {"epochs", Megabytes(plan.epoch_bytes)},
       {"producer", Megabytes(plan.producer_bytes)},
       {"most_lanes", plan.MostLanes()}});
}

}  // namespace tacho
