#pragma once

#include <cstddef>
#include <cstdint>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace tacho {

// Looks at sixteen bytes together: bit i of an answer is that of p[i]. Where
// the machine has no such instruction the compiler is left to find its own.
//
// One object serves a loop: it holds what bytes are compared with.
class WideBytes {
 public:
  struct Numbers {
    uint32_t others = 0;  // Neither digit nor dot, minus or slash.
    uint32_t digits = 0;
    uint32_t dots = 0;
  };

  WideBytes() {
#if defined(__SSE2__)
    // A compiler that knew these would build them anew in each turn of a loop
    // that has calls in it.
    asm("" : "+x"(to_top_), "+x"(minus_), "+x"(below_digits_), "+x"(dot_));
    asm("" : "+x"(space_), "+x"(quote_), "+x"(backslash_));
#endif
  }

  // Which of the bytes at `p` and at `q` are equal.
  static uint32_t Equal(const char* p, const char* q) {
#if defined(__SSE2__)
    return Mask(_mm_cmpeq_epi8(Load(p), Load(q)));
#else
    return Each([p, q](size_t i) { return p[i] == q[i]; });
#endif
  }

  // Which are a quote, a backslash, a control character or not ASCII.
  uint32_t SpecialInText(const char* p) const {
#if defined(__SSE2__)
    const __m128i bytes = Load(p);
    // As signed bytes, control characters and what is not ASCII are below 0x20.
    return Mask(_mm_or_si128(_mm_cmpgt_epi8(space_, bytes),
                             _mm_or_si128(_mm_cmpeq_epi8(bytes, quote_),
                                          _mm_cmpeq_epi8(bytes, backslash_))));
#else
    return Each([p](size_t i) {
      return static_cast<signed char>(p[i]) < 0x20 || p[i] == '"' ||
             p[i] == '\\';
    });
#endif
  }

  // Where the bytes of a number are. `others` is there first.
  Numbers InNumber(const char* p) const {
#if defined(__SSE2__)
    const __m128i bytes = Load(p);
    // '9' becomes the greatest signed byte, and what is above it a negative.
    const __m128i moved = _mm_add_epi8(bytes, to_top_);
    return {Mask(_mm_cmpgt_epi8(minus_, moved)),
            Mask(_mm_cmpgt_epi8(moved, below_digits_)),
            Mask(_mm_cmpeq_epi8(bytes, dot_))};
#else
    return {Each([p](size_t i) { return p[i] < '-' || p[i] > '9'; }),
            Each([p](size_t i) { return p[i] >= '0' && p[i] <= '9'; }),
            Each([p](size_t i) { return p[i] == '.'; })};
#endif
  }

 private:
#if defined(__SSE2__)
  static __m128i Load(const char* p) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  }
  static uint32_t Mask(__m128i bytes) {
    return static_cast<uint32_t>(_mm_movemask_epi8(bytes));
  }

  __m128i to_top_ = _mm_set1_epi8(127 - '9');
  __m128i minus_ = _mm_set1_epi8(127 - '9' + '-');
  __m128i below_digits_ = _mm_set1_epi8(127 - 10);
  __m128i dot_ = _mm_set1_epi8('.');
  __m128i space_ = _mm_set1_epi8(0x20);
  __m128i quote_ = _mm_set1_epi8('"');
  __m128i backslash_ = _mm_set1_epi8('\\');
#else
  template <typename Test>
  static uint32_t Each(const Test& test) {
    uint32_t found = 0;
    for (size_t i = 0; i < 16; ++i) {
      found |= static_cast<uint32_t>(test(i)) << i;
    }
    return found;
  }
#endif
};

}  // namespace tacho
