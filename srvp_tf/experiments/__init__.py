"""The paper's experiments: frame rates, content swap, interpolation of dynamics, long horizon."""

import importlib

# Public name -> its module.
_LAZY = {
    "Chunk": "long_horizon",
    "ContentSwap": "content_swap",
    "forecast_at_rates": "frame_rates",
    "forecast_in_chunks": "long_horizon",
    "forecast_thinned": "long_horizon",
    "interpolate_dynamics": "interpolation",
    "measure_frame_rates": "frame_rate_scores",
    "measure_interpolation": "interpolation_scores",
    "measure_long_horizon": "long_horizon_scores",
    "measure_swap": "swap_scores",
    "reconstruct_at_rate": "frame_rates",
    "steps_for_rate": "frame_rates",
    "summarize_swap": "swap_scores",
    "swap_content": "content_swap",
}

__all__ = list(_LAZY)


def __getattr__(name: str):
    # TensorFlow is imported with the first name that needs it.
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_LAZY[name]}"), name)


def __dir__():
    return sorted(__all__)
