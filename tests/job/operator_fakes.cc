#include "tests/job/operator_fakes.h"

#include <memory>
#include <string>
#include <string_view>

namespace tacho {
namespace {

class IdleOperator : public Operator {
 public:
  Status Open(OperatorContext&) override { return Status::Ok(); }
  Status Process(const Batch&, RowRange&, Selection&, RowWriter&) override {
    return Status::Ok();
  }
  RowSchema OutputSchema() const override { return {}; }
  void Close() override {}
};

bool IsLetter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

size_t Characters(std::string_view text) {
  size_t count = 0;
  for (char c : text) count += (c & 0xC0) != 0x80 ? 1 : 0;
  return count;
}

// Complains about the first word that is not a signal of the schema.
void CheckWords(const ParamValue& value, const SignalSchema& schema,
                std::vector<ParamError>& errors) {
  const std::string& text = value.text;
  for (size_t i = 0; i < text.size(); ++i) {
    if (!IsLetter(text[i]) && text[i] != '$') continue;
    size_t end = i + 1;
    while (end < text.size() && IsLetter(text[end])) ++end;
    const std::string word = text.substr(i, end - i);
    if (text[i] != '$' && !schema.Find(word)) {
      errors.push_back({value.mark, Characters(text.substr(0, i)),
                        "unknown signal '" + word + "'"});
      return;
    }
    i = end - 1;
  }
}

std::unique_ptr<Operator> Make(const OperatorParams& params,
                               const SignalSchema& schema,
                               const StreamSettings&,
                               std::vector<ParamError>& errors) {
  const size_t before = errors.size();
  for (const ParamValue& value : params.values) {
    if (value.name == "condition" || value.name == "when" ||
        value.name == "clear") {
      CheckWords(value, schema, errors);
    }
    for (const ParamValue& child : value.children) {
      if (value.name == "aggregates") CheckWords(child, schema, errors);
    }
  }
  if (errors.size() != before) return nullptr;
  return std::make_unique<IdleOperator>();
}

}  // namespace

const std::vector<OperatorType>& FakeOperatorTypes() {
  static const std::vector<OperatorType> types = {
      {"excursion",
       "A condition that holds for a while.",
       "",
       RowKind::kOwn,
       {{"when", ParamKind::kExpression, true, "", "Opens it."},
        {"for", ParamKind::kDuration, false, "0s", "How long it must hold."},
        {"clear", ParamKind::kExpression, false, "", "Closes it."},
        {"name", ParamKind::kText, true, "", "Name in results."}},
       Make},
      {"filter",
       "Keeps what is true.",
       "condition",
       RowKind::kNone,
       {{"condition", ParamKind::kExpression, true, "", "What to keep."}},
       Make},
      {"window_aggregate",
       "Aggregates of a window.",
       "",
       RowKind::kOwn,
       {{"window",
         ParamKind::kChoice,
         true,
         "",
         "Its size.",
         {{"tumbling", ParamKind::kDuration, false, "", "One by one."},
          {"hopping",
           ParamKind::kGroup,
           false,
           "",
           "Overlapping.",
           {{"size", ParamKind::kDuration, true, "", "How long."},
            {"slide", ParamKind::kDuration, false, "1m", "How often."}}}}},
        {"allowed_lateness", ParamKind::kDuration, false, "0s", "Waiting."},
        {"aggregates", ParamKind::kAggregates, true, "", "Results."}},
       Make},
  };
  return types;
}

}  // namespace tacho
