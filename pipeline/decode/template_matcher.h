#pragma once

#include <string_view>

#include "pipeline/decode/json_value.h"
#include "pipeline/decode/template_graph.h"

namespace tacho {

// Follows a document through a graph of templates. Every byte of what is
// accepted was compared with a literal's, or scanned as what its slot may hold
// (RFC 8259, UTF-8, surrogate escapes in pairs).
//
// True: the document is valid, and `values` (by path node, all absent before)
// holds what JsonScanner finds in it. False says nothing about the document,
// and leaves anything in `values`.
// REQUIRES: 64 readable bytes follow the text; what they hold is ignored.
//
// Also notes in the graph which literals came last.
bool MatchTemplate(std::string_view text, TemplateGraph& graph,
                   JsonValue* values);

}  // namespace tacho
