// A population as Python sees it: one class for both number types, over networks that Python holds.
// It refuses changes while another thread reads or trains the members. All counting is done under
// the GIL.
#pragma once

#include <pybind11/pybind11.h>

#include <algorithm>
#include <deque>
#include <memory>
#include <stdexcept>
#include <variant>
#include <vector>

#include "any_network.hpp"
#include "foxnn/population.hpp"

namespace foxnn::python {

class AnyPopulation {
 public:
  /// Throws std::invalid_argument if the members have different layers or types.
  explicit AnyPopulation(pybind11::list networks) : owners_(std::move(networks)) {
    for (const pybind11::handle one : owners_) members_.push_back(&one.cast<AnyNetwork&>());
    if (members_.empty()) throw std::invalid_argument("a population needs at least one member");
    members_.front()->visit([&]<class T>(Network<T>&) {
      std::vector<Network<T>*> networks;
      for (AnyNetwork* const member : members_) networks.push_back(&of_type<T>(*member));
      population_ = std::make_unique<Population<T>>(std::move(networks));
    });
  }

  index size() const { return static_cast<index>(members_.size()); }
  const std::vector<AnyNetwork*>& members() const { return members_; }

  /// Calls f with the Population<float> or Population<double>.
  template <class Function>
  decltype(auto) visit(Function&& f) {
    return std::visit([&](auto& population) -> decltype(auto) { return f(*population); },
                      population_);
  }

  /// The members as they read samples of so many columns. What it holds keeps them there.
  template <class T>
  struct At {
    std::vector<std::shared_ptr<typename AnyNetwork::Planned<T>>> held;
    std::unique_ptr<Population<T>> planned;
    Population<T>* population;

    Population<T>& operator*() const { return *population; }
    Population<T>* operator->() const { return population; }
  };
  /// `own`: apart from the buffers that this object keeps, for a second thread.
  template <class T>
  At<T> at(Population<T>& population, index columns, bool own = false) {
    At<T> found{{}, nullptr, &population};
    if (!population.member(0).varies() && !own) return found;
    std::vector<Network<T>*> networks;
    for (AnyNetwork* const member : members_) {
      const auto there = member->at(of_type<T>(*member), columns);
      networks.push_back(there.network);
      found.held.push_back(there.held);
    }
    found.planned = std::make_unique<Population<T>>(std::move(networks));
    found.population = found.planned.get();
    return found;
  }

  /// Counts calls that read the members with the GIL released.
  class Reading {
   public:
    explicit Reading(AnyPopulation& population) : count_(population.reading_) { ++count_; }
    ~Reading() { --count_; }
    Reading(const Reading&) = delete;
    Reading& operator=(const Reading&) = delete;

   private:
    int& count_;
  };
  /// Held by a trainer from its first epoch to its last.
  class Training {
   public:
    explicit Training(AnyPopulation& population) {
      for (AnyNetwork* const member : population.members_) each_.emplace_back(*member);
      ++trainings_;
    }
    ~Training() { --trainings_; }
    Training(const Training&) = delete;
    Training& operator=(const Training&) = delete;

   private:
    std::deque<AnyNetwork::Training> each_;
  };
  /// Held while the engine changes parameters with the GIL released.
  class Running {
   public:
    explicit Running(AnyPopulation& population) {
      for (AnyNetwork* const member : population.members_) each_.emplace_back(*member);
    }

   private:
    std::deque<AnyNetwork::Running> each_;
  };
  bool is_read() const { return reading_ > 0; }
  /// Throws std::runtime_error where parameters cannot be changed.
  void refuse_changes() const {
    if (reading_ > 0 || any([](const AnyNetwork& one) { return one.training(); })) {
      throw std::runtime_error(
          "the population cannot be changed while it trains, or while another thread uses it");
    }
  }
  bool running() const {
    return any([](const AnyNetwork& one) { return one.running(); });
  }

 private:
  /// Whether that is so of any member. Some of them may be trained as a population of their own;
  /// without any training only the first is looked at, since answers of many small members are
  /// asked for every few microseconds.
  template <class Predicate>
  bool any(Predicate is_so) const {
    if (trainings_ == 0) return is_so(*members_.front());
    return std::any_of(members_.begin(), members_.end(),
                       [&](const AnyNetwork* one) { return is_so(*one); });
  }

  template <class T>
  static Network<T>& of_type(AnyNetwork& any) {
    return any.visit([]<class N>(N& network) -> Network<T>& {
      if constexpr (std::is_same_v<N, Network<T>>) {
        return network;
      } else {
        throw std::invalid_argument("members must have the same dtype");
      }
    });
  }

  pybind11::list owners_;
  std::vector<AnyNetwork*> members_;
  std::variant<std::unique_ptr<Population<float>>, std::unique_ptr<Population<double>>> population_;
  int reading_ = 0;
  inline static int trainings_ = 0;  // of all populations
};

}  // namespace foxnn::python
