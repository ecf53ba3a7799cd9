"""What the builders share: parts of a corpus in, sharded TFRecords out, by several processes.

TFDS' own `GeneratorBasedBuilder` decodes in one process, and above 1 GB it keeps unshuffled videos
in one file that it sorts in memory. Here each process decodes the sources of a shard and writes it
whole; finished shards wait in a folder beside the corpus' own, so that a preparation that was
interrupted goes on.
"""

import dataclasses
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import filelock
import numpy as np
import tensorflow_datasets as tfds
from tqdm import tqdm

from data_pipelines.corpora.sources import Layout, layout_fingerprint, printable_line, summarised
from data_pipelines.errors import DataError
from data_pipelines.storage.record_files import map_videos
from data_pipelines.storage.shard_files import Report, plan, settle, shard_path
from data_pipelines.storage.worker_pool import write_shards


@dataclasses.dataclass(eq=False)
class VideoConfig(tfds.core.BuilderConfig):
    """How the videos of a corpus are prepared."""

    frame_size: int = 64
    """Height and width, in pixels."""
    min_frames: int = 1
    """Shorter videos are skipped."""


class VideoBuilder(tfds.core.GeneratorBasedBuilder, skip_registration=True):
    """Base of the builders: a subclass names its sources, see `layout`.

    The folder of the sources is TFDS' manual_dir. Records hold `video`, uint8 [T, H, W, C], `name`
    and, where there are any, `actions`, float32 [T - 1, A]; their order is that of the sources.
    Metadata: `skipped`, a line for each file left out; `remarks`, lines on what was read as stored;
    `source`, the folder, and `layout`, a fingerprint of the files in it; where there are `actions`,
    the `names` of their columns, and `mean` and `scale` of each over the training part.
    """

    BUILDER_CONFIGS = [VideoConfig(name="64", frame_size=64)]
    VERSION = tfds.core.Version("1.0.0")
    MANUAL_DOWNLOAD_INSTRUCTIONS = "The folder of the corpus; see docs/own_videos.md of srvp-tf."
    channels: int
    description: str
    workers: int | None = None
    """Processes; None: one per core."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        if actions := self.info.metadata.get("actions"):
            self._add_actions(len(actions["names"]))

    @classmethod
    def make_config(cls, frame_size: int) -> VideoConfig:
        """A configuration, with the name that its folder has."""
        return VideoConfig(name=str(frame_size), frame_size=frame_size)

    def layout(self, folder: Path, excluded: frozenset[str] = frozenset()) -> Layout:
        """The sources of each part; raises `DataError` if `folder` holds no such corpus.

        `excluded` names sources that were found to give no video; who divides videos by chance
        leaves them out.
        """
        raise NotImplementedError

    def _info(self) -> tfds.core.DatasetInfo:
        size = self.builder_config.frame_size
        return tfds.core.DatasetInfo(
            builder=self,
            description=self.description,
            features=tfds.features.FeaturesDict(
                {
                    "name": tfds.features.Text(),
                    "video": tfds.features.Tensor(
                        shape=(None, size, size, self.channels), dtype=np.uint8, encoding="bytes"
                    ),
                }
            ),
            metadata=tfds.core.MetadataDict(skipped=[], remarks=[], source=None, layout=None),
            disable_shuffling=True,
        )

    def _add_actions(self, count: int) -> None:
        """Tell TFDS of `count` columns: when it asked for the features, no file had been seen."""
        actions = tfds.features.Tensor(shape=(None, count), dtype=np.float32, encoding="bytes")
        self.info._features = tfds.features.FeaturesDict(
            dict(self.info.features) | {"actions": actions}
        )

    def _split_generators(self, dl_manager) -> dict:
        layout = self.layout(Path(dl_manager.manual_dir))
        return {part: self._generate_examples(s) for part, s in layout.parts.items() if s}

    def _generate_examples(self, sources) -> Iterator[tuple[str, dict]]:
        for source in sources:
            for name, frames, actions in source.videos():
                example = {"name": name, "video": frames}
                yield name, example if actions is None else example | {"actions": actions}

    def _generate_splits(self, dl_manager, download_config) -> list[tfds.core.SplitInfo]:
        folder = Path(dl_manager.manual_dir)
        if action_names := self.layout(folder).action_names:
            self._add_actions(len(action_names))
        if download_config.max_examples_per_split is not None:
            return super()._generate_splits(dl_manager, download_config)
        # While it prepares, TFDS gives the builder a temporary folder of another name each time.
        final = Path(self.data_dir_root, self.name, self.builder_config.name)
        staging = final / f".{self.version}.staging"
        staging.mkdir(parents=True, exist_ok=True)
        # The lock file stays: deleting it would let two processes lock two files of one name.
        lock = filelock.FileLock(final / f".{self.version}.lock", timeout=0)
        try:
            held = lock.acquire()
        except filelock.Timeout:
            raise DataError(f"{final}: another preparation of this corpus is running.") from None
        with held:
            for abandoned in final.glob(f"incomplete.*_{self.version}"):
                if abandoned != Path(self.data_dir):
                    shutil.rmtree(abandoned, ignore_errors=True)
            for abandoned in staging.glob("*.tmp"):
                abandoned.unlink()
            return self._write_parts(folder, staging)

    def _write_parts(self, folder: Path, staging: Path) -> list[tfds.core.SplitInfo]:
        excluded, skipped = frozenset(), set()
        metadata = self.info.metadata
        metadata["source"] = printable_line(str(folder))
        metadata["layout"] = layout_fingerprint(self.layout(folder, excluded), folder)
        while True:
            layout = self.layout(folder, excluded)
            written = self._stage(layout, staging, skipped)
            empty = [p for p, shards in written.items() if not any(r.lengths for _, r in shards)]
            if not empty:
                break
            failed = {path for p in empty for _, report in written[p] for path in report.failed}
            # Parts drawn by chance are drawn again without the files that cannot be read.
            if excluded >= failed or self.layout(folder, excluded | failed) == layout:
                _print_skipped(skipped)
                files = "1 file" if len(failed) == 1 else f"{len(failed)} files"
                raise DataError(
                    f"{folder}: no video for {' and '.join(empty)}; {files} there cannot be used."
                )
            excluded |= failed
        _print_skipped(skipped)
        metadata["skipped"] = sorted(skipped)
        reports = [report for shards in written.values() for _, report in shards]
        remarks = [printable_line(line) for report in reports for line in report.remarks]
        metadata["remarks"] = summarised(remarks)
        if layout.action_names:
            paths = [path for path, report in written["train"] if report.lengths]
            metadata["actions"] = self._action_statistics(layout.action_names, paths)
        infos = [self._collect(part, shards) for part, shards in written.items()]
        shutil.rmtree(staging)
        return infos

    def _action_statistics(self, names: tuple[str, ...], paths: list[Path]) -> dict[str, list]:
        """Names, means and scales of the columns of the actions in some shards, in float64."""
        shape = self.info.features["video"].shape[1:]
        videos = (video for path in paths for video in map_videos(path, shape, len(names)))
        rows = np.concatenate([video.actions for video in videos], dtype=np.float64)
        if not len(rows):  # all videos have one frame
            rows = np.zeros((1, len(names)))
        # Rounding leaves a standard deviation to a column that never changes.
        scales = np.where(np.ptp(rows, axis=0) > 0, rows.std(axis=0), 1.0)
        means = rows.mean(axis=0)
        return {"names": list(names), "mean": means.tolist(), "scale": scales.tolist()}

    def _stage(
        self, layout: Layout, staging: Path, skipped: set[str]
    ) -> dict[str, list[tuple[Path, Report]]]:
        """Write all shards: part -> (file, report) of each, in order.

        What is left out is added to `skipped`, a line each.
        """
        least, num_actions = self.builder_config.min_frames, len(layout.action_names)
        tasks = {
            shard_path(staging, shard): shard
            for part, sources in layout.parts.items()
            for shard in plan(part, sources, least, num_actions)
        }
        reports: dict[Path, Report] = {}
        with tqdm(
            total=sum(map(len, layout.parts.values())),
            desc=self.name,
            unit="file",
            dynamic_ncols=True,
            mininterval=0.2 if sys.stderr.isatty() else 30.0,
        ) as bar:
            skipped.update(map(printable_line, layout.skipped))
            for path, report in write_shards(tasks, self.workers or len(os.sched_getaffinity(0))):
                reports[path] = report
                skipped.update(map(printable_line, report.skipped))
                bar.update(len(tasks[path].sources))
        return {
            part: [(path, reports[path]) for path, shard in tasks.items() if shard.part == part]
            for part in layout.parts
        }

    def _collect(self, part: str, shards: list[tuple[Path, Report]]) -> tfds.core.SplitInfo:
        """Move the shards of a part to where TFDS reads them."""
        shards = [(path, report) for path, report in shards if report.lengths]
        template = self._get_filename_template(part)
        for index, (path, _) in enumerate(shards):
            settle(path)
            path.rename(template.sharded_filepath(shard_index=index, num_shards=len(shards)))
        return tfds.core.SplitInfo(
            name=part,
            shard_lengths=[len(report.lengths) for _, report in shards],
            num_bytes=sum(report.num_bytes for _, report in shards),
            filename_template=template,
        )


def _print_skipped(lines: set[str]) -> None:
    for line in sorted(lines):
        print(f"skipped: {line}", file=sys.stderr)
