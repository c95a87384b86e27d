// Building blocks of error messages: names looked up in tables, with a list of the known names when
// one is missing, and numbers as text.
#pragma once

#include <algorithm>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace foxnn {

template <class Entry, std::size_t N>
std::vector<std::string> all_names(const Entry (&table)[N]) {
  std::vector<std::string> names;
  for (const Entry& entry : table) names.emplace_back(entry.name);
  return names;
}

template <class Entry, std::size_t N>
[[noreturn]] void throw_unknown(const char* what, std::string_view name, const Entry (&table)[N]) {
  constexpr std::size_t kShown = 60;
  const std::string shown(name.substr(0, kShown));
  std::string message = std::string("unknown ") + what + " '" + shown +
                        (name.size() > kShown ? "..." : "") + "'; known are";
  const char* separator = " ";
  for (const Entry& entry : table) {
    message += separator + std::string(entry.name);
    separator = ", ";
  }
  throw std::invalid_argument(message);
}

/// The entry with this name. Throws std::invalid_argument, listing the known names, if there is
/// none.
template <class Entry, std::size_t N>
const Entry& find_name(const char* what, std::string_view name, const Entry (&table)[N]) {
  for (const Entry& entry : table) {
    if (entry.name == name) return entry;
  }
  throw_unknown(what, name, table);
}

/// Whether a word occurs in a list of words separated by spaces.
constexpr bool has_word(std::string_view list, std::string_view word) {
  while (!list.empty()) {
    const std::size_t end = std::min(list.find(' '), list.size());
    if (list.substr(0, end) == word) return true;
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return false;
}

/// A number in the short form that a person would write.
inline std::string text_of(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%g", value);
  return text;
}

/// The name of a number type, as users spell it.
template <class T>
const char* type_name() {
  return sizeof(T) == sizeof(float) ? "float32" : "float64";
}

}  // namespace foxnn
