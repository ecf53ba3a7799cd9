"""The paper's experiments: frame rates, content swap, interpolation of dynamics, long horizon."""

from srvp_tf.experiments.content_swap import ContentSwap, swap_content
from srvp_tf.experiments.frame_rate_scores import measure_frame_rates
from srvp_tf.experiments.frame_rates import forecast_at_rates, reconstruct_at_rate, steps_for_rate
from srvp_tf.experiments.interpolation import interpolate_dynamics
from srvp_tf.experiments.interpolation_scores import measure_interpolation
from srvp_tf.experiments.long_horizon import Chunk, forecast_in_chunks, forecast_thinned
from srvp_tf.experiments.long_horizon_scores import measure_long_horizon
from srvp_tf.experiments.swap_scores import measure_swap, summarize_swap

__all__ = [
    "Chunk",
    "ContentSwap",
    "forecast_at_rates",
    "forecast_in_chunks",
    "forecast_thinned",
    "interpolate_dynamics",
    "measure_frame_rates",
    "measure_interpolation",
    "measure_long_horizon",
    "measure_swap",
    "reconstruct_at_rate",
    "steps_for_rate",
    "summarize_swap",
    "swap_content",
]
