"""Packaging of srvp-tf; the quick tests were run at both ends of every range, see BUILD.md."""

import runpy

from setuptools import find_packages, setup

VERSION = runpy.run_path("srvp_tf/_version.py")["__version__"]
# tensorflow, tensorboard and tf_keras are released together; TFP reaches Keras 2 through tf_keras.
TENSORFLOW_RANGE = ">=2.20,<2.22"
SERVING = [
    f"tensorflow-serving-api{TENSORFLOW_RANGE}",
    "grpcio>=1.60,<2",
    "requests>=2.31,<3",
    "orjson>=3.9,<4",
    "aiohttp>=3.9,<4",
]
TFLITE = ["ai-edge-litert>=2.1,<3"]
DOCS = ["sphinx>=8.1,<10", "furo>=2024.8.6", "myst-parser>=4,<6", "docutils>=0.21,<0.23"]

setup(
    name="srvp-tf",
    version=VERSION,
    description="Stochastic Latent Residual Video Prediction in TensorFlow",
    license="Apache-2.0",
    python_requires=">=3.11",
    packages=[
        *find_packages(include=["srvp_tf*", "data_pipelines*", "export*"]),
        "srvp_tf.configs",
        "srvp_tf.pretrained",
    ],
    # These lie at the top of the checkout, where users look; installed, in the package.
    package_dir={"srvp_tf.configs": "configs", "srvp_tf.pretrained": "pretrained"},
    package_data={
        "srvp_tf.configs": ["*.cfg"],
        "srvp_tf.pretrained": ["README.md", "*/config.json", "*/checkpoints/*.npz"],
        "data_pipelines.moving_mnist": ["data/*.npz", "data/README*"],
        "export": ["deploy/*"],
        "srvp_tf": ["py.typed"],
        "srvp_tf.metrics": ["*.npz"],
        "export.web_page": ["LICENSE", "templates/*", "static/*"],
        "srvp_tf.gallery_page": ["templates/*", "static/*"],
    },
    install_requires=[
        f"tensorflow{TENSORFLOW_RANGE}",
        f"tf_keras{TENSORFLOW_RANGE}",
        f"tensorboard{TENSORFLOW_RANGE}",
        "keras>=3.10,<4",
        "tensorflow-probability>=0.25,<0.26",
        "tensorflow-datasets>=4.9.10,<5",
        # tensorflow-datasets imports it without asking for it.
        "importlib_resources>=6,<8",
        "absl-py>=2.1,<3",
        "numpy>=1.26,<3",
        "tqdm>=4.66,<5",
        "pillow>=10.3,<14",
        "av>=15,<19",
        "jinja2>=3.1,<4",
        "filelock>=4,<5",
    ],
    extras_require={
        "test": [
            "pytest>=8.4,<10",
            "pytest-xdist>=3.6,<4",
            "ruff>=0.15,<0.18",
            "scipy>=1.12,<2",
            "psutil>=5.9,<8",
            "pyyaml>=6,<7",
            "selenium>=4.20,<5",
            "nbclient>=0.10,<0.12",
            "nbformat>=5.10,<6",
            "ipykernel>=6.29,<8",
            *SERVING,
            *TFLITE,
            *DOCS,
            # One version for all, as no range of it is small to install.
            "torch==2.13.0",
        ],
        # Read what is exported; make the videos of the long tests; draw figures.
        "test-long": [
            *TFLITE,
            "openvino>=2026.4,<2027",
            "tf2onnx>=1.17,<2",
            "onnx>=1.23,<2",
            "onnxruntime>=1.31,<2",
            "pybullet>=3.2.7,<4",
            "scikit-video>=1.1.11,<2",
            "matplotlib>=3.8,<4",
        ],
        "docs": DOCS,
        # The command `tfds` of tensorflow-datasets imports them without asking for them.
        "tfds-cli": ["apache-beam>=2.60,<3", "mlcroissant>=1,<2"],
        "serving": SERVING,
        "tflite": TFLITE,
        "gpu": [f"tensorflow[and-cuda]{TENSORFLOW_RANGE}"],
        # Before 2.6 a crafted file could run code in spite of weights_only.
        "torch": ["torch>=2.6,<3"],
    },
)
