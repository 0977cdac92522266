#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "pipeline/base/arena.h"
#include "pipeline/base/reject.h"
#include "pipeline/decode/decoder_config.h"
#include "pipeline/decode/json_scanner.h"

namespace tacho {

// Reads vehicle ids from Kafka keys.
//
// Threading: one thread at a time.
// Limits: keys up to kMaxKeyBytes; how long an id may be is the caller's
// business. Allocates nothing but from the arena, and that only for digits and
// escapes.
class VehicleKeyReader {
 public:
  static constexpr size_t kMaxKeyBytes = 65536;
  static constexpr size_t kMaxKeyDepth = 64;  // Levels of nesting.

  // `path`: a JSON pointer into the object that a kJson key is, or empty.
  VehicleKeyReader(KeyFormat format, const std::string& path);

  // Sets `id`, never empty; or says what is wrong in `site`.
  // REQUIRES: 64 readable bytes follow the key.
  std::optional<RejectReason> Read(std::string_view key, Arena& arena,
                                   std::string_view& id, RejectSite& site);

  // True if `id`, read as text, looks like JSON: `"VIN1"` or `{...}`.
  static bool LooksLikeJson(std::string_view id) {
    return id[0] == '"' || id[0] == '{';
  }

 private:
  std::optional<RejectReason> ReadText(std::string_view key,
                                       std::string_view& id,
                                       RejectSite& site) const;
  std::optional<RejectReason> ReadJson(std::string_view key, Arena& arena,
                                       std::string_view& id, RejectSite& site);
  template <typename Int>
  std::optional<RejectReason> ReadInt(std::string_view key, Arena& arena,
                                      std::string_view& id,
                                      RejectSite& site) const;

  const KeyFormat format_;
  const std::string path_;
  JsonScanner scanner_;
};

}  // namespace tacho
