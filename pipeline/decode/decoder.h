#pragma once

#include <memory>

#include "pipeline/base/batch.h"
#include "pipeline/decode/decoder_config.h"

namespace tacho {

// Turns the messages of a batch into records and rejects. Fully validating:
// a message is accepted only if all of it is valid (RFC 8259, UTF-8), read or
// not. Duplicate keys: the first wins.
//
// Threading: one batch at a time; one decoder per lane.
class Decoder {
 public:
  virtual ~Decoder() = default;

  // Fills the batch's records, columns and rejects from its messages. Data
  // never makes it fail.
  virtual void Decode(Batch& batch) = 0;
};

// The decoder of the config's framing, format and shape.
std::unique_ptr<Decoder> MakeDecoder(const DecoderConfig& config);

}  // namespace tacho
