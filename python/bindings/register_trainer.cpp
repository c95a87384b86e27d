// The class _core.Trainer: epochs and steps over samples borrowed from NumPy.
#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <optional>

#include "any_network.hpp"
#include "foxnn/trainer.hpp"
#include "gil.hpp"
#include "interrupt.hpp"
#include "layer_specs.hpp"
#include "numpy_interop.hpp"
#include "outside_loss.hpp"
#include "registers.hpp"
#include "shard_exchange.hpp"

namespace foxnn::python {
namespace {

namespace py = pybind11;

Optimizer make_optimizer(const std::string& name, std::uint64_t restart_after,
                         const py::kwargs& constants) {
  Optimizer optimizer = parse_optimizer(name);
  optimizer.restart_after = restart_after;
  std::size_t taken = 0;
  for (const OptimizerConstant& constant : optimizer_constants()) {
    const py::str key{std::string(constant.name)};
    if (!constants.contains(key)) continue;
    optimizer.*constant.value = constants[key].cast<double>();
    ++taken;
  }
  if (taken < constants.size()) throw py::type_error("an optimizer has no such constant");
  optimizer.check();
  return optimizer;
}

// A trainer for either number type, together with the Python objects from which it borrows. It
// reserves the network until it is closed.
class AnyTrainer {
 public:
  AnyTrainer(py::object network, py::object x, std::optional<py::array> y, const TrainingPlan& plan,
             py::object weights, py::object loss, const std::optional<ShardsGiven>& shards)
      : owner_(std::move(network)),
        x_(std::move(x)),
        y_(std::move(y)),
        weights_(std::move(weights)),
        loss_(std::move(loss)) {
    view_ = samples_view(x_, y_, weights_);
    training_.emplace(any());
    any().visit([&](auto& n) {
      using T = std::remove_pointer_t<decltype(n.parameters().data())>;
      const auto at = any().at(n, view_.samples.inputs.columns);
      planned_ = at.held;
      Outside<T> outside;
      if (!loss_.is_none()) {
        asked_ = loss_;
        outside.loss = outside_loss<T>(&asked_, &at->output_shape());
      }
      auto trainer =
          std::make_unique<Trainer<T>>(*at, view_.samples, plan, outside, shards_for<T>(shards));
      trainer->drop_steps_on(signal_check());
      trainer_ = std::move(trainer);
    });
  }

  void close() { training_.reset(); }

  template <class Function>
  decltype(auto) visit(Function&& f) {
    return std::visit([&](auto& trainer) -> decltype(auto) { return f(*trainer); }, trainer_);
  }

  void set_samples(const py::object& x, const py::array& y, const py::object& weights) {
    const AnyNetwork::Running running(open());
    SamplesView view = samples_view(x, y, weights);
    visit([&](auto& trainer) { trainer.set_samples(view.samples); });
    x_ = x, y_ = y, weights_ = weights, view_ = std::move(view);
  }

  template <class Run>
  StepReport run(Run&& run) {
    StepReport report;
    {
      const AnyNetwork::Running running(open());
      visit([&](auto& trainer) {
        // No Python object is touched below; the network and the arrays are held by this trainer.
        const GilReleased released;
        report = run(trainer);
      });
    }
    throw_pending();
    return report;
  }

  // Shuffling many samples takes a while.
  template <class Begin>
  void begin(Begin&& begin) {
    {
      const AnyNetwork::Running running(open());
      visit([&](auto& trainer) {
        const GilReleased released;
        begin(trainer);
      });
    }
    throw_pending();
  }

  void go_on(std::uint32_t draw, const StepReport& done, index pieces,
             const std::vector<py::array>& states) {
    visit([&]<class T>(Trainer<T>& trainer) {
      std::vector<std::vector<T>> copied;
      for (const py::array& state : states) {
        const py::array_t<T, py::array::c_style | py::array::forcecast> numbers(state);
        copied.emplace_back(numbers.data(), numbers.data() + numbers.size());
      }
      const AnyNetwork::Running running(open());
      const GilReleased released;
      trainer.go_on_within_epoch(draw, done, pieces, copied);
    });
    throw_pending();
  }
  py::list states() {
    py::list found;
    visit([&]<class T>(Trainer<T>& trainer) {
      for (const std::vector<T>& state : trainer.states()) {
        found.append(py::array_t<T>(static_cast<py::ssize_t>(state.size()), state.data()));
      }
    });
    return found;
  }

  py::dict time_phases(index steps) {
    using namespace py::literals;
    const AnyNetwork::Running running(open());
    PhaseSeconds s{};
    visit([&](auto& trainer) {
      const GilReleased released;
      s = trainer.time_phases(steps);
    });
    return py::dict("gather"_a = s.gather, "forward"_a = s.forward, "loss"_a = s.loss,
                    "backward"_a = s.backward, "update"_a = s.update);
  }

