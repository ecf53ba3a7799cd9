"""The layers of SRVP, from convolution blocks to the whole model."""
