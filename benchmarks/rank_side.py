"""One rank of a training on several processes, for `rank_rows.py`.

Started as often as there are ranks, by mpiexec for foxnn and by itself for PyTorch. Each rank takes
its part of the samples. The first one prints the seconds of an epoch, after one to warm up.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

from peers import RATE, torch_model
from rank_rows import MNIST_RANKS
from row import Run
from work import Data, Work


def part_of(work: Work, x: Any, y: Any, rank: int, ranks: int) -> tuple[Any, Any]:
    """Return the samples of a rank."""
    rows = slice(work.samples * rank // ranks, work.samples * (rank + 1) // ranks)
    return x[rows].copy(), y[rows].copy()


def foxnn_seconds(work: Work, data: Data, epochs: int, average_every: int | None) -> float | None:
    """Return the seconds of an epoch of fit, on the first rank."""
    from mpi4py import MPI

    world = MPI.COMM_WORLD
    x, y = part_of(work, *data.of(work), world.rank, world.size)
    network = work.network()
    network.settings.n_threads = 1
    history = network.fit(
        x, y, epochs + 1, work.batch, work.optimizer, learning_rate=RATE, progress=False,
        communicator=world, average_every=average_every,
    )  # fmt: skip
    return sum(history["seconds"][1:]) / epochs if world.rank == 0 else None


def torch_seconds(work: Work, data: Data, epochs: int, rank: int, ranks: int, store: Path) -> float:
    """Return the seconds of an epoch with DistributedDataParallel over gloo."""
    import torch
    from torch import distributed

    torch.set_num_threads(1)
    distributed.init_process_group(
        "gloo", init_method=store.absolute().as_uri(), rank=rank, world_size=ranks
    )
    inputs, labels = map(torch.from_numpy, part_of(work, *data.of(work), rank, ranks))
    model = torch.nn.parallel.DistributedDataParallel(torch_model(work))
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE, fused=True)
    loss_of = torch.nn.CrossEntropyLoss()
    start = 0.0
    for epoch in range(epochs + 1):
        if epoch == 1:
            distributed.barrier()
            start = time.perf_counter()
        for index in torch.randperm(len(inputs)).split(work.batch // ranks):
            optimizer.zero_grad()
            loss_of(model(inputs[index]), labels[index]).backward()
            optimizer.step()
    distributed.barrier()
    seconds = (time.perf_counter() - start) / epochs
    distributed.destroy_process_group()
    return seconds


def main() -> None:
    """Train as one rank."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("side", choices=["foxnn", "PyTorch"])
    parser.add_argument("--average-every", type=int)
    parser.add_argument("--rank", type=int, default=0)
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--store", type=Path, help="a file that does not exist yet")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--data", type=Path)
    told = parser.parse_args()
    run = Run(1, told.quick, Data(told.data, random_only=told.quick))
    work, epochs = run.samples(MNIST_RANKS), 1 if told.quick else 2
    if told.side == "foxnn":
        seconds = foxnn_seconds(work, run.data, epochs, told.average_every)
    else:
        seconds = torch_seconds(work, run.data, epochs, told.rank, told.ranks, told.store)
        seconds = seconds if told.rank == 0 else None
    if seconds is not None:
        print(seconds)


if __name__ == "__main__":
    main()
