"""The paper's ablation at a small, equal budget: `python -m benchmarks.ablation`.

Trains every variant of the dynamics with benchmarks/ablation.cfg on the same videos, on
deterministic Moving MNIST (three seeds; a seed is of weights, data and noise) and on stochastic
Moving MNIST (one), judges each by `srvp_tf.evaluate`, and prints the table; --figure draws PSNR
over time. Runs that are there already are gone on with, or just judged. Flags of the training may
follow `--`.
"""

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path

import numpy as np

from benchmarks.arguments import add_list
from benchmarks.measure import table
from srvp_tf.config import corpora

ROOT = Path(__file__).parents[1]
FLAGFILE = ROOT / "benchmarks" / "ablation.cfg"
VARIANTS = {
    "residual": (),
    "mlp": ("--dynamics=mlp", "--l2_res_weight=0"),
    "gru": ("--dynamics=gru", "--l2_res_weight=0"),
    "no z": ("--nostochastic",),
}
SEEDS = {"deterministic": (0, 1, 2), "stochastic": (0,)}
HALF_INTERVAL = 1.96  # standard errors in half a 95 % interval


def main():
    """Train, judge, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output_dir", type=Path, default=Path("runs/ablation"))
    parser.add_argument("--figure", type=Path, help="SVG of PSNR over time (needs matplotlib)")
    add_list(parser, "variants", VARIANTS, "variants to train")
    parser.add_argument("training_flags", nargs="*", help="after --")
    a = parser.parse_args()
    runs = {
        (motion, variant): [
            one_run(a.output_dir.resolve(), motion, variant, seed, a.training_flags)
            for seed in seeds
        ]
        for motion, seeds in SEEDS.items()
        for variant in a.variants
    }
    print(table(HEADER, [row(*key, folders) for key, folders in runs.items()]))
    if a.figure:
        draw(runs, a.figure)


def one_run(output_dir, motion, variant, seed, training_flags):
    """Folder of a run, trained and judged."""
    folder = output_dir / f"{motion}-{variant.replace(' ', '_')}-{seed}"
    if not (folder / "evaluation" / "results.json").exists():
        changed = (f"--motion={motion}", f"--seed={seed}", *VARIANTS[variant])
        run("srvp_tf.train", f"--flagfile={FLAGFILE}", *changed, *training_flags, folder=folder)
        run("srvp_tf.evaluate", folder=folder)
    return folder


def run(module, *arguments, folder):
    """Run a command on a run folder; its failure is ours."""
    command = [sys.executable, "-m", module, f"--run_dir={folder}", *arguments]
    if status := subprocess.run(command, cwd=ROOT).returncode:
        sys.exit(f"{module} failed with status {status}: the same command goes on from here")


HEADER = ["motion", "dynamics", "seeds", "PSNR", "of each seed", "SSIM", "of each seed"]


def row(motion, variant, folders):
    """Means over seeds, and each seed's mean over videos with half its 95 % interval."""
    reports = [json.loads((f / "evaluation" / "results.json").read_text()) for f in folders]
    cells = []
    for name, decimals in (("psnr", 2), ("ssim", 4)):
        found = [report["metrics"][name] for report in reports]
        cells.append(f"{statistics.mean(x['mean'] for x in found):.{decimals}f}")
        cells.append(
            ", ".join(f"{x['mean']:.{decimals}f} ± {x['ci95']:.{decimals}f}" for x in found)
        )
    return [motion, variant, str(len(folders)), *cells]


def draw(runs, path):
    """PSNR of the best samples against the frame, mean over videos and seeds, with 95 % bands."""
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, len(SEEDS), figsize=(9, 3.2), sharey=True, layout="tight")
    for motion, ax in zip(SEEDS, axes, strict=True):
        for (of_motion, variant), folders in runs.items():
            if of_motion == motion:
                first, scores = curves(folders)
                steps = np.arange(first, first + scores.shape[1])
                mean = scores.mean(axis=0)
                half = HALF_INTERVAL * scores.std(axis=0) / np.sqrt(len(scores))
                (line,) = ax.plot(steps, mean, label=variant)
                ax.fill_between(steps, mean - half, mean + half, alpha=0.2, color=line.get_color())
        ax.set(title=f"{motion} motion", xlabel="frame")
        ax.grid(alpha=0.3)
    axes[0].set_ylabel("PSNR of the best of 10 [dB]")
    axes[0].legend(frameon=False)
    figure.savefig(path, metadata={"Date": None})


def curves(folders):
    """(first predicted frame, PSNR of the best sample [videos of all seeds, frames])."""
    from srvp_tf.config import Config

    scores = []
    for folder in folders:
        config = Config.load(folder / "config.json")
        data, num_videos = config.data, config.eval.num_videos
        videos = corpora.open_corpus(config).test_videos(
            length=data.test_length, num_videos=num_videos
        )
        truth = np.stack(list(videos.as_numpy_iterator()))[:, data.nt_cond :]
        with np.load(folder / "evaluation" / "psnr_best.npz") as archive:
            best = archive["samples"]
        error = np.square((truth - best.astype(np.float64)) / 255).mean(axis=(2, 3, 4))
        scores.append(-10 * np.log10(np.maximum(error, 1e-10)))
    return data.nt_cond + 1, np.concatenate(scores)


if __name__ == "__main__":
    main()
