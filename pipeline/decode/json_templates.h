#pragma once

#include <cstdint>
#include <string_view>

#include "pipeline/decode/json_paths.h"
#include "pipeline/decode/json_value.h"
#include "pipeline/decode/template_graph.h"
#include "pipeline/decode/template_learner.h"
#include "pipeline/decode/template_matcher.h"

namespace tacho {

// The templates of a topic: a producer writes the same names in the same order,
// and only the values differ, so that after a few messages most of a message
// need only be compared.
//
// While too many documents are unlike all others, templates cost more than they
// save: they are left alone for a while, twice as long each time. Once no more
// of them fit and new ones are needed, all are forgotten: those that are still
// in use come back with the next documents.
//
// Threading: one thread at a time.
// Limits: those of the graph; learns one document in 64 at most, but for the
// first ones.
class JsonTemplates {
 public:
  // `paths` outlives it.
  explicit JsonTemplates(const JsonPaths& paths,
                         const TemplateLimits& limits = {});

  // Asked before each document. False: Match would be a waste.
  bool AreWorthATry() {
    if (pause_left_ == 0) [[likely]] {
      return true;
    }
    --pause_left_;
    return false;
  }

  // True: the document is valid, and `values` (by path node, all absent
  // before) holds what is wanted. False says nothing about it; `values` may
  // hold anything then.
  // REQUIRES: 64 readable bytes follow the text; what they hold is ignored.
  bool Match(std::string_view text, JsonValue* values) {
    const bool matched = MatchTemplate(text, graph_, values);
    matched_ += matched ? 1 : 0;
    missed_ += matched ? 0 : 1;
    if (++tried_ == kWindow) [[unlikely]] {
      EndWindow();
    }
    return matched;
  }

  // A document that Match did not know, and that is valid: its tokens.
  void Learn(std::string_view text, const uint32_t* token,
             const uint32_t* tokens_end) {
    if (pause_left_ > 0 || lessons_ == 0) return;
    --lessons_;
    learner_.Learn(text, token, tokens_end);
  }

  const TemplateGraph& graph() const { return graph_; }
  // Documents that Match knew, ever.
  uint64_t matched() const { return matched_; }

  // Documents.
  static constexpr uint32_t kWindow = 256;
  static constexpr uint32_t kMostMissed = 64;  // Of a window.
  static constexpr uint32_t kFirstPause = 1024;
  static constexpr uint32_t kLongestPause = 65536;
  static constexpr uint32_t kFirstLessons = 64;
  static constexpr uint32_t kLessons = 4;  // More, each window.
  static constexpr uint64_t kKeepAtLeast = 65536;

 private:
  void EndWindow();

  TemplateGraph graph_;
  TemplateLearner learner_;
  uint32_t tried_ = 0;   // Of the window...
  uint32_t missed_ = 0;  // ... and of these.
  uint32_t lessons_ = kFirstLessons;
  uint32_t pause_ = kFirstPause;  // The next one.
  uint32_t pause_left_ = 0;
  uint64_t matched_ = 0;
  uint64_t kept_for_ = 0;  // Documents since all was forgotten.
};

}  // namespace tacho
