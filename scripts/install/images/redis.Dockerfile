# Debian's Redis, laid out as the usual image: data in /data, run by the user redis.
FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends redis-server redis-tools && rm -rf /var/lib/apt/lists/* \
    && mkdir -p /data && chown redis:redis /data
USER redis
WORKDIR /data
LABEL org.slipyard.contains="Redis 7.0 of Debian 12"
EXPOSE 6379
CMD ["redis-server", "--protected-mode", "no"]
