#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/decode/scan_plan.h"

namespace tacho {

// How many nodes JsonPaths makes of `paths`, its root aside: their tokens,
// where those that lead to the same place count once. What is no pointer has
// none.
inline constexpr size_t kMaxPathNodes = 65535;
size_t CountPathNodes(const std::vector<std::string>& paths);

// All JSON pointers that a job reads, as trees of tokens that are descended
// while a document is scanned: one for the document, and one for the elements
// of each array that is read one by one. Paths that are equal share a node; a
// node can be a path and lead to others. The nodes of a scope are neighbours.
//
// Threading: immutable.
// Limits: kMaxPathNodes.
class JsonPaths {
 public:
  using Node = uint32_t;
  static constexpr Node kRoot = 0;
  static constexpr Node kNone = 0;  // The root is nobody's child.

  // REQUIRES: every path is a JSON pointer, of the message's scope one other
  // than ""; CountPathNodes() is at most kMaxPathNodes; no array is read one
  // by one twice, or looked into beside that.
  explicit JsonPaths(const ScanPlan& plan);
  explicit JsonPaths(const std::vector<std::string>& paths)
      : JsonPaths(ScanPlan::Of(paths)) {}

  size_t node_count() const { return nodes_.size(); }
  size_t scope_count() const { return roots_.size(); }
  // Where paths[i] ends.
  Node node_of(size_t path) const { return ends_[path]; }
  size_t scope_of(size_t path) const { return scopes_[path]; }
  // The nodes of a scope are those from its root to the root of the next.
  Node root_of(size_t scope) const { return roots_[scope]; }
  size_t size_of(size_t scope) const {
    return (scope + 1 < roots_.size() ? roots_[scope + 1] : nodes_.size()) -
           roots_[scope];
  }
  // The scope of the elements, if the value at `node` is an array that is read
  // one by one; or ScanPlan::kMessage.
  size_t each_of(Node node) const { return nodes_[node].each; }
  // Whether a wanted value lies below the value at `node`.
  bool has_children(Node node) const { return nodes_[node].table != kNoTable; }

  // The child of `node` that `key` leads to, or kNone.
  // REQUIRES: 16 readable bytes from the start of the key on.
  Node FindKey(Node node, std::string_view key) const {
    if (!has_children(node)) return kNone;
    Node child = tables_[nodes_[node].table][Bucket(key)];
    while (child != kNone && !Equals(nodes_[child], key)) {
      child = nodes_[child].next;
    }
    return child;
  }
  // The child of `node` that leads to element `index` of an array, or kNone.
  Node FindElement(Node node, size_t index) const;

 private:
  static constexpr uint32_t kNoTable = UINT32_MAX;
  static constexpr size_t kBuckets = 256;
  // Index of the first child by bucket.
  using Table = std::array<uint16_t, kBuckets>;

  struct Entry {
    std::string token;
    uint64_t head[2] = {};  // First 16 bytes of the token...
    uint64_t mask[2] = {};  // ... and which of them are its own.
    Node next = kNone;      // In the same bucket of the parent.
    uint32_t table = kNoTable;
    uint32_t each = ScanPlan::kMessage;
  };

  static size_t Bucket(std::string_view key) {
    // Length and both ends tell the fields of one record apart well.
    const auto byte = [](char c) { return static_cast<unsigned char>(c); };
    const char* const p = key.data();
    const size_t ends =
        key.empty() ? 0 : byte(p[0]) * 5u + byte(p[key.size() - 1]) * 29u;
    return (key.size() * 67 + ends) % kBuckets;
  }
  static bool Equals(const Entry& entry, std::string_view key) {
    if (entry.token.size() != key.size()) return false;
    uint64_t head[2];
    std::memcpy(head, key.data(), sizeof head);
    const uint64_t differ = ((head[0] ^ entry.head[0]) & entry.mask[0]) |
                            ((head[1] ^ entry.head[1]) & entry.mask[1]);
    return differ == 0 && (key.size() <= sizeof head || entry.token == key);
  }
  Node Add(Node root, const std::string& pointer);
  Node AddChild(Node parent, const std::string& token);

  std::vector<Entry> nodes_;
  std::vector<Table> tables_;
  std::vector<Node> roots_;  // By scope.
  std::vector<Node> ends_;   // By path.
  std::vector<size_t> scopes_;
};

}  // namespace tacho
