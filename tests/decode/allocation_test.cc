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

// Of a batch that is like those decoded before it.
size_t AllocationsOnceWarm(Decoder& decoder, void (*fill)(Batch&),
                           Batch& batch) {
  size_t before = 0;
  for (int round = 0; round < 3; ++round) {
    fill(batch);
    before = g_allocations;
    decoder.Decode(batch);
  }
  return g_allocations - before;
}

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
  const auto decoder = MakeDecoder(config);
  EXPECT_EQ(AllocationsOnceWarm(*decoder, Fill, batch), 0u);
  EXPECT_EQ(batch.records(), 334u);
  EXPECT_EQ(batch.rejects.size(), 166u);
}

// Messages of many records, of none, and of rejects that name a datum.
void FillDatums(Batch& batch) {
  batch.Clear();
  for (int i = 0; i < 500; ++i) {
    const char* const values[] = {
        R"({"id":"v","ts":1769443200000,"d":[{"n":"z","v":1},{"n":"s",)"
        R"("v":"a\nb"},{"n":"z","v":2},{"n":"z","v":3}]})",
        R"({"id":"v","ts":1769443200000,"d":[{"n":"q"}],"skip":false})",
        R"({"id":"v","ts":1769443200000,"d":[{"n":"z","v":1},{"n":"z"}]})",
        R"({"id":"v","ts":1769443200000,"d":[],"skip":"\u0074rue"})"};
    batch.AddMessage(i, FromEpochMillis(1769443200000), "k", values[i % 4]);
  }
}

TEST(AllocationTest, WarmDecoderOfDatumsAllocatesNothing) {
  if (!TACHO_OWN_NEW) GTEST_SKIP() << "a sanitizer owns operator new";
  DecoderConfig config;
  config.shape = FindType(ShapeTypes(), "datums");
  config.vehicle_path = "/id";
  config.event_time.path = "/ts";
  config.datums = {"/d", "/n", "/v", "", ""};
  config.accept = {"/skip", {"true"}, false};
  SignalSource number;
  number.signal = {"z", SignalType::kDouble, Dimension::kNone};
  number.name = "z";
  SignalSource text;
  text.signal = {"s", SignalType::kString, Dimension::kNone};
  text.name = "s";
  config.signals = {number, text};
  Batch batch(config.Schema());
  const auto decoder = MakeDecoder(config);
  EXPECT_EQ(AllocationsOnceWarm(*decoder, FillDatums, batch), 0u);
  EXPECT_EQ(batch.records(), 125u * 3 + 125);
  EXPECT_EQ(batch.rejects.size(), 125u);
  EXPECT_EQ(batch.skipped, 125u);
}

}  // namespace
}  // namespace tacho
