"""Streams: a sequence that a network reads step by step, against `predict`."""

from __future__ import annotations

import copy
import io
import pickle
import threading

import numpy as np
import pytest

import foxnn

L = foxnn
CHAINS = {
    "rnn": [3, L.RNN(5, return_sequences=True), L.Dense(2)],
    "gru": [3, L.GRU(37, return_sequences=True)],
    "lstm": [3, L.LSTM(33, return_sequences=True), L.LayerNorm(), L.Dense(4, activation="relu")],
    "stacked": [40, L.LSTM(7, return_sequences=True), L.GRU(6, return_sequences=True), L.RNN(3)],
    "last": [2, L.LSTM(4), 6, L.Activation("tanh"), 3],
    "conv": [5, L.Conv1D(6, 4, activation="relu"), L.Dense(3)],
    "dilated": [5, L.Conv1D(34, 3, dilation=3), L.BatchNorm(), L.Conv1D(4, 2)],
    "strided": [33, L.Conv1D(4, 5, stride=2), L.MaxPool1D(3, stride=2), L.GRU(4)],
    "apart": [2, L.Conv1D(3, 2, stride=5), L.LSTM(4, return_sequences=True)],
    "depthwise": [4, L.Conv1D(4, 3, groups=4), L.Conv1D(8, 3, groups=2)],
    "pools": [4, L.MaxPool1D(2), L.AveragePool1D(3, stride=1), L.Dropout(0.5), L.Dense(2)],
    "conv and gru": [40, L.Conv1D(64, 5), L.GRU(64, return_sequences=True), L.Dense(3)],
    "each": [3, L.Dense(4), L.Activation("relu"), L.LayerNorm(), L.Dense(2)],
}


def made(items: list, dtype: str = "float32", **options: object) -> foxnn.neural_network:
    first, *layers = items
    shape = (None,) if first is None else (None, first)
    nn = foxnn.neural_network([shape, *layers], dtype=dtype, seed=1, **options)
    rng = np.random.default_rng(2)
    for layer in nn:  # biases and running statistics that are not zero
        for name, array in layer.arrays.items():
            drawn = rng.uniform(0.1, 0.9, array.shape)
            if name not in ("weights", "recurrent_weights"):
                layer.arrays[name] = drawn
    return nn


