# The environment of muscan, with the pinned packages of envs/requirements.txt, and muscan in /muscan.
# docs/howto/environments.md says how to build and use the image. None is published.
FROM python:3.13-slim-bookworm

COPY envs/requirements.txt /muscan/envs/requirements.txt
RUN pip install --no-cache-dir --require-hashes --requirement /muscan/envs/requirements.txt

COPY Snakefile LICENSE CITATION.cff README.md /muscan/
COPY rules /muscan/rules
COPY scripts /muscan/scripts
COPY config /muscan/config
COPY profiles /muscan/profiles
COPY report /muscan/report
COPY envs /muscan/envs

# Any user can run the image: Matplotlib, Snakemake and Python keep their caches in a folder that all may write to.
ENV HOME=/tmp \
    MPLCONFIGDIR=/tmp/matplotlib \
    XDG_CACHE_HOME=/tmp/cache \
    PYTHONDONTWRITEBYTECODE=1

WORKDIR /work
ENTRYPOINT ["snakemake", "--snakefile", "/muscan/Snakefile"]
CMD ["--help"]
