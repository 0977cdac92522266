#include "pipeline/job/file/job_reader.h"

#include <algorithm>

#include "pipeline/base/suggestion.h"
#include "pipeline/job/file/client_property_reader.h"
#include "pipeline/job/file/key_value.h"
#include "pipeline/job/scalars.h"

namespace tacho {
namespace {

std::string Join(const std::string& path, std::string_view segment) {
  return path.empty() ? std::string(segment)
                      : path + "." + std::string(segment);
}

std::string MissingHint(const JobKey& key) {
  if (key.kind != KeyKind::kSideOutput) return "";
  std::string hint = "; write " + std::string(key.path) + ": {topic: NAME}";
  for (std::string_view choice : key.Choices()) {
    hint += " or " + std::string(key.path) + ": " + std::string(choice);
  }
  return hint;
}

// Where else in the job a key of this name is, as in "input.topics", or "".
std::string FoundElsewhere(std::string_view name) {
  for (const JobKey& key : JobKeys()) {
    const size_t dot = key.path.rfind('.');
    if (key.path.substr(dot + 1) != name || dot == std::string_view::npos) {
      continue;
    }
    std::string path(key.path);
    const size_t star = path.find('*');
    if (star != std::string::npos) path.replace(star, 1, "NAME");
    return path;
  }
  return "";
}

}  // namespace

void JobReader::Read(const YamlNode& root) {
  FindShape(root);
  ReadSection(JobKeyTree(), "", root.origin, root);
  operators_.resize(draft_.job.streams.size(), nullptr);
}

void JobReader::FindShape(const YamlNode& root) {
  const YamlNode* const input = root.Find("input");
  if (input == nullptr) return;
  for (const char* key : {"shape", "decoder"}) {
    const YamlNode* const name = input->Find(key);
    if (name == nullptr || !name->is_scalar()) continue;
    const ShapeType* const shape = FindType(ShapeTypes(), name->text);
    if (shape != nullptr) shape_ = shape;
  }
}

bool JobReader::IsRequired(const JobKey& key) const {
  const ShapeKey* const mine = shape_->FindKey(key.path);
  return key.required || (mine != nullptr && mine->required);
}

bool JobReader::IsRefused(const JobKey& key) const {
  return shape_->FindKey(key.path) == nullptr && IsShapeKey(key);
}

void JobReader::ReadSection(const KeyNode& section, const std::string& path,
                            Origin at, const YamlNode& node) {
  if (!node.is_map() && !node.is_null()) {
    diagnostics_.Error(node.origin, (path.empty() ? "a job" : path) +
                                        ": expected a map of keys, found " +
                                        node.KindName());
    return;
  }
  const KeyNode* wildcard = section.wildcard();
  std::vector<std::string_view> meant;
  for (size_t i = 0; i < node.keys.size(); ++i) {
    if (diagnostics_.full()) return;
    const YamlKey& key = node.keys[i];
    const KeyNode* known = wildcard ? wildcard : section.Find(key.name);
    if (known == nullptr) {
      meant.push_back(ComplainUnknown(section, path, key));
      continue;
    }
    const std::string child_path = Join(path, key.name);
    origins_.Add(child_path, key.origin);
    if (wildcard != nullptr) {
      ReadNamed(*known, child_path, key, node.values[i]);
    } else {
      const YamlNode& value = node.values[i];
      const bool is_override = value.origin.set >= 0;
      ReadKey(*known, child_path, is_override ? value.origin : key.origin,
              value);
    }
  }
  ComplainMissing(section, path, at, node, meant);
}

void JobReader::ReadKey(const KeyNode& known, const std::string& path,
                        Origin at, const YamlNode& node) {
  const JobKey& key = *known.key;
  if (IsRefused(key)) {
    diagnostics_.Error(
        at, path + ": has no meaning with shape: " + std::string(shape_->name));
    return;
  }
  if (key.kind == KeyKind::kSection ||
      (node.is_map() &&
       (key.kind == KeyKind::kSideOutput || key.kind == KeyKind::kVehicle))) {
    return ReadSection(known, path, at, node);
  }
  if (key.kind == KeyKind::kClientProperties) {
    draft_.job.kafka = ReadClientProperties(node, at, diagnostics_);
    return;
  }
  if (key.kind == KeyKind::kOperators) {
    operators_.resize(draft_.job.streams.size(), nullptr);
    operators_.back() = &node;
    return;
  }
  const auto value = ReadKeyValue(key, path, node, diagnostics_);
  if (!value) return;
  origins_.Add(path, value->origin);
  key.bind(draft_, *value);
}

void JobReader::ReadNamed(const KeyNode& known, const std::string& path,
                          const YamlKey& name, const YamlNode& node) {
  if (const auto problem = CheckIdentifier(name.name)) {
    diagnostics_.Error(name.origin, *problem);
    return;
  }
  known.key->begin(draft_, name.name);
  ReadSection(known, path, name.origin, node);
  known.key->end(draft_, path, origins_, diagnostics_);
}

// Names what is missing down to the keys, when a whole section is.
void JobReader::ListMissing(const KeyNode& node, const std::string& path,
                            std::vector<std::string>& missing) const {
  const size_t before = missing.size();
  if (node.key->kind == KeyKind::kSection) {
    for (const KeyNode& child : node.children) {
      if (child.segment == "*" || !IsRequired(*child.key)) continue;
      ListMissing(child, Join(path, child.segment), missing);
    }
  }
  if (missing.size() == before) missing.push_back(path);
}

void JobReader::ComplainMissing(const KeyNode& section, const std::string& path,
                                Origin at, const YamlNode& node,
                                const std::vector<std::string_view>& meant) {
  if (section.wildcard() != nullptr && section.key->required &&
      node.keys.empty()) {
    diagnostics_.Error(at, path + ": give at least one");
  }
  for (const KeyNode& child : section.children) {
    // One misspelling is one error: what was meant is not missing as well.
    if (!IsRequired(*child.key) || node.Find(child.segment) != nullptr ||
        std::find(meant.begin(), meant.end(), child.segment) != meant.end()) {
      continue;
    }
    std::vector<std::string> missing;
    ListMissing(child, Join(path, child.segment), missing);
    for (const std::string& name : missing) {
      diagnostics_.Error(at,
                         "missing '" + name + "'" + MissingHint(*child.key));
    }
  }
}

std::string_view JobReader::ComplainUnknown(const KeyNode& section,
                                            const std::string& path,
                                            const YamlKey& key) {
  const std::vector<std::string_view> names = section.ChildNames();
  const std::string_view nearest = Nearest(key.name, names);
  std::string hint = DidYouMean(key.name, names, '\'');
  if (nearest.empty()) {
    const std::string elsewhere = FoundElsewhere(key.name);
    if (!elsewhere.empty()) hint = "; did you mean '" + elsewhere + "'?";
  }
  const std::string place = path.empty() ? "" : " in '" + path + "'";
  diagnostics_.Error(key.origin,
                     "unknown key '" + key.name + "'" + place + hint);
  return nearest;
}

}  // namespace tacho
