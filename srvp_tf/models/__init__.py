"""The models, from convolution blocks to the whole: SRVP, and SVG beside it."""
