#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pipeline/base/ids.h"
#include "pipeline/base/status.h"
#include "pipeline/base/time.h"
#include "pipeline/kafka/transaction_hold.h"
#include "state/changelog_name.h"

namespace tacho {

// What a changelog topic is created with; replication and all else are the
// cluster's own.
std::map<std::string, std::string> ChangelogTopicConfig();
// A log that forgets erasures sooner can't bring a store up to date that was
// away for a night.
inline constexpr Millis kMinDeleteRetention = std::chrono::hours(24);

// A reason why an existing topic can't be a changelog.
struct ChangelogFault {
  std::string what;    // "its cleanup.policy is delete, not compact"
  std::string config;  // The setting that repairs it; empty: none does.
};
// All that is wrong with a topic that has this `config` (defaults included)
// and so many partitions.
std::vector<ChangelogFault> CheckChangelogTopic(
    const std::map<std::string, std::string>& config, int32_t partitions,
    int32_t input_partitions);
// True of a topic that has every setting that ChangelogTopicConfig gives and no
// cluster has by default.
bool HasChangelogMarks(const std::map<std::string, std::string>& config);
// Its delete.retention.ms; 0 if the broker does not say.
Millis DeleteRetention(const std::map<std::string, std::string>& config);

// Changelog records as they were read, in offset order; owns their bytes.
// Recycled: Clear keeps capacity.
class ChangelogChunk {
 public:
  struct Entry {
    Offset offset = kNoOffset;
    size_t begin = 0;  // Of the key; the value follows it.
    uint32_t key_size = 0;
    uint32_t value_size = 0;
    bool null_value = false;
  };

  void Add(Offset offset, std::string_view key, std::string_view value);

  const std::vector<Entry>& entries() const { return entries_; }
  std::string_view Key(const Entry& e) const {
    return {bytes_.data() + e.begin, e.key_size};
  }
  // data() is null for Kafka's null.
  std::string_view Value(const Entry& e) const {
    if (e.null_value) return {};
    return {bytes_.data() + e.begin + e.key_size, e.value_size};
  }
  size_t used_bytes() const {
    return bytes_.size() + entries_.size() * sizeof(Entry);
  }
  bool empty() const { return entries_.empty(); }
  void Clear() {
    bytes_.clear();
    entries_.clear();
  }

 private:
  std::vector<char> bytes_;
  std::vector<Entry> entries_;
};

// Reads one changelog partition, committed records only, from an offset on.
//
// Threading: one thread, that of its Changelog.
// Lifetime: ends before its Changelog.
class ChangelogReader {
 public:
  virtual ~ChangelogReader() = default;

  // Appends what has arrived, until the chunk holds about `max_bytes`; never
  // blocks.
  // Errors: kCorruption if the log no longer has the position, or a batch
  // cannot be read. After a retryable one the reader may be asked again.
  virtual Status Read(ChangelogChunk& chunk, size_t max_bytes) = 0;

  // Where the log goes on after what was read: past control records and
  // aborted transactions, as far as the last stable offset allows.
  virtual Offset position() const = 0;
};

// The changelogs of a group: one compacted topic per input topic and reset
// generation, with the input's partition count.
//
// Threading: one thread at a time, a worker's take-over thread or that of a
// command. Calls wait on the network, up to `timeout`.
class Changelog {
 public:
  virtual ~Changelog() = default;

  // Makes sure that the topic of `generation` is there and fit: compacted, as
  // many partitions as the input has, delete.retention.ms of at least a day.
  // Creates it if it is missing ("already exists" is success).
  // Errors: kInvalidArgument with the command that repairs it; kPermission.
  virtual Status Prepare(const std::string& input, int32_t partitions,
                         int64_t generation, Millis timeout) = 0;

  // Looks again at every topic that Prepare has found fit: somebody may have
  // changed or deleted it since. What is wrong now, each with the command that
  // repairs it.
  virtual Result<std::vector<Status>> Recheck(Millis timeout) = 0;

  // The greatest generation whose changelog of `input` holds a record; 0 if
  // none does. For a group whose offsets, which would say it, are gone.
  virtual Result<int64_t> NewestGeneration(const std::string& input,
                                           int32_t partitions,
                                           Millis timeout) = 0;

  // First and next offset of the partition's log, uncommitted records
  // included: all that any earlier owner can have written lies before the end.
  virtual Result<std::pair<Offset, Offset>> Range(const TopicPartition& input,
                                                  int64_t generation,
                                                  Millis timeout) = 0;

  // The transaction that keeps readers of the partition from reaching `end`;
  // none: nothing does, or something else.
  virtual Result<std::optional<TransactionHold>> Hold(
      const TopicPartition& /*input*/, int64_t /*generation*/, Offset /*end*/,
      Millis /*timeout*/) {
    return std::optional<TransactionHold>();
  }

  virtual Result<std::unique_ptr<ChangelogReader>> Open(
      const TopicPartition& input, int64_t generation, Offset from) = 0;

  // delete.retention.ms of a prepared topic: how long the log remembers that
  // something was erased.
  virtual Millis delete_retention(const std::string& input,
                                  int64_t generation) const = 0;
};

}  // namespace tacho
