// A row of a sparse matrix, read as one of a dense matrix.
#pragma once

#include "foxnn/dataset.hpp"

namespace foxnn {

/// Row i with its zeros, as `read_row` reads a dense one, with the same bits.
template <class T>
void read_whole_row(const MatrixView& sparse, index i, const Rows<T>& out, std::uint32_t* nonzero);

}  // namespace foxnn
