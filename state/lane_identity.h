#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/base/ids.h"
#include "pipeline/base/status.h"

namespace tacho {

enum class Guarantee : uint8_t { kAtLeastOnceLocal = 1, kExactlyOnce = 2 };

const char* GuaranteeName(Guarantee guarantee);  // "at_least_once_local", ...

inline constexpr int32_t kNoPartition = -1;

// Whose state a lane's is: all that must be the same for one to go on from what
// another has left. It is put together once, when a partition is assigned; the
// lane writes it into its markers and meta records, and whatever is found on
// disk or in a changelog is compared with it before it is believed.
struct LaneIdentity {
  std::string group;
  // The input's. No format says the partition, the place where it lies does:
  // what was read has kNoPartition.
  TopicPartition tp{"", kNoPartition};
  std::string cluster_id;        // Empty: the brokers do not say.
  int64_t reset_generation = 0;  // Counts the group's resets.
  std::string job;
  Guarantee guarantee = Guarantee::kAtLeastOnceLocal;
  int32_t input_partitions = 0;  // Partition count of the input topic.
  // (table name, fingerprint) of every table, sorted by name.
  std::vector<std::pair<std::string, uint64_t>> tables;
  // Tacho 0.1 has written it: nothing else is set, and nothing of it is used.
  bool of_01 = false;

  bool operator==(const LaneIdentity&) const = default;
};

// What two can differ in, in the order in which they are compared: of what is
// not the same place's, nothing else means anything.
enum class LaneField : uint8_t {
  kVersion,  // Tacho 0.1's.
  kGroup,
  kTopic,
  kPartition,  // Where both know it.
  kCluster,
  kGeneration,
  kJob,
  kGuarantee,
  kPartitionCount,
  kTables
};

struct LaneDifference {
  LaneField field;
  Status status;  // What differs, whose it is, and what to do.
};

// Where state was found: the remedies differ.
enum class FoundIn : uint8_t { kDirectory, kChangelog };

// All that `found` differs in from what is expected, in the order of LaneField;
// what a caller lets pass, it says itself. kInvalidArgument, but kCorruption
// for the generation, which is part of a changelog's name.
std::vector<LaneDifference> CompareLanes(const LaneIdentity& ours,
                                         const LaneIdentity& found,
                                         FoundIn where);

// Why a job may not go on from what is there, and what to do.
struct Refusal {
  std::string what;
  std::string fix;

  Status ToStatus() const { return InvalidArgument(what + ": " + fix); }
};

// Of what tacho 0.1 has written; `unread`: what of it is of no use.
Refusal RefusalOf01(const std::string& what, const char* unread = "it");
// Of a job that finds its group, or its state, in another's hands.
Refusal RefusalOfJob(const std::string& what, const std::string& theirs,
                     const std::string& ours);

}  // namespace tacho