def steps_for(nn: foxnn.neural_network, count: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    shape = nn._input_shape()
    return rng.normal(size=(count, *shape[1:])).astype(nn.dtype)


def same(a: np.ndarray, b: np.ndarray) -> bool:
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


def gives_sequences(nn: foxnn.neural_network) -> bool:
    return len(nn._output_shape()) > 1


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("items", CHAINS.values(), ids=CHAINS)
def test_answers_to_single_steps_have_the_bits_of_predict(items: list, dtype: str) -> None:
    nn = made(items, dtype)
    x = steps_for(nn, 41)
    stream = nn.stream()
    least = nn._least
    found = []
    for i, step in enumerate(x):
        answer = stream(step if i % 2 else step.tolist())
        if gives_sequences(nn):
            if answer is not None:
                found.append(answer)
        elif i + 1 < least:
            assert answer is None
        else:
            assert same(answer, nn.predict(x[None, : i + 1])[0])
    if gives_sequences(nn):
        assert same(np.array(found), nn.predict(x[None])[0])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("items", CHAINS.values(), ids=CHAINS)
@pytest.mark.parametrize("sizes", [[1, 7, 2], [10], [64, 65, 1], [200]], ids=str)
def test_blocks_have_the_bits_of_predict(items: list, sizes: list[int], dtype: str) -> None:
    nn = made(items, dtype)
    x = steps_for(nn, 200)
    stream, at, found = nn.stream(), 0, []
    for turn in range(200):
        block = x[at : at + sizes[turn % len(sizes)]]
        if len(block) == 0:
            break
        at += len(block)
        answer = stream(block)
        if gives_sequences(nn):
            found.append(answer)
        elif at >= nn._least:
            assert same(answer, nn.predict(x[None, :at])[0])
        else:
            assert answer is None
    if gives_sequences(nn):
        assert same(np.concatenate(found), nn.predict(x[None])[0])


def test_answers_after_a_softmax_have_the_bits_of_predict() -> None:
    nn = made([3, L.GRU(5, return_sequences=True), L.Dense(4)], output_activation="softmax")
    x = steps_for(nn, 9)
    stream = nn.stream()
    assert same(np.array([stream(one) for one in x]), nn.predict(x[None])[0])
    stream.reset()
    assert same(stream(x), nn.predict(x[None])[0])


@pytest.mark.parametrize("shape", [(None,), (12,)])
def test_an_embedding_reads_whole_numbers(shape: tuple) -> None:
    nn = foxnn.neural_network([shape, L.Embedding(9, 4), L.LSTM(5), 2], seed=1)
    words = np.random.default_rng(0).integers(0, 9, 12)
    wanted = nn.predict(words[None])[0]
    stream = nn.stream()
    assert same([stream(int(word)) for word in words][-1], wanted)
    stream.reset()
    stream(words[:5])
    assert same(stream(words[5:].tolist()), wanted)
    with pytest.raises(ValueError, match=r"whole numbers from 0 to 8, .* \(Embedding\), got 9$"):
        stream(9)
    with pytest.raises(ValueError, match=r"from 0 to 8, .* got 0.5 in step 1$"):
        stream([1, 0.5])


def test_scalers_apply() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(3, 5, size=(20, 6, 1)), rng.normal(100, 20, size=(20, 1))
    nn = foxnn.neural_network([(6, 1), L.LSTM(4), 1], output_activation="identity_x", seed=1)
    shift, factor = np.full(6, 3.0), np.full(6, 0.2)
    nn._set_scaling((shift, factor), ([100.0], [0.05]))
    wanted = nn.predict(x[:1])[0]
    stream = nn.stream()
    assert same([stream(step) for step in x[0]][-1], wanted)
    stream.reset()
    assert same(stream(x[0]), wanted)
    assert abs(float(wanted[0]) - 100) > 1 or y.size
    shift[2] = 4.0
    nn._set_scaling((shift, factor), None)
    with pytest.raises(ValueError, match="input_scaler does not scale every step in the same"):
        stream(x[0])
    with pytest.raises(ValueError, match="input_scaler does not scale every step in the same"):
        nn.stream()


@pytest.mark.parametrize("items", CHAINS.values(), ids=CHAINS)
@pytest.mark.parametrize("after", [0, 1, 2, 7, 50])
def test_a_state_resumes(items: list, after: int) -> None:
    nn = made(items)
    x = steps_for(nn, 80)
    stream = nn.stream()
    if after:
        stream(x[:after])
    file = io.BytesIO()
    np.savez(file, **stream.state)
    file.seek(0)
    state = dict(np.load(file))
    assert int(state["steps"]) == after
    wanted = [stream(one) for one in x[after:]]
    for other in (nn.stream(), stream):
        other(x[3:9])
        other.state = state
        found = [other(one) for one in x[after:]]
        for a, b in zip(found, wanted, strict=True):
            assert (a is None and b is None) or same(a, b)
    stream.reset()
    assert int(stream.state["steps"]) == 0
    assert all(not array.any() for array in stream.state.values())


def test_a_state_names_its_arrays() -> None:
    nn = made([3, L.Conv1D(4, 3, name="ears"), L.LSTM(5, return_sequences=True), L.GRU(2)])
    stream = nn.stream()
    x = steps_for(nn, 5)
    stream(x)
    shapes = {name: array.shape for name, array in stream.state.items()}
    assert shapes == {
        "steps": (), "ears.inputs": (2, 3), "lstm_1.h": (5,), "lstm_1.c": (5,), "gru_2.h": (2,),
    }  # fmt: skip
    assert same(stream.state["ears.inputs"], x[-2:])
    assert same(stream.state["gru_2.h"], nn.predict(x[None])[0])


def test_a_wrong_state_is_refused_and_changes_nothing() -> None:
    nn = made([3, L.Conv1D(4, 3), L.LSTM(5)])
    stream = nn.stream()
    stream(steps_for(nn, 6))
    state = stream.state
    wrong = {
        "mapping": [1, 2],
        "must have the arrays": {"steps": 3},
        r'\["steps"\] must be an integer from 0 to 9007199254740992, got -1': state | {"steps": -1},
        "from 0 to 9007199254740992, got 9223372036854775807": state | {"steps": 2**63 - 1},
        r'state\["conv1d_0.inputs"\] must have shape \(1, 3\) after 1 steps': state | {"steps": 1},
        r'state\["lstm_1.h"\] must have shape \(5,\)': state | {"lstm_1.h": np.zeros(4)},
        r'state\["lstm_1.c"\] must be finite': state | {"lstm_1.c": np.full(5, np.nan)},
        "finite in float32": state | {"lstm_1.c": np.full(5, 1e300)},
    }
    zeros = dict.fromkeys(("lstm_1.h", "lstm_1.c"), np.zeros(5))
    none_read = {"steps": 0, "conv1d_0.inputs": np.zeros((0, 3)), **zeros}
    wrong[r'state\["lstm_1.c"\] must be zero after 0 steps, got 0.5'] = none_read | {
        "lstm_1.c": [0, 0, 0.5, 0, 1]
    }
    for message, given in wrong.items():
        with pytest.raises((ValueError, TypeError), match=message):
            stream.state = given
    for name, array in stream.state.items():
        assert same(array, state[name])
    stream.state = none_read
    assert stream.state["steps"] == 0


def test_a_stream_goes_on_after_most_steps() -> None:
    nn = made([3, L.Conv1D(4, 3, stride=2), L.LSTM(5, return_sequences=True)])
    x = steps_for(nn, 6)
    stream, other = nn.stream(), nn.stream()
    stream(x[:2])
    other.state = stream.state | {"steps": 2**53}
    for block in (x[2:3], x[3:], x):
        assert same(stream(block), other(block))
    assert other.state["steps"] == 2**53 + 10


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([(None, 3), L.LSTM(4, bidirectional=True)], r"layer 0 \(LSTM\) has bidirectional=True"),
        ([(None, 3), L.Dense(2), L.GRU(4, reverse=True)], r"layer 1 \(GRU\) has reverse=True"),
        ([(None, 3), L.Conv1D(4, 3, padding="same"), L.LSTM(2)], "layer 0 .* padding='same'"),
        ([(None, 3), L.MaxPool1D(2, padding="same")], "layer 0 .* padding='same'"),
        ([(None, 3), L.GlobalMaxPool(), 2], r"layer 0 \(GlobalMaxPool\) needs all steps at once"),
        ([(None, 3), L.UpSample(2)], r"layer 0 \(UpSample\) gives several steps for each, where"),
        ([(5, 3), L.LSTM(2, return_sequences=True), L.Flatten()], r"layer 1 \(Flatten\) needs"),
        ([(5, 3), 2], r"layer 0 \(Dense\) needs all steps at once"),
        ([(None, 3), L.Residual(L.Dense(3))], r"layer 0 \(Residual\) has branches"),
        ([(None, 3), L.LSTM(3), L.Residual(3)], r"layer 1 \(Residual\) has branches"),
        ([3, 5, 2], r"reads sequences, .* got \(3,\)"),
        ([(8, 8, 1), L.Conv2D(2, 3), 2], r"reads sequences, .* got \(8, 8, 1\)"),
        ([(None, 3), L.Embedding(5, 2)], "one number a step"),
    ],
)
def test_what_needs_steps_to_come_is_refused_by_name(layers: list, message: str) -> None:
    try:
        nn = foxnn.neural_network(layers, seed=1)
    except ValueError:
        pytest.skip("no such network")
    with pytest.raises(ValueError, match=message):
        nn.stream()


