#pragma once

#include <string>
#include <vector>

#include "operators/registry.h"
#include "pipeline/job/complaints.h"
#include "pipeline/job/job.h"
#include "pipeline/job/yaml_source.h"
#include "pipeline/job/yaml_tree.h"

namespace tacho {

// Reads a stream's list of operators: names and parameters against the
// operators' own tables, then every operator is made once, so that it checks
// its expressions. `path` is for messages: "streams.alerts.operators".
class OperatorReader {
 public:
  OperatorReader(const std::vector<OperatorType>& types,
                 const YamlSource& source, const SignalSchema& schema,
                 const StreamSettings& settings, Complaints& complaints)
      : types_(types),
        source_(source),
        schema_(schema),
        settings_(settings),
        complaints_(complaints) {}

  std::vector<OperatorConfig> Read(const std::string& path,
                                   const YamlNode& list);

 private:
  void ReadOne(const YamlNode& node, std::vector<OperatorConfig>& out);
  bool ReadParams(const OperatorType& type, const YamlNode& node,
                  OperatorParams& params);
  void ReadParam(const OperatorType& type, const YamlKey& key,
                 const YamlNode& node, bool in_flow_map,
                 OperatorParams& params);
  bool ReadParamValue(const ParamDef& def, const std::string& what,
                      const YamlNode& node, ParamValue& value);
  bool ReadChildren(const ParamDef& def, const std::string& what,
                    const YamlNode& node, ParamValue& value);
  void CheckOrder(const std::vector<OperatorConfig>& operators,
                  const std::vector<Origin>& origins);
  void Make(const OperatorType& type, const OperatorParams& params);
  void Report(const ParamError& error);
  int Mark(const YamlNode& node);

  const std::vector<OperatorType>& types_;
  const YamlSource& source_;
  const SignalSchema& schema_;
  const StreamSettings& settings_;
  Complaints& complaints_;
  std::vector<const YamlNode*> marks_;  // What ParamValue::mark indexes.
};

}  // namespace tacho
