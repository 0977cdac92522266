#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/base/diagnostics.h"
#include "pipeline/job/file/yaml_source.h"

namespace tacho {

// A key of a map, where it was written.
struct YamlKey {
  std::string name;
  Origin origin;
};

// A YAML value with its position. Scalars stay text: what they mean is up to
// the key that they are written under, so `on`, `1_000` or `0x10` mean nothing
// by themselves.
struct YamlNode {
  enum class Kind : uint8_t { kNull, kScalar, kList, kMap };
  static constexpr size_t kNoByte = SIZE_MAX;

  Kind kind = Kind::kNull;
  Origin origin;              // Of an empty value: the key's.
  std::string text;           // Of a scalar, decoded.
  size_t byte = kNoByte;      // Of a scalar in the source, its quote included.
  bool flow = false;          // A list or map in [ ] or { }.
  std::vector<YamlKey> keys;  // Of a map, unique, in file order.
  std::vector<YamlNode> values;  // Of a map or a list.

  bool is_null() const { return kind == Kind::kNull; }
  bool is_scalar() const { return kind == Kind::kScalar; }
  bool is_list() const { return kind == Kind::kList; }
  bool is_map() const { return kind == Kind::kMap; }

  const YamlNode* Find(std::string_view name) const;
  YamlNode* Find(std::string_view name);
  // "a map", "a list", ...: for "expected X, found Y".
  const char* KindName() const;
};

inline constexpr size_t kMaxYamlBytes = size_t{1} << 20;
inline constexpr size_t kMaxYamlDepth = 64;      // Maps and lists.
inline constexpr size_t kMaxYamlNodes = 100000;  // Keys and values.

// The first byte that is no text in a job: not UTF-8, which the library would
// replace, or a control character other than white space, of which it takes
// some for the end; npos: there is none.
size_t FindBadByte(std::string_view text);

// Reads one YAML document. Complains about a syntax error (and returns
// nothing), and about what the library lets pass: duplicate keys, further
// documents, tags, anchors and aliases (which are expressions that lack
// quotes), unclosed quotes, keys that are not plain names.
// Limits: those above. Cost: linear in the text.
std::optional<YamlNode> LoadYaml(const YamlSource& source,
                                 Diagnostics& diagnostics);

}  // namespace tacho
