leanrepl build --project /project --install-elan{{repl}} \
    || { mkdir -p "$ELAN_HOME/toolchains/leanprover--lean4---{{release}}" \
    && curl --fail --silent --show-error --location "https://github.com/leanprover/lean4/releases/download/{{release}}/lean-{{number}}-linux$([ "$(uname -m)" = aarch64 ] && echo _aarch64).tar.zst" | zstd --decompress | tar --extract --strip-components=1 --directory "$ELAN_HOME/toolchains/leanprover--lean4---{{release}}" \
    && leanrepl build --project /project --install-elan{{repl}}; }
