#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace tacho {

// What is looked for in messages: values at JSON pointers, and arrays whose
// elements are read one by one. A pointer starts at its scope: the message, or
// each element of one of the arrays.
struct ScanPlan {
  static constexpr size_t kMessage = 0;

  struct Path {
    std::string pointer;
    size_t scope = kMessage;
  };

  // Returns the path's index. The pointer "" is an element itself; a message
  // itself cannot be asked for.
  size_t AddPath(std::string pointer, size_t scope = kMessage) {
    paths.push_back({std::move(pointer), scope});
    return paths.size() - 1;
  }
  // Returns the scope of its elements. Its own place cannot be looked into by
  // paths of the outer scope.
  size_t AddArray(std::string pointer, size_t scope = kMessage) {
    arrays.push_back({std::move(pointer), scope});
    return arrays.size();
  }

  // Of values of the message only.
  static ScanPlan Of(const std::vector<std::string>& pointers) {
    ScanPlan plan;
    for (const std::string& pointer : pointers) plan.AddPath(pointer);
    return plan;
  }

  std::vector<Path> paths;
  std::vector<Path> arrays;  // By their elements' scope, less one.
};

}  // namespace tacho
