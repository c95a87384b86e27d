// A network learns XOR, by foxnn's public headers, and answers.
#include <cstdio>
#include <vector>

#include <foxnn/foxnn.hpp>

// The engine reads samples where they are, row by row.
foxnn::MatrixView view(const std::vector<float>& values, foxnn::index columns) {
  return {.data = reinterpret_cast<const std::byte*>(values.data()),
          .type = foxnn::ElementType::f32,
          .rows = static_cast<foxnn::index>(values.size()) / columns,
          .columns = columns,
          .row_bytes = columns * static_cast<foxnn::index>(sizeof(float))};
}

int main() {
  const std::vector<float> x{0, 0, 0, 1, 1, 0, 1, 1}, y{0, 1, 1, 0};

  foxnn::Network<float> network(foxnn::Shape::of({2}), /*seed=*/3);
  network.append({foxnn::dense_spec(8, "tanh"), foxnn::dense_spec(1, "sigmoid")});
  network.initialize();

  foxnn::TrainingPlan plan;
  plan.batch_size = 4;
  plan.learning_rate = 0.05;
  plan.optimizer = foxnn::parse_optimizer("adam");
  foxnn::Trainer<float> trainer(network, {.inputs = view(x, 2), .outputs = view(y, 1)}, plan);
  const foxnn::StepReport report = trainer.run_steps(500, /*stop=*/{});
  std::printf("loss %.5f after %td steps\n", report.last_loss, report.steps);

  std::vector<float> out(4);
  network.predict(view(x, 2), out.data(), /*threads=*/0, /*stop=*/{});
  for (std::size_t i = 0; i < 4; ++i)
    std::printf("%g xor %g: %.2f\n", x[2 * i], x[2 * i + 1], out[i]);
}
