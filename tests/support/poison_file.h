#pragma once

#include <cstdint>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/paths.h"

namespace tacho::poison {

// The lines of shared/data/poison.ndjson (its README describes them); none if
// the file is not there.
inline std::vector<nlohmann::json> PoisonLines() {
  std::ifstream file(SourceDir() + "/../shared/data/poison.ndjson");
  std::vector<nlohmann::json> lines;
  for (std::string text; std::getline(file, text);) {
    lines.push_back(nlohmann::json::parse(text));
  }
  return lines;
}

inline std::string FromBase64(const std::string& text) {
  static const std::string kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    if (c == '=') break;
    bits = bits * 64 + static_cast<uint32_t>(kAlphabet.find(c));
    count += 6;
    if (count < 8) continue;
    count -= 8;
    out += static_cast<char>(bits >> count);
    bits &= (1u << count) - 1;
  }
  return out;
}

// The message of a line: as text, from base64, or made; nothing: a tombstone.
inline std::optional<std::string> ValueOf(const nlohmann::json& line) {
  if (line.contains("raw_base64")) return FromBase64(line["raw_base64"]);
  if (!line.contains("generate")) {
    if (line["value"].is_null()) return std::nullopt;
    return line["value"].get<std::string>();
  }
  const nlohmann::json& generate = line["generate"];
  std::string made;
  if (generate["kind"] == "string") {
    made.assign(generate["bytes"].get<size_t>(), 'x');
  } else {
    for (size_t i = generate["times"]; i > 0; --i) {
      made += generate["text"].get<std::string>();
    }
  }
  std::string text = line["template"];
  return text.replace(text.find("@@"), 2, made);
}

}  // namespace tacho::poison
