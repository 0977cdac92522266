#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pipeline/base/diagnostics.h"
#include "pipeline/job/file/job_keys.h"
#include "pipeline/job/file/yaml_tree.h"

namespace tacho {

// Walks a job's YAML along the key table: unknown and missing keys, each value
// by itself, and each signal. Checks across sections come after it, and so do
// the operators, which need all signals.
// Lifetime: the tree outlives it.
class JobReader {
 public:
  JobReader(Diagnostics& diagnostics, JobDraft& draft)
      : diagnostics_(diagnostics), draft_(draft) {}

  void Read(const YamlNode& root);

  const OriginIndex& origins() const { return origins_; }
  // Every stream's list of operators, or nullptr, in the order of the streams.
  const std::vector<const YamlNode*>& operators() const { return operators_; }

 private:
  // The shape says which keys there are, so it is looked for before the walk.
  void FindShape(const YamlNode& root);
  // Of a key of some shapes only, what the job's shape says of it.
  bool IsRequired(const JobKey& key) const;
  bool IsRefused(const JobKey& key) const;
  // `at` is where the section's name was written.
  void ReadSection(const KeyNode& section, const std::string& path, Origin at,
                   const YamlNode& node);
  void ReadKey(const KeyNode& known, const std::string& path, Origin at,
               const YamlNode& node);
  void ReadNamed(const KeyNode& known, const std::string& path,
                 const YamlKey& name, const YamlNode& node);
  void ListMissing(const KeyNode& node, const std::string& path,
                   std::vector<std::string>& missing) const;
  void ComplainMissing(const KeyNode& section, const std::string& path,
                       Origin at, const YamlNode& node,
                       const std::vector<std::string_view>& meant);
  // Returns the known key that was meant, if there is a guess.
  std::string_view ComplainUnknown(const KeyNode& section,
                                   const std::string& path, const YamlKey& key);

  Diagnostics& diagnostics_;
  JobDraft& draft_;
  const ShapeType* shape_ = DefaultShape();
  OriginIndex origins_;
  std::vector<const YamlNode*> operators_;
};

}  // namespace tacho
