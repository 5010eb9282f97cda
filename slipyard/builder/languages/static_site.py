"""Pages without a program: index.html, served by nginx as a user who is not root, on $PORT."""

import json

from slipyard.builder.languages.recipe import PORT, Recipe, Wishes, arguments, dockerfile, run
from slipyard.builder.source_tree import SourceTree

_NGINX_USER = 10001
_CONFIGURATION = (
    "pid /tmp/nginx.pid;",
    "error_log /dev/stderr warn;",
    "events {}",
    "http {",
    "  include /etc/nginx/mime.types;",
    "  access_log /dev/stdout;",
    "  sendfile on; gzip on; gzip_types text/css application/javascript application/json image/svg+xml;",
    "  client_body_temp_path /tmp/body; proxy_temp_path /tmp/proxy; fastcgi_temp_path /tmp/fastcgi;",
    "  uwsgi_temp_path /tmp/uwsgi; scgi_temp_path /tmp/scgi;",
    "  server {",
    "    listen @PORT@;",
    "    root /site; index index.html;",
    "    location ~ /[.](?!well-known/) { return 404; }",
    "    location / { try_files $uri $uri/index.html $uri.html =404; }",
    "  }",
    "}",
)
_START = (
    'sed "s/@PORT@/$PORT/" /etc/nginx/site.conf > /tmp/nginx.conf && exec nginx -c /tmp/nginx.conf -g "daemon off;"'
)


def recognise(tree: SourceTree, wishes: Wishes) -> Recipe | None:
    """None where there is no index.html, in the root or in public/, or where a program is to be started."""
    page = tree.first_of("index.html", "public/index.html")
    if page is None or wishes.start_command:
        return None
    folder = page.rpartition("/")[0] or "."
    told = (f"{page} makes it a static site.", "nginx serves the files, not as root.")
    if wishes.build_command is None:
        return Recipe("static site", dockerfile(serve_files(folder)), told)
    build = ["FROM nginx:alpine AS build", "WORKDIR /app", *arguments(wishes), "COPY . ."]
    build.append(run(wishes.build_command, secrets=wishes.secrets))
    return Recipe("static site", dockerfile(build, serve_files(f"--from=build /app/{folder}")), told)


def serve_files(source: str) -> list[str]:
    """The last stage; `source` is what COPY takes."""
    lines = " \\\n      ".join(f"'{line}'" for line in _CONFIGURATION)
    return [
        "FROM nginx:alpine",
        f"RUN printf '%s\\n' \\\n      {lines} \\\n      > /etc/nginx/site.conf",
        f"COPY {source} /site",
        f"USER {_NGINX_USER}:{_NGINX_USER}",
        f"ENV PORT={PORT}",
        f"EXPOSE {PORT}",
        "ENTRYPOINT []",
        f"CMD {json.dumps(['/bin/sh', '-c', _START])}",
    ]
