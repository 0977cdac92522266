#pragma once

#include <optional>
#include <string>
#include <vector>

#include "operators/registry.h"
#include "pipeline/base/diagnostics.h"
#include "pipeline/job/file/yaml_source.h"
#include "pipeline/job/file/yaml_tree.h"
#include "pipeline/job/job.h"

namespace tacho {

// Reads a stream's list of operators: names and parameters against the
// operators' own tables, then every operator is made once, so that it checks
// its expressions. `path` is for messages: "streams.alerts.operators".
class OperatorReader {
 public:
  OperatorReader(const std::vector<OperatorType>& types,
                 const YamlSource& source, const StreamSettings& settings,
                 Diagnostics& diagnostics)
      : types_(types),
        source_(source),
        settings_(settings),
        diagnostics_(diagnostics) {}

  // `columns`: what the first of them reads; nullopt: nobody knows, and the
  // operators are not made.
  std::vector<OperatorConfig> Read(const std::string& path,
                                   const YamlNode& list,
                                   std::optional<SignalSchema> columns);

 private:
  void ReadOne(const YamlNode& node, std::vector<OperatorConfig>& out);
  bool ReadParams(const OperatorType& type, const YamlNode& node,
                  OperatorParams& params);
  bool ReadMap(const std::vector<ParamDef>& defs, const std::string& what,
               const YamlNode& node, std::vector<ParamValue>& values);
  // The map's key number `index`.
  void ReadParam(const std::vector<ParamDef>& defs, const std::string& what,
                 const YamlNode& map, size_t index,
                 std::vector<ParamValue>& values);
  bool ReadParamValue(const ParamDef& def, const std::string& what,
                      const YamlNode& node, ParamValue& value);
  static const ParamDef* ShorthandFor(const OperatorType& type,
                                      const YamlNode& node);
  bool ReadItems(const ParamDef& def, const std::string& what,
                 const YamlNode& node, ParamValue& value);
  bool ReadChildren(const ParamDef& def, const std::string& what,
                    const YamlNode& node, ParamValue& value);
  bool ReadChoice(const ParamDef& def, const std::string& what,
                  const YamlNode& node, ParamValue& value);
  bool ReadNamed(const ParamDef& def, const std::string& what,
                 const YamlNode& node, ParamValue& value);
  void CheckOrder(const std::vector<OperatorConfig>& operators,
                  const std::vector<Origin>& origins);
  void Make(const OperatorType& type, const OperatorParams& params);
  void Report(const ParamError& error);
  int Mark(const YamlNode& node);

  const std::vector<OperatorType>& types_;
  const YamlSource& source_;
  const StreamSettings& settings_;
  Diagnostics& diagnostics_;
  // Of the operator to come, while a list is read.
  std::optional<SignalSchema> columns_;
  std::vector<const YamlNode*> marks_;  // What ParamValue::mark indexes.
};

}  // namespace tacho
