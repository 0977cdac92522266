#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/decode/json_paths.h"
#include "pipeline/decode/template_graph.h"

namespace tacho {

// Makes the template of a valid document, by its tokens.
//
// Not learnt, in whole or from some place on: what does not fit into the graph,
// names with escapes, a wanted name twice in one object, wanted elements of
// arrays (they are found by index, or read one by one).
//
// Threading: one thread at a time.
class TemplateLearner {
 public:
  // Both outlive it.
  TemplateLearner(const JsonPaths& paths, TemplateGraph& graph)
      : paths_(paths), graph_(graph) {}

  // The tokens are JsonIndex's, of a document that JsonScanner has accepted.
  void Learn(std::string_view text, const uint32_t* token,
             const uint32_t* tokens_end);

 private:
  // An open container.
  struct Level {
    bool is_object;
    JsonPaths::Node node;  // Where it is among what is wanted.
  };

  void Start(std::string_view text);
  // One token, and where the next one is. False: no more is learnt.
  bool Token(size_t at, size_t next);
  bool Open(char bracket);
  bool Name(size_t at, size_t next);
  bool Scalar(size_t at, size_t next);
  // Adds the literal that ends at `end`, before a slot.
  bool AddLiteral(size_t end, TemplateGraph::Slot slot);
  bool Context(uint32_t& context);
  // Where the quote is that closes a text before the token at `next`.
  size_t ClosingQuote(size_t next) const;

  const JsonPaths& paths_;
  TemplateGraph& graph_;

  // Of the document that is learnt.
  std::string_view text_;
  std::vector<Level> levels_;
  std::vector<JsonPaths::Node> met_;           // Wanted names so far.
  JsonPaths::Node wanted_ = JsonPaths::kNone;  // The next value's.
  bool name_is_next_ = false;
  size_t begin_ = 0;  // Of the literal that is being read.
  std::vector<TemplateGraph::Opened> opened_;  // In it.
  uint32_t before_ = 0;                        // Its context.
  TemplateGraph::Node* from_ = nullptr;
  std::string key_;
};

}  // namespace tacho
