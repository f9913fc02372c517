"""Estimate pi by throwing darts on every MPI rank, and say which GPUs the CUDA 12 runtime sees.

There is work for a GPU to speed up, not to make possible: without one every rank goes on with NumPy on its CPU.
"""

import numpy as np
from jax_cuda12_plugin import _versions as cuda
from mpi4py import MPI

DARTS = 2_000_000  # a rank: 32 MB of coordinates, a fraction of a second


def gpus() -> int:
    """Return how many GPUs the CUDA driver offers; 0 also where there is no driver."""
    try:
        return int(cuda.cuda_device_count())
    except RuntimeError:
        return 0


def hits(rank: int) -> int:
    """Return how many of a rank's darts fell inside the quarter circle."""
    darts = np.random.default_rng(seed=rank).random((2, DARTS))
    return int(np.count_nonzero((darts**2).sum(axis=0) <= 1.0))


def main() -> None:
    """Print one line of result and one of each layer the program stands on, from rank 0."""
    world = MPI.COMM_WORLD
    total = world.reduce(hits(world.rank))
    if world.rank == 0:
        runtime = cuda.cuda_runtime_get_version()  # 12090 is 12.9
        print(f"pi is about {4 * total / (DARTS * world.size):.4f}, by {DARTS * world.size:,} darts")
        print(f"NumPy {np.__version__}; {MPI.Get_library_version().splitlines()[0]}; MPI ranks: {world.size}")
        print(f"CUDA runtime {runtime // 1000}.{runtime % 1000 // 10}; {gpus() or 'no'} GPU, computed on the CPU")


if __name__ == "__main__":
    main()
