// The class _core.Trainer: epochs and steps over samples that it borrows from NumPy.
#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <optional>

#include "any_network.hpp"
#include "foxnn/error.hpp"
#include "foxnn/trainer.hpp"
#include "interrupt.hpp"
#include "numpy_interop.hpp"
#include "registers.hpp"

namespace foxnn::python {
namespace {

namespace py = pybind11;

Optimizer make_optimizer(const std::string& name, double momentum, double beta_1, double beta_2,
                         double epsilon, std::uint64_t restart_after) {
  Optimizer optimizer = parse_optimizer(name);
  optimizer.momentum = momentum;
  optimizer.beta_1 = beta_1;
  optimizer.beta_2 = beta_2;
  optimizer.epsilon = epsilon;
  optimizer.restart_after = restart_after;
  optimizer.check();
  return optimizer;
}

// A trainer of either number type, with the Python objects that it borrows from. The network is its
// own until it is closed.
class AnyTrainer {
 public:
  AnyTrainer(py::object network, py::array x, py::array y, const TrainingPlan& plan)
      : owner_(std::move(network)), x_(std::move(x)), y_(std::move(y)) {
    const Samples samples = samples_view(x_, y_);
    training_.emplace(any());
    any().visit([&](auto& n) {
      using T = std::remove_pointer_t<decltype(n.parameters().data())>;
      trainer_ = std::make_unique<Trainer<T>>(n, samples, plan);
    });
  }

  void close() { training_.reset(); }

  template <class Function>
  decltype(auto) visit(Function&& f) {
    return std::visit([&](auto& trainer) -> decltype(auto) { return f(*trainer); }, trainer_);
  }

  template <class Run>
  py::tuple run(Run&& run) {
    StepReport report;
    {
      const AnyNetwork::Running running(open());
      visit([&](auto& trainer) {
        // No Python object is touched below: network, x and y are held by this trainer.
        py::gil_scoped_release release;
        report = run(trainer);
      });
    }
    throw_pending();
    if (report.diverged) {
      throw DivergedError("the loss or a weight is no longer finite after " +
                          std::to_string(report.steps) +
                          " steps; the weights are set back to the "
                          "last finite ones: try a smaller learning rate, or scaled inputs");
    }
    return py::make_tuple(report.steps, report.samples, report.loss, report.correct);
  }

  py::dict time_phases(index steps) {
    using namespace py::literals;
    const AnyNetwork::Running running(open());
    PhaseSeconds s{};
    visit([&](auto& trainer) {
      const py::gil_scoped_release release;
      s = trainer.time_phases(steps);
    });
    return py::dict("gather"_a = s.gather, "forward"_a = s.forward, "loss"_a = s.loss,
                    "backward"_a = s.backward, "update"_a = s.update);
  }

  py::tuple gradient() {
    return open().visit([&](auto& n) {
      using T = std::remove_pointer_t<decltype(n.parameters().data())>;
      Buffer<T> flat(n.parameters().size());
      const double loss = std::get<std::unique_ptr<Trainer<T>>>(trainer_)->gradient(flat.data());
      py::list layers;
      for (index i = 0; i < n.size(); ++i) {
        py::array_t<T> weights({n.dense(i).inputs(), n.dense(i).outputs()});
        py::array_t<T> bias(n.dense(i).outputs());
        n.dense(i).unpack(flat.data() + n.offset(i), weights.mutable_data(), bias.mutable_data());
        layers.append(py::make_tuple(weights, bias));
      }
      return py::make_tuple(loss, layers);
    });
  }

 private:
  AnyNetwork& any() { return owner_.cast<AnyNetwork&>(); }
  AnyNetwork& open() {
    if (!training_) throw std::runtime_error("the trainer is closed");
    return any();
  }

  py::object owner_;
  py::array x_, y_;
  std::optional<AnyNetwork::Training> training_;
  std::variant<std::unique_ptr<Trainer<float>>, std::unique_ptr<Trainer<double>>> trainer_;
};

TrainingPlan make_plan(const Optimizer& optimizer, double learning_rate, index batch_size, bool sum,
                       bool shuffle, bool count_matches, int threads) {
  return {.batch_size = batch_size,
          .learning_rate = learning_rate,
          .optimizer = optimizer,
          .reduction = sum ? Reduction::sum : Reduction::mean,
          .shuffle = shuffle,
          .count_matches = count_matches,
          .threads = threads};
}

}  // namespace

void register_trainer(py::module_& m) {
  using namespace py::literals;
  py::class_<Optimizer>(m, "Optimizer", "A rule of the engine and its constants.")
      .def(py::init(&make_optimizer), "name"_a, "momentum"_a = 0.9, "beta_1"_a = 0.9,
           "beta_2"_a = 0.999, "epsilon"_a = 1e-8, "restart_after"_a = 0);
  py::class_<TrainingPlan>(m, "Plan", "How to train.")
      .def(py::init(&make_plan), "optimizer"_a, "learning_rate"_a, py::kw_only(),
           "batch_size"_a = 32, "sum"_a = false, "shuffle"_a = true, "count_matches"_a = false,
           "threads"_a = 0);
  py::class_<AnyTrainer>(m, "Trainer", "A training run over borrowed samples; it must be closed.")
      .def(py::init<py::object, py::array, py::array, const TrainingPlan&>(), "network"_a, "x"_a,
           "y"_a, "plan"_a)
      .def("__enter__", [](py::object self) { return self; })
      .def("__exit__", [](AnyTrainer& self, const py::args&) { self.close(); })
      .def("set_learning_rate",
           [](AnyTrainer& self, double rate) {
             self.visit([rate](auto& trainer) { trainer.set_learning_rate(rate); });
           })
      .def("run_epoch",
           [](AnyTrainer& self) {
             return self.run([](auto& trainer) { return trainer.run_epoch(signal_check()); });
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
  m.def("all_finite", [](const py::array& matrix, bool single) {
    const MatrixView view = matrix_view(matrix, "data");
    py::gil_scoped_release release;
    return single ? all_finite<float>(view) : all_finite<double>(view);
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
