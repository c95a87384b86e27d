// Views of rows of numbers that a test has in a vector.
#pragma once

#include <cstddef>
#include <vector>

#include "foxnn/dataset.hpp"

namespace foxnn::test {

template <class T>
MatrixView view(const std::vector<T>& values, index columns) {
  return {reinterpret_cast<const std::byte*>(values.data()),
          sizeof(T) == 4 ? ElementType::f32 : ElementType::f64,
          static_cast<index>(values.size()) / columns, columns,
          columns * static_cast<index>(sizeof(T))};
}

}  // namespace foxnn::test
