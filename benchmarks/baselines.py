"""SRVP and SVG for an equal CPU time on the same clips: `python -m benchmarks.baselines`.

Each model gets as many steps as fit into --cpu_seconds, by what one of its steps costs here; the
learning rate falls over the last third of them. Networks are equally wide. Every run is judged by
`srvp_tf.evaluate`, the best and the mean of 10 samples, and timed; the table and the curves over
time are printed and drawn into --output_dir, with a gallery that shows both models on the same
videos. Runs that are there already are not made again. Models of one's own: --models=srvp,mine
--plugins=my_parts. The simulated arm needs the extra `test-long`.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from benchmarks.arguments import add_list
from benchmarks.measure import processor, table
from srvp_tf.config import Config, corpora

ROOT = Path(__file__).parents[1]
DIGITS = (
    "--num_digits=2 --nt_cond=5 --nt_inf=5 --train_length=15 --test_length=25 --batch_size=16"
).split()
ARM = (
    "--dataset=bair --channels=3 --family=vgg --nt_cond=2 --nt_inf=2 --train_length=12 "
    "--test_length=30 --batch_size=12"
).split()
CORPORA = {
    "stochastic": ("--motion=stochastic", *DIGITS),
    "deterministic": ("--motion=deterministic", *DIGITS),
    "arm": tuple(ARM),
}
WIDTHS = "--nf=8 --nhx=64 --nh_inf=128".split()
# Of SRVP the recipe of configs/quickstart.cfg, or of tests/corpora/bair_small.cfg.
OF_DIGITS = "--nh_res=256 --obs_scale=0.15 --beta_z=15 --decoded_frames=4 --learning_rate=1e-3"
OF_ARM = (
    "--skips --ny=30 --nz=30 --nh_res=256 --euler_steps=2 --obs_scale=0.3 --beta_z=1 "
    "--learning_rate=8e-4"
)
OF_MODEL = {
    ("srvp", "arm"): OF_ARM.split(),
    ("srvp", None): OF_DIGITS.split(),
    ("svg", "arm"): "--nz=30 --beta_z=1e-4 --learning_rate=2e-3".split(),
    ("svg", None): "--nz=10 --beta_z=1e-4 --learning_rate=2e-3".split(),
}
JUDGED = ("--num_videos=64", "--num_samples=10", "--eval_batch_size=16")
SHOWN_FRAMES = (1, 5, 10, 20)  # of the curves, in the table
NUM_TIMED = 8  # videos


def main():
    """Train, judge, print, draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output_dir", type=Path, default=Path("runs/baselines"))
    parser.add_argument("--cpu_seconds", type=float, default=240, help="of each training")
    parser.add_argument("--seeds", type=int, default=2, help="how many")
    parser.add_argument("--models", type=lambda text: text.split(","), default=["srvp", "svg"])
    parser.add_argument("--metrics", default="psnr,ssim", help="of evaluate, beside identity")
    parser.add_argument("--plugins", default="", help="modules that the commands import first")
    add_list(parser, "corpora", CORPORA, "corpora to train on")
    parser.add_argument("flags", nargs="*", help="after --: of training and evaluation")
    a = parser.parse_args()
    output = a.output_dir.resolve()
    runs = {
        (corpus, model): [one_run(output, a, corpus, model, seed) for seed in range(a.seeds)]
        for corpus in a.corpora
        for model in a.models
    }
    print(processor())
    print(table(HEADER, [row(*key, folders) for key, folders in runs.items()]))
    print(table(*curve_table(runs)))
    draw(runs, output / "baselines.svg")
    for corpus in a.corpora:
        first, *others = (runs[corpus, model][0] for model in a.models)
        compare = [f"--compare={','.join(map(str, others))}"] if others else []
        page = f"--output={output / f'gallery-{corpus}'}"
        command("srvp_tf.gallery", f"--run_dir={first}", *compare, page, plugins(a))


def one_run(output, a, corpus, model, seed):
    """Folder of a run: trained, judged and timed."""
    folder = output / f"{corpus}-{model}-{seed}"
    facts = folder / "facts.json"
    if facts.exists():
        return folder
    settings = [f"--model={model}", *WIDTHS, *CORPORA[corpus], f"--seed={seed}", plugins(a)]
    settings += OF_MODEL.get((model, corpus), OF_MODEL.get((model, None), []))
    data = []
    if corpus == "arm":
        data = [f"--data_dir={arm_corpus(output)}"]
    step = float(command("benchmarks.baselines_step", *settings, *data, *a.flags, read=True))
    steps = max(int(a.cpu_seconds / step), 3)
    decay = steps // 3
    settings += [f"--lr_burnin={steps - decay}", f"--lr_decay={decay}", f"--val_interval={steps}"]
    settings += ["--val_batches=1", "--val_samples=4", "--checkpoint_interval=1000"]
    begin = resource.getrusage(resource.RUSAGE_CHILDREN)
    command("srvp_tf.train", f"--run_dir={folder}", *settings, *data, *JUDGED, *a.flags)
    end = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = end.ru_utime + end.ru_stime - begin.ru_utime - begin.ru_stime
    metrics = a.metrics + ("" if corpus == "arm" else ",identity")
    command(
        "srvp_tf.evaluate", f"--run_dir={folder}", f"--metrics={metrics}", "--protocol=both",
        plugins(a),
    )  # fmt: skip
    timed = command("benchmarks.baselines_step", f"--run_dir={folder}", plugins(a), read=True)
    per_sample, parameters = json.loads(timed)
    found = {"steps": steps, "cpu_seconds": seconds, "cpu_seconds_per_step": step}
    found |= {"seconds_per_sample": per_sample, "parameters": parameters}
    facts.write_text(json.dumps(found))
    return folder


