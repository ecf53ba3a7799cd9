# Training on NVIDIA GPUs; CUDA comes with TensorFlow's packages, the driver from the host (NVIDIA
# Container Toolkit). From the top of the checkout:
#   docker build -f docker/gpu.Dockerfile -t srvp-tf-gpu .
#   docker run --rm --gpus=all -v "$PWD/runs:/work/runs" srvp-tf-gpu srvp_tf.train --flagfile=configs/smmnist.cfg --run_dir=runs/x
FROM python:3.12-slim
WORKDIR /source
COPY . .
RUN pip install --no-cache-dir '.[gpu]' && rm -rf /source
WORKDIR /work
ENTRYPOINT ["python", "-m"]
CMD ["srvp_tf.train", "--help"]
