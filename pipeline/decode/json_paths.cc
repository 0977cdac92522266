#include "pipeline/decode/json_paths.h"

#include <algorithm>
#include <charconv>

#include "pipeline/base/check.h"
#include "pipeline/base/json_pointer.h"

namespace tacho {
// Sorted, a path has its longest common start with the one before it.
size_t CountPathNodes(const std::vector<std::string>& paths) {
  std::vector<std::vector<std::string>> pointers;
  for (const std::string& path : paths) {
    pointers.push_back(
        ParseJsonPointer(path).value_or(std::vector<std::string>()));
  }
  std::ranges::sort(pointers);
  size_t nodes = 0;
  for (size_t i = 0; i < pointers.size(); ++i) {
    nodes += pointers[i].size();
    if (i == 0) continue;
    const auto differ = std::ranges::mismatch(pointers[i - 1], pointers[i]);
    nodes -= static_cast<size_t>(differ.in2 - pointers[i].begin());
  }
  return nodes;
}

JsonPaths::JsonPaths(const ScanPlan& plan) : ends_(plan.paths.size()) {
  for (size_t scope = 0; scope <= plan.arrays.size(); ++scope) {
    const auto root = static_cast<Node>(nodes_.size());
    roots_.push_back(root);
    nodes_.emplace_back();
    for (size_t i = 0; i < plan.paths.size(); ++i) {
      if (plan.paths[i].scope != scope) continue;
      ends_[i] = Add(root, plan.paths[i].pointer);
      CHECK(ends_[i] != kRoot);
    }
    for (size_t i = 0; i < plan.arrays.size(); ++i) {
      if (plan.arrays[i].scope != scope) continue;
      CHECK(scope <= i);  // An array's elements come after their array.
      const Node node = Add(root, plan.arrays[i].pointer);
      CHECK(node != kRoot && nodes_[node].each == ScanPlan::kMessage);
      nodes_[node].each = static_cast<uint32_t>(i + 1);
    }
  }
  for (const Entry& entry : nodes_) {
    CHECK(entry.each == ScanPlan::kMessage || entry.table == kNoTable);
  }
  for (const ScanPlan::Path& path : plan.paths) scopes_.push_back(path.scope);
}

JsonPaths::Node JsonPaths::Add(Node root, const std::string& pointer) {
  const auto tokens = ParseJsonPointer(pointer);
  CHECK(tokens.has_value());
  Node node = root;
  for (const std::string& token : *tokens) node = AddChild(node, token);
  return node;
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
  CHECK(nodes_.size() <= kMaxPathNodes);
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
