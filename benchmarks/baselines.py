"""SRVP and SVG for an equal CPU time on the same clips: `python -m benchmarks.baselines`.

Each model gets as many steps as fit into --cpu_seconds, by what one of its steps costs here; the
learning rate falls over the last third of them. Networks are equally wide. Every run is judged by
`srvp_tf.evaluate`, the best and the mean of 10 samples, and timed; the tables are printed, curves
over time are drawn into --output_dir, and a gallery shows both models on the same videos. Runs that
are there already are not made again. Models of one's own: --models=srvp,mine --plugins=my_model.
The simulated arm needs the extra `test-long`.
"""

import importlib
import json
import resource
from pathlib import Path

import numpy as np

from benchmarks import harness
from benchmarks.settings import config_of_flags, sampling_of
from srvp_tf.config import corpora
from srvp_tf.config.tensorflow_start import start_tensorflow
from srvp_tf.runs.test_set import sample_videos

DIGITS = (
    "--num_digits=2 --nt_cond=5 --nt_inf=5 --train_length=10 --test_length=25 --batch_size=16"
).split()
ARM = (
    "--dataset=bair --channels=3 --family=vgg --nt_cond=2 --nt_inf=2 --train_length=12 "
    "--test_length=30 --batch_size=12"
).split()
CORPORA = {
    "stochastic": ["--motion=stochastic", *DIGITS],
    "deterministic": ["--motion=deterministic", *DIGITS],
    "arm": ARM,
}
WIDTHS = "--nf=8 --nhx=64 --nh_inf=128".split()
# Of SRVP what configs/quickstart.cfg had, and tests/corpora/bair_small.cfg; of SVG its authors'.
OF_DIGITS = {
    "srvp": "--nh_res=256 --obs_scale=0.15 --beta_z=15 --decoded_frames=3 --learning_rate=1e-3",
    "svg": "--nz=10 --beta_z=1e-4 --learning_rate=2e-3",
}
OF_ARM = {
    "srvp": "--skips --ny=30 --nz=30 --nh_res=256 --euler_steps=2 --obs_scale=0.3 --beta_z=1 "
    "--learning_rate=8e-4",
    "svg": "--nz=30 --beta_z=1e-4 --learning_rate=2e-3",
}
VALIDATION = ["--val_batches=1", "--val_samples=4", "--checkpoint_interval=1000"]
JUDGED = ["--num_videos=48", "--num_samples=10", "--eval_batch_size=16"]
SHOWN_FRAMES = (1, 5, 10, 20)  # of the curves, in the table
TIMED_VIDEOS, TIMED_SAMPLES = 16, 10
STEPS, WARM_UP = 12, 3  # of a model whose step is timed


def main():
    """Train, judge, print, draw."""
    parser = harness.parser_of(__doc__)
    parser.add_argument("--output_dir", type=Path, default=Path("runs/baselines"))
    parser.add_argument("--cpu_seconds", type=float, default=240, help="of each training")
    parser.add_argument("--seeds", type=int, default=2, help="how many")
    parser.add_argument("--models", default="srvp,svg", help="names of --model")
    parser.add_argument("--metrics", default="psnr,ssim", help="of evaluate, beside identity")
    parser.add_argument("--plugins", default="", help="modules that the commands import first")
    harness.add_list(parser, "corpora", CORPORA, "corpora to train on")
    a = parser.parse_args()
    a.output_dir, a.models = a.output_dir.resolve(), a.models.split(",")
    a.plugin_flags = [f"--plugins={a.plugins}"] if a.plugins else []
    runs = {
        (corpus, model): [one_run(a, corpus, model, seed) for seed in range(a.seeds)]
        for corpus in a.corpora
        for model in a.models
    }
    print(harness.processor())
    harness.print_table(row(*key, folders) for key, folders in runs.items())
    scores = {key: harness.psnr_of_best(folders) for key, folders in runs.items()}
    harness.print_table(curve_row(*key, found.mean(axis=0)) for key, found in scores.items())
    harness.draw_curves(a.output_dir / "baselines.svg", scores, 1, "predicted frame")
    for corpus in a.corpora:
        first, *others = (str(runs[corpus, model][0]) for model in a.models)
        compare = [f"--compare={','.join(others)}"] if others else []
        output = f"--output={a.output_dir / f'gallery-{corpus}'}"
        harness.run("srvp_tf.gallery", f"--run_dir={first}", *compare, output, *a.plugin_flags)


