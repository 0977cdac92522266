#include "pipeline/job/file/overrides.h"

#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tacho {
namespace {

constexpr size_t kMaxSegments = 16;

// "a.b.c" in segments; everything after "kafka." is one. Empty: malformed.
std::vector<std::string> Split(std::string_view path) {
  std::vector<std::string> segments;
  while (true) {
    const bool property = segments.size() == 1 && segments[0] == "kafka";
    const size_t dot = property ? std::string_view::npos : path.find('.');
    if (path.empty() || dot == 0 || segments.size() == kMaxSegments) return {};
    segments.emplace_back(path.substr(0, dot));
    if (dot == std::string_view::npos) return segments;
    path.remove_prefix(dot + 1);
  }
}

// Every node of an override is where the override is.
void Place(YamlNode& node, Origin origin) {
  node.origin = origin;
  node.byte = YamlNode::kNoByte;
  for (YamlKey& key : node.keys) key.origin = origin;
  for (YamlNode& value : node.values) Place(value, origin);
}

std::optional<YamlNode> ReadValue(const std::string& text, Origin origin,
                                  Diagnostics& diagnostics) {
  if (FindBadByte(text) != std::string_view::npos) {
    diagnostics.Error(origin,
                      "the value holds a byte that is neither UTF-8 nor white "
                      "space; a job has text only");
    return std::nullopt;
  }
  YamlNode node;
  node.kind = YamlNode::Kind::kScalar;
  node.text = text;
  if (text.starts_with('[') || text.starts_with('{')) {
    Diagnostics inner;
    const YamlSource source(text);
    std::optional<YamlNode> loaded = LoadYaml(source, inner);
    for (const Diagnostic& error : inner.TakeSorted()) {
      diagnostics.Error(origin, error.message);
      loaded.reset();
    }
    if (!loaded) return std::nullopt;
    node = *std::move(loaded);
  }
  Place(node, origin);
  return node;
}

// The value under `segment`, made if it is missing; nullptr if there can be
// none.
YamlNode* Step(YamlNode& node, const std::string& segment, Origin origin) {
  if (node.is_list()) {
    size_t index = 0;
    const char* end = segment.data() + segment.size();
    const auto [rest, error] = std::from_chars(segment.data(), end, index);
    const bool valid = error == std::errc() && rest == end;
    return valid && index < node.values.size() ? &node.values[index] : nullptr;
  }
  if (node.is_null()) {
    node.kind = YamlNode::Kind::kMap;
    node.origin = origin;
  }
  if (!node.is_map()) return nullptr;
  if (YamlNode* found = node.Find(segment)) return found;
  node.keys.push_back(YamlKey{segment, origin});
  YamlNode& made = node.values.emplace_back();
  made.origin = origin;
  return &made;
}

}  // namespace

void ApplyOverrides(const JobOverrides& overrides, YamlNode& root,
                    Diagnostics& diagnostics) {
  for (size_t i = 0; i < overrides.set.size(); ++i) {
    const auto& [path, text] = overrides.set[i];
    Origin origin;
    origin.set = static_cast<int>(i);
    const std::vector<std::string> segments = Split(path);
    if (FindBadByte(path) != std::string_view::npos) {
      diagnostics.Error(origin,
                        "the path holds a byte that is neither UTF-8 nor "
                        "white space; a job has text only");
      continue;
    }
    if (segments.empty()) {
      diagnostics.Error(origin, "a path is names joined by dots");
      continue;
    }
    std::optional<YamlNode> value = ReadValue(text, origin, diagnostics);
    if (!value) continue;
    YamlNode* node = &root;
    for (const std::string& segment : segments) {
      node = Step(*node, segment, origin);
      if (node == nullptr) {
        diagnostics.Error(origin, "nothing can be set at '" + segment + "'");
        break;
      }
    }
    if (node != nullptr) *node = *std::move(value);
  }
}

}  // namespace tacho
