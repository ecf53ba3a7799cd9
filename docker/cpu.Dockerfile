# Training, evaluation and export on CPU. From the top of the checkout:
#   docker build -f docker/cpu.Dockerfile -t srvp-tf .
#   docker run --rm -v "$PWD/runs:/work/runs" srvp-tf srvp_tf.train --flagfile=configs/smmnist.cfg --run_dir=runs/x
FROM python:3.12-slim
WORKDIR /source
COPY . .
RUN pip install --no-cache-dir '.[serving,tflite]' && rm -rf /source
WORKDIR /work
ENTRYPOINT ["python", "-m"]
CMD ["srvp_tf.train", "--help"]
