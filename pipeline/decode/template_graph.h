#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pipeline/decode/json_paths.h"
#include "pipeline/decode/json_value.h"

namespace tacho {

struct TemplateLimits {
  size_t literals = 1024;  // Of all templates together, at most 65534...
  size_t bytes = 262144;   // ... and their bytes.
  size_t followers = 64;   // Of those that may follow one.
  size_t contexts = 256;   // Ways in which containers are open.
};

// What documents of one topic have in common. A document is a chain of
// literals and slots: a slot is the content of a scalar, and a literal all that
// lies between two slots (names, colons, commas, brackets, quotes, white
// space). A template is a way through this graph.
//
// A literal is known by its bytes and by its context, that is, which
// containers are open before it; so the same text at another place is another
// literal. Any literal may follow another if the containers that are open
// behind the one are those in front of the other, and both agree on whether a
// quote has to be closed. Every such way from the start to an end is the text
// of a valid document as soon as its slots are filled with what they may hold.
//
// Threading: one thread at a time.
// Limits: `limits`; what does not fit is not added.
class TemplateGraph {
 public:
  // What follows a literal.
  enum class Slot : uint8_t {
    kScalar,  // A number, true, false or null.
    kText,    // What stands between quotes.
    kEnd,     // Nothing more.
  };
  // A wanted value that is a container, and opens in a literal.
  using Opened = std::pair<JsonPaths::Node, JsonKind>;

  // A literal, as Add is told it.
  struct Literal {
    std::string_view bytes;
    uint32_t before = 0;  // The context in front of it...
    uint32_t after = 0;   // ... and behind it.
    Slot slot = Slot::kEnd;
    JsonPaths::Node wanted = JsonPaths::kNone;  // Where the slot's value goes.
    std::vector<Opened> opened;
  };

  // What is touched of a literal that is compared: one cache line.
  struct alignas(64) Node {
    static constexpr size_t kHead = 32;

    char head[kHead] = {};  // The first of its bytes...
    uint32_t mask = 0;      // ... and which of these are its own.
    uint32_t size = 0;      // Of all its bytes.
    Node* next = nullptr;   // What followed it last; never null in a graph.
    uint16_t wanted = 0;
    uint16_t id = 0;
    uint32_t slot_size = 0;  // Of the slot's content the last time...
    uint8_t same_size = 0;   // ... and how often it has been of this size.
    Slot slot = Slot::kEnd;
    // Its slot is a scalar or a text, and it opens nothing, and all is in
    // `head`.
    bool is_plain = false;
  };

  explicit TemplateGraph(const TemplateLimits& limits);

  // The literal behind `from`, made if need be; nullptr if it does not fit.
  // REQUIRES: the literal, and the slot that it has, followed `from` in a
  // valid document.
  Node* Add(Node* from, const Literal& literal);
  // A number for the containers that are open, outermost first; `text` tells
  // them apart. False: no more fit.
  bool FindContext(const std::string& text, uint32_t& context);
  void Clear();

  // Stands before the first literal, and is none.
  Node* start() { return &nodes_.front(); }
  std::string_view bytes(const Node& node) const {
    return rest_[node.id].bytes;
  }
  const std::vector<Opened>& opened(const Node& node) const {
    return rest_[node.id].opened;
  }
  // Those that have followed it, in the order in which they were added.
  const std::vector<Node*>& followers(const Node& node) const {
    return rest_[node.id].followers;
  }
  // All that may follow it, in the order in which they were made.
  const std::vector<Node*>& candidates(const Node& node) const {
    return groups_[rest_[node.id].next_group];
  }
  // REQUIRES: `to` is a candidate behind `from`.
  void Connect(Node* from, Node* to);

  size_t literals() const { return nodes_.size() - 1; }
  // Whether something did not fit since the last Clear().
  bool is_full() const { return is_full_; }

 private:
  struct Rest {
    std::string bytes;
    size_t group = 0;       // Of which it is a candidate...
    size_t next_group = 0;  // ... and of which its followers are.
    std::vector<Opened> opened;
    std::vector<Node*> followers;
  };

  // What a literal may follow: a context, and whether the slot is a text.
  static size_t Group(uint32_t context, bool is_text) {
    return context * 2 + (is_text ? 1 : 0);
  }
  Node* Find(const Literal& literal, size_t group);
  Node* Make(const Literal& literal, size_t group);

  const TemplateLimits limits_;
  std::deque<Node> nodes_;  // These do not move.
  std::vector<Rest> rest_;  // Of each node: what is seldom touched.
  std::vector<std::string> contexts_;
  std::vector<std::vector<Node*>> groups_;
  size_t bytes_ = 0;
  bool is_full_ = false;
};

}  // namespace tacho
