"""Compares compiled code with ONNX Runtime on many small models of odd shapes.

usage: run_numeric.py [FAMILY ...] [--only REGEX] [--bin build/bin/cameo] [--seed N] [--keep DIR] [-v]

Families are those of layers.py, primitives.py, attention.py, contrib.py, contrib_attention.py, ml.py, elements.py, symbolic.py, open_sizes.py, given.py and quantized.py, `random` and
`open`; all when none is named. A case passes when ONNX Runtime agrees with compiled code, when results are the same bits
for every number of threads, and, for integer layers, when the reference interpreter gives the same bits as
well. A case that Cameo refuses to compile (exit status 3) is counted apart. A failed one prints how to
repeat it alone.
Ends with `N passed, N failed`; exit status 1 when one failed.
"""
import argparse
import collections
import multiprocessing
import multiprocessing.connection
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import traceback

import numpy as np
import onnx

import attention
import contrib
import contrib_attention
import elements
import given
import judge
import layers
import ml
import open_graphs
import primitives
import probes
import quantized
import random_graphs
import open_sizes
import symbolic
from case import bundle, bundle_inputs, prefixed

FLOATS = {**layers.FAMILIES, **attention.FAMILIES, **elements.FAMILIES, **symbolic.FAMILIES, **open_sizes.FAMILIES, **given.FAMILIES,
          **primitives.FAMILIES, **contrib.FAMILIES, **contrib_attention.FAMILIES, **ml.FAMILIES}
INTEGERS = {**quantized.FAMILIES, **given.INTEGERS}
ROOT = pathlib.Path(__file__).resolve().parents[2]
UNSUPPORTED = 3  # exit status of cameo
BUNDLE = 40  # cases in a model
SECONDS = 120  # for one command

Job = collections.namedtuple("Job", "cases cpus threads")
Outcome = collections.namedtuple("Outcome", "name verdict note")


class CommandFailed(Exception):
    def __init__(self, status, text):
        super().__init__(f"exit status {status}: {text.strip()[:600]}")
        self.status, self.text = status, text


