# Debian's registry (distribution 2.8), configured by REGISTRY_ variables as the usual image.
FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends docker-registry && rm -rf /var/lib/apt/lists/*
COPY registry.yml /etc/docker/registry/config.yml
LABEL org.slipyard.contains="docker-registry 2.8 of Debian 12"
EXPOSE 5000
CMD ["docker-registry", "serve", "/etc/docker/registry/config.yml"]
