#include "pipeline/job/file/yaml_tree.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <set>
#include <sstream>
#include <unordered_map>
#include <utility>

#include "pipeline/base/utf8.h"

namespace tacho {
namespace {

// The library's positions count bytes, its columns too. They may lie past the
// last one; -1 says that there is none.
Origin OriginOf(const YAML::Mark& mark, const YamlSource& source) {
  return source.OriginAt(static_cast<size_t>(std::max(mark.pos, 0)));
}

// A map or list whose end has not been read yet.
struct OpenNode {
  YamlNode node;
  std::optional<YamlKey> key;  // Of a map: read, its value not yet.
  bool key_is_refused = false;
  std::unordered_map<std::string, int> lines;  // Of a map's keys.
};

// Ends the reading: what follows would only be a consequence.
struct BadYaml {
  Origin origin;
  std::string message;
};

// Builds the tree from yaml-cpp's events. Its own tree has no record of
// duplicate keys, anchors or empty values' positions.
class TreeBuilder : public YAML::EventHandler {
 public:
  TreeBuilder(const YamlSource& source, Diagnostics& diagnostics)
      : source_(source), diagnostics_(diagnostics) {}

  std::optional<YamlNode>& root() { return root_; }
  int documents() const { return documents_; }

  // Where the reading stands inside of something that should have ended: the
  // innermost open { or [, or a quote that ends on a later line. `at_end`: the
  // library has found no end of it.
  std::optional<BadYaml> Unclosed(int error_line, bool at_end) const {
    if (long_quote_ && long_quote_end_ >= error_line) {
      return BadYaml{*long_quote_, "this quote is closed only on line " +
                                       std::to_string(long_quote_end_)};
    }
    for (auto open = open_.rbegin(); open != open_.rend(); ++open) {
      const Origin origin = open->node.origin;
      const size_t byte = source_.ByteAt(origin.line, origin.column);
      const std::string opener(source_.text().substr(byte, 1));
      if (opener != "{" && opener != "[") continue;
      if (origin.line >= error_line && !at_end) continue;
      return BadYaml{origin, "this '" + opener + "' is not closed"};
    }
    return std::nullopt;
  }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ != 2) return;
    const Origin origin = At(mark);
    const bool separated =
        source_.Line(origin.line).substr(0, 3) == std::string_view("---");
    diagnostics_.Error(origin,
                       separated ? "a job file holds one document; remove `---`"
                                 : "this is no part of a job");
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override {
    RefuseProperties(mark);
    YamlNode node;
    // The library marks an empty value where the next token starts.
    node.origin = At(mark);
    if (!open_.empty()) {
      const OpenNode& parent = open_.back();
      node.origin = parent.key ? parent.key->origin : parent.node.origin;
    }
    Add(std::move(node));
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    RefuseAt(At(mark), '*');
    YamlNode node;
    node.origin = At(mark);
    Add(std::move(node));
  }

  void OnScalar(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                const std::string& value) override {
    RefuseProperties(mark);
    YamlNode node;
    node.kind = YamlNode::Kind::kScalar;
    node.origin = At(mark);
    node.byte = source_.ByteAt(node.origin.line, node.origin.column);
    node.text = value;
    CheckQuote(node);
    Add(std::move(node));
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string&,
                       YAML::anchor_t,
                       YAML::EmitterStyle::value style) override {
    Open(YamlNode::Kind::kList, mark, style);
  }
  void OnSequenceEnd() override { Close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value style) override {
    Open(YamlNode::Kind::kMap, mark, style);
  }
  void OnMapEnd() override { Close(); }

 private:
  Origin At(const YAML::Mark& mark) const { return OriginOf(mark, source_); }

  // A quote that someone forgot takes in what follows: up to the end, or to the
  // next quote on another line, which is noted in case nothing fits from there.
  void CheckQuote(const YamlNode& node) {
    const size_t end = source_.ClosingQuote(node.byte);
    if (end == std::string_view::npos) {
      throw BadYaml{node.origin, "this quote is never closed"};
    }
    const int end_line = source_.OriginAt(end).line;
    if (end_line == node.origin.line) return;
    long_quote_ = node.origin;
    long_quote_end_ = end_line;
  }

