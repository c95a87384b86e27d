// Copies between the parameters of single networks and the lanes.
#include "population/lane_layout.hpp"

#include <algorithm>
#include <numeric>

namespace foxnn {
namespace {

// Whole numbers up to this one are exact in float32, so that a copy can say where it comes from.
constexpr index kMostParameters = 1 << 24;

}  // namespace

template <class T>
LaneRole LaneLayout<T>::role_of(const Layer<T>& layer) {
  const std::string& kind = layer.spec().kind;
  return kind == "dense"        ? LaneRole::multiplies
         : kind == "activation" ? LaneRole::activates
         : kind == "dropout"    ? LaneRole::drops
                                : LaneRole::other;
}

template <class T>
bool LaneLayout<T>::holds(const Network<T>& network) {
  if (network.size() == 0 || !network.is_chain() || network.sorted_summation() ||
      network.varies() || network.parameters().size() > kMostParameters) {
    return false;
  }
  for (index i = 0; i < network.size(); ++i) {
    const Layer<T>& layer = network.layer(i);
    if (role_of(layer) == LaneRole::other || layer.output().shape.positions() > 1) return false;
    // A softmax is at the end, if anywhere; what joins outputs in another way is not known here.
    if (layer.finishes_rows() && layer.activation().kind != ActivationKind::softmax) return false;
  }
  return true;
}

template <class T>
bool LaneLayout<T>::are_alike(const Network<T>& a, const Network<T>& b) {
  if (!(a.input_shape() == b.input_shape()) || a.size() != b.size() || a.loss() != b.loss()) {
    return false;
  }
  for (index i = 0; i < a.size(); ++i) {
    const LayerSpec &one = a.layer(i).spec(), &other = b.layer(i).spec();
    const Activation of_one = a.layer(i).activation(), of_other = b.layer(i).activation();
    if (one.kind != other.kind || !(a.layer(i).output().shape == b.layer(i).output().shape) ||
        a.layer(i).arrays().size() != b.layer(i).arrays().size() || of_one.kind != of_other.kind ||
        of_one.parameter != of_other.parameter) {
      return false;
    }
  }
  return true;
}

// A copy of positions to the layout that users know says where each number is.
template <class T>
LaneLayout<T>::LaneLayout(const Network<T>& network) {
  for (index i = 0; i < network.size(); ++i) {
    const Layer<T>& layer = network.layer(i);
    first_.push_back(lines_);
    Buffer<T> places(layer.parameter_count());
    std::iota(places.data(), places.data() + places.size(), T(0));
    for (const Array& array : layer.arrays()) {
      const index columns = array.shape.back(), rows = array.size() / columns;
      Buffer<T> unpacked(array.size());
      layer.unpack(array, places.data(), unpacked.data(), Order::plain, {});
      for (index r = 0; r < rows; ++r) {
        const T* const row = unpacked.data() + r * columns;
        for (index c = 0; c < columns;) {
          const index first = static_cast<index>(row[c]);
          index run = 1;
          while (c + run < columns && run < kLineWidth<T> &&
                 static_cast<index>(row[c + run]) == first + run) {
            ++run;
          }
          runs_.push_back({lines_ + r * width(columns) + c, network.offset(i) + first, run});
          c += run;
        }
      }
      arrays_.push_back({i, network.offset(i) + array.offset, array.count, lines_,
                         rows * width(columns), array.is_penalised()});
      lines_ += rows * width(columns);
    }
  }
}

template <class T>
void LaneLayout<T>::load(const std::vector<const T*>& from, T* lanes) const {
  constexpr index kLine = kLineWidth<T>;
  alignas(64) T block[kLine * kLine] = {};
  for (const LaneRun& run : runs_) {
    for (std::size_t m = 0; m < from.size(); ++m) {
      if (from[m]) std::copy_n(from[m] + run.offset, run.count, block + index(m) * kLine);
    }
    kernels<T>().transpose(kLine, run.count, block, kLine, lanes + run.line * kLine, kLine);
  }
}

template <class T>
void LaneLayout<T>::store(const T* lanes, const std::vector<T*>& to) const {
  constexpr index kLine = kLineWidth<T>;
  alignas(64) T block[kLine * kLine];
  for (const LaneRun& run : runs_) {
    kernels<T>().transpose(run.count, kLine, lanes + run.line * kLine, kLine, block, kLine);
    for (std::size_t m = 0; m < to.size(); ++m) {
      if (to[m]) std::copy_n(block + index(m) * kLine, run.count, to[m] + run.offset);
    }
  }
}

template class LaneLayout<float>;
template class LaneLayout<double>;

}  // namespace foxnn
