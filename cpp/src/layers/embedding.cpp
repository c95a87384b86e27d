// Samples are divided between the workers; of the gradient, the rows of the table. In a step that a
// sequence does not have, the number is none of a row (Pass::missing). Each row that
// the batch names has a list of the outputs that it became, in their order, so that the sum of
// their gradients does not depend on the workers.
#include "layers/embedding.hpp"

#include <algorithm>
#include <limits>
#include <stdexcept>

#include "base/pieces.hpp"
#include "layers/columns.hpp"
#include "layers/step_rows.hpp"

namespace foxnn {
namespace {

// Keras' default: uniform from -0.05 to 0.05. Rows that are rarely named stay near 0.
constexpr double kInitialWidth = 0.05;

// Outputs between the one whose row of the table is prefetched and the current one: the rows are
// anywhere in a table of many megabytes.
constexpr index kAhead = 16;

// Prefetches the beginning of a row: the processor goes on by itself.
template <class T>
void fetch(const T* row, index size) {
  constexpr index kMost = 8 * kLineWidth<T>;
  for (index c = 0; c < std::min(size, kMost); c += kLineWidth<T>) __builtin_prefetch(row + c);
}

// Neighbouring rows of the table that belong to the same worker: their list heads fill a cache
// line.
constexpr index kRowsTogether = 16;

}  // namespace

// The rows of the table that a batch names and that belong to a worker. The output at position p of
// sample r is item p * batch + r; items of a row are linked in ascending order, and so are the last
// items of all named rows. Items are stored plus 1, so that 0 is the end of a list; the heads are
// all zero between the batches.
template <class T>
class Embedding<T>::Named {
 public:
  Named(const Embedding& table, Share share, index batch, const Rows<const T>& x,
        std::uint32_t* items)
      : table_(table),
        batch_(batch),
        x_(x),
        heads_(items),
        next_(items + table.count_),
        next_row_(next_ + batch * table.positions_) {
    // From the last item to the first, as each goes to the front of its list.
    for (index position = table.positions_ - 1; position >= 0; --position) {
      const T* numbers = numbers_at(position);
      for (index r = batch - 1; r >= 0; --r) {
        const index row = table.row_of(numbers[r * x.stride]);
        if (row < 0 || !table.is_own(share, row)) continue;
        const index item = position * batch + r;
        const auto link = static_cast<std::uint32_t>(item + 1);
        if (heads_[row] == 0) {
          next_row_[item] = first_row_;
          first_row_ = link;
        }
        next_[item] = heads_[row];
        heads_[row] = link;
      }
    }
  }
  Named(const Named&) = delete;
  ~Named() {
    each_row([this](index row) { heads_[row] = 0; });
  }

  bool has(index row) const { return heads_[row] != 0; }
  /// Calls f(row) for each of the rows.
  template <class Function>
  void each_row(const Function& f) const {
    for (std::uint32_t link = first_row_; link != 0; link = next_row_[link - 1])
      f(row_of(link - 1));
  }
  /// Calls f(sample, position) for the outputs that a row became, position by position.
  template <class Function>
  void each_output(index row, const Function& f) const {
    for (std::uint32_t link = heads_[row]; link != 0; link = next_[link - 1]) {
      const index item = index{link} - 1;
      f(item % batch_, item / batch_);
    }
  }

 private:
  // The numbers at a position, x_.stride apart.
  const T* numbers_at(index position) const {
    return x_.at(0, position / kPanelWidth<T>) + position % kPanelWidth<T>;
  }
  index row_of(index item) const {
    return table_.row_of(numbers_at(item / batch_)[item % batch_ * x_.stride]);
  }

