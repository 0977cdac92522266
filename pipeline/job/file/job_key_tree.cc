#include "pipeline/base/check.h"
#include "pipeline/job/file/job_keys.h"

namespace tacho {
namespace {

KeyNode BuildTree() {
  KeyNode root;
  for (const JobKey& key : JobKeys()) {
    KeyNode* node = &root;
    std::string_view rest = key.path;
    while (true) {
      const size_t dot = rest.find('.');
      const std::string_view segment = rest.substr(0, dot);
      KeyNode* child = const_cast<KeyNode*>(node->Find(segment));
      if (child == nullptr) {
        // Parents have rows of their own, before their children's.
        CHECK(dot == std::string_view::npos);
        node->children.push_back(KeyNode{segment, &key, {}});
        break;
      }
      node = child;
      CHECK(dot != std::string_view::npos);
      rest.remove_prefix(dot + 1);
    }
  }
  return root;
}

}  // namespace

bool IsShapeKey(const JobKey& key) {
  for (const ShapeType* shape : ShapeTypes()) {
    if (shape->FindKey(key.path) != nullptr) return true;
  }
  return false;
}

std::vector<std::string_view> JobKey::Choices() const {
  std::vector<std::string_view> all;
  std::string_view rest = choices;
  while (!rest.empty()) {
    const size_t bar = rest.find('|');
    all.push_back(rest.substr(0, bar));
    rest.remove_prefix(bar == std::string_view::npos ? rest.size() : bar + 1);
  }
  return all;
}

const KeyNode* KeyNode::Find(std::string_view segment_name) const {
  for (const KeyNode& child : children) {
    if (child.segment == segment_name) return &child;
  }
  return nullptr;
}

std::vector<std::string_view> KeyNode::ChildNames() const {
  std::vector<std::string_view> names;
  for (const KeyNode& child : children) {
    if (child.segment != "*") names.push_back(child.segment);
  }
  return names;
}

const KeyNode& JobKeyTree() {
  static const KeyNode tree = BuildTree();
  return tree;
}

}  // namespace tacho
