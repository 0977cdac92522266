#include "pipeline/decode/decoder.h"

#include "pipeline/decode/wide_decoder.h"

namespace tacho {

SignalSchema DecoderConfig::Schema() const {
  std::vector<Signal> schema;
  schema.reserve(signals.size());
  for (const SignalSource& source : signals) schema.push_back(source.signal);
  return SignalSchema(std::move(schema));
}

std::unique_ptr<Decoder> MakeWideDecoder(const DecoderConfig& config) {
  return std::make_unique<WideDecoder>(config);
}

std::unique_ptr<Decoder> MakeDecoder(std::string_view name,
                                     const DecoderConfig& config) {
  if (name == "wide") return MakeWideDecoder(config);
  return nullptr;
}

std::vector<std::string_view> DecoderNames() { return {"wide"}; }

}  // namespace tacho