def test_a_network_of_one_length_streams_on() -> None:
    nn = foxnn.neural_network([(6, 3), L.Conv1D(4, 2), L.LSTM(5), 2], seed=1)
    x = np.random.default_rng(0).normal(size=(6, 3))
    free = foxnn.neural_network([(None, 3), *nn], seed=1)
    stream, other = nn.stream(), free.stream()
    for step in [*x, *x]:
        answer, wanted = stream(step), other(step)
        assert (answer is None and wanted is None) or same(answer, wanted)
    stream.reset()
    assert same(stream(x), nn.predict(x[None])[0])


def test_wrong_steps_are_refused_and_change_nothing() -> None:
    nn = made([3, L.Conv1D(4, 3), L.LSTM(5, return_sequences=True)])
    stream = nn.stream()
    stream(steps_for(nn, 6))
    before = stream.state
    long = np.zeros((200, 3))
    long[170, 1] = np.inf
    for wrong in (
        [1.0, 2.0], np.zeros((2, 4)), np.zeros((2, 2, 3)), np.zeros((0, 3)), 5.0, [],
        [1.0, np.nan, 2.0], [1e300, 0.0, 0.0], long, "abc", None, [[1, 2, 3], [1, 2]],
    ):  # fmt: skip
        with pytest.raises((ValueError, TypeError), match="x"):
            stream(wrong)
    for name, array in stream.state.items():
        assert same(array, before[name])
    for message, given in {
        "got nan in channel 1": [1.0, np.nan, 2.0],
        "got inf in step 170, channel 1": long,
        r"finite in float32, got 1e\+300 in channel 2; scale the steps, or let": [0, 0, 1e300],
    }.items():
        with pytest.raises(ValueError, match=message):
            stream(given)
    nn = made([1, L.Dense(2, activation="identity_x"), L.LSTM(2)])
    stream = nn.stream()
    assert same(
        stream(0.5), made([1, L.Dense(2, activation="identity_x"), L.LSTM(2)]).stream()([0.5])
    )


