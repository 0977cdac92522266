#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/base/diagnostics.h"
#include "pipeline/job/file/yaml_tree.h"
#include "pipeline/job/job.h"

namespace tacho {

// How a key's value is written.
enum class KeyKind : uint8_t {
  kSection,           // A map of further keys.
  kClientProperties,  // A map of Kafka client properties.
  kOperators,         // A list of operators.
  kSideOutput,        // One of `choices`, or a map of further keys.
  kText,              // Any text but none.
  kName,              // Letters, digits, . _ -.
  kGroup,             // A group's id: any text that Kafka takes.
  kTopic,
  kTopics,    // A list of topics.
  kTexts,     // A list of single values.
  kChoice,    // One of `choices`.
  kSwitch,    // true, on; false, off.
  kCount,     // A whole number within min and max.
  kSize,      // Bytes within min and max: "64MiB".
  kDuration,  // Within min and max: "200ms".
  kTime,      // "2000-01-01T00:00:00Z" or epoch milliseconds.
  kPointer,   // A JSON pointer.
  kVehicle,   // A JSON pointer, `key` for the Kafka key, or a map.
  kFormat,    // The name of a row of FormatTypes().
  kFraming,   // The same of FramingTypes()...
  kShape,     // ... and of ShapeTypes().
  kEncoding,  // The name of an encoding of rows.
  kUnit,      // A unit of measure.
  kUnits,     // A list of units, one a dimension.
  kQuantity,  // A number, perhaps with a unit.
};

// A checked value of any kind but the maps and lists of keys; the members that
// its kind has are set.
struct KeyValue {
  std::string text;  // As written.
  Origin origin;
  bool flag = false;
  size_t choice = 0;  // Index into the key's choices.
  uint64_t number = 0;
  Millis duration{0};
  Timestamp time{};
  std::vector<std::string> list;
};

// A bound of a signal, held until the signal's unit is known.
struct BoundText {
  bool given = false;
  std::string text;
  Origin origin;
};

// What the parser has read so far, with what it needs to finish it.
struct JobDraft {
  Job job;
  // The signal and the stream that keys with `*` are about.
  SignalSource* signal = nullptr;
  StreamConfig* stream = nullptr;
  BoundText signal_min;
  BoundText signal_max;
};

// One key of the job file. All there is to know about it is in its row: the
// parser, the JSON Schema, the reference and "did you mean" read nothing else.
struct JobKey {
  std::string_view path;  // "group.id"; `*` stands for a name of the user's.
  KeyKind kind = KeyKind::kSection;
  bool required = false;  // Of a key of some shapes: what these say.
  std::string_view default_text = "";  // As it would be written.
  std::string_view min = "";           // Of kCount, kSize and kDuration.
  std::string_view max = "";
  std::string_view choices = "";  // "a|b", in the order of the enum.
  // A choice of an earlier version, and what to write instead.
  std::string_view retired = "";
  std::string_view retired_help = "";
  std::string_view help = "";
  void (*bind)(JobDraft&, const KeyValue&) = nullptr;
  // Of a section whose name is the user's (a path that ends in `*`): before its
  // keys are read, and after. `path` is the section's, with its name.
  void (*begin)(JobDraft&, const std::string& name) = nullptr;
  void (*end)(JobDraft&, const std::string& path, const OriginIndex& origins,
              Diagnostics& diagnostics) = nullptr;

  std::vector<std::string_view> Choices() const;
};

// Whether some shape has the key and others may not (ShapeType::keys).
bool IsShapeKey(const JobKey& key);

// Every key, parents before their children, in the order of the reference.
const std::vector<JobKey>& JobKeys();

// The keys as a tree, one node a path segment.
struct KeyNode {
  std::string_view segment;  // "*": any name.
  const JobKey* key = nullptr;
  std::vector<KeyNode> children;

  const KeyNode* Find(std::string_view segment_name) const;
  const KeyNode* wildcard() const { return Find("*"); }
  std::vector<std::string_view> ChildNames() const;
};
const KeyNode& JobKeyTree();

}  // namespace tacho
