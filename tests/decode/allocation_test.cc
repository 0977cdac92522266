// Decoding a recycled batch allocates nothing. Counts every operator new of
// the process, so the measured part does nothing else. Sanitizers bring their
// own operator new, which this file leaves in place.

#include <gtest/gtest.h>

#include <cstdlib>
#include <new>
#include <string>

#include "pipeline/decode/decoder.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define TACHO_OWN_NEW 0
#else
#define TACHO_OWN_NEW 1
#endif

namespace {
size_t g_allocations = 0;
}  // namespace

#if TACHO_OWN_NEW
// Not inlined: gcc would see malloc meet delete and warn.
[[gnu::noinline]] void* operator new(size_t size) {
  ++g_allocations;
  void* const p = std::malloc(size == 0 ? 1 : size);
  if (p == nullptr) std::abort();
  return p;
}
[[gnu::noinline]] void operator delete(void* p) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, size_t) noexcept {
  std::free(p);
}
#endif

namespace tacho {
namespace {

void Fill(Batch& batch) {
  batch.Clear();
  for (int i = 0; i < 500; ++i) {
    const char* const values[] = {
        R"({"id":"v","ts":1769443200000,"x":{"y":[1,{"z":2}]},"s":"a\nb"})",
        R"({"\u0069d":"v\u0031","ts":"2026-01-26T16:00:00.5+01:00"})",
        R"({"id":"v","ts":1.7694432e12,"x":{"y":[0,{"z":1e-400}]}})",
        R"({"id":"v","ts":1769443200000,"s":17})",
        R"({"id":"v")",
        R"({"id":"v","ts":1769443200000,"q":[[[[]]]],"x":123456789012345678901})"};
    batch.AddMessage(i, FromEpochMillis(1769443200000), "k", values[i % 6]);
  }
}

TEST(AllocationTest, WarmDecoderAllocatesNothing) {
  if (!TACHO_OWN_NEW) GTEST_SKIP() << "a sanitizer owns operator new";
  DecoderConfig config;
  config.vehicle_path = "/id";
  config.event_time.path = "/ts";
  SignalSource number;
  number.signal = {"z", SignalType::kDouble, Dimension::kNone};
  number.path = "/x/y/1/z";
  SignalSource text;
  text.signal = {"s", SignalType::kString, Dimension::kNone};
  text.path = "/s";
  config.signals = {number, text};
  Batch batch(config.Schema());
  const auto decoder = MakeDecoder("wide", config);
  for (int warm = 0; warm < 2; ++warm) {
    Fill(batch);
    decoder->Decode(batch);
  }
  Fill(batch);
  const size_t before = g_allocations;
  decoder->Decode(batch);
  const size_t after = g_allocations;
  EXPECT_EQ(after - before, 0u);
  EXPECT_EQ(batch.records(), 334u);
  EXPECT_EQ(batch.rejects.size(), 166u);
}

}  // namespace
}  // namespace tacho
