# One image for scheduler, workers and client, so that their versions cannot differ.
#
#     docker build -t runner .                                  CPU workers, and all else
#     docker build -t runner:cuda --build-arg DEVICE=cuda .     GPU workers
#
# Nothing here names a processor, and every lock has wheels for 64-bit Arm too, so that
# `docker buildx build --platform linux/amd64,linux/arm64 .` builds both. Only the first was tried as
# an image; `make test-arm` runs the same wheels and code on Arm, emulated.

ARG BASE=python:3.12-slim-bookworm

FROM ${BASE} AS build
# Which lock is installed: runner, jax (with JAX for CPUs), cuda (with JAX for NVIDIA GPUs) or
# cuda-core (NVIDIA GPUs without JAX; not tried).
ARG DEVICE=runner
COPY requirements/${DEVICE}.txt /build/requirements.txt
RUN python3 -m venv --without-pip /opt/venv \
    && python3 -m pip --python /opt/venv/bin/python install --no-cache-dir \
        --disable-pip-version-check --only-binary :all: --require-hashes \
        -r /build/requirements.txt \
    && find /opt/venv -depth -type d -name tests -path '*/site-packages/*' \
        -not -path '*/numpy/*' -exec rm -rf {} +
COPY runner/ /opt/runner/runner/
RUN /opt/venv/bin/python -m compileall -q /opt/runner

FROM ${BASE}
LABEL org.opencontainers.image.title="runner" \
    org.opencontainers.image.description="Random restarts of small networks on Dask workers" \
    org.opencontainers.image.licenses="BSD-3-Clause"
# Names are looked up by user id where a container runs under a host's user, hence USER and HOME.
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONPATH=/opt/runner \
    PYTHONUNBUFFERED=1 \
    HOME=/tmp \
    USER=runner \
    DASK_TEMPORARY_DIRECTORY=/tmp
COPY --from=build /opt/venv /opt/venv
COPY --from=build /opt/runner /opt/runner
COPY LICENSE /opt/runner/
COPY experiments/ /work/experiments/
RUN mkdir /work/results && chown 1000:1000 /work/results
WORKDIR /work
USER 1000:1000
ENTRYPOINT ["python", "-m"]
CMD ["runner", "--help"]
