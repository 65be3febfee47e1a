"""Several processes on this machine: the same command again, in each, under torch's launcher."""

from __future__ import annotations

import logging
import os
import sys


def distributed() -> bool:
    """Whether this is one of several processes already."""
    return "LOCAL_RANK" in os.environ


def first() -> bool:
    """Whether this process speaks for all."""
    return os.environ.get("RANK", "0") == "0"


def relaunch(processes: int) -> int:
    """Run this command in `processes` processes; the exit code of the first that failed, else 0."""
    from torch.distributed import run
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, cores // processes)))
    logging.getLogger("torch.distributed").setLevel(logging.CRITICAL)
    try:
        run.main(["--standalone", f"--nproc_per_node={processes}", "-m", "bertkit", *sys.argv[1:]])
    except ChildFailedError as error:
        return max(1, error.get_first_failure()[1].exitcode)
    return 0
