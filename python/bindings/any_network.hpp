// The network as Python sees it: one class for both number types. It refuses changes while another
// thread reads or trains the network. All counting is done under the GIL.
#pragma once

#include <pybind11/pybind11.h>

#include <algorithm>
#include <memory>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include "foxnn/network.hpp"
#include "foxnn/single.hpp"
#include "foxnn/trainer.hpp"

namespace foxnn::python {

class AnyNetwork {
 public:
  AnyNetwork(const Shape& inputs, bool single, std::uint64_t seed, bool varies) {
    if (single) {
      network_.emplace<Network<float>>(inputs, seed, varies);
    } else {
      network_.emplace<Network<double>>(inputs, seed, varies);
    }
  }
  AnyNetwork(const AnyNetwork& other) : AnyNetwork(other, {}) {}
  /// Throws Stopped if `stop` returns true before all is copied.
  AnyNetwork(const AnyNetwork& other, const StopRequest& stop) {
    const auto copy = [&](const auto& n) {
      network_.template emplace<std::remove_cvref_t<decltype(n)>>(n, stop);
    };
    std::visit(copy, other.network_);
  }

  /// Calls f with the Network<float> or Network<double>.
  template <class Function>
  decltype(auto) visit(Function&& f) {
    return std::visit(std::forward<Function>(f), network_);
  }
  template <class Function>
  decltype(auto) visit(Function&& f) const {
    return std::visit(std::forward<Function>(f), network_);
  }

  /// The same for functions that change numbers. Throws std::runtime_error while another thread
  /// computes, or has an open training. Between the steps of its own training, a thread may change
  /// numbers.
  template <class Function>
  decltype(auto) change(Function&& f) {
    if (training_ > 0 && trainer_ != std::this_thread::get_id()) {
      throw std::runtime_error("the network cannot be changed while another thread trains it");
    }
    if (running_ > 0 || reading_ > 0) {
      throw std::runtime_error("the network cannot be changed while another thread uses it");
    }
    return std::visit(std::forward<Function>(f), network_);
  }
  /// The same for functions that change layers, loss or optimizer. This is also refused between the
  /// epochs of a training, whose buffers have the shapes from its beginning.
  template <class Function>
  decltype(auto) restructure(Function&& f) {
    if (training_ > 0) {
      throw std::runtime_error(
          "the network's layers, loss, scalers and optimizer cannot be changed while it is "
          "training");
    }
    ++structure_;
    return change(std::forward<Function>(f));
  }
  /// The number of changes of layers, loss, scaling and optimizer.
  std::uint64_t structure() const { return structure_; }
  /// Whether a trainer is open.
  bool training() const { return training_ > 0; }
  /// Whether another thread is changing parameters.
  bool running() const { return running_ > 0; }
  void refuse_while_running() const {
    if (running_ > 0) throw std::runtime_error("the network cannot be copied while it trains");
  }

  /// The structure of buffers that are not made yet.
  static constexpr std::uint64_t kNoStructure = ~std::uint64_t{0};
  /// Buffers that are kept between calls, because making them would take longer than a call.
  template <class T>
  struct Kept {
    std::unique_ptr<SingleSample<T>> single;  ///< null while it is lent
    std::unique_ptr<FewSamples<T>> few;       ///< null, or for kFew samples
    std::vector<double> unscaled;             ///< a sample before it is scaled, or read as indices
    std::unique_ptr<Trainer<T>> trainer;      ///< null, or made for `plan`
    TrainingPlan plan;
    std::unique_ptr<Trainer<T>> asking;  ///< the same with a loss in Python, which is `asked`
    TrainingPlan asking_plan;
    pybind11::handle asked;
    std::unique_ptr<Trainer<T>> back;  ///< the same along `gradient`, which has a row a sample
    TrainingPlan back_plan;
    const T* gradient = nullptr;
    std::uint64_t structure = kNoStructure;
    double flops = 0.0;    ///< of a forward pass for one sample
    index most_bytes = 0;  ///< of the largest value of a sample on its way
  };
  /// Memory for a single sample, out of the kept buffers and back. If another thread has it, this
  /// is new memory.
  template <class T>
  class LentSingle {
   public:
    LentSingle(Kept<T>& kept, const Network<T>& network)
        : kept_(kept),
          structure_(kept.structure),
          single_(kept.single ? std::move(kept.single)
                              : std::make_unique<SingleSample<T>>(network)) {}
    ~LentSingle() {
      if (kept_.structure == structure_) kept_.single = std::move(single_);
    }
    LentSingle(const LentSingle&) = delete;
    LentSingle& operator=(const LentSingle&) = delete;
    SingleSample<T>& operator*() { return *single_; }
    SingleSample<T>* operator->() { return single_.get(); }

   private:
    Kept<T>& kept_;
    std::uint64_t structure_;
    std::unique_ptr<SingleSample<T>> single_;
  };
  /// The samples that `Kept::few` is for.
  static constexpr index kFew = 8;
  /// The buffers of `network`, which must be this object's. They are remade if its layers have
  /// changed.
  template <class T>
  Kept<T>& kept(Network<T>& network) {
    auto& kept = std::get<Kept<T>>(kept_);
    bring_up_to_date(kept, network);
    return kept;
  }