  // A node that is tagged or anchored starts at the `!` or `&`.
  void RefuseProperties(const YAML::Mark& mark) {
    const Origin origin = At(mark);
    const size_t byte = source_.ByteAt(origin.line, origin.column);
    if (byte >= source_.text().size()) return;
    const char first = source_.text()[byte];
    if (first == '!' || first == '&') RefuseAt(origin, first);
  }

  void RefuseAt(Origin origin, char first) {
    if (!refused_.insert({origin.line, origin.column}).second) return;
    const char* what = first == '!' ? "tag" : first == '&' ? "anchor" : "alias";
    diagnostics_.Error(
        origin, std::string("a value that starts with ") + first +
                    " is a YAML " + what +
                    ", which a job file does not use; for an expression, put "
                    "quotes around all of it");
  }

  void Open(YamlNode::Kind kind, const YAML::Mark& mark,
            YAML::EmitterStyle::value style) {
    RefuseProperties(mark);
    if (open_.size() == kMaxYamlDepth) {
      throw BadYaml{At(mark), "nested deeper than " +
                                  std::to_string(kMaxYamlDepth) + " levels"};
    }
    OpenNode open;
    open.node.kind = kind;
    open.node.origin = At(mark);
    open.node.flow = style == YAML::EmitterStyle::Flow;
    open_.push_back(std::move(open));
  }

  void Close() {
    YamlNode node = std::move(open_.back().node);
    open_.pop_back();
    Add(std::move(node));
  }

  void Add(YamlNode node) {
    if (++nodes_ > kMaxYamlNodes) {
      throw BadYaml{node.origin, "a job file has at most " +
                                     std::to_string(kMaxYamlNodes) +
                                     " keys and values"};
    }
    if (open_.empty()) {
      if (documents_ <= 1) root_ = std::move(node);
      return;
    }
    OpenNode& parent = open_.back();
    if (parent.node.is_list()) {
      parent.node.values.push_back(std::move(node));
    } else if (!parent.key) {
      SetKey(parent, node);
    } else {
      if (!parent.key_is_refused) {
        parent.node.keys.push_back(*std::move(parent.key));
        parent.node.values.push_back(std::move(node));
      }
      parent.key.reset();
    }
  }

  void SetKey(OpenNode& parent, const YamlNode& node) {
    parent.key = YamlKey{node.text, node.origin};
    parent.key_is_refused = true;
    if (!node.is_scalar() || node.text.empty()) {
      diagnostics_.Error(node.origin, "a key is a plain name");
      return;
    }
    const auto [first, added] =
        parent.lines.try_emplace(node.text, node.origin.line);
    if (!added) {
      diagnostics_.Error(node.origin, "duplicate key '" + node.text +
                                          "'; first on line " +
                                          std::to_string(first->second));
      return;
    }
    parent.key_is_refused = false;
  }

