# Slipyard itself. Its parts run from this one image: `part api`, `part build-worker`, `part deploy-worker`, `part controller`.
FROM python:3.11-slim

# git fetches sources and serves pushes, ssh reaches repositories elsewhere, iptables shuts apps off from each other.
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates git iptables openssh-client \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /opt/slipyard
COPY requirements.txt .
RUN pip install --no-cache-dir --disable-pip-version-check --root-user-action=ignore --require-hashes -r requirements.txt
COPY slipyard slipyard
COPY examples/templates examples/templates

ENV PYTHONPATH=/opt/slipyard PYTHONUNBUFFERED=1 SLIPYARD_HOME=/var/lib/slipyard
# -P: files of the working directory never pose as modules.
ENTRYPOINT ["python", "-P", "-m", "slipyard.cli"]
CMD ["part", "api"]
