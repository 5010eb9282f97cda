# Debian's nginx, laid out as the usual image: conf.d, templates filled from the environment, logs to the output.
FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends nginx-light gettext-base && rm -rf /var/lib/apt/lists/* \
    && rm -rf /etc/nginx/sites-enabled /etc/nginx/sites-available && mkdir -p /etc/nginx/conf.d /etc/nginx/templates \
    && groupadd --system --gid 101 nginx && useradd --system --gid nginx --uid 101 --no-create-home nginx \
    && ln -sf /dev/stdout /var/log/nginx/access.log && ln -sf /dev/stderr /var/log/nginx/error.log
COPY nginx.conf /etc/nginx/nginx.conf
COPY nginx-default.conf /etc/nginx/conf.d/default.conf
COPY nginx-entrypoint.sh /docker-entrypoint.sh
LABEL org.slipyard.contains="nginx 1.22 of Debian 12, not Alpine"
EXPOSE 80
STOPSIGNAL SIGQUIT
ENTRYPOINT ["/bin/sh", "/docker-entrypoint.sh"]
CMD ["nginx", "-g", "daemon off;"]
