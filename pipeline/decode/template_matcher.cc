#include "pipeline/decode/template_matcher.h"

#include <cstring>

#include "pipeline/base/json_escape.h"
#include "pipeline/base/utf8.h"
#include "pipeline/decode/json_scalars.h"
#include "pipeline/decode/wide_bytes.h"

namespace tacho {
namespace {

using Node = TemplateGraph::Node;
using Slot = TemplateGraph::Slot;

// The functions that scan a slot return where its content ends. `end + 1`, in
// the padding, says that this is no such content.

// A text that has something else in it than plain ASCII.
const char* OddText(const char* p, const char* end, JsonKind& kind) {
  const char* const begin = p;
  bool escapes = false;
  for (; p < end && *p != '"'; ++p) {
    if (static_cast<unsigned char>(*p) < 0x20) return end + 1;
    if (*p != '\\') continue;
    escapes = true;
    if (++p >= end || static_cast<unsigned char>(*p) < 0x20) return end + 1;
  }
  if (p >= end) return end + 1;
  const std::string_view text(begin, static_cast<size_t>(p - begin));
  kind = escapes ? JsonKind::kEscapedText : JsonKind::kText;
  if (escapes && !JsonEscapesAreValid(text)) return end + 1;
  return IsUtf8(text) ? p : end + 1;
}

inline const char* Text(const WideBytes& wide, const char* p, const char* end,
                        JsonKind& kind) {
  kind = JsonKind::kText;
  for (const char* at = p; at < end; at += 16) {
    const uint32_t special = wide.SpecialInText(at);
    if (special == 0) continue;
    at += __builtin_ctz(special);
    return *at == '"' ? at : OddText(p, end, kind);
  }
  return end + 1;
}

// A number that is long, or has an exponent, or is none.
[[gnu::noinline]] const char* OddNumber(const char* p, const char* end) {
  if (p >= end) return end + 1;
  const size_t size = NumberPrefix({p, static_cast<size_t>(end - p)});
  return size == 0 ? end + 1 : p + size;
}

// Stands for the dots of what is no plain number.
constexpr uint32_t kOdd = UINT32_MAX;

// A number up to its exponent, and where its dot is. What comes behind is the
// next literal's business.
inline const char* Number(const WideBytes& wide, const char* p, const char* end,
                          uint32_t& dots) {
  const WideBytes::Numbers bytes = wide.InNumber(p);
  const uint32_t sign = *p == '-' ? 1 : 0;
  // Where it ends is what the next literal waits for: found first, and judged
  // beside that.
  const auto size =
      static_cast<uint32_t>(__builtin_ctz(bytes.others | 0x10000));
  const uint32_t all = (1u << size) - 1;
  dots = bytes.dots & all;
  const uint32_t start = bytes.digits >> sign;
  const uint32_t zero = p[sign] == '0' ? 1 : 0;
  const bool good = size < 16 && (start & 1) != 0 &&
                    (bytes.digits >> ((size - 1) & 31) & 1) != 0 &&
                    ((all & ~(bytes.digits | dots | sign)) |
                     (dots & (dots - 1)) | (zero & start >> 1)) == 0;
  if (good) [[likely]] {
    return p + size;
  }
  dots = kOdd;
  return OddNumber(p, end);
}

// Keeps what a slot holds, unless there is a value of this name.
inline void Keep(const char* slot, const char* end, JsonKind kind,
                 uint32_t dots, JsonValue& value) {
  if (value.kind != JsonKind::kAbsent) return;
  value.kind = kind;
  if (kind < JsonKind::kNumber) return;  // Its kind says all.
  value.data = slot;
  value.size = static_cast<uint32_t>(end - slot);
  if (dots == kOdd) return;
  const uint32_t sign = *slot == '-' ? 1 : 0;
  const auto dot =
      static_cast<uint32_t>(__builtin_ctz(dots | 1u << value.size));
  value.whole = static_cast<uint8_t>(dot - sign);
  value.fraction = static_cast<uint8_t>(value.size - dot - (dots != 0 ? 1 : 0));
}

// True, false or null.
inline const char* Word(const char* p, const char* end, JsonKind& kind) {
  const auto is = [p](const char* word, size_t size) {
    return std::memcmp(p, word, size) == 0;
  };
  if (is("true", 4)) {
    kind = JsonKind::kTrue;
    return p + 4;
  }
  if (is("false", 5)) {
    kind = JsonKind::kFalse;
    return p + 5;
  }
  kind = JsonKind::kNull;
  return is("null", 4) ? p + 4 : end + 1;
}

// `p`, where the slot's content ends. Where contents have been of one size for
// long, it is guessed that this one is: then the machine begins with the next
// literal before it knows where the content ends. A wrong guess costs more than
// a right one saves.
inline const char* Guess(Node& node, const char* slot, const char* p) {
  constexpr uint8_t kLong = 200;
  const auto size = static_cast<uint32_t>(p - slot);
  if (node.same_size == kLong) {
    const char* guess = slot + node.slot_size;
    asm("" : "+r"(guess));  // Or it would be replaced by what it is equal to.
    if (size == node.slot_size) [[likely]] {
      return guess;
    }
    node.same_size = 0;
  } else {
    node.same_size =
        size == node.slot_size ? static_cast<uint8_t>(node.same_size + 1) : 0;
    node.slot_size = size;
  }
  return p;
}

// Whether the literal is at `p`, of the first of its bytes.
inline bool HeadFits(const Node& node, const char* p) {
  const uint32_t differ = ~WideBytes::Equal(p, node.head) & 0xFFFF;
  if ((differ & node.mask) != 0) return false;
  if (node.size <= 16) [[likely]] {
    return true;
  }
  return ((~WideBytes::Equal(p + 16, node.head + 16) << 16) & node.mask) == 0;
}

// The same of all its bytes.
bool Fits(const TemplateGraph& graph, const Node& node, const char* p,
          const char* end) {
  if (!HeadFits(node, p) || end - p < static_cast<ptrdiff_t>(node.size)) {
    return false;
  }
  if (node.size <= Node::kHead) return node.size != 0;
  const std::string_view bytes = graph.bytes(node);
  return std::memcmp(p, bytes.data(), bytes.size()) == 0;
}

// Whether what is at `p` can be what the slot holds.
bool CanHold(Slot slot, const char* p, const char* end) {
  switch (slot) {
    case Slot::kText:
      return p < end;
    case Slot::kEnd:
      return p == end;
    case Slot::kScalar:
      return p < end && (*p == '-' || *p == 't' || *p == 'f' || *p == 'n' ||
                         (*p >= '0' && *p <= '9'));
  }
  return false;
}

// The literal that fits behind `from`, or nullptr: one that has followed it, or
// else one that may.
[[gnu::noinline]] Node* Other(TemplateGraph& graph, Node* from, const char* p,
                              const char* end) {
  const auto fits = [&](const Node* node) {
    return Fits(graph, *node, p, end) &&
           CanHold(node->slot, p + node->size, end);
  };
  for (Node* const node : graph.followers(*from)) {
    if (!fits(node)) continue;
    from->next = node;
    return node;
  }
  for (Node* const node : graph.candidates(*from)) {
    if (!fits(node)) continue;
    graph.Connect(from, node);
    return node;
  }
  return nullptr;
}

// Notes which wanted containers the literal opens. False: one of them was there
// before.
[[gnu::noinline]] bool Open(const TemplateGraph& graph, const Node& node,
                            JsonValue* values) {
  for (const auto& [at, kind] : graph.opened(node)) {
    if (values[at].kind != JsonKind::kAbsent) return false;
    values[at].kind = kind;
  }
  return true;
}

// The literal after `from` does not fit at `p`. If the number before it, which
// began at `slot`, goes on with an exponent: where it ends.
[[gnu::noinline]] const char* WithExponent(const Node& from, const char* slot,
                                           const char* p, const char* end,
                                           JsonValue* values) {
  if (from.slot != Slot::kScalar || slot == nullptr || p == end ||
      (*p != 'e' && *p != 'E')) {
    return p;
  }
  const char* const after = OddNumber(slot, end);
  if (after > end) return p;
  JsonValue& value = values[from.wanted];
  if (from.wanted != JsonPaths::kNone && value.data == slot) {
    value.size = static_cast<uint32_t>(after - slot);
    value.whole = value.fraction = 0;
  }
  return after;
}

}  // namespace

bool MatchTemplate(std::string_view text, TemplateGraph& graph,
                   JsonValue* values) {
  const char* p = text.data();
  const char* const end = p + text.size();
  const WideBytes wide;
  Node* from = graph.start();
  const char* before = nullptr;  // The slot before the literal.
  for (;;) {
    // 1. The literal. `p` is at most at the end here, so that nothing is read
    // 64 bytes past it or more.
    Node* node = from->next;
    if (!HeadFits(*node, p) || (!node->is_plain && !Fits(graph, *node, p, end)))
        [[unlikely]] {
      p = WithExponent(*from, before, p, end, values);
      node = Other(graph, from, p, end);
      if (node == nullptr) return false;
    }
    const char* const literal = p;
    const char* const slot = p + node->size;
    // 2. The slot.
    JsonKind kind = JsonKind::kNumber;
    uint32_t dots = kOdd;
    if (node->slot == Slot::kScalar) {
      p = *slot <= '9' ? Number(wide, slot, end, dots) : Word(slot, end, kind);
    } else if (node->slot == Slot::kText) {
      p = Text(wide, slot, end, kind);
    } else {
      p = slot == end ? end : end + 1;
    }
    if (p > end) [[unlikely]] {
      // Perhaps another literal that starts as this one does.
      Node* const other = Other(graph, from, literal, end);
      if (other == nullptr || other == node) return false;
      p = literal;
      continue;
    }
    if (!node->is_plain) [[unlikely]] {
      if (!Open(graph, *node, values)) return false;
      if (node->slot == Slot::kEnd) return true;
    }
    if (node->wanted != JsonPaths::kNone) {
      Keep(slot, p, kind, dots, values[node->wanted]);
    }
    p = Guess(*node, slot, p);
    from = node;
    before = slot;
  }
}

}  // namespace tacho
