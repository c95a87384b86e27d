// Numbers as text, one per line: the content of FoxNN's files. Independent of the locale, and
// exact: what is written reads back bit for bit.
#pragma once

#include <string>
#include <vector>

#include "foxnn/dataset.hpp"

namespace foxnn {

/// Rows first ... last - 1 of matrices side by side, one number per line, with 17 significant
/// digits for double and 9 for float, which are enough to distinguish any two of them.
std::string rows_as_text(const std::vector<MatrixView>& matrices, index first, index last);

/// A group of columns of a table of numbers, and their destination: rows of `columns` numbers.
struct TextColumns {
  double* out = nullptr;
  index columns = 0;
  /// Set to false by a number that rows_as_text would not have written for a float.
  bool as_float = true;
};

/// Reads a table of `rows` rows, each with the numbers of all groups, from the text [begin, end)
/// where white space separates them. Returns the end of the last number of the table, or the
/// position of the first word that is missing or not a finite number; `complete` says which.
const char* read_table(const char* begin, const char* end, index rows,
                       std::vector<TextColumns>& groups, bool& complete);

}  // namespace foxnn
