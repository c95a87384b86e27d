// All of the engine's public headers.
#pragma once

#include "foxnn/activation.hpp"
#include "foxnn/buffer.hpp"
#include "foxnn/cpu.hpp"
#include "foxnn/dataset.hpp"
#include "foxnn/dense.hpp"
#include "foxnn/initializer.hpp"
#include "foxnn/layer.hpp"
#include "foxnn/loss.hpp"
#include "foxnn/network.hpp"
#include "foxnn/optimizer.hpp"
#include "foxnn/random.hpp"
#include "foxnn/scaling.hpp"
#include "foxnn/single.hpp"
#include "foxnn/stop_request.hpp"
#include "foxnn/text.hpp"
#include "foxnn/trainer.hpp"
