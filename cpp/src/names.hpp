// Looking a name up in a table, and the message when it is not there: used wherever the user names
// an activation, a loss, an initializer or an optimizer.
#pragma once

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
  std::string message = std::string("unknown ") + what + " '" + std::string(name) + "'; known are";
  const char* separator = " ";
  for (const Entry& entry : table) {
    message += separator + std::string(entry.name);
    separator = ", ";
  }
  throw std::invalid_argument(message);
}

/// The entry of that name. Throws std::invalid_argument, with the known names, if there is none.
template <class Entry, std::size_t N>
const Entry& find_name(const char* what, std::string_view name, const Entry (&table)[N]) {
  for (const Entry& entry : table) {
    if (entry.name == name) return entry;
  }
  throw_unknown(what, name, table);
}

}  // namespace foxnn
