#pragma once

#include <string>
#include <utility>
#include <vector>

namespace tacho {

struct JobOverrides {
  // `--set path=value`, applied in order before checking: dotted path
  // ("group.id", "streams.alerts.operators.0.filter"; all that follows
  // "kafka." is one property), and a value taken as text, but for one that
  // starts with [ or {, which is YAML.
  std::vector<std::pair<std::string, std::string>> set;
};

}  // namespace tacho
