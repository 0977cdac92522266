#include "operators/accumulators.h"

namespace tacho {

void Accumulators::Reset() {
  valid = 0;
  size_ = 0;
  // Texts keep their capacity; Resize empties those that are used.
}

void Accumulators::Resize(size_t size, size_t text_count) {
  valid = 0;
  size_ = static_cast<uint32_t>(size);
  inline_ = {};
  if (size > kInlineCells) more_.assign(size, Cell{});
  texts.resize(text_count);
  for (std::string& text : texts) text.clear();
}

void Accumulators::Encode(ByteWriter& out) const {
  out.Varint(size_);
  out.Varint(texts.size());
  out.Varint(valid);
  for (size_t i = 0; i < size_; ++i) out.I64(cells()[i].i);
  for (const std::string& text : texts) out.Bytes(text);
}

bool Accumulators::Decode(ByteReader& in) {
  const uint64_t size = in.Varint();
  const uint64_t text_count = in.Varint();
  // Never more than the bytes that are left, whatever the stored sizes say.
  if (size > in.left() / sizeof(Cell) || text_count > in.left() ||
      text_count > kMaxAggregates) {
    return false;
  }
  Resize(size, text_count);
  valid = in.Varint();
  for (size_t i = 0; i < size; ++i) cells()[i].i = in.I64();
  for (std::string& text : texts) text = in.Bytes();
  return in.ok();
}

}  // namespace tacho