  /// A network for sequences of one length, or at most of that length, and its buffers.
  template <class T>
  struct Planned {
    std::unique_ptr<Network<T>> network;
    Kept<T> kept;
  };
  /// The network that reads samples of so many columns, and its buffers. As long as it is held, it
  /// stays there.
  template <class T>
  struct At {
    Network<T>* network;
    Kept<T>* kept;
    std::shared_ptr<Planned<T>> held;  ///< null for a network whose samples have one shape

    Network<T>& operator*() const { return *network; }
    Network<T>* operator->() const { return network; }
  };
  /// `network` must be this object's. Throws std::invalid_argument if it takes sequences of any
  /// length, but none of so many columns.
  template <class T>
  At<T> at(Network<T>& network, index columns) {
    if (!network.varies()) return {&network, &kept_of(network), nullptr};
    auto& all = std::get<std::vector<std::shared_ptr<Planned<T>>>>(planned_);
    if (planned_structure_ != structure_) {
      all.clear();
      planned_structure_ = structure_;
    }
    const index width = network.step_columns(), steps = columns / width;
    if (steps < 1 || steps * width != columns) {
      throw std::invalid_argument("x must have sequences of steps with " + std::to_string(width) +
                                  " numbers each");
    }
    auto found = std::find_if(all.begin(), all.end(),
                              [&](const auto& one) { return one->network->steps() == steps; });
    if (found == all.end()) {
      if (all.size() == kMostPlanned) all.erase(all.begin());
      all.push_back(std::make_shared<Planned<T>>());
      try {
        all.back()->network = network.with_steps(steps);
      } catch (...) {
        all.pop_back();
        throw;
      }
    } else {
      std::rotate(found, found + 1, all.end());  // the last used comes last
    }
    return {all.back()->network.get(), &all.back()->kept, all.back()};
  }
  /// The same buffers, remade if the layers have changed.
  template <class T>
  Kept<T>& kept(const At<T>& at) {
    bring_up_to_date(*at.kept, *at.network);
    return *at.kept;
  }

 private:
  // Lengths that are planned at once: those of a few batches or streams that take turns.
  static constexpr std::size_t kMostPlanned = 8;

  template <class T>
  Kept<T>& kept_of(Network<T>&) {
    return std::get<Kept<T>>(kept_);
  }
  template <class T>
  void bring_up_to_date(Kept<T>& kept, Network<T>& network) {
    if (kept.structure != structure_) {
      auto single = std::make_unique<SingleSample<T>>(network);
      kept = Kept<T>();
      kept.single = std::move(single);
      kept.structure = structure_;
      if (!network.input_scaling().empty() || network.index_limit() > 0) {
        kept.unscaled.resize(static_cast<std::size_t>(network.inputs()));
      }
      for (index i = 0; i < network.size(); ++i) {
        const index columns = network.layer(i).output().layout.columns();
        kept.flops += network.layer(i).flops();
        kept.most_bytes = std::max(kept.most_bytes, columns * static_cast<index>(sizeof(T)));
      }
    }
  }

  // Increments a counter during its lifetime.
  class Held {
   public:
    explicit Held(int& count) : count_(count) { ++count_; }
    ~Held() { --count_; }
    Held(const Held&) = delete;
    Held& operator=(const Held&) = delete;

   private:
    int& count_;
  };

 public:
  /// Held by a trainer from its first epoch to its last.
  class Training : Held {
   public:
    explicit Training(AnyNetwork& network) : Held(checked(network.training_)) {
      network.trainer_ = std::this_thread::get_id();
    }

   private:
    static int& checked(int& count) {
      if (count > 0) throw std::runtime_error("the network is already training");
      return count;
    }
  };
  /// Held while the engine changes parameters with the GIL released.
  struct Running : Held {
    explicit Running(AnyNetwork& network) : Held(network.running_) {}
  };
  /// Held while the engine reads parameters with the GIL released.
  struct Reading : Held {
    explicit Reading(const AnyNetwork& network) : Held(network.reading_) {}
  };

 private:
  std::variant<Network<float>, Network<double>> network_{std::in_place_index<0>, Shape(), 0u};
  // The number of changes of layers, loss and optimizer.
  std::uint64_t structure_ = 0;
  std::tuple<Kept<float>, Kept<double>> kept_;
  std::tuple<std::vector<std::shared_ptr<Planned<float>>>,
             std::vector<std::shared_ptr<Planned<double>>>>
      planned_;
  std::uint64_t planned_structure_ = 0;
  int training_ = 0, running_ = 0;
  std::thread::id trainer_;  // the thread that opened the current training
  mutable int reading_ = 0;
};

}  // namespace foxnn::python

namespace pybind11::detail {

/// A Python object whose construction failed, or that was made by __new__ alone, holds no network;
/// pybind11 would hand out uninitialized memory. This caster refuses it with a clear message.
template <>
class type_caster<foxnn::python::AnyNetwork> : public type_caster_base<foxnn::python::AnyNetwork> {
 public:
  bool load(handle source, bool convert) {
    if (source && typeinfo && PyType_IsSubtype(Py_TYPE(source.ptr()), typeinfo->type)) {
      auto* made = reinterpret_cast<instance*>(source.ptr());
      if (!made->get_value_and_holder().holder_constructed()) {
        throw type_error(std::string("the ") + Py_TYPE(source.ptr())->tp_name +
                         " has not been made by its constructor");
      }
    }
    return type_caster_base::load(source, convert);
  }
};

}  // namespace pybind11::detail
