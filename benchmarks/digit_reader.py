"""Trains the reader of digits behind the metric "identity": `python -m benchmarks.digit_reader`.

On frames of one or two of the package's training digits at random places, turned and scaled a
little; writes `srvp_tf/metrics/digit_reader.npz` and prints how much it reads of the test digits.
"""

import numpy as np
from PIL import Image

from benchmarks.harness import parser_of
from srvp_tf.config.tensorflow_start import start_tensorflow

FRAME, DIGIT = 64, 28
STEPS_OF_EPOCH = 500
VARIANTS = 12  # turned and scaled copies of each digit


def main():
    """Train, judge, write."""
    parser = parser_of(__doc__)
    parser.add_argument("--steps", type=int, default=12000)
    parser.add_argument("--batch_size", type=int, default=64)
    parser.add_argument("--seed", type=int, default=0)
    a = parser.parse_args()
    start_tensorflow(deterministic=True)
    import keras
    import tensorflow as tf

    from data_pipelines.moving_mnist.digits import EMBEDDED_FILE
    from srvp_tf.metrics.digit_reader import WEIGHTS, DigitReader

    with np.load(EMBEDDED_FILE, allow_pickle=False) as arrays:
        digits = {name: arrays[name] for name in arrays.files}
    keras.utils.set_random_seed(a.seed)
    rng = np.random.default_rng(a.seed)
    pictures = np.stack([_varied(digits["train"], rng) for _ in range(VARIANTS)])
    reader = DigitReader()
    schedule = keras.optimizers.schedules.CosineDecay(1e-3, a.steps)

    def loss(counts, log_probabilities):
        return -tf.reduce_sum(
            log_probabilities * tf.one_hot(tf.cast(counts, tf.int32), 3), axis=(1, 2)
        )

    def batches():
        while True:
            variant = pictures[rng.integers(VARIANTS)]
            yield _frames(variant, digits["train_labels"], a.batch_size, rng)

    reader.compile(keras.optimizers.Adam(schedule), loss)
    steps = min(a.steps, STEPS_OF_EPOCH)
    epochs = a.steps // steps
    reader.fit(batches(), epochs=epochs, steps_per_epoch=steps, verbose=2)
    print(_accuracy(reader, digits))
    weights = {f"{i}": array.astype(np.float16) for i, array in enumerate(reader.get_weights())}
    np.savez_compressed(WEIGHTS, **weights)
    print(f"wrote {WEIGHTS.name}")


def _varied(digits, rng):
    """Digits turned by up to 12 degrees and scaled by up to 10 %: uint8 [N, 28, 28]."""
    middle = (DIGIT - 1) / 2
    varied = np.empty_like(digits)
    for i, (angle, scale) in enumerate(rng.uniform((-0.2, 0.9), (0.2, 1.1), (len(digits), 2))):
        c, s = np.cos(angle) / scale, np.sin(angle) / scale
        shift = middle - np.array([[c, s], [-s, c]]) @ (middle, middle)
        matrix = (c, s, shift[0], -s, c, shift[1])
        image = Image.fromarray(digits[i])
        varied[i] = image.transform(image.size, Image.Transform.AFFINE, matrix, Image.BILINEAR)
    return varied


def _frames(digits, labels, count, rng, num_digits=None):
    """(Frames [N, 64, 64, 1] in [0, 1] with one or two digits, counts int32 [N, 10])."""
    frames = np.zeros((count, FRAME, FRAME, 1), np.float32)
    counts = np.zeros((count, 10), np.int32)
    for i in range(count):
        for _ in range(num_digits or rng.integers(1, 3)):
            chosen = rng.integers(len(digits))
            row, column = rng.integers(0, FRAME - DIGIT + 1, 2)
            frames[i, row : row + DIGIT, column : column + DIGIT, 0] += digits[chosen] / 255.0
            counts[i, labels[chosen]] += 1
    return np.minimum(frames, 1.0), counts


def _accuracy(reader, digits):
    """Share of frames of test digits in which all counts are right, as text."""
    rng, words = np.random.default_rng(1), []
    for num_digits in (1, 2):
        frames, counts = _frames(digits["test"], digits["test_labels"], 2000, rng, num_digits)
        read = np.concatenate([reader(part).numpy() for part in np.split(frames, 10)])
        right = (read.argmax(-1) == counts).all(-1).mean()
        words.append(f"{100 * right:.1f} % of {num_digits}")
    return ", ".join(words)


if __name__ == "__main__":
    main()