def test_answers_that_are_no_numbers_are_refused_and_change_nothing() -> None:
    nn = foxnn.neural_network(
        [(None, 1), L.Dense(2), L.RNN(2, return_sequences=True), L.Dense(1)],
        activation="identity_x", seed=1,
    )  # fmt: skip
    nn[0].weights = [[3e38, 3e38]]
    nn[1].weights = [[3e38, -3e38], [-3e38, 3e38]]
    stream = nn.stream()
    stream([0.0])
    before = stream.state
    for x in ([3e38], [[0.0]] * 100 + [[3e38]]):
        with pytest.raises(OverflowError, match="not numbers"):
            stream(x)
        for name, array in stream.state.items():
            assert same(array, before[name])


def test_a_stream_sees_the_weights_of_the_moment() -> None:
    nn = made([2, L.GRU(4), 1])
    x = steps_for(nn, 10)
    stream = nn.stream()
    stream(x[:5])
    state = stream.state
    nn.fit(steps_for(nn, 40).reshape(8, 5, 2), np.ones((8, 1)), epochs=2, progress=False)
    for name, array in stream.state.items():
        assert same(array, state[name])
    other = copy.deepcopy(nn).stream()
    other.state = state
    answer = other(x[5])
    assert same(stream(x[5]), answer)
    nn[1].set_activation_function("tanh")
    other = copy.deepcopy(nn).stream()
    other.state = stream.state
    assert same(stream(x[6]), other(x[6]))


def test_a_network_with_other_layers_since_is_refused() -> None:
    nn = made([2, L.GRU(4), 3])
    stream = nn.stream()
    stream([0.0, 1.0])
    nn.next_layer(foxnn.layer(3, 1, "sigmoid"))
    with pytest.raises(ValueError, match="layers have changed since the stream was made"):
        stream([0.0, 1.0])
    assert nn.stream()([0.0, 1.0]).shape == (1,)


def test_a_stream_neither_pickles_nor_copies() -> None:
    stream = made([2, L.GRU(4)]).stream()
    for call in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="keep its network and its `state`"):
            call(stream)


def test_a_stream_keeps_its_network_alive() -> None:
    stream = made([2, L.GRU(4)]).stream()
    assert stream([1.0, 2.0]).shape == (4,)
    assert len(stream.network) == 1


def test_threads_take_turns() -> None:
    nn = made([8, L.LSTM(64, return_sequences=True)])
    x = steps_for(nn, 20_000)
    stream, refused, done = nn.stream(), [], []
    worker = threading.Thread(target=lambda: done.append(stream(x)))
    worker.start()
    while worker.is_alive():
        try:
            stream.state  # noqa: B018
        except RuntimeError as error:
            refused.append(str(error))
            break
    worker.join()
    assert refused
    assert "another thread" in refused[0]
    assert same(done[0], nn.predict(x[None])[0])
