"""Numbers that others have published, worked by hand.

V. Zhou, "Machine Learning for Beginners: An Introduction to Neural Networks", 2019
(https://victorzhou.com/blog/intro-to-neural-networks).
"""

from __future__ import annotations

import pytest

import foxnn


@pytest.fixture(params=["float32", "float64"])
def network(request: pytest.FixtureRequest) -> foxnn.neural_network:
    """Return the 2-2-1 network of the article."""
    return foxnn.neural_network([2, 2, 1], init="zeros", dtype=request.param)


def test_a_neuron() -> None:
    nn = foxnn.neural_network([2, 1])
    nn[0].weights, nn[0].bias = [[0], [1]], [4]
    assert nn.get_out([2, 3])[0] == pytest.approx(0.999, abs=5e-4)


def test_two_hidden_neurons(network: foxnn.neural_network) -> None:
    network[0].weights = [[0, 0], [1, 1]]
    network[1].weights = [[0], [1]]
    assert network.get_out([2, 3])[0] == pytest.approx(0.7216, abs=5e-5)


def test_a_derivative(network: foxnn.neural_network) -> None:
    network[0].weights = [[1, 1], [1, 1]]
    network[1].weights = [[1], [1]]
    assert network.get_out([-2, -1])[0] == pytest.approx(0.524, abs=5e-4)
    loss, gradients = network._loss_and_gradients([[-2, -1]], [[1]])
    # The article's loss is (1 - y)^2, twice ours.
    assert 2 * loss == pytest.approx((1 - 0.524) ** 2, abs=1e-3)
    # The article cuts 0.02147 off.
    assert 2 * gradients[0][0][0, 0] == pytest.approx(0.0214, abs=1e-4)


def test_a_step_goes_against_the_derivative(network: foxnn.neural_network) -> None:
    network[0].weights = [[1, 1], [1, 1]]
    network[1].weights = [[1], [1]]
    network.fit([[-2, -1]], [[1]], epochs=1, optimizer="sgd", learning_rate=1)
    assert 2 * (1 - network[0].weights[0, 0]) == pytest.approx(0.0214, abs=1e-4)
