#include "pipeline/decode/template_graph.h"

#include <algorithm>
#include <cstring>

namespace tacho {

TemplateGraph::TemplateGraph(const TemplateLimits& limits) : limits_(limits) {
  Clear();
}

void TemplateGraph::Clear() {
  nodes_.clear();
  nodes_.emplace_back();
  // As long as nothing has followed it, the start stands in for what has: of
  // no bytes and not plain, and FitsRest refuses it.
  nodes_.front().next = &nodes_.front();
  rest_.assign(1, Rest());
  contexts_.clear();
  groups_.assign(2, {});
  bytes_ = 0;
  is_full_ = false;
}

bool TemplateGraph::FindContext(const std::string& text, uint32_t& context) {
  const auto at = std::ranges::find(contexts_, text);
  context = static_cast<uint32_t>(at - contexts_.begin());
  if (at != contexts_.end()) return true;
  if (contexts_.size() == limits_.contexts) {
    is_full_ = true;
    return false;
  }
  contexts_.push_back(text);
  groups_.resize(2 * contexts_.size());
  return true;
}

TemplateGraph::Node* TemplateGraph::Add(Node* from, const Literal& literal) {
  const size_t group = Group(literal.before, from->slot == Slot::kText);
  Node* node = Find(literal, group);
  if (node == nullptr) node = Make(literal, group);
  if (node != nullptr) Connect(from, node);
  return node;
}

void TemplateGraph::Connect(Node* from, Node* to) {
  from->next = to;
  std::vector<Node*>& followers = rest_[from->id].followers;
  if (std::ranges::find(followers, to) == followers.end()) {
    followers.push_back(to);
  }
}

TemplateGraph::Node* TemplateGraph::Find(const Literal& literal, size_t group) {
  for (Node* const node : groups_[group]) {
    if (bytes(*node) == literal.bytes && node->slot == literal.slot) {
      return node;
    }
  }
  return nullptr;
}

TemplateGraph::Node* TemplateGraph::Make(const Literal& literal, size_t group) {
  const size_t size = literal.bytes.size();
  if (nodes_.size() > limits_.literals || bytes_ + size > limits_.bytes ||
      groups_[group].size() == limits_.followers) {
    is_full_ = true;
    return nullptr;
  }
  bytes_ += size;
  Node node;
  const size_t head = std::min(size, Node::kHead);
  std::memcpy(node.head, literal.bytes.data(), head);
  node.mask = head == Node::kHead ? UINT32_MAX : (uint32_t{1} << head) - 1;
  node.size = static_cast<uint32_t>(size);
  node.next = &nodes_.front();
  node.wanted = static_cast<uint16_t>(literal.wanted);
  node.id = static_cast<uint16_t>(nodes_.size());
  node.slot = literal.slot;
  node.is_plain =
      head == size && literal.opened.empty() && literal.slot != Slot::kEnd;
  nodes_.push_back(node);
  rest_.push_back({std::string(literal.bytes),
                   group,
                   Group(literal.after, literal.slot == Slot::kText),
                   literal.opened,
                   {}});
  groups_[group].push_back(&nodes_.back());
  return &nodes_.back();
}

}  // namespace tacho
