// What a training remembers of the last step's corrections of Adam's means, to have the next ones
// with a few multiplications.
#pragma once

#include "base/powers.hpp"
#include "foxnn/optimizer.hpp"

namespace foxnn {

class MeanDecays {
 public:
  /// What `mean_corrections` returns.
  MeanCorrections at(const Optimizer& optimizer, std::uint64_t step) {
    if (!optimizer.traits().corrects_means) return {};
    return {1.0 - first_.of(optimizer.beta_1, step), 1.0 - second_.of(optimizer.beta_2, step)};
  }

 private:
  Powers first_, second_;
};

}  // namespace foxnn
