#include "pipeline/job/file/job_digest.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "state/names.h"

namespace tacho {
namespace {

// Sections that no result depends on.
constexpr std::array<std::string_view, 9> kPlaces = {"kafka",
                                                     "group",
                                                     "state",
                                                     "commit",
                                                     "memory",
                                                     "guarantee",
                                                     "partitions_added",
                                                     "revoke_timeout",
                                                     "batch"};

// Lengths stand before texts, so that no two trees look alike.
void AppendText(std::string_view text, std::string& out) {
  out += std::to_string(text.size()) + ":";
  out += text;
}

void Append(const YamlNode& node, std::string& out) {
  out += std::to_string(static_cast<int>(node.kind));
  if (node.is_scalar()) return AppendText(node.text, out);
  out += "[" + std::to_string(node.values.size()) + "]";
  for (size_t i = 0; i < node.values.size(); ++i) {
    if (node.is_map()) AppendText(node.keys[i].name, out);
    Append(node.values[i], out);
  }
}

}  // namespace

uint64_t JobDigest(const YamlNode& root) {
  std::string text;
  for (size_t i = 0; i < root.keys.size(); ++i) {
    const std::string& key = root.keys[i].name;
    if (std::find(kPlaces.begin(), kPlaces.end(), key) != kPlaces.end()) {
      continue;
    }
    AppendText(key, text);
    Append(root.values[i], text);
  }
  return Hash64(text);
}

}  // namespace tacho