def command(*words):
    try:
        result = subprocess.run(
            [str(word) for word in words],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise CommandFailed("none", f"no answer in {SECONDS} s") from None
    if result.returncode:
        raise CommandFailed(result.returncode, result.stderr)


def interpret(binary, model, case_runs, folder):
    """Outputs of the reference interpreter, a list for each run."""
    results = []
    for run, inputs in enumerate(case_runs):
        out = folder / f"reference{run}"
        shutil.rmtree(out, ignore_errors=True)  # of another model
        np.savez(folder / "inputs.npz", **inputs)
        words = ["--input", folder / "inputs.npz"] if inputs else []
        command(binary, "run", model, *words, "--output-dir", out)
        files = sorted(out.glob("output_*.npy"), key=lambda f: int(f.name.split("_")[1]))
        results.append([np.load(file) for file in files])
    return results


def load(library, threads):
    """A model whose memory is full of NaN before each run, so that what nobody wrote shows."""
    import cameoc

    # The package has no name for a flag that is for tests only.
    cameoc._abi.HUGE_PAGES = cameoc._abi.POISON
    return cameoc.load(str(library), threads=threads, huge_pages=True)


class Runner:
    """Compiles the cases of one job as one model and compares their results."""

    def __init__(self, binary, job, folder):
        self.binary, self.job, self.folder = binary, job, folder
        self.cases = list(job.cases)
        self.model = folder / "bundle.onnx"
        self.notes = {}  # what is wrong with a case, by its name: (verdict, note)

    def compile(self, cpu):
        """The library; cases that are not supported are left out and noted."""
        library = self.folder / f"{cpu}.so"
        while self.cases:
            onnx.save(bundle(self.cases), self.model)
            try:
                command(self.binary, "compile", self.model, "-o", library, "--cpu", cpu)
                return library
            except CommandFailed as failure:
                named = sorted(set(map(int, re.findall(r"'c(\d+)_", failure.text))), reverse=True)
                alone = len(self.cases) == 1
                if failure.status != UNSUPPORTED or not (named or alone):
                    raise
                for k in named or [0]:
                    text = next(l for l in failure.text.splitlines() if f"'c{k}_" in l or alone)
                    self.note(self.cases.pop(k), "unsupported", text)
        return None

    def note(self, case, verdict, text):
        self.notes.setdefault(case.name, (verdict, text))

    def split(self, outputs):
        """A bundle's outputs, in order, as a list for each case."""
        values = iter(outputs)
        return [[next(values) for _ in case.outputs] for case in self.cases]

    def check(self):
        expected = None
        for cpu in self.job.cpus:
            library = self.compile(cpu)
            if not library:
                return
            if expected is None:
                expected = [judge.judgement(case) for case in self.cases]
                references = self.references()
            results = None
            for threads in self.job.threads:
                with load(library, threads) as model:
                    runs = [
                        self.split(model.run(bundle_inputs(self.cases, run)).values())
                        for run in range(len(self.cases[0].sizes))
                    ]
                    if results is None:
                        self.check_probes(cpu, model)
                if results is None:
                    results = runs
                    self.compare(cpu, expected, references, results)
                else:
                    self.compare_bits(f"{cpu}, {threads} threads", results, runs)

    def check_probes(self, cpu, model):
        for k, case in enumerate(self.cases):
            for found in probes.check(self, model, k, case):
                self.note(case, "failed", f"{cpu}, {found}")

    def references(self):
        if all(case.judged and not case.exact for case in self.cases):
            return None
        inputs = [bundle_inputs(self.cases, run) for run in range(len(self.cases[0].sizes))]
        runs = interpret(self.binary, self.model, inputs, self.folder)
        return [self.split(outputs) for outputs in runs]

    def compare(self, cpu, expected, references, results):
        for k, case in enumerate(self.cases):
            values, wider, why = expected[k]
            if values is None and case.judged:
                self.note(case, "failed", f"ONNX Runtime: {why}")
                continue
            for run, size in enumerate(case.sizes):
                for i, name in enumerate(case.outputs):
                    actual = results[run][k][i]
                    where = f"{cpu}, output {name}" + (f", N = {size}" if size is not None else "")
                    found = None
                    if case.exact:
                        found = judge.bits_difference(references[run][k][i], actual)
                    elif not case.judged:
                        found = judge.difference(references[run][k][i], actual, False, case.steps)
                    if found:
                        self.note(case, "failed", f"{where}: reference: {found}")
                    if values is None:
                        continue
                    found = judge.difference(values[run][i], actual, wider, case.steps)
                    if found:
                        self.note(case, "failed", f"{where}: ONNX Runtime: {found}")

    def compare_bits(self, where, expected, actual):
        for first, second in zip(expected, actual):
            for case, ours, theirs in zip(self.cases, first, second):
                if any(a.tobytes() != b.tobytes() for a, b in zip(ours, theirs)):
                    self.note(case, "failed", f"{where}: other bits than with one thread")


def work(binary, job, pipe):
    """In a process of its own: sends the outcome of each case, or nothing when it dies."""
    sys.path.insert(0, str(ROOT / "python"))
    folder = pathlib.Path(tempfile.mkdtemp(prefix="cameo-numeric-"))
    try:
        runner = Runner(binary, job, folder)
        try:
            runner.check()
        except Exception as error:
            if len(job.cases) > 1:
                return  # the cause shows when each case runs alone
            text = str(error) if isinstance(error, CommandFailed) else traceback.format_exc()
            runner.note(job.cases[0], "failed", text)
        passed = ("passed", "")
        pipe.send([Outcome(c.name, *runner.notes.get(c.name, passed)) for c in job.cases])
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def run_jobs(binary, jobs, processes):
    """Yields the outcomes of all jobs. A job whose process dies is repeated case by case."""
    context = multiprocessing.get_context("fork")
    waiting, active = collections.deque(jobs), {}
    while waiting or active:
        while waiting and len(active) < processes:
            job = waiting.popleft()
            pipe, end = context.Pipe(duplex=False)
            process = context.Process(target=work, args=(binary, job, end))
            process.start()
            end.close()
            active[pipe] = (process, job)
        for pipe in multiprocessing.connection.wait(list(active)):
            process, job = active.pop(pipe)
            try:
                yield from pipe.recv()
            except EOFError:
                process.join()
                if len(job.cases) > 1:
                    waiting.extend(job._replace(cases=[case]) for case in job.cases)
                else:
                    yield Outcome(job.cases[0].name, "failed", f"process ended with {process.exitcode}")
            process.join()


def make_jobs(cases, cpus, threads):
    """Bundles of cases that fit into one model."""
    groups = collections.defaultdict(list)
    for case in cases:
        groups[case.sizes, case.opset].append(case)
    for group in groups.values():
        for i in range(0, len(group), BUNDLE):
            yield Job(group[i : i + BUNDLE], cpus, threads)


def collect(arguments):
    """All jobs of the wanted families, and how many cases they have."""
    tables = {
        **{name: (make, ("native",), (1, 3)) for name, make in FLOATS.items()},
        "winograd": (layers.winograd, quantized.CPUS, (1, 2, 3)),
        **{name: (make, quantized.CPUS, (1, 3)) for name, make in INTEGERS.items()},
    }
    jobs = []
    for name, (make, cpus, threads) in tables.items():
        if not arguments.families or name in arguments.families:
            wanted = [case for case in make() if re.search(arguments.only, case.name)]
            jobs += make_jobs(wanted, arguments.cpu or cpus, threads)
    for name, graphs, threads in (("random", random_graphs, (1, 2, 3, 7)), ("open", open_graphs, (1, 3))):
        if not arguments.families or name in arguments.families:
            cases = map(graphs.make, arguments.seed or graphs.SEEDS)
            wanted = [case for case in cases if re.search(arguments.only, case.name)]
            for k, cpu in enumerate(quantized.CPUS):
                jobs += make_jobs(wanted[k :: len(quantized.CPUS)], arguments.cpu or (cpu,), threads)
    return jobs


def seeds(text):
    """The seeds of 7 or of 1-2000."""
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("families", nargs="*", help="families of cases, `random` or `open`")
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / "build/bin/cameo")
    parser.add_argument("--only", default="", metavar="REGEX", help="cases whose name matches")
    parser.add_argument("--seed", type=seeds, action="extend", metavar="N|A-B", help="random graphs of these seeds")
    parser.add_argument("--cpu", action="append", help="for these instead of the family's own")
    parser.add_argument("--keep", type=pathlib.Path, help="write model and inputs of failed cases")
    parser.add_argument("-j", type=int, default=2, metavar="N", help="processes")
    parser.add_argument("-v", action="store_true", help="also name what is not supported")
    arguments = parser.parse_args()
    known = {*FLOATS, *INTEGERS, "winograd", "random", "open"}
    if not known.issuperset(arguments.families):
        parser.error(f"the families are {', '.join(sorted(known))}")
    if not arguments.bin.exists():
        parser.error(f"no program {arguments.bin}: build it, or name another with --bin")
    return arguments