  const Embedding& table_;
  index batch_;
  const Rows<const T>& x_;
  std::uint32_t *heads_, *next_, *next_row_;
  std::uint32_t first_row_ = 0;
};

template <class T>
Embedding<T>::Embedding(const LayerSpec& spec, const std::vector<Form>& inputs)
    : Layer<T>(spec, inputs),
      count_(spec.whole("count")),
      size_(spec.whole("size")),
      positions_(inputs.front().shape.size()) {
  // A float holds all whole numbers up to here. (A double holds more than a table can have rows.)
  constexpr index kMost = std::min(index{1} << std::numeric_limits<T>::digits, index{1} << 31);
  if (count_ < 1 || count_ > kMost) {
    throw std::invalid_argument(
        "an embedding must have a count from 1 to " + std::to_string(kMost) +
        (sizeof(T) == 4 ? " in float32, which holds no larger indices exactly (float64 does)"
                        : "") +
        ", got " + std::to_string(count_));
  }
  Shape shape{inputs.front().shape.lengths(), size_};
  if (size_ < 1) throw std::invalid_argument("an embedding must have a size of at least 1");
  this->set_output({shape, Layout::panels<T>(shape)});
  pitch_ = rounded_up(size_, kLineWidth<T>);
  panels_ = panel_count<T>(size_);
  this->add_array("weights", {count_, size_}, count_ * pitch_, Array::Role::weight);
}

template <class T>
index Embedding<T>::step_parameters(index batch) const {
  return std::min(count_, batch * positions_) * pitch_;
}

template <class T>
double Embedding<T>::flops() const {
  return static_cast<double>(this->output().shape.size());
}

template <class T>
void Embedding<T>::initialize(std::uint64_t seed, std::uint32_t place, const StopRequest& stop) {
  const index all = count_ * size_;
  const auto take = [&](index first, index count, const double* drawn) {
    for (index i = first; i < std::min(first + count, all); ++i) {
      this->own_parameters()[i / size_ * pitch_ + i % size_] =
          static_cast<T>(kInitialWidth * drawn[i - first]);
    }
  };
  draw_parameters(InitializerKind::uniform, this->activation(), count_, size_, seed, place, stop,
                  take);
}

template <class T>
void Embedding<T>::unpack(const Array&, const T* packed, T* values, Order order,
                          const StopRequest& stop) const {
  Pieces pieces(stop);
  for (index row = 0; row < count_; ++row) {
    if (order == Order::plain) {
      std::copy_n(packed + row * pitch_, size_, values + row * size_);
    } else {
      for (index c = 0; c < size_; ++c) values[c * count_ + row] = packed[row * pitch_ + c];
    }
    pieces.after(size_);
  }
}

template <class T>
void Embedding<T>::pack(const Array&, const T* values, T* packed, const StopRequest& stop) const {
  Pieces pieces(stop);
  for (index row = 0; row < count_; ++row) {
    std::copy_n(values + row * size_, size_, packed + row * pitch_);
    pieces.after(size_);
  }
}

template <class T>
index Embedding<T>::kept_items(index batch) const {
  const index outputs = batch * positions_;
  if (outputs >= index{std::numeric_limits<std::uint32_t>::max()}) throw std::bad_alloc();
  return count_ + 2 * outputs;
}

// The gradient of a row of the table.
template <class T>
ScratchSize Embedding<T>::scratch_size(index) const {
  return {.numbers = pitch_};
}

template <class T>
void Embedding<T>::forward(Share share, index batch, const Rows<const T>* x, const Outputs<T>& out,
                           Scratch<T> scratch) const {
  const T* const table = this->parameters();
  each_part<T>(share, batch, scratch, [&](index first, index rows) {
    for (index position = 0; position < positions_; ++position) {
      const T* numbers = x->at(first, position / kPanelWidth<T>) + position % kPanelWidth<T>;
      const index there = rows_with(out.steps.y, position, first, rows);
      for (index r = 0; r < there; ++r) {
        if (r + kAhead < there) {
          const index ahead = row_of(numbers[(r + kAhead) * x->stride]);
          if (ahead >= 0) fetch(table + ahead * pitch_, pitch_);
        }
        const index row = row_of(numbers[r * x->stride]);
        each_panel<T>(size_, [&](index q, index width) {
          T* const y = out.y.at(first + r, position * panels_ + q);
          if (row >= 0) {
            std::copy_n(table + row * pitch_ + q * kPanelWidth<T>, width, y);
          } else {
            std::fill_n(y, width, std::numeric_limits<T>::quiet_NaN());
          }
        });
      }
    }
  });
}

template <class T>
index Embedding<T>::groups() const {
  return (count_ + kRowsTogether - 1) / kRowsTogether;
}

template <class T>
bool Embedding<T>::is_own(Share share, index row) const {
  return row / kRowsTogether % share.workers == share.worker;
}

template <class T>
template <class Function>
void Embedding<T>::each_own_row(Share share, index first, index last, const Function& f) const {
  const index skipped = (share.worker - first % share.workers + share.workers) % share.workers;
  for (index group = first + skipped; group < last; group += share.workers) {
    const index begin = group * kRowsTogether;
    for (index row = begin; row < std::min(begin + kRowsTogether, count_); ++row) f(row);
  }
}

template <class T>
void Embedding<T>::need_rows(Share share, index batch, const Rows<const T>* x,
                             RowNeeds& needs) const {
  for (index position = 0; position < positions_; ++position) {
    const T* numbers = x->at(0, position / kPanelWidth<T>) + position % kPanelWidth<T>;
    for (index r = 0; r < batch; ++r) {
      const index row = row_of(numbers[r * x->stride]);
      if (row >= 0 && is_own(share, row)) needs.need(row);
    }
  }
  const Share turn = needs.turn();
  each_own_row(share, turn.first(groups()), turn.last(groups()),
               [&](index row) { needs.need_later(row); });
}

template <class T>
void Embedding<T>::backward_input(Share share, index batch, index, const Back<T>&,
                                  const Rows<T>& delta_below, const typename Layer<T>::Below& below,
                                  Scratch<T> scratch) const {
  const index columns = this->input().layout.columns();
  each_part<T>(share, batch, scratch, [&](index first, index rows) {
    each_panel<T>(columns, [&](index panel, index width) {
      for (index r = first; r < first + rows; ++r) {
        std::fill_n(delta_below.at(r, panel), width, T(0));
      }
    });
    below.finish_rows(first, rows, columns, delta_below);
  });
}

// The gradient of a row: the sum of those of the outputs that it became.
template <class T>
void Embedding<T>::add_up(const Named& named, index row, const Rows<T>& delta, T* gradient) const {
  std::fill_n(gradient, pitch_, T(0));
  named.each_output(row, [&](index r, index position) {
    each_panel<T>(size_, [&](index q, index width) {
      const T* const from = delta.at(r, position * panels_ + q);
      T* const sum = gradient + q * kPanelWidth<T>;
      for (index c = 0; c < width; ++c) sum[c] += from[c];
    });
  });
  // Of the padding, which is zero and stays so.
  std::fill(gradient + size_, gradient + pitch_, T(0));
}

// Of the rows that the batch does not name the gradient is zero. They are passed to the sink only
// if that can change them, by a penalty or by what the optimizer remembers of earlier steps, and if
// this is not done later (need_rows).
template <class T>
void Embedding<T>::backward_parameters(Share share, index batch, const Back<T>& back,
                                       GradientSink<T>& sink, Scratch<T> scratch) const {
  if (scratch.leaves()) return;
  const Named named(*this, share, batch, *back.x, back.items);
  T* const gradient = scratch.numbers;
  named.each_row([&](index row) {
    add_up(named, row, back.delta, gradient);
    sink.take(row * pitch_, pitch_, gradient);
  });
  if (sink.ignores_zeros(0)) return;
  each_own_row(share, 0, groups(), [&](index row) {
    if (named.has(row) || scratch.leaves() || sink.ignores_zeros(row * pitch_, pitch_)) return;
    std::fill_n(gradient, pitch_, T(0));
    sink.take(row * pitch_, pitch_, gradient);
  });
}

template class Embedding<float>;
template class Embedding<double>;

}  // namespace foxnn
