#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/base/batch.h"
#include "pipeline/base/ids.h"
#include "pipeline/base/output_buffer.h"

namespace tacho {

// What Kafka counts for one message beside its key, value and headers: the
// framing of its batch and its record, and the sizes of a few headers.
inline constexpr size_t kMessageFraming = 512;

// What a topic takes unless it says otherwise, from Kafka 2.5 on.
inline constexpr size_t kDefaultMessageBytes = 1048588;

// Room for the headers of ours that a reject or a late record has.
inline constexpr size_t kOwnHeaderBytes = 8192;

// Writes messages as they came, with headers that say why and from where:
// rejects and late records. Headers are the sender's, then those added, then
// tacho.topic, .partition, .offset, .timestamp (without an offset neither) and
// .job; if something had to
// go, tacho.truncated and .original_size (key and value), or
// tacho.headers_dropped.
//
//   writer.Begin();
//   writer.Add("tacho.reason", "too_large");
//   writer.Write(outputs, sink, cause, message);
//
// Limits: key and value are cut so that all of it, framing included, has
// `limit` bytes at most; without that its topic would refuse it for ever, and
// stop the partition. REQUIRES: the limit holds the headers (kOwnHeaderBytes,
// and the sender's with kRenamedHeaderBytes for each).
// Threading: one thread at a time.
class OriginalWriter {
 public:
  struct Source {
    std::string topic;
    int32_t partition = 0;
    std::string job;
  };
  explicit OriginalWriter(Source source, size_t limit = kDefaultMessageBytes);

  void Begin() { added_.clear(); }
  void Add(std::string_view name, std::string_view value) {
    AppendHeader(added_, name, value);
  }
  void Add(std::string_view name, int64_t value);
  void Write(OutputBuffer& out, SinkId sink, uint64_t cause,
             const Message& message);

 private:
  Source source_;
  size_t limit_;
  std::vector<char> added_;
  std::vector<char> headers_;
};

}  // namespace tacho