  const YamlSource& source_;
  Diagnostics& diagnostics_;
  std::optional<YamlNode> root_;
  std::vector<OpenNode> open_;
  std::set<std::pair<int, int>> refused_;
  std::optional<Origin> long_quote_;  // The last on more than one line.
  int long_quote_end_ = 0;
  size_t nodes_ = 0;
  int documents_ = 0;
};

// What a syntax error on `line` most likely is: an expression that YAML has
// other ideas about.
std::string SyntaxHint(std::string_view line) {
  if (line.find('\t') < line.find_first_not_of(" \t")) {
    return "; indent with spaces, not tabs";
  }
  size_t at = line.find(": ");
  at = at == std::string_view::npos ? line.find("- ") : at;
  if (at == std::string_view::npos) return "";
  at = line.find_first_not_of(' ', at + 2);
  if (at == std::string_view::npos) return "";
  const char first = line[at];
  if (first == '"' || first == '\'') {
    return "; a value that starts with a quote ends at the next one: put "
           "quotes around all of it, as in '\"on\" == state'";
  }
  if (std::string_view("!&*|>%@`{[").find(first) != std::string_view::npos) {
    return std::string("; a value that starts with ") + first +
           " means something else in YAML: put quotes around all of it";
  }
  if (line.find(": ", at) != std::string_view::npos) {
    return "; a value that holds ': ' needs quotes around all of it, or { } "
           "around a map on one line";
  }
  return "";
}

// The library notices late that something was not closed: the fault is where
// that began.
void ComplainSyntax(const YAML::Exception& error, const YamlSource& source,
                    const TreeBuilder& builder, Diagnostics& diagnostics) {
  const Origin origin = OriginOf(error.mark, source);
  const int line = origin.line;
  const bool at_end = error.msg == YAML::ErrorMsg::END_OF_MAP_FLOW ||
                      error.msg == YAML::ErrorMsg::END_OF_SEQ_FLOW;
  if (const auto unclosed = builder.Unclosed(line, at_end)) {
    return diagnostics.Error(unclosed->origin,
                             "YAML syntax: " + unclosed->message +
                                 "; nothing fits from line " +
                                 std::to_string(line) + " on");
  }
  diagnostics.Error(
      origin, "YAML syntax: " + error.msg + SyntaxHint(source.Line(line)));
}

}  // namespace

size_t FindBadByte(std::string_view text) {
  const auto is_control = [](char c) {
    return static_cast<unsigned char>(c) < 0x20 && c != '\t' && c != '\n' &&
           c != '\r';
  };
  const auto control = static_cast<size_t>(
      std::find_if(text.begin(), text.end(), is_control) - text.begin());
  const size_t bad = std::min(FindInvalidUtf8(text), control);
  return bad < text.size() ? bad : std::string_view::npos;
}

const YamlNode* YamlNode::Find(std::string_view name) const {
  for (size_t i = 0; i < keys.size(); ++i) {
    if (keys[i].name == name) return &values[i];
  }
  return nullptr;
}

YamlNode* YamlNode::Find(std::string_view name) {
  return const_cast<YamlNode*>(std::as_const(*this).Find(name));
}

const char* YamlNode::KindName() const {
  switch (kind) {
    case Kind::kNull:
      return "nothing";
    case Kind::kScalar:
      return "a single value";
    case Kind::kList:
      return "a list";
    case Kind::kMap:
      return "a map";
  }
  return "";
}

std::optional<YamlNode> LoadYaml(const YamlSource& source,
                                 Diagnostics& diagnostics) {
  if (source.text().size() > kMaxYamlBytes) {
    diagnostics.Error(Origin{1, 1}, "a job file is at most 1 MiB");
    return std::nullopt;
  }
  const size_t bad = FindBadByte(source.text());
  if (bad != std::string_view::npos) {
    diagnostics.Error(source.OriginAt(bad),
                      "this byte is neither UTF-8 nor white space");
    return std::nullopt;
  }
  TreeBuilder builder(source, diagnostics);
  try {
    std::istringstream in{std::string(source.text())};
    YAML::Parser parser(in);
    // No further than a second document: at some stray tokens the library
    // starts documents for ever and reads none.
    if (parser.HandleNextDocument(builder)) parser.HandleNextDocument(builder);
    if (!builder.root()) {
      diagnostics.Error(Origin{1, 1}, "the file is empty");
    } else if (builder.documents() > 1 && builder.root()->is_null()) {
      return std::nullopt;  // Nothing was read before the stray token.
    }
    return std::move(builder.root());
  } catch (const BadYaml& refusal) {
    diagnostics.Error(refusal.origin, refusal.message);
  } catch (const YAML::Exception& error) {
    ComplainSyntax(error, source, builder, diagnostics);
  }
  return std::nullopt;
}

}  // namespace tacho
