"""What a step, or a sampled video, costs here: the part of `benchmarks.baselines` with TensorFlow.

With the flags of a training it prints the CPU seconds of one step; with --run_dir alone, seconds of
one sampled test video (16 videos, 10 samples), of the clock, and the number of parameters.
"""

import json
import statistics
import time

from srvp_tf import train
from srvp_tf.cli import command
from srvp_tf.config.flags import config_from_flags
from srvp_tf.config.registries import MODELS
from srvp_tf.config.tensorflow_start import start_tensorflow

_WARM_UP, _STEPS, _ROUNDS = 3, 12, 5
_VIDEOS, _SAMPLES = 16, 10


def main(flag_values):
    """Measure; returns the exit status."""
    if flag_values.run_dir:
        print(json.dumps(sampled_video(flag_values.run_dir)))
    else:
        print(step_seconds(config_from_flags(flag_values)))
    return 0


def step_seconds(config):
    """CPU seconds of a training step, median."""
    start_tensorflow(config.train.deterministic)
    import tensorflow as tf

    from srvp_tf.config import corpora
    from srvp_tf.training.step import TrainingStep

    corpus = corpora.open_corpus(config)
    batches = corpus.training_batches(
        length=config.data.train_length, batch_size=config.train.batch_size, seed=0
    )
    model = MODELS[config.model.model](config.model, config.train.precision)
    step, taken = TrainingStep(model, config.train), []
    strategy = tf.distribute.get_strategy()
    batches = iter(strategy.experimental_distribute_dataset(batches))
    for number in range(1, _WARM_UP + _STEPS + 1):
        begin = time.process_time()
        step(next(batches), number).mean.loss.numpy()
        taken.append(time.process_time() - begin)
    return statistics.median(taken[_WARM_UP:])


def sampled_video(run_dir):
    """(Seconds of one sampled video, number of parameters) of a run's model."""
    start_tensorflow(deterministic=False)
    import tensorflow as tf

    from srvp_tf.config import corpora
    from srvp_tf.forecasting.sampling import Sampler
    from srvp_tf.runs.run_folder import RunFolder, load_model

    config, model = RunFolder(run_dir).config(), load_model(run_dir)
    length = config.data.test_length
    videos = corpora.open_corpus(config).test_videos(length=length, num_videos=_VIDEOS)
    videos = next(videos.batch(_VIDEOS).as_numpy_iterator())
    sampler = Sampler(model, config.data.nt_cond, length, seed=0)
    predict, ids = tf.function(sampler.predict), tf.range(_VIDEOS)

    def all_samples():
        inferred = sampler.infer(videos)
        for samples in sampler.chunks(_VIDEOS, _SAMPLES):
            predict(inferred, ids, samples)[0, 0, 0, 0, 0].numpy()

    all_samples()
    taken = []
    for _ in range(_ROUNDS):
        begin = time.perf_counter()
        all_samples()
        taken.append(time.perf_counter() - begin)
    return statistics.median(taken) / (_VIDEOS * _SAMPLES), model.count_params()


if __name__ == "__main__":
    command.run(main, define_flags=train.define_flags)
