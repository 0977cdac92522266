#include "pipeline/job/print/shape_schema.h"

#include <string_view>
#include <vector>

#include "pipeline/job/file/job_keys.h"

namespace tacho {
namespace {

class ShapeRuleWriter {
 public:
  explicit ShapeRuleWriter(JsonText& json) : json_(json) {}

  // What a shape requires of the input. One that is not named is the first.
  void Write() {
    json_.Key("allOf");
    json_.OpenArray();
    for (const ShapeType* shape : ShapeTypes()) {
      json_.OpenObject();
      json_.Key("if");
      if (shape == DefaultShape()) {
        WriteNoOtherShape();
      } else {
        WriteNamesShape({shape->name});
      }
      json_.Key("then");
      WriteShapeKeys(*shape);
      json_.CloseObject();
    }
    json_.CloseArray();
  }

 private:
  void WriteNoOtherShape() {
    std::vector<std::string_view> others = TypeNames(ShapeTypes());
    others.erase(others.begin());
    json_.OpenObject();
    json_.Key("not");
    WriteNamesShape(others);
    json_.CloseObject();
  }

  // By its own key or by its alias.
  void WriteNamesShape(const std::vector<std::string_view>& names) {
    json_.OpenObject();
    json_.Key("anyOf");
    json_.OpenArray();
    for (std::string_view key : {"shape", "decoder"}) {
      json_.OpenObject();
      json_.ListField("required", {key});
      json_.Key("properties");
      json_.OpenObject();
      json_.Key(key);
      json_.OpenObject();
      json_.ListField("enum", names);
      json_.CloseObject();
      json_.CloseObject();
      json_.CloseObject();
    }
    json_.CloseArray();
    json_.CloseObject();
  }

  void WriteShapeKeys(const ShapeType& shape) {
    constexpr std::string_view kSignal = "input.signals.*.";
    json_.OpenObject();
    json_.ListField("required", RequiredOf(shape, "input."));
    json_.Key("properties");
    json_.OpenObject();
    RefuseOthers(shape, "input.");
    json_.Key("signals");
    json_.OpenObject();
    json_.Key("additionalProperties");
    json_.OpenObject();
    json_.ListField("required", RequiredOf(shape, kSignal));
    json_.Key("properties");
    json_.OpenObject();
    RefuseOthers(shape, kSignal);
    json_.CloseObject();
    json_.CloseObject();
    json_.CloseObject();
    json_.CloseObject();
    json_.CloseObject();
  }

  // The last part of the key, if it is one right below `section`; or "".
  static std::string_view NameIn(std::string_view section,
                                 std::string_view path) {
    if (!path.starts_with(section)) return "";
    path.remove_prefix(section.size());
    return path.find('.') == std::string_view::npos ? path : "";
  }

  static std::vector<std::string_view> RequiredOf(const ShapeType& shape,
                                                  std::string_view section) {
    std::vector<std::string_view> names;
    for (const ShapeKey& key : shape.keys) {
      const std::string_view name = NameIn(section, key.path);
      if (key.required && !name.empty()) names.push_back(name);
    }
    return names;
  }

  // Keys that other shapes have and this one has not.
  void RefuseOthers(const ShapeType& shape, std::string_view section) {
    for (const JobKey& key : JobKeys()) {
      const std::string_view name = NameIn(section, key.path);
      if (name.empty() || !IsShapeKey(key)) continue;
      if (shape.FindKey(key.path) != nullptr) continue;
      json_.Key(name);
      json_.OpenObject();
      json_.Key("not");
      json_.OpenObject();
      json_.CloseObject();
      json_.CloseObject();
    }
  }

  JsonText& json_;
};

}  // namespace

void WriteShapeRules(JsonText& json) { ShapeRuleWriter(json).Write(); }

}  // namespace tacho
