"""The paper's ablation at a small, equal budget: `python -m benchmarks.ablation`.

Trains every variant of the dynamics with benchmarks/ablation.cfg on the same videos, on
deterministic Moving MNIST (three seeds; a seed is of weights, data and noise) and on stochastic
Moving MNIST (one), judges each by `srvp_tf.evaluate`, and prints the table; --figure draws PSNR
over time. Runs that are there already are gone on with, or just judged. Flags of the training may
follow `--`.
"""

import statistics
from pathlib import Path

from benchmarks import harness

VARIANTS = {
    "residual": (),
    "mlp": ("--dynamics=mlp", "--l2_res_weight=0"),
    "gru": ("--dynamics=gru", "--l2_res_weight=0"),
    "no z": ("--nostochastic",),
}
SEEDS = {"deterministic": (0, 1, 2), "stochastic": (0,)}
FIRST_FRAME = 6  # after the five that ablation.cfg gives


def main():
    """Train, judge, print."""
    parser = harness.parser_of(__doc__)
    parser.add_argument("--output_dir", type=Path, default=Path("runs/ablation"))
    parser.add_argument("--figure", type=Path, help="SVG of PSNR over time (needs matplotlib)")
    harness.add_list(parser, "variants", VARIANTS, "variants to train")
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
    harness.print_table(row(*key, folders) for key, folders in runs.items())
    if a.figure:
        scores = {
            (f"{motion} motion", variant): harness.psnr_of_best(folders)
            for (motion, variant), folders in runs.items()
        }
        harness.draw_curves(a.figure, scores, FIRST_FRAME, "frame", bands=True)


def one_run(output_dir, motion, variant, seed, training_flags):
    """Folder of a run, trained and judged."""
    folder = output_dir / f"{motion}-{variant.replace(' ', '_')}-{seed}"
    if not (folder / "evaluation" / "results.json").exists():
        settings = f"--flagfile={harness.ROOT}/benchmarks/ablation.cfg", f"--run_dir={folder}"
        changed = f"--motion={motion}", f"--seed={seed}", *VARIANTS[variant]
        harness.run("srvp_tf.train", *settings, *changed, *training_flags)
        harness.run("srvp_tf.evaluate", f"--run_dir={folder}")
    return folder


def row(motion, variant, folders):
    """Means over seeds, and each seed's mean over videos with half its 95 % interval."""
    reports = [harness.report_of(folder) for folder in folders]
    cells = {"motion": motion, "dynamics": variant, "seeds": len(folders)}
    for name, decimals in (("psnr", 2), ("ssim", 4)):
        found = [report["metrics"][name] for report in reports]
        each = (f"{x['mean']:.{decimals}f} ± {x['ci95']:.{decimals}f}" for x in found)
        mean = statistics.mean(x["mean"] for x in found)
        cells[name.upper()] = f"{mean:.{decimals}f}"
        cells[f"{name.upper()} of each seed"] = ", ".join(each)
    return cells


if __name__ == "__main__":
    main()
