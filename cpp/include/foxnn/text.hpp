// Numbers as text, one a line: what the files of FoxNN are made of. Whatever the locale, and exact:
// what is written reads back bit for bit.
#pragma once

#include <string>
#include <vector>

#include "foxnn/dataset.hpp"

namespace foxnn {

/// Rows first ... last - 1 of matrices side by side, a number a line: 17 significant digits for
/// double, 9 for float, which are enough to tell any two of them apart.
std::string rows_as_text(const std::vector<MatrixView>& matrices, index first, index last);

/// Columns of a table of numbers, and where they go: rows of `columns` numbers.
struct TextColumns {
  double* out = nullptr;
  index columns = 0;
  /// Cleared by a number that rows_as_text would not have written so for a float.
  bool as_float = true;
};

/// Reads a table of `rows` rows, each with the numbers of all groups, from the text [begin, end)
/// where white space parts them. Returns the end of the last number of the table, or the place of
/// the first word that is missing or no finite number; `complete` tells which.
const char* read_table(const char* begin, const char* end, index rows,
                       std::vector<TextColumns>& groups, bool& complete);

}  // namespace foxnn
