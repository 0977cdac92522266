#include "pipeline/decode/json_paths.h"

#include <algorithm>
#include <charconv>

#include "pipeline/base/check.h"

namespace tacho {
namespace {

// The token with ~1 and ~0 replaced, or nullopt if a '~' stands alone.
std::optional<std::string> UnescapeToken(std::string_view token) {
  std::string out;
  for (size_t i = 0; i < token.size(); ++i) {
    if (token[i] != '~') {
      out += token[i];
      continue;
    }
    ++i;
    if (i == token.size() || (token[i] != '0' && token[i] != '1')) {
      return std::nullopt;
    }
    out += token[i] == '0' ? '~' : '/';
  }
  return out;
}

}  // namespace

std::optional<std::vector<std::string>> ParseJsonPointer(
    std::string_view pointer) {
  std::vector<std::string> tokens;
  while (!pointer.empty()) {
    if (pointer[0] != '/') return std::nullopt;
    const size_t end = std::min(pointer.find('/', 1), pointer.size());
    std::optional<std::string> token =
        UnescapeToken(pointer.substr(1, end - 1));
    if (!token.has_value()) return std::nullopt;
    tokens.push_back(std::move(*token));
    pointer.remove_prefix(end);
  }
  return tokens;
}

JsonPaths::JsonPaths(const std::vector<std::string>& paths) : nodes_(1) {
  for (const std::string& path : paths) {
    const auto tokens = ParseJsonPointer(path);
    CHECK(tokens.has_value() && !tokens->empty());
    Node node = kRoot;
    for (const std::string& token : *tokens) node = AddChild(node, token);
    ends_.push_back(node);
  }
}

JsonPaths::Node JsonPaths::AddChild(Node parent, const std::string& token) {
  if (nodes_[parent].table == kNoTable) {
    nodes_[parent].table = static_cast<uint32_t>(tables_.size());
    tables_.emplace_back();
  }
  uint16_t& bucket = tables_[nodes_[parent].table][Bucket(token)];
  for (Node node = bucket; node != kNone; node = nodes_[node].next) {
    if (nodes_[node].token == token) return node;
  }
  Entry entry;
  entry.token = token;
  entry.next = bucket;
  const size_t head = std::min(token.size(), sizeof entry.head);
  std::memcpy(entry.head, token.data(), head);
  std::memset(entry.mask, 0xFF, head);
  CHECK(nodes_.size() <= UINT16_MAX);
  bucket = static_cast<uint16_t>(nodes_.size());
  nodes_.push_back(std::move(entry));
  return bucket;
}

JsonPaths::Node JsonPaths::FindElement(Node node, size_t index) const {
  // Sixteen bytes of room also for a short number, as FindKey asks.
  char text[32] = {};
  const auto written = std::to_chars(text, text + sizeof text, index);
  return FindKey(node, {text, static_cast<size_t>(written.ptr - text)});
}

}  // namespace tacho
