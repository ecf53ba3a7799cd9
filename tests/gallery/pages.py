"""A page of made-up videos, every frame of which can be told from all others."""

import numpy as np

from srvp_tf.config import Config
from srvp_tf.gallery_page import charts, tables
from srvp_tf.gallery_page.page import Chapter, GalleryPage, PageSection
from srvp_tf.gallery_page.players import Group, Player, Row
from srvp_tf.metrics.published_results import RESULTS

HOSTILE = "<script>document.title='taken'</script>\"'&"
LENGTH, NUM_GIVEN, SIZE = 6, 2, 64
SHORT, SLOW_LENGTH = 3, 9  # frames of a truth that ends early; ticks of the second player


def video(seed, length=LENGTH, channels=3):
    """Coarse coloured noise, uint8 [length, 64, 64, channels]."""
    blocks = np.random.default_rng(seed).integers(0, 256, (length, 16, 16, channels), np.uint8)
    return blocks.repeat(4, axis=1).repeat(4, axis=2)


def report(psnr=20.0):
    """What the results.json of an evaluation holds, as far as a table needs it."""
    return {
        "num_videos": 8,
        "num_samples": 5,
        "metrics": {
            "psnr": {"mean": psnr, "ci95": 0.5, "videos": 8, "infinite": 0},
            "ssim": {"mean": "inf", "ci95": "nan", "videos": 8, "infinite": 1},
        },
    }


def make_page(name=HOSTILE):
    """A `Page` of one chapter with two runs, one of them called `name`."""
    runs = (name, "other")
    player = Player("one-player", f"videos of {name}", LENGTH, num_given=NUM_GIVEN)
    truth = player.clip("truth", video(0), LENGTH)
    first, second = (
        player.clip("best", video(seed), NUM_GIVEN, f"note of {name}") for seed in (1, 2)
    )
    groups = (Group("", (truth,)), Group(name, (first,)), Group("other", (second,)))
    player.rows.append(Row(f"row of {name}", groups))
    slow = Player("two-player", "slow", SLOW_LENGTH, ticks_per_frame=2)
    ending = slow.clip("truth", video(3, SHORT), SHORT, hold=2)
    whole = slow.clip("whole", video(4, SLOW_LENGTH), 0)
    slow.rows.append(Row("a pair", (Group("", (ending, whole)),)))
    scores = np.random.default_rng(0).normal(20, 1, (8, LENGTH - NUM_GIVEN))
    curves = [charts.summarize_frames(run, scores + i) for i, run in enumerate(runs)]
    chapter = Chapter(
        "chapter-1",
        f"chapter of {name}",
        f"lede of {name}",
        runs,
        (
            PageSection("samples", f"samples of {name}", "text", player),
            PageSection("slow", "Slow", "text", slow),
            PageSection("empty", "Nothing to play", "text"),
        ),
        (charts.chart("PSNR", "higher", curves, NUM_GIVEN + 1, 2),),
        "text of the curves",
        tables.results_table({name: report(), "other": report(21.0)}, RESULTS["SM-MNIST"]),
        (f"note of {name}",),
        tables.settings_table({name: Config(), "other": Config()}),
    )
    return GalleryPage(f"page of {name}", f"lede of {name}", (chapter,))