def keep(folder, case):
    """Writes a case as cameo and others can read it."""
    folder.mkdir(parents=True, exist_ok=True)
    stem = re.sub(r"[^\w.-]", "_", case.name)
    onnx.save(bundle([case]), folder / f"{stem}.onnx")
    for run in range(len(case.runs)):
        np.savez(folder / f"{stem}.{run}.npz", **bundle_inputs([case], run))
    for number, probe in enumerate(case.probes):
        np.savez(folder / f"{stem}.probe{number}.npz", **prefixed(probe.inputs))


def main():
    arguments = parse_arguments()
    counts = collections.Counter()
    jobs = collect(arguments)
    cases = {case.name: case for job in jobs for case in job.cases}
    for outcome in run_jobs(arguments.bin.resolve(), jobs, arguments.j):
        counts[outcome.verdict] += 1
        case = cases[outcome.name]
        if outcome.verdict == "failed" or (outcome.verdict == "unsupported" and arguments.v):
            print(f"{outcome.verdict}: {case.name}: {outcome.note}", flush=True)
        if outcome.verdict == "failed":
            print(f"  alone: run_numeric.py --only '^{re.escape(case.name)}$' --keep .", flush=True)
            if arguments.keep:
                keep(arguments.keep, case)
    if counts["unsupported"]:
        print(f"not supported: {counts['unsupported']}")
    print(f"{counts['passed']} passed, {counts['failed']} failed")
    return 1 if counts["failed"] or not counts["passed"] else 0


if __name__ == "__main__":
    sys.exit(main())