def one_run(a, corpus, model, seed):
    """Folder of a run: trained, judged and timed."""
    folder = a.output_dir / f"{corpus}-{model}-{seed}"
    if (folder / "facts.json").exists():
        return folder
    of_model = OF_ARM if corpus == "arm" else OF_DIGITS
    settings = [f"--model={model}", *WIDTHS, *CORPORA[corpus], f"--seed={seed}"]
    settings += of_model.get(model, "").split()
    if corpus == "arm":
        settings.append(f"--data_dir={harness.arm_corpus(a.output_dir / 'arm-corpus', 384, 64)}")
    step = harness.in_process(step_seconds, settings, a.plugins)
    steps = max(int(a.cpu_seconds / step), 3)
    decay = steps // 3
    settings += [f"--lr_burnin={steps - decay}", f"--lr_decay={decay}", f"--val_interval={steps}"]
    place = f"--run_dir={folder}"
    before = cpu_of_children()
    harness.run("srvp_tf.train", place, *settings, *VALIDATION, *JUDGED, *a.plugin_flags)
    seconds = cpu_of_children() - before
    metrics = a.metrics + ("" if corpus == "arm" else ",identity")
    harness.run(
        "srvp_tf.evaluate", place, f"--metrics={metrics}", "--protocol=both", *a.plugin_flags
    )
    facts = {"steps": steps, "cpu_seconds": seconds}
    facts |= harness.in_process(sampled_video, folder, a.plugins)
    (folder / "facts.json").write_text(json.dumps(facts))
    return folder


def cpu_of_children():
    """Seconds of all processes that were started and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def step_seconds(settings, plugins):
    """CPU seconds of a training step with given flags, median."""
    start(plugins)
    import tensorflow as tf

    from srvp_tf.config.registries import MODELS
    from srvp_tf.training.step import TrainingStep

    config = config_of_flags(*settings)
    batches = corpora.open_corpus(config).training_batches(
        length=config.data.train_length, batch_size=config.train.batch_size, seed=0
    )
    batches = iter(tf.distribute.get_strategy().experimental_distribute_dataset(batches))
    step = TrainingStep(MODELS[config.model.model](config.model), config.train)
    taken = [
        harness.timed(lambda number=number: step(next(batches), number).mean.loss.numpy())[1]
        for number in range(1, WARM_UP + STEPS + 1)
    ]
    return float(np.median(taken[WARM_UP:]))


def sampled_video(run_dir, plugins):
    """Seconds of one sampled test video of a run, and the number of its parameters."""
    start(plugins)
    from srvp_tf.runs.run_folder import RunFolder, load_model

    config, model = RunFolder(run_dir).config(), load_model(run_dir)
    videos = sample_videos(run_dir, TIMED_VIDEOS)
    draw = sampling_of(model, config.data.nt_cond, videos, TIMED_SAMPLES)
    seconds = harness.interleave({"all": draw}, rounds=5)["all"][0]
    per_video = seconds / (TIMED_VIDEOS * TIMED_SAMPLES)
    return {"seconds_per_sample": float(per_video), "parameters": model.count_params()}


def start(plugins):
    """Load TensorFlow, and modules with models of one's own."""
    start_tensorflow(deterministic=True)
    for name in filter(None, plugins.split(",")):
        importlib.import_module(name)


def row(corpus, model, folders):
    """Means over seeds, with each seed's."""
    facts = [json.loads((folder / "facts.json").read_text()) for folder in folders]
    reports = [harness.report_of(folder) for folder in folders]

    def cell(part, name, decimals):
        found = [report[part][name]["mean"] for report in reports if name in report[part]]
        each = ", ".join(f"{x:.{decimals}f}" for x in found)
        return f"{np.mean(found):.{decimals}f} ({each})" if found else "-"

    def mean(name):
        return np.mean([x[name] for x in facts])

    return {
        "corpus": corpus,
        "model": model,
        "parameters": f"{facts[0]['parameters'] / 1e6:.2f} M",
        "steps": f"{mean('steps'):,.0f}",
        "CPU s": f"{mean('cpu_seconds'):.0f}",
        "PSNR, best of 10": cell("metrics", "psnr", 2),
        "PSNR, mean": cell("mean_sample", "psnr", 2),
        "SSIM, best of 10": cell("metrics", "ssim", 3),
        "SSIM, mean": cell("mean_sample", "ssim", 3),
        "LPIPS, best": cell("metrics", "lpips", 3),
        "identity": cell("mean_sample", "identity", 3),
        "ms per sampled video": f"{1000 * mean('seconds_per_sample'):.1f}",
    }


def curve_row(corpus, model, mean):
    """PSNR of the best sample in some of the predicted frames, mean over videos and seeds."""
    at = {f"frame {frame}": f"{mean[frame - 1]:.2f}" for frame in SHOWN_FRAMES}
    return {"PSNR, best of 10": corpus, "model": model} | at


if __name__ == "__main__":
    main()