  py::tuple gradient() {
    return open().visit([&](auto& n) {
      using T = std::remove_pointer_t<decltype(n.parameters().data())>;
      Buffer<T> flat(n.parameters().size());
      double loss = 0.0;
      {
        const AnyNetwork::Running running(any());
        // No Python object is touched below; the samples are held by this object.
        const GilReleased released;
        loss = std::get<std::unique_ptr<Trainer<T>>>(trainer_)->gradient(flat.data());
      }
      throw_pending();
      return py::make_tuple(loss, arrays_by_layer(n, flat, Order::plain));
    });
  }

 private:
  template <class T>
  Shards<T> shards_for(const std::optional<ShardsGiven>& given) {
    if (!given) return {};
    Shards<T> shards{given->borders, given->process, given->samples, nullptr, given->average_every};
    if (!given->exchange.is_none()) {
      exchanged_ = given->exchange;
      auto exchange = std::make_shared<PythonExchange<T>>(exchanged_);
      shards.exchange = exchange.get();
      exchange_ = std::move(exchange);
    }
    return shards;
  }
  AnyNetwork& any() { return owner_.cast<AnyNetwork&>(); }
  AnyNetwork& open() {
    if (!training_) throw std::runtime_error("the trainer is closed");
    return any();
  }

  py::object owner_;
  py::object x_;
  std::optional<py::array> y_;
  py::object weights_;
  py::object loss_;
  py::handle asked_;  // the same, for threads without the GIL
  py::object exchanged_;
  std::shared_ptr<void> exchange_;  // what calls it
  SamplesView view_;
  std::optional<AnyNetwork::Training> training_;
  std::shared_ptr<void>
      planned_;  // the network on which it trains, if that is planned for a length
  std::variant<std::unique_ptr<Trainer<float>>, std::unique_ptr<Trainer<double>>> trainer_;
};

TrainingPlan make_plan(const Optimizer& optimizer, double learning_rate, index batch_size, bool sum,
                       bool shuffle, bool count_matches, int threads, double l1, double l2,
                       double clip_value, double clip_norm, const std::vector<double>& dropout,
                       index truncate, double label_smoothing) {
  return {.batch_size = batch_size,
          .learning_rate = learning_rate,
          .optimizer = optimizer,
          .reduction = sum ? Reduction::sum : Reduction::mean,
          .shuffle = shuffle,
          .count_matches = count_matches,
          .threads = threads,
          .truncate = truncate,
          .label_smoothing = label_smoothing,
          .l1 = l1,
          .l2 = l2,
          .clip_value = clip_value,
          .clip_norm = clip_norm,
          .dropout = dropout};
}

}  // namespace

void register_trainer(py::module_& m) {
  using namespace py::literals;
  py::class_<Optimizer>(m, "Optimizer", "A rule of the engine and its constants.")
      .def(py::init(&make_optimizer), "name"_a, py::kw_only(), "restart_after"_a = 0);
  py::class_<TrainingPlan>(m, "Plan", "How to train.")
      .def(py::init(&make_plan), "optimizer"_a, "learning_rate"_a, py::kw_only(),
           "batch_size"_a = 32, "sum"_a = false, "shuffle"_a = true, "count_matches"_a = false,
           "threads"_a = 0, "l1"_a = 0.0, "l2"_a = 0.0, "clip_value"_a = 0.0, "clip_norm"_a = 0.0,
           "dropout"_a = std::vector<double>(), "truncate"_a = 0, "label_smoothing"_a = 0.0);
  py::class_<StepReport>(m, "Report", "The result of some steps.")
      .def_readonly("steps", &StepReport::steps)
      .def_readonly("samples", &StepReport::samples)
      .def_readonly("loss", &StepReport::loss)
      .def_readonly("weight", &StepReport::weight)
      .def_readonly("last_loss", &StepReport::last_loss)
      .def_readonly("positions", &StepReport::positions)
      .def_readonly("correct", &StepReport::correct)
      .def_readonly("stopped", &StepReport::stopped)
      .def_readonly("diverged", &StepReport::diverged);
  py::class_<ShardsGiven>(m, "Shards", "How samples are cut into shards, and which are here.")
      .def(py::init([](std::vector<index> borders, index process, index samples,
                       py::object exchange, index average_every) {
             return ShardsGiven{std::move(borders), process, samples, std::move(exchange),
                                average_every};
           }),
           "borders"_a, "process"_a, "samples"_a, "exchange"_a = py::none(), "average_every"_a = 0);
  py::class_<AnyTrainer>(m, "Trainer", "A training run over borrowed samples; it must be closed.")
      .def(py::init<py::object, py::object, std::optional<py::array>, const TrainingPlan&,
                    py::object, py::object, const std::optional<ShardsGiven>&>(),
           "network"_a, "x"_a, "y"_a, "plan"_a, "weights"_a = py::none(), "loss"_a = py::none(),
           "shards"_a = py::none())
      .def("__enter__", [](py::object self) { return self; })
      .def("__exit__", [](AnyTrainer& self, const py::args&) { self.close(); })
      .def("set_samples", &AnyTrainer::set_samples, "x"_a, "y"_a, "weights"_a = py::none())
      .def("set_optimizer",
           [](AnyTrainer& self, const Optimizer& rule) {
             self.visit([&](auto& trainer) { trainer.set_optimizer(rule); });
           })
      .def("set_learning_rate",
           [](AnyTrainer& self, double rate) {
             self.visit([rate](auto& trainer) { trainer.set_learning_rate(rate); });
           })
      .def(
          "run_epoch",
          [](AnyTrainer& self, const std::optional<double>& seconds) {
            return self.run([&](auto& trainer) { return trainer.run_epoch(stop_after(seconds)); });
          },
          "seconds"_a = py::none())
      .def(
          "run_batch",
          [](AnyTrainer& self, const std::optional<py::array>& x) {
            if (!x) {
              return self.run([](auto& trainer) { return trainer.run_batch(signal_check()); });
            }
            const MatrixView view = matrix_view(*x, "x");
            return self.run([&](auto& trainer) { return trainer.run_batch(signal_check(), view); });
          },
          "x"_a = py::none())
      .def("next_batch",
           [](AnyTrainer& self) {
             return self.visit([](auto& trainer) {
               const auto which = trainer.next_batch();
               return py::array_t<std::uint32_t>(static_cast<py::ssize_t>(which.size()),
                                                 which.data());
             });
           })
      .def("begin_epoch",
           [](AnyTrainer& self) { self.begin([](auto& trainer) { trainer.begin_epoch(); }); })
      .def("epoch",
           [](AnyTrainer& self) {
             return self.visit([](auto& trainer) { return trainer.epoch(); });
           })
      .def("draw_of_epoch",
           [](AnyTrainer& self) {
             return self.visit([](auto& trainer) { return trainer.draw_of_epoch(); });
           })
      .def(
          "go_on_within_epoch",
          [](AnyTrainer& self, std::uint32_t draw, index steps, index samples, double loss,
             double weight, index correct, index pieces, const std::vector<py::array>& states,
             index positions) {
            const StepReport done{.steps = steps,
                                  .samples = samples,
                                  .loss = loss,
                                  .weight = weight,
                                  .positions = positions,
                                  .correct = correct};
            self.go_on(draw, done, pieces, states);
          },
          "draw"_a, py::kw_only(), "steps"_a, "samples"_a, "loss"_a, "weight"_a, "correct"_a,
          "pieces"_a = 0, "states"_a = std::vector<py::array>(), "positions"_a = 0)
      .def("pieces_done",
           [](AnyTrainer& self) {
             return self.visit([](auto& trainer) { return trainer.pieces_done(); });
           })
      .def("states", &AnyTrainer::states)
      .def("steps_per_epoch",
           [](AnyTrainer& self) {
             return self.visit([](auto& trainer) { return trainer.steps_per_epoch(); });
           })
      .def("run_steps",
           [](AnyTrainer& self, index steps) {
             return self.run(
                 [steps](auto& trainer) { return trainer.run_steps(steps, signal_check()); });
           })
      .def("workers",
           [](AnyTrainer& self) {
             return self.visit([](auto& trainer) { return trainer.workers(); });
           })
      .def("time_phases", &AnyTrainer::time_phases, "steps"_a)
      .def("gradient", &AnyTrainer::gradient);
  m.def("all_finite", [](const py::object& matrix, bool single) {
    const MatrixView view = matrix_view(matrix, "data");
    const GilReleased released;
    return single ? all_finite<float>(view) : all_finite<double>(view);
  });
  m.def("first_no_index", [](const py::object& matrix, index limit) {
    const MatrixView view = matrix_view(matrix, "data");
    const GilReleased released;
    return first_no_index(view, limit);
  });
  m.def("check_plan", [](const AnyNetwork& network, const TrainingPlan& plan) {
    network.visit([&](const auto& n) {
      plan.check<std::remove_const_t<std::remove_pointer_t<decltype(n.parameters().data())>>>();
    });
  });
  m.def("training_workers", [](const AnyNetwork& network, index batch, int threads) {
    return network.visit([&](const auto& n) { return training_workers(n, batch, threads); });
  });
}

}  // namespace foxnn::python
