"""Ours beside the authors' PyTorch code: `python -m benchmarks.authors --checkout=DIR`.

DIR is a checkout of github.com/edouardelasalles/srvp; PyTorch comes with the extra `test`. A
training step, and evaluation by PSNR and SSIM per sampled video, on random clips and initial
weights: two processes take turns. Theirs is what their train.py and test.py do; LPIPS is left out.
"""

import sys

from benchmarks import harness, settings
from benchmarks.harness import both, timed
from benchmarks.settings import clips_of, config_of
from srvp_tf.config.tensorflow_start import start_tensorflow

BATCH = {"smmnist": 16, "kth": 2, "bair": 4}
# Videos of a turn. Theirs draws each of the samples on its own: a few tell the time of one.
EVALUATED = {"smmnist": 4, "kth": 1}
NUM_SAMPLES, NUM_THEIRS = 100, {"smmnist": 10, "kth": 4}
_THEIR_ARGUMENTS = (  # fields of our `ModelConfig`, in the order of their constructor
    "frame_size channels nf nhx ny nz skips nt_inf nh_inf nlayers_inf nh_res nlayers_res family"
)


def main():
    """Print the tables."""
    parser = harness.parser_of(__doc__, rounds=5)
    parser.add_argument("--checkout", required=True, help="folder of the authors' code")
    harness.add_list(parser, "training", BATCH, "settings whose training step is timed")
    harness.add_list(parser, "evaluation", EVALUATED, "settings whose evaluation is timed")
    parser.add_argument("--avx2", action="store_true", help="hold both sides to AVX2")
    a = parser.parse_args()
    if a.avx2:
        harness.hold_to_avx2()
    print(harness.processor(), end="\n\n", flush=True)
    training = {
        f"training step, {x}, {BATCH[x]} videos": (
            (settings.training_turn, x, True, BATCH[x]),
            (their_training, x, a.checkout),
        )
        for x in a.training
    }
    evaluation = {
        f"evaluation per sampled video, {x}, {NUM_SAMPLES} samples": (
            (our_evaluation, x),
            (their_evaluation, x, a.checkout),
        )
        for x in a.evaluation
    }
    for pairs in (training, evaluation):
        harness.print_table(row(name, *pair, a.rounds) for name, pair in pairs.items())


def row(name, ours, theirs, rounds):
    """The row of two processes, as `turns_of_processes` takes them."""
    ours, theirs = harness.turns_of_processes({"ours": ours, "theirs": theirs}, rounds).values()
    times = both("ours, s", ours, ".3g") | both("theirs, s", theirs, ".3g")
    return {"": name} | times | both("ratio", theirs / ours)


def our_evaluation(setting):
    """The turn of our evaluation."""
    start_tensorflow(deterministic=True)
    from srvp_tf.evaluation.evaluator import Evaluator

    config, videos = config_of(setting), EVALUATED[setting]
    data = config.data
    clips = clips_of(config.model, videos, data.test_length)
    evaluator = Evaluator(
        settings.model_of(config.model), data.nt_cond, data.test_length, NUM_SAMPLES, 0
    )
    return lambda: timed(lambda: evaluator.run(clips, 0)) / (videos * NUM_SAMPLES)


def their_model(config, checkout):
    """Their model of a `Config`, with initial weights."""
    sys.path.insert(0, checkout)
    from module.srvp import StochasticLatentResidualVideoPredictor

    arguments = (getattr(config.model, name) for name in _THEIR_ARGUMENTS.split())
    model = StochasticLatentResidualVideoPredictor(*arguments)
    model.init(res_gain=config.model.res_gain)
    return model


def their_frames(config, batch, num_frames):
    """Float clips [T, B, C, H, W], as their data loader gives them."""
    import torch

    clips = clips_of(config.model, batch, num_frames)
    return torch.from_numpy(clips).permute(1, 0, 4, 2, 3).contiguous().float() / 255


def their_training(setting, checkout):
    """The turn of their training step."""
    import types

    import torch

    config = config_of(setting)
    model = their_model(config, checkout)
    for name in ("args", "data", "data.base"):  # command line and readers, not needed here
        sys.modules[name] = types.ModuleType(name)
    import helper
    import train

    c, t = config.model, config.train
    weights = {"beta_y": t.beta_y, "beta_z": t.beta_z, "l2_res": t.l2_res_weight}
    options = helper.DotDict(n_euler_steps=c.euler_steps, obs_scale=c.obs_scale, **weights)
    optimizer = torch.optim.Adam(model.parameters(), lr=t.learning_rate)
    clips = their_frames(config, BATCH[setting], config.data.train_length)
    model.train()

    def turn():
        train.train(model, optimizer, None, clips, torch.device("cpu"), options)

    return lambda: timed(turn)


def their_evaluation(setting, checkout):
    """The turn of their evaluation."""
    import torch

    config, videos = config_of(setting), EVALUATED[setting]
    model, data = their_model(config, checkout).eval(), config.data
    from metrics.ssim import ssim_loss

    torch.set_grad_enabled(False)
    dt, samples = 1 / config.model.euler_steps, NUM_THEIRS[setting]
    clips = their_frames(config, videos, data.test_length)
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

    return lambda: timed(turn) / (videos * samples)


if __name__ == "__main__":
    main()
