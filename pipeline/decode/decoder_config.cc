#include "pipeline/decode/decoder_config.h"

#include <utility>

namespace tacho {

SignalSchema DecoderConfig::Schema() const {
  std::vector<Signal> schema;
  schema.reserve(signals.size());
  for (const SignalSource& source : signals) schema.push_back(source.signal);
  return SignalSchema(std::move(schema));
}

std::vector<std::string> RejectSites(const DecoderConfig& config) {
  std::vector<std::string> sites = {"message", "vehicle", "event_time"};
  for (const SignalSource& source : config.signals) {
    sites.push_back(source.signal.name);
  }
  return sites;
}

}  // namespace tacho
