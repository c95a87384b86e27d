// Fuzzes the engine's reader of numbers with libFuzzer, under the sanitizers. The first two bytes
// choose the shape of the table; the rest is the text.
#include "foxnn/text.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

namespace {

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "broken: %s\n", what);
  std::abort();
}

// A copy with no spare memory, so that reading past the end is detected.
struct Text {
  Text(const char* from, std::size_t size) : data(new char[size]), length(size) {
    std::copy_n(from, size, data.get());
  }
  const char* begin() const { return data.get(); }
  const char* end() const { return data.get() + length; }
  std::unique_ptr<char[]> data;
  std::size_t length;
};

struct Table {
  explicit Table(foxnn::index rows, foxnn::index first, foxnn::index second) {
    for (const foxnn::index columns : {first, second}) {
      values.emplace_back(new double[static_cast<std::size_t>(rows * columns)]);
      groups.push_back({values.back().get(), columns});
    }
  }
  std::vector<std::unique_ptr<double[]>> values;
  std::vector<foxnn::TextColumns> groups;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using foxnn::index;
  if (size < 2) return 0;
  const index rows = data[0] % 5, first = data[1] % 4, second = data[1] / 4 % 4;
  const Text text(reinterpret_cast<const char*>(data) + 2, size - 2);
  Table table(rows, first, second);
  bool complete = false;
  const char* stop = foxnn::read_table(text.begin(), text.end(), rows, table.groups, complete);
  require(text.begin() <= stop && stop <= text.end(), "the end is within the text");
  if (!complete) return 0;
  std::vector<foxnn::MatrixView> views;
  for (std::size_t i = 0; i < 2; ++i) {
    const foxnn::TextColumns& group = table.groups[i];
    for (index j = 0; j < rows * group.columns; ++j) {
      require(std::isfinite(group.out[j]), "what is read is finite");
    }
    foxnn::MatrixView view;
    view.data = reinterpret_cast<const std::byte*>(group.out);
    view.type = foxnn::ElementType::f64;
    view.rows = rows;
    view.columns = group.columns;
    view.row_bytes = group.columns * static_cast<index>(sizeof(double));
    views.push_back(view);
  }
  // Writing and reading again gives the same numbers.
  const std::string written = foxnn::rows_as_text(views, 0, rows);
  const Text again(written.data(), written.size());
  Table other(rows, first, second);
  const char* end = foxnn::read_table(again.begin(), again.end(), rows, other.groups, complete);
  require(complete, "what was written is read");
  for (const char* c = end; c < again.end(); ++c) require(*c == '\n', "nothing is left over");
  for (std::size_t i = 0; i < 2; ++i) {
    const std::size_t count =
        static_cast<std::size_t>(rows * table.groups[i].columns) * sizeof(double);
    require(std::equal(reinterpret_cast<const char*>(table.groups[i].out),
                       reinterpret_cast<const char*>(table.groups[i].out) + count,
                       reinterpret_cast<const char*>(other.groups[i].out)),
            "the numbers are the same");
    require(count == 0 || other.groups[i].as_float == false, "they are written as doubles");
  }
  return 0;
}
