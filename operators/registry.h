#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "operators/operator.h"
#include "pipeline/base/signal.h"
#include "pipeline/base/time.h"

namespace tacho {

// How a parameter of an operator is written in the job file.
enum class ParamKind : uint8_t {
  kExpression,  // Text, compiled against the job's signals.
  kDuration,    // "10s", "1m": checked by the job parser, in `duration`.
  kText,
  kWindow,      // {tumbling: DURATION}: one child, its `duration` filled in.
  kAggregates,  // A map: output name -> "function(signal)".
};

struct ParamDef {
  std::string_view name;
  ParamKind kind;
  bool required;
  std::string_view default_text;  // As it would be written; "" if none.
  std::string_view help;          // One line.
};

// A parameter as the job parser found it. Plain text in `text`; maps in
// `children`, in file order. `mark` is the parser's handle for the position of
// the text's first character.
struct ParamValue {
  std::string name;
  std::string text;
  int mark = -1;
  Millis duration{0};
  std::vector<ParamValue> children;
};

// An error in a parameter: where (mark, and characters into its text), what,
// and what to do.
struct ParamError {
  int mark;
  size_t offset;
  std::string message;
};

// The parameters of one operator of a job, checked for names and shapes.
struct OperatorParams {
  std::vector<ParamValue> values;  // Those given; defaults are not filled in.
  int mark = -1;                   // Of the operator itself.

  const ParamValue* Find(std::string_view name) const {
    for (const ParamValue& v : values) {
      if (v.name == name) return &v;
    }
    return nullptr;
  }
};

// Settings of the stream that its operators share.
struct StreamSettings {
  Millis vehicle_idle_timeout = std::chrono::minutes(30);
  Millis vehicle_forget = std::chrono::hours(24 * 7);
};

// A kind of operator: its name in the job file, its parameters (the table from
// which parser, schema and reference come), and how to make one.
struct OperatorType {
  std::string_view name;
  std::string_view help;
  // `name: VALUE` instead of a map sets this parameter; "" if not allowed.
  std::string_view shorthand;
  bool emits;  // Must be the last of its stream; others narrow the selection.
  std::vector<ParamDef> params;
  // Checks everything that can be known offline and appends every error;
  // nullptr if there was one. Called once per lane, and once to validate.
  std::unique_ptr<Operator> (*make)(const OperatorParams& params,
                                    const SignalSchema& schema,
                                    const StreamSettings& settings,
                                    std::vector<ParamError>& errors);
};

// All operators, in alphabetical order.
const std::vector<OperatorType>& OperatorTypes();
const OperatorType* FindOperatorType(std::string_view name);

}  // namespace tacho
