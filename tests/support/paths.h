#pragma once

#include <string>

namespace tacho {

// The root of the checkout that the tests were built from. In a .cc of its
// own, so that no other object depends on where the checkout lies: clones
// share one compiler cache.
std::string SourceDir();

}  // namespace tacho
