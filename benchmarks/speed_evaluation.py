"""Cost of one sampled video in evaluation, metrics left out.

Ours encodes each video once for 100 samples and decodes what is scored, the predicted frames, as
`srvp_tf.evaluation` does. The plain loop encodes, infers and decodes every sample on its own: all
frames, as the authors' test script does, or (shorter loop) only the predicted ones too.
"""

import tensorflow as tf

from benchmarks.measure import blocking, has_native_bfloat16, interleave, table
from benchmarks.settings import clips_of, config_of, model_of
from srvp_tf.forecasting.sampling import Sampler

NUM_VIDEOS, NUM_SAMPLES = 4, 100
LOOP, SHORTER_LOOP = "plain loop", "shorter loop"
HEADER = (
    "evaluation (observed + predicted)",
    "variant",
    "ms/sample",
    "CPU ms",
    "speed",
    "by CPU",
    "over shorter loop",
)


def evaluation_table(settings, rounds):
    """Markdown: every setting and variant; speed as a multiple of the plain loop's."""
    return table(HEADER, [row for setting in settings for row in _rows(setting, rounds)])


def _rows(setting, rounds):
    config = config_of(setting)
    data = config.data
    videos = tf.constant(clips_of(config.model, NUM_VIDEOS, data.test_length))
    plain_sampler = _sampler(config, "plain")
    functions = {
        LOOP: _plain_sample(plain_sampler, videos[:1], plain_sampler.draw),
        SHORTER_LOOP: _plain_sample(plain_sampler, videos[:1], plain_sampler.predict),
    }
    variants = ("ours", *(("ours, bf16",) if has_native_bfloat16() else ()))
    drawn = {}
    for variant in variants:
        sampler = _sampler(config, variant)
        samples = sampler.chunks(NUM_VIDEOS, NUM_SAMPLES)[0]
        drawn[variant] = NUM_VIDEOS * len(samples)
        functions[variant, "infer"], functions[variant, "draw"] = _chunk(sampler, videos, samples)
    measured = interleave(functions, rounds)
    timings = {name: measured[name] for name in (LOOP, SHORTER_LOOP)}
    for variant in variants:
        once = measured[variant, "infer"] / (NUM_VIDEOS * NUM_SAMPLES)
        timings[variant] = once + measured[variant, "draw"] / drawn[variant]
    plain, shorter = timings[LOOP], timings[SHORTER_LOOP]
    for variant, timing in timings.items():
        yield [
            f"{setting}, {data.nt_cond} + {data.test_length - data.nt_cond}",
            variant,
            f"{1e3 * timing.wall:.0f}",
            f"{1e3 * timing.cpu:.0f}",
            f"{plain.wall / timing.wall:.2f}",
            f"{plain.cpu / timing.cpu:.2f}",
            f"{shorter.wall / timing.wall:.2f}",
        ]


def _sampler(config, variant):
    model = model_of(config.model, variant)
    return Sampler(model, config.data.nt_cond, config.data.test_length, seed=0)


def _plain_sample(sampler, video, draw):
    """One sample of one video, from its frames on."""
    infer = sampler.infer.python_function

    @tf.function
    def sample(video):
        return draw(infer(video), tf.range(1), tf.range(1))

    return blocking(lambda: sample(video))


def _chunk(sampler, videos, samples):
    """Functions that infer all videos, and that draw one chunk of their samples."""
    inferred = sampler.infer(videos)
    draw = tf.function(sampler.predict)
    ids = tf.range(len(videos))
    return blocking(lambda: sampler.infer(videos)), blocking(lambda: draw(inferred, ids, samples))
