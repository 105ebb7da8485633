# The one image that every step of the pipeline and the embedded server run in. `make image` builds it, with whichever
# of docker, podman and buildah is there; nothing in here needs one of them in particular.
#
# Two secrets are optional: `package_settings`, shell assignments such as UV_DEFAULT_INDEX for a company's mirror, and
# `ca_bundle`, its certificates. Secrets leave no trace in the image and do not invalidate layers.
ARG BASE_IMAGE=docker.io/library/python:3.13-slim-trixie

# --- What needs a compiler: pyfarmhash, which has no wheel. A fixed date makes it the same file each time ---------------
FROM ${BASE_IMAGE} AS build
RUN set -eu; \
    packages=g++; \
    header="$(python3 -c 'import sysconfig; print(sysconfig.get_path("include"))')/Python.h"; \
    [ -f "$header" ] || packages="$packages python3-dev"; \
    python3 -c 'import ensurepip' 2> /dev/null || packages="$packages python3-venv"; \
    apt-get update -qq; \
    DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends $packages > /dev/null
COPY requirements/current.txt /build/
RUN --mount=type=secret,id=package_settings --mount=type=secret,id=ca_bundle \
    set -eu; \
    if [ -f /run/secrets/package_settings ]; then . /run/secrets/package_settings; fi; \
    export SOURCE_DATE_EPOCH=946684800; \
    pin() { grep "^$1==" /build/current.txt; }; \
    python3 -m venv /build/tools; \
    /build/tools/bin/pip install --quiet --no-cache-dir "$(pin uv)" "$(pin setuptools)"; \
    /build/tools/bin/pip wheel --quiet --no-cache-dir --no-deps --wheel-dir /build/wheels "$(pin pyfarmhash)"; \
    /build/tools/bin/uv venv --quiet --python "$(command -v python3)" /opt/venv

# --- Our code, alone in a venv of the same path ----------------------------------------------------------------------
FROM build AS code
COPY pyproject.toml setup.py README.md /build/marketcast/
COPY components /build/marketcast/components
COPY pipeline /build/marketcast/pipeline
COPY serving /build/marketcast/serving
RUN VIRTUAL_ENV=/build/tools /build/tools/bin/uv build --quiet --wheel --no-build-isolation --offline \
      --python /build/tools/bin/python --out-dir /build/dist /build/marketcast \
 && /build/tools/bin/uv pip install --quiet --no-cache --offline --no-deps --compile-bytecode \
      --python /opt/venv/bin/python /build/dist/*.whl

# --- The image ---------------------------------------------------------------------------------------------------------
FROM ${BASE_IMAGE}
# /models and /data are for volumes; KFP's launcher puts a task's artifacts into the other three.
RUN groupadd --gid 1000 marketcast \
 && useradd --uid 1000 --gid 1000 --home-dir /tmp --no-create-home --shell /usr/sbin/nologin marketcast \
 && install --directory --owner 1000 --group 1000 /models /data /minio /s3 /gcs
COPY requirements/common.in requirements/current.in requirements/current.txt /app/requirements/
COPY --from=build /build/wheels /app/wheels
# One layer, and the only large one. The locked versions as constraints leave out what only dev.in asks for.
# Tests of third parties and the headers for custom TensorFlow operations are of no use in a task.
RUN --mount=type=secret,id=package_settings --mount=type=secret,id=ca_bundle \
    set -eu; \
    if [ -f /run/secrets/package_settings ]; then . /run/secrets/package_settings; fi; \
    python3 -m venv /tmp/tools; \
    /tmp/tools/bin/pip install --quiet --no-cache-dir "$(grep ^uv== /app/requirements/current.txt)"; \
    uv=/tmp/tools/bin/uv; \
    $uv venv --quiet --no-cache --python "$(command -v python3)" /opt/venv; \
    $uv pip install --quiet --no-cache --system-certs --python /opt/venv/bin/python --compile-bytecode \
      --find-links /app/wheels \
      --constraint /app/requirements/current.txt --requirement /app/requirements/current.in; \
    cd /opt/venv/lib/python3*/site-packages; \
    find . -type d -name tests -prune -exec rm -r {} +; \
    rm -r tensorflow/include /tmp/tools; \
    # Proves the layer, and compiles what these imports take of the standard library.
    cd /; TF_CPP_MIN_LOG_LEVEL=3 /opt/venv/bin/python -W ignore -c "import tensorflow, tfx.v1"
COPY data/raw /app/data/raw
COPY --from=code /opt/venv /opt/venv

# HOME is /tmp, so that a read-only root needs one writable mount.
ENV PATH=/opt/venv/bin:$PATH HOME=/tmp TMPDIR=/tmp PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
WORKDIR /app
USER 1000:1000
CMD ["marketcast", "--help"]

# From here on each commit differs; these steps cost nothing. The pipeline records MARKETCAST_COMMIT in its models.
ARG VERSION=unknown
ARG COMMIT=unknown
ARG TFX_VERSION=unknown
ARG TENSORFLOW_VERSION=unknown
ARG KFP_VERSION=unknown
ENV MARKETCAST_COMMIT=$COMMIT
LABEL org.opencontainers.image.title="marketcast" \
      org.opencontainers.image.description="Steps and embedded server of the marketcast pipeline" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$COMMIT" \
      marketcast.tfx="$TFX_VERSION" \
      marketcast.tensorflow="$TENSORFLOW_VERSION" \
      marketcast.kfp="$KFP_VERSION"
