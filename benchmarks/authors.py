"""Ours beside the authors' PyTorch code: `python -m benchmarks.authors --checkout=DIR`.

DIR is a checkout of github.com/edouardelasalles/srvp; PyTorch comes with the extra `test`. A
training step, and evaluation by PSNR and SSIM per sampled video, on random clips and initial
weights: two processes take turns. Theirs is what their train.py and test.py do; LPIPS is left out.
"""

import argparse
import sys

from benchmarks.arguments import add_list
from benchmarks.measure import hold_to_avx2, processor, table
from benchmarks.settings import clips_of, config_of
from benchmarks.turns import interleave_processes, serve
from srvp_tf.config.tensorflow_start import start_tensorflow

TRAINING_BATCH = {"quickstart": 16, "smmnist": 16, "kth": 2, "bair": 4}
STEPS = {"quickstart": 10}  # of a turn; else 1
# Videos of a turn. Theirs draws each of the samples on its own: a few tell the time of one.
EVALUATED = {"smmnist": 4, "kth": 1}
NUM_SAMPLES, NUM_THEIRS = 100, {"smmnist": 10, "kth": 4}
HEADER = ("", "ours, s", "CPU s", "theirs, s", "CPU s", "ratio", "by CPU")


def main():
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--checkout", required=True, help="folder of the authors' code")
    add_list(parser, "training", tuple(TRAINING_BATCH), "settings whose training step is timed")
    add_list(parser, "evaluation", tuple(EVALUATED), "settings whose evaluation is timed")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each that are measured")
    parser.add_argument("--avx2", action="store_true", help="hold both sides to AVX2")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    a = parser.parse_args()
    if a.child:
        side, task, setting = a.child.split(":")
        return serve(_TURNS[side, task](setting, a.checkout))
    if a.avx2:
        hold_to_avx2()
    print(processor(), flush=True)
    for task, settings in (("training", a.training), ("evaluation", a.evaluation)):
        print("", table(HEADER, [_row(task, s, a) for s in settings]), sep="\n", flush=True)


def _row(task, setting, arguments):
    command = ["benchmarks.authors", f"--checkout={arguments.checkout}"]
    commands = {side: [*command, f"--child={side}:{task}:{setting}"] for side in ("ours", "theirs")}
    ours, theirs = interleave_processes(commands, arguments.rounds).values()
    if task == "training":
        name = f"training step, {setting}, {TRAINING_BATCH[setting]} videos"
    else:
        name = f"evaluation per sampled video, {setting}, {NUM_SAMPLES} samples"
    seconds = [f"{x:.3g}" for x in (*ours, *theirs)]
    return [name, *seconds, f"{theirs.wall / ours.wall:.2f}", f"{theirs.cpu / ours.cpu:.2f}"]


def _our_training(setting, _):

    start_tensorflow(deterministic=True)
    from benchmarks.settings import training_step_of

    step, clips = training_step_of(setting, "ours", TRAINING_BATCH[setting])
    steps = STEPS.get(setting, 1)
    count = 0

    def turn():
        nonlocal count
        for _ in range(steps):
            count += 1
            norm = step(clips, count).gradient_norm
        norm.numpy()
        return steps

    return turn


def _our_evaluation(setting, _):

    start_tensorflow(deterministic=True)
    from benchmarks.settings import model_of
    from srvp_tf.evaluation.evaluator import Evaluator

    config, videos = config_of(setting), EVALUATED[setting]
    data = config.data
    clips = clips_of(config.model, videos, data.test_length)
    evaluator = Evaluator(model_of(config.model), data.nt_cond, data.test_length, NUM_SAMPLES, 0)

    def turn():
        evaluator.run(clips, 0)
        return videos * NUM_SAMPLES

    return turn


def _their_model(config, checkout):
    """Their model of a `Config`, with initial weights."""
    sys.path.insert(0, checkout)
    from module.srvp import StochasticLatentResidualVideoPredictor

    c = config.model
    model = StochasticLatentResidualVideoPredictor(
        c.frame_size,
        c.channels,
        c.nf,
        c.nhx,
        c.ny,
        c.nz,
        c.skips,
        c.nt_inf,
        c.nh_inf,
        c.nlayers_inf,
        c.nh_res,
        c.nlayers_res,
        c.family,
    )
    model.init(res_gain=c.res_gain)
    return model


def _their_frames(config, batch, num_frames):
    """Float clips [T, B, C, H, W], as their data loader gives them."""
    import torch

    clips = clips_of(config.model, batch, num_frames)
    return torch.from_numpy(clips).permute(1, 0, 4, 2, 3).contiguous().float() / 255


def _their_training(setting, checkout):
    import types

    import torch

    config = config_of(setting)
    model = _their_model(config, checkout)
    for name in ("args", "data", "data.base"):  # command line and readers, not needed here
        sys.modules[name] = types.ModuleType(name)
    import helper
    import train

    c, t = config.model, config.train
    options = helper.DotDict(
        n_euler_steps=c.euler_steps,
        obs_scale=c.obs_scale,
        beta_y=t.beta_y,
        beta_z=t.beta_z,
        l2_res=t.l2_res_weight,
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=t.learning_rate)
    clips = _their_frames(config, TRAINING_BATCH[setting], config.data.train_length)
    steps = STEPS.get(setting, 1)
    model.train()

    def turn():
        for _ in range(steps):
            train.train(model, optimizer, None, clips, torch.device("cpu"), options)
        return steps

    return turn


def _their_evaluation(setting, checkout):
    import torch

    config, videos = config_of(setting), EVALUATED[setting]
    model, data = _their_model(config, checkout).eval(), config.data
    from metrics.ssim import ssim_loss

    torch.set_grad_enabled(False)
    dt, samples = 1 / config.model.euler_steps, NUM_THEIRS[setting]
    clips = _their_frames(config, videos, data.test_length)
    given, target = clips[: data.nt_cond], clips[data.nt_cond :]
    predicted = len(target)

    def turn():
        skips = model.encode(given)[1] if config.model.skips else None
        for _ in range(samples):
            _, states, _, content, *_ = model(given, data.nt_cond, dt=dt)
            states = model.generate(states[-1], [], predicted + 1, dt=dt)[0][1:].contiguous()
            frames = model.decode(content, states, skips).clamp(0, 1)
            error = torch.nn.functional.mse_loss(frames, target, reduction="none").mean([3, 4])
            (10 * torch.log10(1 / error)).mean(2).mean(0)
            pairs = (x.reshape(-1, *x.shape[2:]) for x in (frames, target))
            ssim_loss(*pairs, max_val=1.0, reduction="none").mean([2, 3])
            frames.mul(255).byte().permute(1, 0, 3, 4, 2)
        return videos * samples

    return turn


_TURNS = {
    ("ours", "training"): _our_training,
    ("ours", "evaluation"): _our_evaluation,
    ("theirs", "training"): _their_training,
    ("theirs", "evaluation"): _their_evaluation,
}

if __name__ == "__main__":
    main()
