"""The paper's ablation at a small, equal budget: `python -m benchmarks.ablation`.

Trains every variant of the dynamics with benchmarks/ablation.cfg on the same videos, on
deterministic Moving MNIST (three seeds; a seed is of weights, data and noise) and on stochastic
Moving MNIST (one), judges each by `srvp_tf.evaluate`, and prints the table; --figure draws PSNR
over time. Runs that are there already are gone on with, or just judged. Flags of the training may
follow `--`.
"""

import json
import statistics
from pathlib import Path

import numpy as np

from benchmarks.harness import ROOT, add_list, parser_of, print_table, run
from srvp_tf.config import Config, corpora

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
    parser = parser_of(__doc__)
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
    print_table(row(*key, folders) for key, folders in runs.items())
    if a.figure:
        draw(runs, a.figure)


def one_run(output_dir, motion, variant, seed, training_flags):
    """Folder of a run, trained and judged."""
    folder = output_dir / f"{motion}-{variant.replace(' ', '_')}-{seed}"
    if not (folder / "evaluation" / "results.json").exists():
        settings = f"--flagfile={ROOT}/benchmarks/ablation.cfg", f"--run_dir={folder}"
        changed = f"--motion={motion}", f"--seed={seed}", *VARIANTS[variant]
        run("srvp_tf.train", *settings, *changed, *training_flags)
        run("srvp_tf.evaluate", f"--run_dir={folder}")
    return folder


def row(motion, variant, folders):
    """Means over seeds, and each seed's mean over videos with half its 95 % interval."""
    reports = [json.loads((f / "evaluation" / "results.json").read_text()) for f in folders]
    cells = {"motion": motion, "dynamics": variant, "seeds": len(folders)}
    for name, decimals in (("psnr", 2), ("ssim", 4)):
        found = [report["metrics"][name] for report in reports]
        each = (f"{x['mean']:.{decimals}f} ± {x['ci95']:.{decimals}f}" for x in found)
        mean = statistics.mean(x["mean"] for x in found)
        cells[name.upper()] = f"{mean:.{decimals}f}"
        cells[f"{name.upper()} of each seed"] = ", ".join(each)
    return cells


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
