#pragma once

#include <cmath>
#include <cstddef>

namespace tacho {

// The mean of doubles that are 0 or of a size between 2^-8 and 2^40, rounded
// once: in units of 2^-60 they are whole numbers.
class ExactMean {
 public:
  void Add(double value) {
    sum_ += static_cast<Wide>(std::ldexp(value, kFractionBits));
    ++count_;
  }

  double Value() const {
    const Wide quotient = sum_ / count_;
    // What is left over only breaks ties.
    const Wide sticky = sum_ % count_ != 0 ? 1 : 0;
    return std::ldexp(static_cast<double>(quotient | sticky), -kFractionBits);
  }

 private:
  __extension__ typedef __int128 Wide;
  static constexpr int kFractionBits = 60;

  Wide sum_ = 0;
  Wide count_ = 0;
};

}  // namespace tacho
