"""Models in many threads, tasks and processes, on the hand-written model of tests/runtime."""

import asyncio
import concurrent.futures
import multiprocessing
import os
import pickle
import threading
import time

import cameoc
import numpy as np
import pytest
from test_load import ENDLESS, LIBRARY, check, values


def threads_now():
    return len(os.listdir("/proc/self/task"))


def test_runs_at_once():
    """Each of these runs ends only when it is cancelled, so they must all be in progress."""
    with cameoc.load(LIBRARY) as model, concurrent.futures.ThreadPoolExecutor(3) as executor:
        runs = [executor.submit(model.run, values(mode=ENDLESS)) for _ in range(3)]
        while not all(run.done() for run in runs):
            if len(model._busy) == 3 or any(run.done() for run in runs):
                model.cancel()
            time.sleep(0.01)
        for run in runs:
            with pytest.raises(cameoc.CameoError, match="cancelled"):
                run.result()
        check(values(), model.run(values()))


def test_contexts_are_limited():
    with cameoc.load(LIBRARY, contexts=2) as model:
        most = 0

        def work(n):
            nonlocal most
            for _ in range(50):
                inputs = values(n)
                check(inputs, model.run(inputs))
                most = max(most, len(model._busy) + len(model._idle))

        with concurrent.futures.ThreadPoolExecutor(8) as executor:
            list(executor.map(work, range(1, 9)))
        assert most <= 2
    with pytest.raises(cameoc.CameoError, match="contexts: expected 1 or more, got 0"):
        cameoc.load(LIBRARY, contexts=0)


def test_close_waits():
    model = cameoc.load(LIBRARY, max_seconds=0.2)
    run = threading.Thread(target=lambda: pytest.raises(cameoc.CameoError, model.run, values(mode=ENDLESS)))
    run.start()
    while not model._busy and run.is_alive():
        time.sleep(0.001)
    model.close()
    assert not model._busy and not model._idle
    run.join()
    model.close()
    with pytest.raises(cameoc.CameoError, match="the model is closed"):
        model.run(values())


def test_asyncio():
    async def work():
        inputs = [values(n) for n in range(1, 6)]
        for given, outputs in zip(inputs, await asyncio.gather(*map(model.run_async, inputs))):
            check(given, outputs)

    with cameoc.load(LIBRARY) as model:
        asyncio.run(work())


def in_process(model):
    inputs = values(4)
    check(inputs, model.run(inputs))
    return model.metadata["producer"], model._options.seed


def test_pickles():
    with cameoc.load(LIBRARY, seed=7) as model:
        copy = pickle.loads(pickle.dumps(model))
        assert in_process(copy) == ("hand", 7) and copy.path == model.path
        with concurrent.futures.ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as executor:
            assert executor.submit(in_process, model).result() == ("hand", 7)


def test_pool():
    before = threads_now()
    pool = cameoc.Pool(3)
    models = [cameoc.load(LIBRARY, pool=pool) for _ in range(20)]
    for n, model in enumerate(models):
        inputs = values(n)
        check(inputs, model.run(inputs))
    assert threads_now() <= before + 2  # others may have ended
    for model in models:
        model.close()
    with pytest.raises(cameoc.CameoError, match="no pool of 5000 threads"):
        cameoc.load(LIBRARY, pool=cameoc.Pool(5000))


def test_outputs_must_be_known():
    with cameoc.load(LIBRARY) as model:
        with pytest.raises(cameoc.CameoError, match="no output 'z'; the outputs are 'y', 'hits'"):
            model.run(values(), {"z": np.empty(3, np.float32)})
        check(values(), model.run(values()))
