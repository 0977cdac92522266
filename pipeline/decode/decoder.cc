#include "pipeline/decode/decoder.h"

#include "pipeline/base/check.h"
#include "pipeline/decode/datums_shape.h"
#include "pipeline/decode/json_format.h"
#include "pipeline/decode/message_decoder.h"
#include "pipeline/decode/no_framing.h"
#include "pipeline/decode/wide_shape.h"

namespace tacho {
namespace {

template <typename... Row>
struct Table {
  // The types of the rows as they are shown to others.
  template <typename Type>
  static std::vector<const Type*> Types() {
    return {&Row::kType...};
  }
  // Calls `use` with the row whose type is `wanted`, as Use<Row>.
  template <typename Type, typename Use>
  static void With(const Type* wanted, const Use& use) {
    ((wanted == &Row::kType ? use.template operator()<Row>() : void()), ...);
  }
};

// The tables: one row a framing, a format, a shape.
using Framings = Table<NoFraming>;
using Formats = Table<JsonFormat>;
using Shapes = Table<WideShape, DatumsShape>;

}  // namespace

const std::vector<const FramingType*>& FramingTypes() {
  static const auto types = Framings::Types<FramingType>();
  return types;
}

const std::vector<const FormatType*>& FormatTypes() {
  static const auto types = Formats::Types<FormatType>();
  return types;
}

const std::vector<const ShapeType*>& ShapeTypes() {
  static const auto types = Shapes::Types<ShapeType>();
  return types;
}

std::unique_ptr<Decoder> MakeDecoder(const DecoderConfig& config) {
  std::unique_ptr<Decoder> made;
  Framings::With(config.framing, [&]<typename Framing>() {
    Formats::With(config.format, [&]<typename Format>() {
      Shapes::With(config.shape, [&]<typename Shape>() {
        made = std::make_unique<MessageDecoder<Framing, Format, Shape>>(config);
      });
    });
  });
  CHECK(made != nullptr);
  return made;
}

}  // namespace tacho
