#pragma once

#include <span>
#include <string_view>
#include <vector>

namespace tacho {

// What a decoder is made of: the framing around the bytes, their format, and
// the shape, that is, where in a message the vehicle, the times and the
// signals lie. Each is a table (decoder.cc), of which a job names a row; a new
// one is a row there and a pair of files.

struct FramingType {
  std::string_view name;  // As in the job file.
  std::string_view help;
};

struct FormatType {
  std::string_view name;
  std::string_view help;
};

// A key of the job file that not every shape has.
struct ShapeKey {
  std::string_view path;  // As in job_keys.h: "input.signals.*.path".
  bool required = false;
};

struct ShapeType {
  std::string_view name;
  std::string_view help;
  std::span<const ShapeKey> keys;  // That it has.

  const ShapeKey* FindKey(std::string_view path) const {
    for (const ShapeKey& key : keys) {
      if (key.path == path) return &key;
    }
    return nullptr;
  }
};

// All rows; the first is the default.
const std::vector<const FramingType*>& FramingTypes();
const std::vector<const FormatType*>& FormatTypes();
const std::vector<const ShapeType*>& ShapeTypes();

inline const FramingType* DefaultFraming() { return FramingTypes().front(); }
inline const FormatType* DefaultFormat() { return FormatTypes().front(); }
inline const ShapeType* DefaultShape() { return ShapeTypes().front(); }

// The row of that name, or nullptr.
template <typename Type>
const Type* FindType(const std::vector<const Type*>& types,
                     std::string_view name) {
  for (const Type* type : types) {
    if (type->name == name) return type;
  }
  return nullptr;
}

template <typename Type>
std::vector<std::string_view> TypeNames(const std::vector<const Type*>& types) {
  std::vector<std::string_view> names;
  for (const Type* type : types) names.push_back(type->name);
  return names;
}

}  // namespace tacho
