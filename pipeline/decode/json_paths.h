#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tacho {

// The unescaped reference tokens of a JSON pointer (RFC 6901), or nullopt if
// `pointer` is not one. The empty pointer, the whole document, has no tokens.
std::optional<std::vector<std::string>> ParseJsonPointer(
    std::string_view pointer);

// All JSON pointers that a job reads, as a tree of tokens that is descended
// while a document is scanned. Paths that are equal share a node; a node can
// be a path and lead to others.
//
// Threading: immutable.
// Limits: 65,535 nodes.
class JsonPaths {
 public:
  using Node = uint32_t;
  static constexpr Node kRoot = 0;
  static constexpr Node kNone = 0;  // The root is nobody's child.

  // REQUIRES: every path is a JSON pointer other than "".
  explicit JsonPaths(const std::vector<std::string>& paths);

  size_t node_count() const { return nodes_.size(); }
  // Where paths[i] ends.
  Node node_of(size_t path) const { return ends_[path]; }
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
  Node AddChild(Node parent, const std::string& token);

  std::vector<Entry> nodes_;
  std::vector<Table> tables_;
  std::vector<Node> ends_;
};

}  // namespace tacho
