#include "pipeline/job/yaml_tree.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <set>
#include <sstream>
#include <utility>

namespace tacho {
namespace {

constexpr size_t kMaxTextBytes = size_t{1} << 20;

// A map or list whose end has not been read yet.
struct OpenNode {
  YamlNode node;
  std::optional<YamlKey> key;  // Of a map: read, its value not yet.
  bool key_is_refused = false;
};

// Builds the tree from yaml-cpp's events. Its own tree has no record of
// duplicate keys, anchors or empty values' positions.
class TreeBuilder : public YAML::EventHandler {
 public:
  TreeBuilder(const YamlSource& source, Complaints& complaints)
      : source_(source), complaints_(complaints) {}

  std::optional<YamlNode>& root() { return root_; }
  int documents() const { return documents_; }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ != 2) return;
    const Origin origin = At(mark);
    const bool separated =
        source_.Line(origin.line).substr(0, 3) == std::string_view("---");
    complaints_.Error(origin,
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
    if (!source_.QuoteIsClosed(node.byte)) {
      complaints_.Error(node.origin, "this quote is never closed");
    }
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
  Origin At(const YAML::Mark& mark) const {
    // Clamped: the library's own marks may lie past the last character.
    return source_.OriginAt(source_.ByteAt(mark.line + 1, mark.column + 1));
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
    complaints_.Error(
        origin, std::string("a value that starts with ") + first +
                    " is a YAML " + what +
                    ", which a job file does not use; for an expression, put "
                    "quotes around all of it");
  }

  void Open(YamlNode::Kind kind, const YAML::Mark& mark,
            YAML::EmitterStyle::value style) {
    RefuseProperties(mark);
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
      complaints_.Error(node.origin, "a key is a plain name");
      return;
    }
    for (const YamlKey& earlier : parent.node.keys) {
      if (earlier.name != node.text) continue;
      complaints_.Error(node.origin, "duplicate key '" + node.text +
                                         "'; first on line " +
                                         std::to_string(earlier.origin.line));
      return;
    }
    parent.key_is_refused = false;
  }

  const YamlSource& source_;
  Complaints& complaints_;
  std::optional<YamlNode> root_;
  std::vector<OpenNode> open_;
  std::set<std::pair<int, int>> refused_;
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

// Bytes that YAML does not have, which the library would replace or take for
// the end. Returns the first, or npos.
size_t FindBadByte(std::string_view text) {
  size_t i = 0;
  while (i < text.size()) {
    const auto byte = static_cast<unsigned char>(text[i]);
    size_t length = 1;
    if (byte >= 0x80) {
      if (byte < 0xC2 || byte > 0xF4) return i;
      length = byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
      if (i + length > text.size()) return i;
      for (size_t k = 1; k < length; ++k) {
        if ((text[i + k] & 0xC0) != 0x80) return i;
      }
    } else if (byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r') {
      return i;
    }
    i += length;
  }
  return std::string_view::npos;
}

}  // namespace

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
                                 Complaints& complaints) {
  if (source.text().size() > kMaxTextBytes) {
    complaints.Error(Origin{1, 1}, "a job file is at most 1 MiB");
    return std::nullopt;
  }
  const size_t bad = FindBadByte(source.text());
  if (bad != std::string_view::npos) {
    complaints.Error(source.OriginAt(bad),
                     "this byte is neither UTF-8 nor white space");
    return std::nullopt;
  }
  try {
    std::istringstream in{std::string(source.text())};
    YAML::Parser parser(in);
    TreeBuilder builder(source, complaints);
    // No further than a second document: at some stray tokens the library
    // starts documents for ever and reads none.
    if (parser.HandleNextDocument(builder)) parser.HandleNextDocument(builder);
    if (!builder.root()) {
      complaints.Error(Origin{1, 1}, "the file is empty");
    } else if (builder.documents() > 1 && builder.root()->is_null()) {
      return std::nullopt;  // Nothing was read before the stray token.
    }
    return std::move(builder.root());
  } catch (const YAML::Exception& error) {
    const int line = std::max(error.mark.line, 0) + 1;
    const int column = std::max(error.mark.column, 0) + 1;
    complaints.Error(
        source.OriginAt(source.ByteAt(line, column)),
        "YAML syntax: " + error.msg + SyntaxHint(source.Line(line)));
    return std::nullopt;
  }
}

}  // namespace tacho
