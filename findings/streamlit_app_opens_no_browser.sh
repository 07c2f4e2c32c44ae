#!/usr/bin/env bash
# `streamlit run` opens a browser for a script, and none for the same script as an st.App.
#
# Versions: streamlit 1.67.0.
# Expected: `streamlit run app.py` behaves alike whether app.py is a script, or holds an
#   st.App that names the script (to add a lifespan, routes or middleware): the terminal
#   prints the same words "You can now view your Streamlit app in your browser".
# Happens: with server.headless=false the browser is opened for the script alone. The
#   start of an st.App goes another way, in which the option is never read.
# Remedy: open it in the lifespan: webbrowser.open(...) unless server.headless is set.
# Seen on 2026-11-30: a stand-in for xdg-open is called once for the script, and not at
#   all for the st.App; both answer on their port.
# Source: streamlit/web/bootstrap.py, _on_server_start (script) and run_asgi_app (st.App).
set -euo pipefail
work=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check streamlit==1.67.0
mkdir "$work/bin"
printf '#!/bin/sh\necho "$1" >>"%s/opened"\n' "$work" >"$work/bin/xdg-open"
chmod +x "$work/bin/xdg-open"
mkdir "$work/.streamlit"
printf '[general]\nemail = ""\n' >"$work/.streamlit/credentials.toml" # else the first start asks for an address
printf 'import streamlit as st\nst.write("hello")\n' >"$work/script.py"
printf 'import streamlit as st\napp = st.App("script.py")\n' >"$work/app.py"

opened() { # NAME PORT: how often a browser was opened
  : >"$work/opened"
  (cd "$work" && PATH="$work/bin:$PATH" HOME="$work" BROWSER="$work/bin/xdg-open" "$work/venv/bin/streamlit" run "$1" \
    --server.headless false --server.port "$2" --browser.gatherUsageStats false </dev/null) >"$work/log" 2>&1 &
  for _ in $(seq 120); do
    if "$work/venv/bin/python" -c "import urllib.request as u; u.urlopen('http://localhost:$2/_stcore/health')" 2>/dev/null; then
      break
    fi
    sleep 0.5
  done
  sleep 3
  wc -l <"$work/opened" | tr -d ' '
}

script=$(opened script.py 18761)
app=$(opened app.py 18762)
echo "opened for the script: $script, for the st.App: $app"
if [ "$script" != 1 ] || [ "$app" != 0 ]; then
  echo "changed: a browser is opened otherwise" >&2
  exit 1
fi
echo "as stated"
