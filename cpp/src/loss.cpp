// The table of losses.
#include "foxnn/loss.hpp"

#include "messages.hpp"

namespace foxnn {
namespace {

struct Entry {
  std::string_view name;
  LossKind kind;
};

// In the order of LossKind.
constexpr Entry kLosses[] = {
    {"mse", LossKind::mse},
    {"cross_entropy", LossKind::cross_entropy},
};

}  // namespace

LossKind parse_loss(std::string_view name) { return find_name("loss", name, kLosses).kind; }
std::string_view loss_name(LossKind loss) { return kLosses[static_cast<int>(loss)].name; }
std::vector<std::string> loss_names() { return all_names(kLosses); }

}  // namespace foxnn
