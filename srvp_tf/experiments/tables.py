"""The reports of the experiments as lines of text, made to be read on a terminal or pasted."""


def frame_rate_table(report: dict) -> list[str]:
    """Lines for a report of `measure_frame_rates`."""
    lines = [
        f"frame rates: {report['videos']} videos, the best of {report['samples']} samples at frame "
        f"times; trained with dt = {_step_size(report['trained_euler_steps'])}",
        "PSNR [dB] / SSIM of forecasts, then of reconstructions of the whole video",
        *_heading(
            "dt", "at frame times", "to trained dt [dB]", "in between", "blend of neighbours",
            "better than blend", "rec. at frame times", "rec. in between", "blend of rec.",
            "better than blend",
        ),
    ]  # fmt: skip
    for row in report["rows"]:
        steps = row["euler_steps"]
        trained = ", trained" if row["trained"] else ""
        to_trained = row["psnr_to_trained_steps"]
        lines.append(
            _markdown(
                _step_size(steps) + trained,
                _score(row["at_frame_times"]),
                "-" if to_trained is None else f"{to_trained:.2f}",
                _score(row["between"]),
                _score(row["blend_of_predicted"]),
                _share(row["better_than_blend"]),
                _score(row["reconstructed_at_frame_times"]),
                _score(row["reconstructed_between"]),
                _score(row["blend_of_reconstructed"]),
                _share(row["reconstructed_better_than_blend"]),
            )
        )
    if report["blend_of_true_neighbours"]:
        lines.append(f"blend of the TRUE neighbours: {_score(report['blend_of_true_neighbours'])}")
    return lines


def swap_table(report: dict) -> list[str]:
    """Lines for the summary of `summarize_swap`."""
    lines = [
        f"content swap: {report['pairs']} pairs; static part {_number(report['static_pixels'])} of "
        f"the frame; sources' motion correlates by {_number(report['motion_between_sources'])}",
        *_heading(
            "video", "static error to content", "... to dynamics", "motion correlation to content",
            "... to dynamics",
        ),
    ]  # fmt: skip
    for video in ("swapped", "content_reconstruction", "dynamics_reconstruction"):
        cells = (
            _number(report[f"{video}_{measure}_to_{source}"])
            for measure in ("static", "motion")
            for source in ("content", "dynamics")
        )
        lines.append(_markdown(video.replace("_", " "), *cells))
    closer = f"motion closer to dynamics in {_share(report['motion_closer_to_dynamics'])}"
    if report["static_closer_to_content"] is not None:
        static = _share(report["static_closer_to_content"])
        closer = f"static part closer to content in {static}, {closer}"
    lines.append(f"swapped: {closer} of the pairs")
    return lines


def interpolation_table(report: dict) -> list[str]:
    """Lines for a report of `measure_interpolation`; a line that there is none."""
    heading = f"interpolation of dynamics: {report['pairs']} pairs, {report['points']} points"
    if report["light"] is None:
        return [f"{heading}; not measured: that needs grey videos of bright things on black"]
    cells = {name: _number(value, 2) for name, value in report["light"].items()}
    return [
        heading,
        f"centres of light of the ends are {cells['distance']} px apart; those between lie "
        f"{cells['deviation']} px from the line",
        f"spread of the light: {cells['spread']} px between, {cells['spread_of_ends']} at the "
        f"ends, {cells['spread_of_fade']} in a fade",
    ]


def long_horizon_table(report: dict) -> list[str]:
    """Lines for a report of `measure_long_horizon`."""
    horizon, finite = report["horizon"], report["finite_frames"]
    lines = [
        f"long horizon: {report['videos']} videos, {report['samples']} sample(s) of {horizon} "
        "frames; " + ("all finite" if finite == horizon else f"finite for {finite} frames"),
        *_heading(
            "from frame", "max abs y", "its median", "mean step of y", "finite", "motion", "true",
            "brightness", "true", "PSNR / SSIM", "last frame",
        ),
    ]  # fmt: skip
    for window in _some(report["windows"]):
        numbers = (window[n] for n in ("motion", "true_motion", "brightness", "true_brightness"))
        lines.append(
            _markdown(
                str(window["first_frame"] + 1),
                f"{window['largest_state']:.3g}",
                f"{window['median_state']:.3g}",
                f"{window['state_speed']:.3g}",
                _share(window["finite"]),
                *("-" if number is None else f"{number:.4f}" for number in numbers),
                _score(window["score"]),
                _score(window["last_frame_score"]),
            )
        )
    return lines


def _step_size(euler_steps: int) -> str:
    return "1" if euler_steps == 1 else f"1/{euler_steps}"


def _some(windows: list[dict], count: int = 12) -> list[dict]:
    """At most so many windows: the first, the last and some in between."""
    last = len(windows) - 1
    chosen = sorted({round(i * last / (count - 1)) for i in range(count)})
    return [windows[i] for i in chosen]


def _markdown(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _heading(*cells: str) -> tuple[str, str]:
    return _markdown(*cells), "|" + "---|" * len(cells)


def _score(score: dict | None) -> str:
    return "-" if score is None else f"{score['psnr']:.2f} / {score['ssim']:.4f}"


def _number(summary: dict | None, decimals: int = 3) -> str:
    if summary is None:
        return "-"
    return f"{summary['mean']:.{decimals}f} +- {summary['ci95']:.{decimals}f}"


def _share(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.0f} %"
