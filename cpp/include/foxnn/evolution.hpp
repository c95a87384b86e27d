// What rules of evolution do to every weight: children from two parents, mutations, perturbations
// around a center and weighted sums of them. Numbers depend on seed and generation alone: any
// number of workers and any kernel set gives the same bits.
#pragma once

#include <cstdint>
#include <span>

#include "foxnn/rows.hpp"
#include "foxnn/stop_request.hpp"

namespace foxnn {

/// Which random numbers: those of a generation of a seed.
struct Draw {
  std::uint64_t seed = 0;
  std::uint32_t generation = 0;
};

/// How the weights of a child change.
struct Mutation {
  double share = 1.0;     ///< the probability that a weight changes
  double speed = 0.0;     ///< by a number from [-speed, speed)
  bool relative = false;  ///< which is multiplied by |weight|
};

/// children[mothers.size() x n]: each weight of child i is that of row mothers[i] or fathers[i] of
/// parents[. x n], with equal probability, and then mutated; the first `elite` children are copies
/// of their mothers. False if stopped.
template <class T>
bool breed(const T* parents, index n, std::span<const std::uint32_t> mothers,
           std::span<const std::uint32_t> fathers, index elite, const Mutation& mutation,
           const Draw& draw, T* children, int threads, const StopRequest& stop);

/// members[2 pairs x n]: center[n] plus and minus sigma times a standard normal number for each
/// weight of each pair, which are kept in normals[pairs x n] unless it is null. False if stopped.
template <class T>
bool perturb(const double* center, index n, index pairs, double sigma, const Draw& draw, T* members,
             int threads, const StopRequest& stop, double* normals = nullptr);

/// sums[n]: of the numbers that `perturb` drew for each pair, times the pair's weight. They are
/// drawn again unless they are given as `normals`. False if stopped.
bool sum_perturbations(std::span<const double> weights, index n, const Draw& draw, double* sums,
                       int threads, const StopRequest& stop, const double* normals = nullptr);

extern template bool breed(const float*, index, std::span<const std::uint32_t>,
                           std::span<const std::uint32_t>, index, const Mutation&, const Draw&,
                           float*, int, const StopRequest&);
extern template bool breed(const double*, index, std::span<const std::uint32_t>,
                           std::span<const std::uint32_t>, index, const Mutation&, const Draw&,
                           double*, int, const StopRequest&);
extern template bool perturb(const double*, index, index, double, const Draw&, float*, int,
                             const StopRequest&, double*);
extern template bool perturb(const double*, index, index, double, const Draw&, double*, int,
                             const StopRequest&, double*);

}  // namespace foxnn
