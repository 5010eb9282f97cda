# shellcheck shell=bash disable=SC2034,SC2154 # sourced by the scripts above, which share their variables
# The example: a first app, pushed with plain git the way anybody would.

example=hello

deploy_example() {
  if example_is_live; then
    detail "$example is live already"
  else
    push_example
    wait_until 120 example_is_live || refuse "$example was pushed and is not live" "see why: $launcher builds log --app $example"
  fi
  wait_until 20 page_answers || refuse "$example is live, but $example_url does not answer" "see what the router says: $home/logs/caddy.log"
  detail "$example_url answers: $(curl -sS --noproxy '*' --max-time 10 "$example_url" | head -n 1)"
}

# Sets `example_url`.
example_is_live() {
  local status
  read -r status example_url < <("$launcher" apps show "$example" --json 2>/dev/null | "$venv/bin/python" -c '
import json, sys
app = json.load(sys.stdin)
print(app["status"], app["url"] or "")' 2>/dev/null) || return 1
  [ "$status" = running ] && [ -n "$example_url" ]
}

page_answers() { curl -fsS --noproxy '*' --max-time 5 -o /dev/null "$example_url" 2>/dev/null; }

# The dates are fixed, so that a second attempt pushes the same commit. Settings of this user and this machine (proxies,
# signing, hooks) stay out of it. git asks the helper for the token, so that it is in no URL and no argument list.
push_example() {
  local tree
  tree=$(mktemp -d)
  cp -R "$checkout/examples/hello-python/." "$tree"
  example_git "$tree" init -q -b main
  example_git "$tree" add .
  example_git "$tree" commit -q -m "Hello from Slipyard"
  example_git "$tree" -c credential.helper="!$(printf %q "$launcher") git-credential" \
    push "http://$(reachable "$bind"):$port/git/$example.git" main
  rm -rf "$tree"
}

example_git() {
  local tree=$1
  shift
  env -u GIT_DIR -u GIT_WORK_TREE -u http_proxy -u HTTP_PROXY -u ALL_PROXY -u all_proxy \
    GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1 GIT_TERMINAL_PROMPT=0 \
    GIT_AUTHOR_NAME=Slipyard GIT_AUTHOR_EMAIL=example@slipyard.localhost GIT_AUTHOR_DATE='2026-01-01T00:00:00Z' \
    GIT_COMMITTER_NAME=Slipyard GIT_COMMITTER_EMAIL=example@slipyard.localhost GIT_COMMITTER_DATE='2026-01-01T00:00:00Z' \
    git -C "$tree" "$@"
}

reachable() { printf '%s' "${1/#0.0.0.0/127.0.0.1}"; }
