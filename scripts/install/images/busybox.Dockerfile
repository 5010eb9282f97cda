# The static busybox of Debian with its applets as links.
FROM debian:bookworm-slim AS packages
LABEL org.slipyard.stage=packages
RUN apt-get update && apt-get install -y --no-install-recommends busybox-static
RUN mkdir -p /image/bin /image/etc /image/root /image/var/www && mkdir -m 1777 /image/tmp && cp /bin/busybox /image/bin/busybox \
    && for applet in $(/bin/busybox --list); do [ "$applet" = busybox ] || ln -s busybox /image/bin/$applet; done \
    && printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/home:/bin/false\n' >/image/etc/passwd \
    && printf 'root:x:0:\nnogroup:x:65534:\n' >/image/etc/group

FROM scratch
COPY --from=packages /image /
LABEL org.slipyard.contains="busybox-static of Debian 12"
CMD ["sh"]
