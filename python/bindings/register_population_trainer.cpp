// The class _core.PopulationTrainer: epochs of all members over samples borrowed from NumPy.
#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <optional>
#include <variant>

#include "any_population.hpp"
#include "gil.hpp"
#include "interrupt.hpp"
#include "member_samples.hpp"
#include "registers.hpp"

namespace foxnn::python {
namespace {

namespace py = pybind11;

// It reserves the members until it is closed.
class AnyPopulationTrainer {
 public:
  AnyPopulationTrainer(py::object population, py::object x, py::array y,
                       const std::vector<TrainingPlan>& plans, const py::object& rows,
                       const py::object& weights, int threads)
      : owner_(std::move(population)),
        x_(std::move(x)),
        y_(std::move(y)),
        given_(samples_view(x_, y_), x_, rows, weights, any().size()) {
    training_.emplace(any());
    any().visit([&]<class T>(Population<T>& all) {
      auto at = any().at(all, given_.shared().inputs.columns);
      std::vector<MemberPlan> members;
      for (std::size_t i = 0; i < plans.size(); ++i) {
        members.push_back({.plan = plans[i]});
        if (static_cast<index>(i) >= any().size()) break;  // refused below
        const Samples& own = given_[static_cast<index>(i)];
        members.back().rows.assign(own.rows.begin(), own.rows.end());
        members.back().weights = own.weights;
        members.back().position_weights = own.position_weights;
      }
      Samples shared = given_.shared();
      if (given_[0].position_weights) shared.positions = given_[0].positions;
      auto trainer = std::make_unique<PopulationTrainer<T>>(*at, shared, members, threads);
      trainer->drop_steps_on(signal_check());
      trainer_ = std::move(trainer);
      planned_ = std::make_shared<AnyPopulation::At<T>>(std::move(at));
    });
  }

  void close() { training_.reset(); }

  template <class Function>
  decltype(auto) visit(Function&& f) {
    return std::visit([&](auto& trainer) -> decltype(auto) { return f(*trainer); }, trainer_);
  }

  void set_learning_rates(const std::vector<double>& rates) {
    for (std::size_t i = 0; i < rates.size() && static_cast<index>(i) < any().size(); ++i) {
      visit([&](auto& trainer) { trainer.set_learning_rate(static_cast<index>(i), rates[i]); });
    }
  }
  void end(index member) {
    check(member);
    visit([&](auto& trainer) { trainer.end(member); });
  }
  void begin_epoch() {
    visit([](auto& trainer) { trainer.begin_epoch(); });
  }
  void run_epoch(const std::optional<double>& seconds) {
    {
      const AnyPopulation::Running running(open());
      visit([&](auto& trainer) {
        // No Python object is touched below; members and arrays are held by this object.
        const GilReleased released;
        trainer.run_epoch(stop_after(seconds));
      });
    }
    throw_pending();
  }

  // What has been done in the epoch: an array for each field of a report, with a number a member.
  py::dict epoch() {
    py::dict found;
    const auto add = [&]<class Number>(const char* name, Number StepReport::* field) {
      py::array_t<Number> numbers(any().size());
      visit([&](auto& trainer) {
        for (index i = 0; i < any().size(); ++i) {
          numbers.mutable_data()[i] = trainer.epoch(i).*field;
        }
      });
      found[name] = numbers;
    };
    add("steps", &StepReport::steps);
    add("samples", &StepReport::samples);
    add("loss", &StepReport::loss);
    add("weight", &StepReport::weight);
    add("last_loss", &StepReport::last_loss);
    add("positions", &StepReport::positions);
    add("correct", &StepReport::correct);
    add("diverged", &StepReport::diverged);
    return found;
  }
  py::array_t<std::int64_t> steps_per_epoch() {
    py::array_t<std::int64_t> steps(any().size());
    visit([&](auto& trainer) {
      for (index i = 0; i < any().size(); ++i) {
        steps.mutable_data()[i] = trainer.steps_per_epoch(i);
      }
    });
    return steps;
  }
  std::uint32_t draw_of_epoch(index member) {
    check(member);
    return visit([&](auto& trainer) { return trainer.draw_of_epoch(member); });
  }
  void go_on(index member, std::uint32_t draw, index steps, index samples, double loss,
             double weight, index correct) {
    check(member);
    const StepReport done{
        .steps = steps, .samples = samples, .loss = loss, .weight = weight, .correct = correct};
    {
      const AnyPopulation::Running running(open());
      visit([&](auto& trainer) {
        const GilReleased released;
        trainer.go_on_within_epoch(member, draw, done);
      });
    }
    throw_pending();
  }

 private:
  AnyPopulation& any() { return owner_.cast<AnyPopulation&>(); }
  AnyPopulation& open() {
    if (!training_) throw std::runtime_error("the trainer is closed");
    return any();
  }
  void check(index member) {
    if (member < 0 || member >= any().size()) throw py::index_error("there is no such member");
  }

  py::object owner_;
  py::object x_;
  py::array y_;
  MemberSamples given_;
  std::optional<AnyPopulation::Training> training_;
  std::shared_ptr<void> planned_;  // the members on which it trains
  std::variant<std::unique_ptr<PopulationTrainer<float>>,
               std::unique_ptr<PopulationTrainer<double>>>
      trainer_;
};

}  // namespace

void register_population_trainer(py::module_& m) {
  using namespace py::literals;
  using Trainer = AnyPopulationTrainer;
  py::class_<Trainer>(m, "PopulationTrainer", "A training run of a population; it must be closed.")
      .def(py::init<py::object, py::object, py::array, const std::vector<TrainingPlan>&,
                    const py::object&, const py::object&, int>(),
           "population"_a, "x"_a, "y"_a, "plans"_a, "rows"_a = py::none(), "weights"_a = py::none(),
           "threads"_a = 0)
      .def("__enter__", [](py::object self) { return self; })
      .def("__exit__", [](Trainer& self, const py::args&) { self.close(); })
      .def("set_learning_rates", &Trainer::set_learning_rates, "rates"_a)
      .def("end", &Trainer::end, "member"_a)
      .def("begin_epoch", &Trainer::begin_epoch)
      .def("run_epoch", &Trainer::run_epoch, "seconds"_a = py::none())
      .def("epoch", &Trainer::epoch)
      .def("steps_per_epoch", &Trainer::steps_per_epoch)
      .def("draw_of_epoch", &Trainer::draw_of_epoch, "member"_a)
      .def("go_on_within_epoch", &Trainer::go_on, "member"_a, "draw"_a, py::kw_only(), "steps"_a,
           "samples"_a, "loss"_a, "weight"_a, "correct"_a);
}

}  // namespace foxnn::python