def plugins(a):
    """The flag for a model of one's own."""
    return f"--plugins={a.plugins}"


def arm_corpus(output):
    """Folder of the simulated arm's videos, made if need be."""
    source, data_dir = output / "arm-source", output / "arm-data"
    if not data_dir.exists():
        counts = ("--num_videos=384", "--num_test_videos=64")
        command("tests.corpora.bair", f"--output_dir={source}", *counts)
        places = (f"--source_dir={source}", f"--data_dir={data_dir}")
        command("data_pipelines.prepare", "--dataset=bair", *places)
    return data_dir


def command(module, *arguments, read=False):
    """Run a command, or read the last line that it prints; its failure is ours."""
    arguments = [x for x in arguments if x != "--plugins="]
    line = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(line, cwd=ROOT, stdout=subprocess.PIPE if read else None, text=True)
    if done.returncode:
        sys.exit(f"{module} failed with status {done.returncode}: the same command goes on")
    return done.stdout.strip().splitlines()[-1] if read else None


HEADER = [
    "corpus", "model", "steps, CPU s", "parameters", "PSNR, best of 10", "mean sample",
    "SSIM, best of 10", "mean sample", "identity", "ms per sampled video",
]  # fmt: skip


def row(corpus, model, folders):
    """Means over seeds, with each seed's."""
    facts = [json.loads((folder / "facts.json").read_text()) for folder in folders]
    reports = [json.loads((f / "evaluation" / "results.json").read_text()) for f in folders]

    def cell(part, name, decimals):
        found = [report[part][name]["mean"] for report in reports if name in report[part]]
        if not found:
            return "-"
        each = ", ".join(f"{x:.{decimals}f}" for x in found)
        return f"{np.mean(found):.{decimals}f} ({each})"

    steps, seconds = (np.mean([x[key] for x in facts]) for key in ("steps", "cpu_seconds"))
    milliseconds = 1000 * np.median([x["seconds_per_sample"] for x in facts])
    return [
        corpus, model, f"{steps:,.0f}, {seconds:.0f}", f"{facts[0]['parameters'] / 1e6:.2f} M",
        cell("metrics", "psnr", 2), cell("mean_sample", "psnr", 2), cell("metrics", "ssim", 3),
        cell("mean_sample", "ssim", 3), cell("mean_sample", "identity", 3), f"{milliseconds:.1f}",
    ]  # fmt: skip


def curve_table(runs):
    """(Header, rows): PSNR of the best sample in some of the predicted frames."""
    rows = []
    for (corpus, model), folders in runs.items():
        mean = np.mean([curve(folder).mean(axis=0) for folder in folders], axis=0)
        at = [f"{mean[frame - 1]:.2f}" for frame in SHOWN_FRAMES]
        rows.append([corpus, model, *at])
    return ["corpus", "model", *(f"frame {frame}" for frame in SHOWN_FRAMES)], rows


def curve(folder):
    """PSNR of the best samples [videos, predicted frames]."""
    config = Config.load(folder / "config.json")
    data = config.data
    with np.load(folder / "evaluation" / "psnr_best.npz") as archive:
        best = archive["samples"].astype(np.float64)
    videos = corpora.open_corpus(config).test_videos(length=data.test_length, num_videos=len(best))
    truth = np.stack(list(videos.as_numpy_iterator()))[:, data.nt_cond :]
    error = np.square((truth - best) / 255).mean(axis=(2, 3, 4))
    return -10 * np.log10(np.maximum(error, 1e-10))


def draw(runs, path):
    """PSNR of the best sample against the predicted frame, mean over videos and seeds."""
    from matplotlib import pyplot

    names = list(dict.fromkeys(corpus for corpus, _ in runs))
    figure, axes = pyplot.subplots(1, len(names), figsize=(9, 3), squeeze=False, layout="tight")
    for name, ax in zip(names, axes[0], strict=True):
        for (corpus, model), folders in runs.items():
            if corpus == name:
                mean = np.mean([curve(folder).mean(axis=0) for folder in folders], axis=0)
                ax.plot(np.arange(1, len(mean) + 1), mean, label=model)
        ax.set(title=name, xlabel="predicted frame")
        ax.grid(alpha=0.3)
    axes[0, 0].set_ylabel("PSNR of the best of 10 [dB]")
    axes[0, 0].legend(frameon=False)
    figure.savefig(path, metadata={"Date": None})


if __name__ == "__main__":
    begin = time.monotonic()
    main()
    print(f"{(time.monotonic() - begin) / 60:.0f} minutes")
